/* SPDX-License-Identifier: GPL-2.0-only */
/* Registers of an NVMe controller, and Identify's answers as far as they are read. */
#ifndef TARN_ADJUNCT_IMAGE_NVME_REGS_H
#define TARN_ADJUNCT_IMAGE_NVME_REGS_H

#include "adjunct/image/nvme.h"

#define NVME_CAP 0x00
#define NVME_CC 0x14
#define NVME_CSTS 0x1c
#define NVME_AQA 0x24
#define NVME_ASQ 0x28
#define NVME_ACQ 0x30
#define NVME_DOORBELLS 0x1000

#define NVME_CAP_ENTRIES(cap) (((cap) & 0xffff) + 1)
#define NVME_CAP_TIMEOUT_MS(cap) (((cap) >> 24 & 0xff) * 500)
#define NVME_CAP_STRIDE(cap) (4U << ((cap) >> 32 & 0xf))
#define NVME_CAP_PAGE_MIN(cap) ((cap) >> 48 & 0xf) /* as a power of 2, from 4 KiB */

#define NVME_CC_ENABLE (1U << 0)
/* Entries of 64 and 16 bytes, pages of 4 KiB, the NVM command set. */
#define NVME_CC_FORMAT (6U << 16 | 4U << 20)
#define NVME_CC_SHUTDOWN (1U << 14)

#define NVME_CSTS_READY (1U << 0)
#define NVME_CSTS_FATAL (1U << 1)
#define NVME_CSTS_SHUTDOWN(csts) ((csts) >> 2 & 3)
#define NVME_CSTS_SHUTDOWN_DONE 2

/* Commands of the controller's own queue. */
#define NVME_CREATE_SQ 0x01
#define NVME_CREATE_CQ 0x05
#define NVME_IDENTIFY 0x06
#define NVME_SET_FEATURES 0x09
#define NVME_FEATURE_QUEUES 0x07
#define NVME_QUEUE_CONTIGUOUS (1U << 0)
#define NVME_QUEUE_INTERRUPTS (1U << 1)
#define NVME_CNS_NAMESPACE 0
#define NVME_CNS_CONTROLLER 1

/** struct nvme_identity - Identify Controller. */
struct nvme_identity {
	u16 vendor;
	u16 subsystem;
	char serial[20];
	char model[40];
	char firmware[8];
	u8 reserved1[5];
	u8 mdts;
	u8 reserved2[442];
	u16 oncs;
	u16 fuses;
	u8 fna;
	u8 vwc;
} __attribute__((packed));

#define NVME_ONCS_DATASET (1U << 2)
#define NVME_ONCS_ZEROES (1U << 3)
#define NVME_VWC_PRESENT (1U << 0)

/** struct nvme_format - of a namespace. */
struct nvme_format {
	u16 metadata;
	u8 shift;
	u8 performance;
};

/** struct nvme_namespace - Identify Namespace. */
struct nvme_namespace {
	u64 size;
	u64 capacity;
	u64 used;
	u8 features;
	u8 nr_formats;
	u8 format;
	u8 metadata;
	u8 protection;
	u8 protected;
	u8 sharing;
	u8 reservations;
	u8 progress;
	u8 deallocated;
	u8 reserved[94];
	struct nvme_format formats[64];
} __attribute__((packed));

/* What is deallocated reads as zeroes, and Write Zeroes can deallocate. */
#define NVME_DEALLOCATED_ZEROES(dlfeat) (((dlfeat) & 7) == 1 && (dlfeat) & 8)

_Static_assert(offsetof(struct nvme_identity, mdts) == 77, "byte of the specification");
_Static_assert(offsetof(struct nvme_identity, oncs) == 520, "byte of the specification");
_Static_assert(offsetof(struct nvme_identity, vwc) == 525, "byte of the specification");
_Static_assert(offsetof(struct nvme_namespace, deallocated) == 33, "byte of the specification");
_Static_assert(offsetof(struct nvme_namespace, formats) == 128, "byte of the specification");

static inline u32 nvme_read32(const struct nvme *nvme, u32 reg)
{
	return *(volatile u32 *)(nvme->bar + reg);
}

static inline void nvme_write32(struct nvme *nvme, u32 reg, u32 val)
{
	*(volatile u32 *)(nvme->bar + reg) = val;
}

/* In halves: some controllers do not take 64 bits at once. */
static inline u64 nvme_read64(const struct nvme *nvme, u32 reg)
{
	return nvme_read32(nvme, reg) | (u64)nvme_read32(nvme, reg + 4) << 32;
}

static inline void nvme_write64(struct nvme *nvme, u32 reg, u64 val)
{
	nvme_write32(nvme, reg, val);
	nvme_write32(nvme, reg + 4, val >> 32);
}

#endif
