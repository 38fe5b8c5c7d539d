/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An NVMe controller for tests of an adjunct's image: a thread that watches registers and
 * doorbells, which are plain memory, and carries commands out on a disk in memory. It does
 * DMA only where it was allowed to, as an IOMMU would have it, and counts what is elsewhere.
 */
#ifndef TARN_UNIT_NVME_MODEL_H
#define TARN_UNIT_NVME_MODEL_H

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "adjunct/image/nvme-regs.h"

#define MODEL_QUEUES 4
#define MODEL_BLOCKS 8192
#define MODEL_BAR 0x4000

/**
 * struct model - the controller.
 * @bar: its registers
 * @disk: what is on it
 * @dma, @dma_size: addresses that it may reach
 * @dma_hva: where they are in this process
 * @irq_fd: its interrupt, -1: none
 * @held: commands of I/O queues are not looked at
 * @lie: it completes what nobody has asked for, with this number
 * @fail: status of the next I/O commands
 * @shift: of its blocks
 * @mdts: largest transfer
 * @metadata: of its blocks
 * @outside: accesses that were not allowed
 * @commands: by opcode
 * @fua: writes that had to last
 */
struct model {
	u8 *bar;
	u8 *disk;
	u64 dma;
	u64 dma_size;
	u8 *dma_hva;
	int irq_fd;
	bool held;
	int lie;
	u16 fail;
	u8 shift;
	u8 mdts;
	u16 metadata;
	u64 outside;
	u64 commands[256];
	u64 fua;
	u64 deallocates;
	/* private: */
	bool stop;
	bool enabled;
	pthread_t thread;
	struct {
		struct nvme_command *sq;
		struct nvme_completion *cq;
		u16 depth, cq_depth, head, tail, phase;
	} q[MODEL_QUEUES + 1];
};

static inline u32 model_reg(struct model *m, u32 reg)
{
	return __atomic_load_n((u32 *)(m->bar + reg), __ATOMIC_SEQ_CST);
}

static inline void model_set(struct model *m, u32 reg, u32 val)
{
	__atomic_store_n((u32 *)(m->bar + reg), val, __ATOMIC_SEQ_CST);
}

static inline void *model_dma(struct model *m, u64 addr, u64 len)
{
	if (addr >= m->dma && addr + len <= m->dma + m->dma_size && addr + len >= addr)
		return m->dma_hva + (addr - m->dma);
	m->outside++;
	return NULL;
}

static inline void model_identify(struct model *m, const struct nvme_command *c)
{
	u8 *page = model_dma(m, c->prp1, 4096);
	struct nvme_identity *id = (struct nvme_identity *)page;
	struct nvme_namespace *ns = (struct nvme_namespace *)page;

	if (!page)
		return;
	if (c->cdw10 == NVME_CNS_CONTROLLER) {
		memcpy(id->model, "model", 5);
		id->mdts = m->mdts;
		id->vwc = NVME_VWC_PRESENT;
		id->oncs = NVME_ONCS_DATASET | NVME_ONCS_ZEROES;
	} else if (c->nsid == 1) {
		ns->size = MODEL_BLOCKS * 512ULL >> m->shift;
		ns->formats[0].shift = m->shift;
		ns->formats[0].metadata = m->metadata;
		ns->deallocated = 9;
	}
}

/* A run of PRPs, as the specification has them for pages of 4 KiB. */
static inline void model_transfer(struct model *m, const struct nvme_command *c, u64 at,
				  u64 len, bool write)
{
	u64 *list = NULL, addr = c->prp1, done = 0, n, i = 0;
	u8 *p;

	if (len > 8192)
		list = model_dma(m, c->prp2, ((len - 1) / 4096) * 8);
	while (done < len) {
		n = len - done < 4096 ? len - done : 4096;
		p = model_dma(m, addr, n);
		if (p && write)
			memcpy(m->disk + at + done, p, n);
		else if (p)
			memcpy(p, m->disk + at + done, n);
		done += n;
		addr = list ? list[i++] : c->prp2;
	}
}

static inline u16 model_io(struct model *m, const struct nvme_command *c)
{
	u64 at = (c->cdw10 | (u64)c->cdw11 << 32) << m->shift;
	u64 len = ((c->cdw12 & 0xffff) + 1ULL) << m->shift, size = MODEL_BLOCKS * 512ULL;
	struct nvme_range *ranges;
	u32 i;

	if (m->fail)
		return m->fail;
	switch (c->opcode) {
	case NVME_FLUSH:
		return 0;
	case NVME_WRITE:
	case NVME_READ:
		m->fua += c->opcode == NVME_WRITE && c->cdw12 & NVME_FUA;
		if (at + len > size || at + len < at || (m->mdts && len > 4096ULL << m->mdts))
			return 0x80;
		model_transfer(m, c, at, len, c->opcode == NVME_WRITE);
		return 0;
	case NVME_WRITE_ZEROES:
		if (at + len > size || at + len < at)
			return 0x80;
		m->deallocates += !!(c->cdw12 & NVME_DEALLOCATE);
		memset(m->disk + at, 0, len);
		return 0;
	case NVME_DATASET:
		ranges = model_dma(m, c->prp1, (c->cdw10 + 1) * sizeof(*ranges));
		for (i = 0; ranges && i <= c->cdw10; i++) {
			at = ranges[i].start << m->shift;
			len = (u64)ranges[i].blocks << m->shift;
			if (at + len > size || at + len < at)
				return 0x80;
			memset(m->disk + at, 0, len);
		}
		return 0;
	}
	return NVME_INVALID_OPCODE;
}

static inline u16 model_admin(struct model *m, const struct nvme_command *c, u32 *result)
{
	u16 id = c->cdw10, size = (c->cdw10 >> 16) + 1;

	switch (c->opcode) {
	case NVME_IDENTIFY:
		model_identify(m, c);
		return 0;
	case NVME_SET_FEATURES:
		*result = (MODEL_QUEUES - 1) << 16 | (MODEL_QUEUES - 1);
		return 0;
	case NVME_CREATE_CQ:
	case NVME_CREATE_SQ:
		if (!id || id > MODEL_QUEUES)
			return 0x101;
		if (c->opcode == NVME_CREATE_CQ) {
			m->q[id].cq = model_dma(m, c->prp1, size * 16);
			m->q[id].cq_depth = size;
			m->q[id].tail = 0;
			m->q[id].phase = 1;
		} else {
			m->q[id].sq = model_dma(m, c->prp1, size * 64);
			m->q[id].depth = size;
			m->q[id].head = 0;
		}
		return 0;
	}
	return NVME_INVALID_OPCODE;
}

static inline void model_complete(struct model *m, u16 i, u16 cid, u16 status, u32 result)
{
	struct nvme_completion *c = &m->q[i].cq[m->q[i].tail];

	c->result = result;
	c->cid = cid;
	c->sq_head = m->q[i].head;
	__atomic_store_n(&c->status, status << 1 | m->q[i].phase, __ATOMIC_SEQ_CST);
	if (++m->q[i].tail == m->q[i].cq_depth) {
		m->q[i].tail = 0;
		m->q[i].phase ^= 1;
	}
	if (__atomic_load_n(&m->irq_fd, __ATOMIC_SEQ_CST) >= 0)
		eventfd_write(m->irq_fd, 1);
}

static inline bool model_queue(struct model *m, u16 i)
{
	u32 tail = model_reg(m, NVME_DOORBELLS + i * 8);
	struct nvme_command c;
	u16 status;
	u32 result = 0;

	if (!m->q[i].sq || !m->q[i].cq || m->q[i].head == tail || tail >= m->q[i].depth)
		return false;
	memcpy(&c, &m->q[i].sq[m->q[i].head], sizeof(c));
	m->q[i].head = (m->q[i].head + 1) % m->q[i].depth;
	status = i ? model_io(m, &c) : model_admin(m, &c, &result);
	if (i)
		__atomic_add_fetch(&m->commands[c.opcode], 1, __ATOMIC_SEQ_CST);
	if (i && m->lie >= 0)
		model_complete(m, i, m->lie, 0, 0);
	model_complete(m, i, c.cid, status, result);
	return true;
}

static inline void model_enable(struct model *m, bool on)
{
	u16 i;

	m->enabled = on;
	memset(m->q, 0, sizeof(m->q));
	for (i = 0; i < 2 * (MODEL_QUEUES + 1); i++)
		model_set(m, NVME_DOORBELLS + i * 4, 0);
	if (on) {
		m->q[0].depth = m->q[0].cq_depth = (model_reg(m, NVME_AQA) & 0xfff) + 1;
		m->q[0].phase = 1;
		m->q[0].sq = model_dma(m, model_reg(m, NVME_ASQ) |
					  (u64)model_reg(m, NVME_ASQ + 4) << 32, 4096);
		m->q[0].cq = model_dma(m, model_reg(m, NVME_ACQ) |
					  (u64)model_reg(m, NVME_ACQ + 4) << 32, 4096);
	}
	model_set(m, NVME_CSTS, on ? NVME_CSTS_READY : 0);
}

static inline void *model_main(void *arg)
{
	struct model *m = arg;
	bool any;
	u16 i;

	while (!__atomic_load_n(&m->stop, __ATOMIC_SEQ_CST)) {
		u32 cc = model_reg(m, NVME_CC);

		if (m->enabled != (cc & NVME_CC_ENABLE))
			model_enable(m, cc & NVME_CC_ENABLE);
		if (cc & NVME_CC_SHUTDOWN && m->enabled)
			model_set(m, NVME_CSTS, NVME_CSTS_READY |
							NVME_CSTS_SHUTDOWN_DONE << 2);
		any = model_queue(m, 0);
		for (i = 1; i <= MODEL_QUEUES; i++)
			if (!__atomic_load_n(&m->held, __ATOMIC_SEQ_CST))
				any |= model_queue(m, i);
		if (!any)
			usleep(20);
	}
	return NULL;
}

/* As a reset of the function does. */
static inline void model_reset(struct model *m)
{
	bool held = m->held;

	__atomic_store_n(&m->held, true, __ATOMIC_SEQ_CST);
	model_set(m, NVME_CC, 0);
	/* Of all that sleeps, what confined threads have. */
	while (model_reg(m, NVME_CSTS) & NVME_CSTS_READY)
		poll(NULL, 0, 1);
	__atomic_store_n(&m->held, held, __ATOMIC_SEQ_CST);
}

/* The model itself sees to it that @dma is where it is in this process, unless told otherwise. */
static inline void model_start(struct model *m, u64 dma, u64 dma_size)
{
	memset(m, 0, sizeof(*m));
	m->bar = mmap(NULL, MODEL_BAR, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	m->disk = calloc(MODEL_BLOCKS, 512);
	if (m->bar == MAP_FAILED || !m->disk)
		abort();
	m->dma = dma;
	m->dma_size = dma_size;
	m->dma_hva = (u8 *)dma;
	m->irq_fd = -1;
	m->shift = 9;
	m->mdts = 5;
	m->lie = -1;
	/* 64 entries, 500 ms, doorbells of 4 bytes. */
	model_set(m, NVME_CAP, 63 | 1 << 24);
	pthread_create(&m->thread, NULL, model_main, m);
}

static inline void model_end(struct model *m)
{
	__atomic_store_n(&m->stop, true, __ATOMIC_SEQ_CST);
	pthread_join(m->thread, NULL);
	munmap(m->bar, MODEL_BAR);
	free(m->disk);
}

#endif
