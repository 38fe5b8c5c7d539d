// SPDX-License-Identifier: GPL-2.0-only
/* See nvme.h. Numbers are those of the NVMe base specification. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nvme.h"

#define REG_CAP 0x00
#define REG_CC 0x14
#define REG_CSTS 0x1c
#define REG_AQA 0x24
#define REG_ASQ 0x28
#define REG_ACQ 0x30
#define REG_DOORBELLS 0x1000

#define CC_ENABLE (1U | 6U << 16 | 4U << 20) /* entries of 64 and of 16 bytes */
#define CSTS_READY 1U
#define CSTS_FAILED 2U

#define ADMIN_IDENTIFY 0x06
#define IDENTIFY_CONTROLLER 1

#define ENTRIES 16U
#define WAIT_MS 20000

struct command {
	u8 opcode;
	u8 flags;
	u16 id;
	u32 nsid;
	u64 unused[2];
	u64 prp[2];
	u32 cdw10[6];
};

struct completion {
	u32 result;
	u32 unused;
	u16 head;
	u16 queue;
	u16 id;
	u16 status;
};

static u32 read32(const struct nvme *nvme, u32 off)
{
	return *(volatile u32 *)(nvme->regs + off);
}

static void write32(struct nvme *nvme, u32 off, u32 val)
{
	*(volatile u32 *)(nvme->regs + off) = val;
}

static void write64(struct nvme *nvme, u32 off, u64 val)
{
	*(volatile u64 *)(nvme->regs + off) = val;
}

bool nvme_ready(const struct nvme *nvme)
{
	return read32(nvme, REG_CSTS) & CSTS_READY;
}

bool nvme_prepare(struct nvme *nvme, struct vfio_function *fn, u64 iova)
{
	int fd = memfd_create("dma", MFD_CLOEXEC);

	memset(nvme, 0, sizeof(*nvme));
	nvme->fn = fn;
	nvme->iova = iova;
	if (fd < 0 || ftruncate(fd, NVME_DMA_SIZE))
		return false;
	nvme->mem = mmap(NULL, NVME_DMA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	/* Registers, and the doorbells of the admin queue behind them. */
	nvme->regs = vfio_bar_ptr(vfio_function_bar(fn, 0), 0, REG_DOORBELLS + 8);
	if (nvme->mem == MAP_FAILED || !nvme->regs) {
		fprintf(stderr, "no memory, or registers in a hole\n");
		return false;
	}
	return !vfio_function_map(fn, iova, nvme->mem, NVME_DMA_SIZE, true);
}

static bool wait_ready(struct nvme *nvme, bool ready)
{
	unsigned int ms;

	for (ms = 0; ms < WAIT_MS; ms++) {
		if (read32(nvme, REG_CSTS) & CSTS_FAILED)
			break;
		if (nvme_ready(nvme) == ready)
			return true;
		poll(NULL, 0, 1);
	}
	fprintf(stderr, "controller status %x after %u ms\n", read32(nvme, REG_CSTS), ms);
	return false;
}

bool nvme_start(struct nvme *nvme)
{
	write32(nvme, REG_CC, 0);
	if (!wait_ready(nvme, false))
		return false;
	memset(nvme->mem, 0, NVME_DMA_SIZE);
	nvme->tail = 0;
	nvme->head = 0;
	nvme->phase = 1;
	nvme->stride = 4U << (*(volatile u64 *)(nvme->regs + REG_CAP) >> 32 & 15);
	write32(nvme, REG_AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	write64(nvme, REG_ASQ, nvme->iova + NVME_SQ * NVME_PAGE);
	write64(nvme, REG_ACQ, nvme->iova + NVME_CQ * NVME_PAGE);
	write32(nvme, REG_CC, CC_ENABLE);
	return wait_ready(nvme, true);
}

void nvme_submit(struct nvme *nvme, u64 iova)
{
	struct command *queue = (void *)(nvme->mem + NVME_SQ * NVME_PAGE);
	struct command *cmd = &queue[nvme->tail];

	memset(cmd, 0, sizeof(*cmd));
	cmd->opcode = ADMIN_IDENTIFY;
	cmd->id = ++nvme->id;
	cmd->prp[0] = iova;
	cmd->cdw10[0] = IDENTIFY_CONTROLLER;
	nvme->tail = (nvme->tail + 1) % ENTRIES;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	write32(nvme, REG_DOORBELLS, nvme->tail);
}

int nvme_complete(struct nvme *nvme)
{
	volatile struct completion *queue = (void *)(nvme->mem + NVME_CQ * NVME_PAGE);
	volatile struct completion *done = &queue[nvme->head];
	unsigned int ms;
	u16 status;

	for (ms = 0; (done->status & 1) != nvme->phase; ms++) {
		if (ms == WAIT_MS) {
			fprintf(stderr, "no completion, controller status %x\n",
				read32(nvme, REG_CSTS));
			return -1;
		}
		poll(NULL, 0, 1);
	}
	status = done->status >> 1;
	if (done->id != nvme->id) {
		fprintf(stderr, "completion of %u, not of %u\n", done->id, nvme->id);
		return -1;
	}
	nvme->head = (nvme->head + 1) % ENTRIES;
	if (!nvme->head)
		nvme->phase ^= 1;
	write32(nvme, REG_DOORBELLS + nvme->stride, nvme->head);
	return status;
}

void nvme_serial(const struct nvme *nvme, char serial[21])
{
	size_t len;

	memcpy(serial, nvme->mem + NVME_DATA * NVME_PAGE + 4, 20);
	for (len = 20; len && serial[len - 1] == ' '; len--)
		;
	serial[len] = '\0';
}

bool nvme_identify(struct nvme *nvme)
{
	u8 *data = nvme->mem + NVME_DATA * NVME_PAGE;
	char serial[21];
	int status;
	u16 id;

	memset(data, 0xee, NVME_PAGE);
	nvme_submit(nvme, nvme->iova + NVME_DATA * NVME_PAGE);
	status = nvme_complete(nvme);
	if (status) {
		fprintf(stderr, "Identify ended with status %x\n", status);
		return false;
	}
	nvme_serial(nvme, serial);
	memcpy(&id, data + 78, sizeof(id));
	printf("serial %s controller %u\n", serial, id);
	return true;
}
