/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An NVMe function: its registers, its own queue and queue pairs for I/O, as NVM Express
 * 1.4 has them. It knows nothing of clients and of what a command is for.
 *
 * What the device writes (completions, Identify) is not trusted more than a guest: numbers
 * from there are checked before they are used.
 */
#ifndef TARN_ADJUNCT_IMAGE_NVME_H
#define TARN_ADJUNCT_IMAGE_NVME_H

#include "adjunct/layout.h"

/* Opcodes of I/O commands. */
#define NVME_FLUSH 0x00
#define NVME_WRITE 0x01
#define NVME_READ 0x02
#define NVME_WRITE_ZEROES 0x08
#define NVME_DATASET 0x09

/* Bits of the third parameter. */
#define NVME_FUA (1U << 30)
#define NVME_DEALLOCATE (1U << 25) /* of NVME_WRITE_ZEROES */
/* Of the second parameter of NVME_DATASET. */
#define NVME_DATASET_DEALLOCATE (1U << 2)

/* Status without its phase bit: type and code. */
#define NVME_STATUS(val) (((val) >> 1) & 0x7ff)
#define NVME_OK 0
#define NVME_INVALID_OPCODE 1

/** struct nvme_command - an entry of a submission queue. */
struct nvme_command {
	u8 opcode;
	u8 flags;
	u16 cid;
	u32 nsid;
	u64 reserved;
	u64 metadata;
	u64 prp1;
	u64 prp2;
	u32 cdw10;
	u32 cdw11;
	u32 cdw12;
	u32 cdw13;
	u32 cdw14;
	u32 cdw15;
};

/** struct nvme_completion - an entry of a completion queue. */
struct nvme_completion {
	u32 result;
	u32 reserved;
	u16 sq_head;
	u16 sq_id;
	u16 cid;
	u16 status;
};

/** struct nvme_range - of NVME_DATASET. */
struct nvme_range {
	u32 attributes;
	u32 blocks;
	u64 start;
};

/**
 * struct nvme_queue - a submission queue and the completion queue that goes with it.
 * @sq, @cq: the rings
 * @sq_bell, @cq_bell: doorbells
 * @depth: entries of each
 * @tail: where the next command goes
 * @rung: the tail that the device knows
 * @head: where the next completion comes
 * @phase: the bit by which a completion is known to be new
 * @sent: commands that have not been completed, of at most @depth - 1
 */
struct nvme_queue {
	struct nvme_command *sq;
	struct nvme_completion *cq;
	volatile u32 *sq_bell;
	volatile u32 *cq_bell;
	u16 depth;
	u16 tail;
	u16 rung;
	u16 head;
	u16 phase;
	u16 sent;
};

/**
 * struct nvme - a controller.
 * @bar: its registers
 * @stride: bytes from a doorbell to the next
 * @timeout: cycles in which it gets ready
 * @shift: of the namespace's block size
 * @depth: entries of an I/O queue
 * @nr_queues: I/O queue pairs
 * @admin: the controller's own queue
 * @page: for its answers
 */
struct nvme {
	volatile u8 *bar;
	u32 stride;
	u64 timeout;
	u32 shift;
	u16 depth;
	u16 nr_queues;
	struct nvme_queue admin;
	void *page;
	struct nvme_queue io[ADJUNCT_QUEUES];
};

/** nvme_init() - from any state to one that takes I/O commands. 0 or -errno. */
int nvme_init(struct nvme *nvme, const struct adjunct_config *config,
	      struct adjunct_info *info);

/** nvme_shutdown() - have it write out what it has, before its power goes. */
int nvme_shutdown(struct nvme *nvme);

/** nvme_dead() - whether it has failed for good, or is not there any more. */
bool nvme_dead(const struct nvme *nvme);

/** nvme_full() - whether nvme_add() has no room. */
static inline bool nvme_full(const struct nvme_queue *q)
{
	return q->sent >= q->depth - 1;
}

/** nvme_add() - put a command into the queue; it is not full. */
void nvme_add(struct nvme_queue *q, const struct nvme_command *cmd);

/** nvme_ring() - tell the device of what was added. */
void nvme_ring(struct nvme_queue *q);

/** nvme_take() - the next completion, if there is one. */
bool nvme_take(struct nvme_queue *q, struct nvme_completion *cqe);

/** nvme_taken() - tell the device that completions were taken. */
void nvme_taken(struct nvme_queue *q);

#endif
