/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of an NVMe controller as its admin queue: enough to have a function read
 * commands and write data by DMA, and interrupt.
 *
 * Failures are told on stderr; who gets one ends.
 */
#ifndef SELFTESTS_ADAPTER_NVME_H
#define SELFTESTS_ADAPTER_NVME_H

#include "vfio/vfio.h"

#define NVME_PAGE 4096U
/* Pages of DMA memory: of submission queue, completion queue and data. */
#define NVME_SQ 0
#define NVME_CQ 1
#define NVME_DATA 2
#define NVME_PAGES 3
#define NVME_DMA_SIZE (NVME_PAGES * NVME_PAGE)

/**
 * struct nvme - a controller that is up
 * @fn: the function
 * @regs: its registers, the admin queue's doorbells among them
 * @mem: a shared memory file, NVME_DMA_SIZE
 * @iova: where the function has it
 * @stride: between doorbells
 */
struct nvme {
	struct vfio_function *fn;
	volatile u8 *regs;
	u8 *mem;
	u64 iova;
	u32 stride;
	/* private: */
	u32 tail;
	u32 head;
	u16 phase;
	u16 id;
};

/** nvme_prepare() - find registers, make memory and map it at @iova. */
bool nvme_prepare(struct nvme *nvme, struct vfio_function *fn, u64 iova);

/** nvme_start() - enable the controller, from whatever it was. */
bool nvme_start(struct nvme *nvme);

/** nvme_submit() - begin Identify controller, to @iova, in the page of data or anywhere. */
void nvme_submit(struct nvme *nvme, u64 iova);

/** nvme_complete() - wait for it: its status, 0 for success, or -1 when none comes. */
int nvme_complete(struct nvme *nvme);

/** nvme_identify() - the two, with what came printed: model, serial, controller. */
bool nvme_identify(struct nvme *nvme);

/** nvme_serial() - of the page of data. */
void nvme_serial(const struct nvme *nvme, char serial[21]);

/** nvme_ready() - whether the controller says so. */
bool nvme_ready(const struct nvme *nvme);

#endif
