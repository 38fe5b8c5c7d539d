/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Admin commands of NVMe by which a primary controller divides its resources and its
 * namespaces among secondary ones, sent through the kernel's driver. Numbers of fields are
 * those of the NVM Express Base Specification 2.0, 5.17.2.20 (Identify CNS 14h and 15h) and
 * 5.34 (Virtualization Management).
 */
#ifndef TARN_ADAPTER_NVME_H
#define TARN_ADAPTER_NVME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resource.h"

/** Bytes that Identify returns. */
#define NVME_PAGE 4096
/** Secondary controllers that a list can have. */
#define NVME_SECONDARIES 127
/** Entries of a list of namespaces or controllers. */
#define NVME_LIST 1024

/**
 * struct nvme_flexible - a resource of the primary controller
 * @total: that is flexible
 * @assigned: of that, to secondary controllers
 * @primary: of that, what the primary has allocated to itself
 * @own: what it has besides, and cannot give away
 * @max: one secondary controller can have, 0: no limit is told
 * @step: it is preferably assigned in multiples of this
 */
struct nvme_flexible {
	uint32_t total;
	uint32_t assigned;
	uint32_t primary;
	uint32_t own;
	uint32_t max;
	uint32_t step;
};

/** struct nvme_primary - Primary Controller Capabilities, CNS 14h */
struct nvme_primary {
	uint16_t cntlid;
	struct nvme_flexible of[RESOURCES];
};

/**
 * struct nvme_secondary - an entry of the Secondary Controller List, CNS 15h
 * @cntlid: of it
 * @vf: its virtual function, from 1
 * @online: its state
 * @has: assigned to it
 */
struct nvme_secondary {
	uint16_t cntlid;
	uint16_t vf;
	bool online;
	struct amount has;
};

/** enum nvme_action - of Virtualization Management */
enum nvme_action {
	NVME_PRIMARY_ALLOCATE = 1,
	NVME_SECONDARY_OFFLINE = 7,
	NVME_SECONDARY_ASSIGN = 8,
	NVME_SECONDARY_ONLINE = 9,
};

/* ---- what pages of Identify say --------------------------------------------------- */

void nvme_decode_primary(const uint8_t *page, struct nvme_primary *primary);

/** nvme_decode_secondaries() - Return: how many, NVME_SECONDARIES at most. */
size_t nvme_decode_secondaries(const uint8_t *page, struct nvme_secondary *list);

/** nvme_decode_list() - A list of namespaces. Return: how many, NVME_LIST at most. */
size_t nvme_decode_list(const uint8_t *page, uint32_t *list);

/** nvme_has_controller() - Whether a list of controllers names @cntlid. */
bool nvme_has_controller(const uint8_t *page, uint16_t cntlid);

/** nvme_status_text() - What a status means, as far as it can happen here. */
const char *nvme_status_text(unsigned int status);

/* ---- commands: 0 or an errno, reported unless said otherwise ------------------------ */

/** nvme_primary() - -EOPNOTSUPP, not reported: it has no Virtualization Management. */
int nvme_primary(int fd, struct nvme_primary *primary);

/** nvme_secondaries() - Return: how many, or an errno. */
int nvme_secondaries(int fd, struct nvme_secondary *list);

/** nvme_manage() - Virtualization Management. */
int nvme_manage(int fd, enum nvme_action action, uint16_t cntlid, enum resource r,
		uint32_t count);

/** nvme_attach_only() - Attach to a controller these namespaces and no others. */
int nvme_attach_only(int fd, uint16_t cntlid, const uint32_t *nsids, size_t count);

/** nvme_has_only() - Whether it has these and no others. Return: 1, 0, or an errno. */
int nvme_has_only(int fd, uint16_t cntlid, const uint32_t *nsids, size_t count);

/**
 * nvme_controllers() - Who has a namespace.
 * @page: of NVME_PAGE, for nvme_has_controller()
 */
int nvme_controllers(int fd, uint32_t nsid, uint8_t *page);

/** nvme_reset() - Reset the controller, and wait until the kernel's driver has it again. */
int nvme_reset(int fd);

#endif
