// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bringing an NVMe controller up and down: off, its own queue, on, who it is, what the
 * namespace is like, queue pairs. All of it waits, for as long as the controller says that
 * it takes at most; the VMM's watchdog knows (Documentation/design/adjuncts.rst).
 */
#include <errno.h>
#include <string.h>

#include "adjunct/image/image.h"
#include "adjunct/image/nvme-regs.h"

#define ADMIN_ENTRIES 32
/* An answer to a command of the controller's own queue comes within. */
#define ADMIN_MS 10000
/* MSI-X vector of all queues. */
#define VECTOR 0

static bool wait_ready(const struct nvme *nvme, bool ready)
{
	u64 since = clock_cycles();

	while (!!(nvme_read32(nvme, NVME_CSTS) & NVME_CSTS_READY) != ready) {
		if (clock_past(since, nvme->timeout) || (ready && nvme_dead(nvme)))
			return false;
		clock_relax();
	}
	return true;
}

static void queue_setup(struct nvme *nvme, struct nvme_queue *q, u16 id, u16 depth,
			u64 sq, u64 cq, u32 cq_bytes)
{
	memset((void *)cq, 0, cq_bytes);
	*q = (struct nvme_queue){
		.sq = (struct nvme_command *)sq,
		.cq = (struct nvme_completion *)cq,
		.sq_bell = (u32 *)(nvme->bar + NVME_DOORBELLS + 2 * id * nvme->stride),
		.cq_bell = (u32 *)(nvme->bar + NVME_DOORBELLS +
				   (2 * id + 1) * nvme->stride),
		.depth = depth,
		.phase = 1,
	};
}

/* Carry out a command of the controller's own queue. */
static int admin(struct nvme *nvme, const struct nvme_command *cmd, u32 *result,
		 u64 timeout)
{
	struct nvme_completion cqe;
	u64 since = clock_cycles();

	nvme_add(&nvme->admin, cmd);
	nvme_ring(&nvme->admin);
	while (!nvme_take(&nvme->admin, &cqe)) {
		if (clock_past(since, timeout))
			return nvme_dead(nvme) ? -EIO : -ETIMEDOUT;
		clock_relax();
	}
	nvme_taken(&nvme->admin);
	if (NVME_STATUS(cqe.status) != NVME_OK)
		return -EREMOTEIO;
	if (result)
		*result = cqe.result;
	return 0;
}

static int identify(struct nvme *nvme, u32 nsid, u32 cns, u64 timeout)
{
	const struct nvme_command cmd = {
		.opcode = NVME_IDENTIFY,
		.nsid = nsid,
		.prp1 = (uintptr_t)nvme->page,
		.cdw10 = cns,
	};

	memset(nvme->page, 0, ADJUNCT_PAGE);
	return admin(nvme, &cmd, NULL, timeout);
}

static int read_identity(struct nvme *nvme, const struct adjunct_config *config,
			 struct adjunct_info *info, u64 cap)
{
	const struct nvme_identity *id = nvme->page;
	u32 unit = ADJUNCT_PAGE << NVME_CAP_PAGE_MIN(cap);
	int ret = identify(nvme, 0, NVME_CNS_CONTROLLER, config->tsc_khz * ADMIN_MS);

	if (ret)
		return ret;
	memcpy(info->model, id->model, sizeof(info->model));
	memcpy(info->serial, id->serial, sizeof(info->serial));
	memcpy(info->firmware, id->firmware, sizeof(info->firmware));
	/* 0 is no limit; what is more than 1 GiB is none for us. */
	info->transfer = id->mdts && id->mdts < 18 ? unit << id->mdts : GIB(1);
	if (id->vwc & NVME_VWC_PRESENT)
		info->features |= ADJUNCT_HAS_CACHE;
	if (id->oncs & NVME_ONCS_DATASET)
		info->features |= ADJUNCT_HAS_DISCARD;
	if (id->oncs & NVME_ONCS_ZEROES)
		info->features |= ADJUNCT_HAS_ZEROES;
	return 0;
}

static int read_namespace(struct nvme *nvme, const struct adjunct_config *config,
			  struct adjunct_info *info)
{
	const struct nvme_namespace *ns = nvme->page;
	struct nvme_format format;
	u8 index;
	int ret = identify(nvme, config->namespace, NVME_CNS_NAMESPACE,
			   config->tsc_khz * ADMIN_MS);

	if (ret)
		return ret == -EREMOTEIO ? -ENODEV : ret;
	/* Such a namespace is there, but is not attached to this controller. */
	if (!ns->size)
		return -ENODEV;
	index = (ns->format & 0xf) | (ns->format >> 5 & 3) << 4;
	format = ns->formats[index];
	/* With metadata the length of a transfer is another one, and somebody checks it. */
	if (format.metadata || ns->protected & 7)
		return -EMEDIUMTYPE;
	if (format.shift < 9 || format.shift > 12)
		return -EMEDIUMTYPE;
	if (ns->size > UINT64_MAX >> format.shift)
		return -EMEDIUMTYPE;
	nvme->shift = format.shift;
	info->block = 1U << format.shift;
	info->size = ns->size << format.shift;
	if (info->features & ADJUNCT_HAS_ZEROES &&
	    NVME_DEALLOCATED_ZEROES(ns->deallocated))
		info->features |= ADJUNCT_ZEROES_UNMAP;
	return 0;
}

static int create_pair(struct nvme *nvme, const struct adjunct_config *config, u16 i)
{
	u64 sq = config->rings + ADJUNCT_ADMIN_BYTES +
		 i * (u64)(ADJUNCT_SQ_BYTES + ADJUNCT_CQ_BYTES);
	u64 timeout = config->tsc_khz * ADMIN_MS;
	u32 id = i + 1, size = (nvme->depth - 1U) << 16 | id;
	struct nvme_command cmd = {
		.opcode = NVME_CREATE_CQ,
		.prp1 = sq + ADJUNCT_SQ_BYTES,
		.cdw10 = size,
		.cdw11 = VECTOR << 16 | NVME_QUEUE_INTERRUPTS | NVME_QUEUE_CONTIGUOUS,
	};
	int ret;

	queue_setup(nvme, &nvme->io[i], id, nvme->depth, sq, sq + ADJUNCT_SQ_BYTES,
		    ADJUNCT_CQ_BYTES);
	ret = admin(nvme, &cmd, NULL, timeout);
	if (ret)
		return ret;
	cmd.opcode = NVME_CREATE_SQ;
	cmd.prp1 = sq;
	cmd.cdw11 = id << 16 | NVME_QUEUE_CONTIGUOUS;
	return admin(nvme, &cmd, NULL, timeout);
}

/* As many as there are: the client's device has a queue for each, or fewer. */
static int create_pairs(struct nvme *nvme, const struct adjunct_config *config,
			struct adjunct_info *info)
{
	const struct nvme_command cmd = {
		.opcode = NVME_SET_FEATURES,
		.cdw10 = NVME_FEATURE_QUEUES,
		.cdw11 = (ADJUNCT_QUEUES - 1) << 16 | (ADJUNCT_QUEUES - 1),
	};
	u32 granted, most;
	int ret = admin(nvme, &cmd, &granted, config->tsc_khz * ADMIN_MS);
	u16 i;

	if (ret)
		return ret;
	most = min_t(u32, (granted & 0xffff) + 1, (granted >> 16) + 1);
	/* No doorbell lies behind the registers. */
	most = min_t(u32, most, (config->bar_size - NVME_DOORBELLS) / (2 * nvme->stride) - 1);
	most = min_t(u32, most, ADJUNCT_QUEUES);
	for (i = 0; i < most && !ret; i++)
		ret = create_pair(nvme, config, i);
	/* A controller may grant more than it has: those of shared resources do. */
	if (ret == -EREMOTEIO && i > 1) {
		i--;
		ret = 0;
	}
	nvme->nr_queues = i;
	info->nr_queues = i;
	return ret;
}

static int enable(struct nvme *nvme, const struct adjunct_config *config)
{
	u64 sq = config->rings, cq = sq + ADJUNCT_PAGE;

	nvme_write32(nvme, NVME_CC, 0);
	if (!wait_ready(nvme, false))
		return -ETIMEDOUT;
	queue_setup(nvme, &nvme->admin, 0, ADMIN_ENTRIES, sq, cq, ADJUNCT_PAGE);
	nvme->page = (void *)(cq + ADJUNCT_PAGE);
	nvme_write32(nvme, NVME_AQA, (ADMIN_ENTRIES - 1) << 16 | (ADMIN_ENTRIES - 1));
	nvme_write64(nvme, NVME_ASQ, sq);
	nvme_write64(nvme, NVME_ACQ, cq);
	nvme_write32(nvme, NVME_CC, NVME_CC_FORMAT | NVME_CC_ENABLE);
	if (wait_ready(nvme, true))
		return 0;
	return nvme_dead(nvme) ? -EIO : -ETIMEDOUT;
}

int nvme_init(struct nvme *nvme, const struct adjunct_config *config,
	      struct adjunct_info *info)
{
	u64 cap;
	int ret;

	memset(nvme, 0, sizeof(*nvme));
	memset(info, 0, sizeof(*info));
	nvme->bar = (volatile u8 *)config->bar;
	cap = nvme_read64(nvme, NVME_CAP);
	if (cap == UINT64_MAX)
		return -EIO;
	if (NVME_CAP_PAGE_MIN(cap))
		return -EOPNOTSUPP;
	nvme->stride = NVME_CAP_STRIDE(cap);
	if (config->bar_size < NVME_DOORBELLS + 4ULL * nvme->stride)
		return -EOPNOTSUPP;
	/* Some say that it takes no time. */
	nvme->timeout = config->tsc_khz *
			(NVME_CAP_TIMEOUT_MS(cap) + 500);
	nvme->depth = min_t(u32, NVME_CAP_ENTRIES(cap), ADJUNCT_SQ_ENTRIES);
	if (nvme->depth < 2)
		return -EOPNOTSUPP;
	if ((ret = enable(nvme, config)) ||
	    (ret = read_identity(nvme, config, info, cap)) ||
	    (ret = read_namespace(nvme, config, info)))
		return ret;
	return create_pairs(nvme, config, info);
}

int nvme_shutdown(struct nvme *nvme)
{
	u64 since = clock_cycles();
	u32 status;

	nvme_write32(nvme, NVME_CC, NVME_CC_FORMAT | NVME_CC_ENABLE | NVME_CC_SHUTDOWN);
	for (;;) {
		status = nvme_read32(nvme, NVME_CSTS);
		if (status == UINT32_MAX || status & NVME_CSTS_FATAL)
			return -EIO;
		if (NVME_CSTS_SHUTDOWN(status) == NVME_CSTS_SHUTDOWN_DONE)
			return 0;
		if (clock_past(since, nvme->timeout))
			return -ETIMEDOUT;
		clock_relax();
	}
}
