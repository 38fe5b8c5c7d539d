// SPDX-License-Identifier: GPL-2.0-only
/* See nvme.h. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/nvme_ioctl.h>

#include "error.h"
#include "nvme.h"

#define OPCODE_IDENTIFY 0x06
#define OPCODE_ATTACH 0x15
#define OPCODE_VIRTUALIZATION 0x1c

#define CNS_ALLOCATED_NAMESPACES 0x10
#define CNS_ATTACHED_CONTROLLERS 0x12
#define CNS_PRIMARY 0x14
#define CNS_SECONDARIES 0x15

/* A controller that does not answer for so long has failed. */
#define TIMEOUT_MS 15000

#define STATUS_MASK 0x7ff
#define STATUS_INVALID_OPCODE 0x001
#define STATUS_INVALID_FIELD 0x002

/* ---- pages ------------------------------------------------------------------------ */

static uint16_t get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return le16toh(value);
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

void nvme_decode_primary(const uint8_t *page, struct nvme_primary *primary)
{
	enum resource r;

	primary->cntlid = get16(page);
	for_each_resource(r) {
		const uint8_t *at = page + 32 + 32 * r;

		primary->of[r] = (struct nvme_flexible){
			.total = get32(at),
			.assigned = get32(at + 4),
			.primary = get16(at + 8),
			.own = get16(at + 10),
			.max = get16(at + 12),
			.step = get16(at + 14),
		};
	}
}

size_t nvme_decode_secondaries(const uint8_t *page, struct nvme_secondary *list)
{
	size_t count = page[0] > NVME_SECONDARIES ? NVME_SECONDARIES : page[0], i;

	for (i = 0; i < count; i++) {
		const uint8_t *at = page + 32 + 32 * i;

		list[i] = (struct nvme_secondary){
			.cntlid = get16(at),
			.online = at[4] & 1,
			.vf = get16(at + 8),
			.has.of = { get16(at + 10), get16(at + 12) },
		};
	}
	return count;
}

size_t nvme_decode_list(const uint8_t *page, uint32_t *list)
{
	size_t i;

	for (i = 0; i < NVME_LIST; i++) {
		list[i] = get32(page + 4 * i);
		if (!list[i])
			break;
	}
	return i;
}

bool nvme_has_controller(const uint8_t *page, uint16_t cntlid)
{
	size_t count = get16(page), i;

	for (i = 0; i < count && i < NVME_PAGE / 2 - 1; i++) {
		if (get16(page + 2 + 2 * i) == cntlid)
			return true;
	}
	return false;
}

const char *nvme_status_text(unsigned int status)
{
	switch (status & STATUS_MASK) {
	case STATUS_INVALID_OPCODE:
		return "it does not know this command";
	case STATUS_INVALID_FIELD:
		return "a field is invalid";
	case 0x00b:
		return "there is no such namespace";
	case 0x118:
		return "the namespace is attached already";
	case 0x119:
		return "the namespace is private, and attached to another controller";
	case 0x11a:
		return "the namespace is not attached";
	case 0x11c:
		return "there is no such controller";
	case 0x11f:
		return "there is no such controller";
	case 0x120:
		return "the secondary controller is not in a state for it, or lacks resources";
	case 0x121:
		return "so much cannot be given to one controller";
	case 0x122:
		return "so much is not left";
	}
	return "no reason that is known here";
}

/* ---- commands --------------------------------------------------------------------- */

/* Return: 0, an errno, or a positive status of the controller. */
static int submit(int fd, struct nvme_admin_cmd *cmd)
{
	int ret;

	cmd->timeout_ms = TIMEOUT_MS;
	do
		ret = ioctl(fd, NVME_IOCTL_ADMIN_CMD, cmd);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

static int report(int ret, const char *what)
{
	if (ret > 0) {
		err("the adapter refuses to %s: %s (status 0x%x)", what, nvme_status_text(ret),
		    ret & STATUS_MASK);
		return -EREMOTEIO;
	}
	return ret ? err_errno(ret, "have the adapter %s", what) : 0;
}

/* Return: as submit(). */
static int identify(int fd, uint8_t cns, uint16_t cntlid, uint32_t nsid, uint8_t *page)
{
	struct nvme_admin_cmd cmd = {
		.opcode = OPCODE_IDENTIFY,
		.nsid = nsid,
		.addr = (uintptr_t)page,
		.data_len = NVME_PAGE,
		.cdw10 = cns | (uint32_t)cntlid << 16,
	};

	memset(page, 0, NVME_PAGE);
	return submit(fd, &cmd);
}

int nvme_primary(int fd, struct nvme_primary *primary)
{
	uint8_t page[NVME_PAGE];
	int ret = identify(fd, CNS_PRIMARY, 0, 0, page);

	if (ret > 0 && ((ret & STATUS_MASK) == STATUS_INVALID_FIELD ||
			(ret & STATUS_MASK) == STATUS_INVALID_OPCODE))
		return -EOPNOTSUPP;
	if (ret)
		return report(ret, "say what it can give to others");
	nvme_decode_primary(page, primary);
	return primary->of[RESOURCE_QUEUES].total ? 0 : -EOPNOTSUPP;
}

int nvme_secondaries(int fd, struct nvme_secondary *list)
{
	uint8_t page[NVME_PAGE];
	int ret = identify(fd, CNS_SECONDARIES, 0, 0, page);

	if (ret)
		return report(ret, "list its secondary controllers");
	return nvme_decode_secondaries(page, list);
}

static const char *action_text(enum nvme_action action)
{
	switch (action) {
	case NVME_PRIMARY_ALLOCATE:
		return "keep resources for its primary controller";
	case NVME_SECONDARY_OFFLINE:
		return "take a secondary controller offline";
	case NVME_SECONDARY_ASSIGN:
		return "give resources to a secondary controller";
	case NVME_SECONDARY_ONLINE:
		return "take a secondary controller online";
	}
	return "manage its resources";
}

int nvme_manage(int fd, enum nvme_action action, uint16_t cntlid, enum resource r,
		uint32_t count)
{
	struct nvme_admin_cmd cmd = {
		.opcode = OPCODE_VIRTUALIZATION,
		.cdw10 = action | r << 8 | (uint32_t)cntlid << 16,
		.cdw11 = count,
	};

	return report(submit(fd, &cmd), action_text(action));
}

static int attach(int fd, uint32_t nsid, uint16_t cntlid, bool on)
{
	uint8_t page[NVME_PAGE] = { 1, 0, cntlid & 0xff, cntlid >> 8 };
	struct nvme_admin_cmd cmd = {
		.opcode = OPCODE_ATTACH,
		.nsid = nsid,
		.addr = (uintptr_t)page,
		.data_len = NVME_PAGE,
		.cdw10 = !on,
	};

	return report(submit(fd, &cmd), on ? "give a namespace to a controller" :
				     "take a namespace from a controller");
}

static bool is_among(uint32_t nsid, const uint32_t *nsids, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (nsids[i] == nsid)
			return true;
	}
	return false;
}

int nvme_controllers(int fd, uint32_t nsid, uint8_t *page)
{
	return report(identify(fd, CNS_ATTACHED_CONTROLLERS, 0, nsid, page),
		      "say where a namespace is attached");
}

static int set_attached(int fd, uint32_t nsid, uint16_t cntlid, bool on)
{
	uint8_t page[NVME_PAGE];
	int ret = nvme_controllers(fd, nsid, page);

	if (ret || nvme_has_controller(page, cntlid) == on)
		return ret;
	return attach(fd, nsid, cntlid, on);
}

/*
 * More namespaces than a list has are none of an adapter that is divided by this. Return:
 * how many there are, or an errno.
 */
static int list_namespaces(int fd, uint32_t *list)
{
	uint8_t page[NVME_PAGE];
	int ret = identify(fd, CNS_ALLOCATED_NAMESPACES, 0, 0, page);

	return ret ? report(ret, "list its namespaces") : (int)nvme_decode_list(page, list);
}

int nvme_has_only(int fd, uint16_t cntlid, const uint32_t *nsids, size_t count)
{
	uint32_t list[NVME_LIST];
	uint8_t page[NVME_PAGE];
	int nr = list_namespaces(fd, list), i, ret;

	if (nr < 0)
		return nr;
	for (i = 0; i < (int)count; i++) {
		if (!is_among(nsids[i], list, nr))
			return 0;
	}
	for (i = 0; i < nr; i++) {
		ret = nvme_controllers(fd, list[i], page);
		if (ret)
			return ret;
		if (nvme_has_controller(page, cntlid) != is_among(list[i], nsids, count))
			return 0;
	}
	return 1;
}

int nvme_attach_only(int fd, uint16_t cntlid, const uint32_t *nsids, size_t count)
{
	uint32_t list[NVME_LIST];
	int nr = list_namespaces(fd, list), ret = 0;
	size_t i;

	if (nr < 0)
		return nr;
	for (i = 0; i < count; i++) {
		if (!is_among(nsids[i], list, nr)) {
			err("the adapter has no namespace %u", nsids[i]);
			return -ENODEV;
		}
	}
	for (i = 0; !ret && i < (size_t)nr; i++)
		ret = set_attached(fd, list[i], cntlid, is_among(list[i], nsids, count));
	return ret;
}

int nvme_reset(int fd)
{
	if (ioctl(fd, NVME_IOCTL_RESET))
		return err_errno(-errno, "reset the adapter");
	return 0;
}
