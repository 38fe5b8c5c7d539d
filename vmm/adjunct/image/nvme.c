// SPDX-License-Identifier: GPL-2.0-only
/* Queues of an NVMe function, and its registers; see nvme.h. What brings it up is in nvme-init.c. */
#include <string.h>

#include "adjunct/image/image.h"
#include "adjunct/image/nvme-regs.h"
#include "adjunct/image/nvme.h"

bool nvme_dead(const struct nvme *nvme)
{
	u32 status = nvme_read32(nvme, NVME_CSTS);

	return status == UINT32_MAX || status & NVME_CSTS_FATAL;
}

void nvme_add(struct nvme_queue *q, const struct nvme_command *cmd)
{
	memcpy(&q->sq[q->tail], cmd, sizeof(*cmd));
	q->tail = q->tail + 1 == q->depth ? 0 : q->tail + 1;
	q->sent++;
}

void nvme_ring(struct nvme_queue *q)
{
	if (q->rung == q->tail)
		return;
	/* The commands first; pairs with the device's read of the doorbell. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*q->sq_bell = q->tail;
	q->rung = q->tail;
}

bool nvme_take(struct nvme_queue *q, struct nvme_completion *cqe)
{
	const struct nvme_completion *next = &q->cq[q->head];

	if ((READ_ONCE(next->status) & 1) != q->phase)
		return false;
	/* The rest of it after its phase; pairs with the order in which it is written. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	memcpy(cqe, next, sizeof(*cqe));
	q->head++;
	if (q->head == q->depth) {
		q->head = 0;
		q->phase ^= 1;
	}
	/* One that says more than it was asked for does not make room that is not there. */
	if (q->sent)
		q->sent--;
	return true;
}

void nvme_taken(struct nvme_queue *q)
{
	*q->cq_bell = q->head;
}
