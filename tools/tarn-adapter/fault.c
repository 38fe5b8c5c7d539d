// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transactions of virtual functions that the IOMMU has blocked: the guest is told, and one
 * that goes on with it is fenced, and no other.
 */
#include <stdio.h>

#include "kmsg.h"
#include "manager.h"

#define WINDOW_MS 60000

static bool is_too_many(struct manager *m, struct vf *vf)
{
	int64_t now = clock_ms();

	if (!vf->recent || now - vf->window >= WINDOW_MS) {
		vf->window = now;
		vf->recent = 0;
	}
	vf->recent++;
	return m->file.faults && vf->recent >= m->file.faults;
}

static void fence(struct manager *m, struct vf *vf)
{
	char why[100];

	snprintf(why, sizeof(why), "%u of its transactions were blocked within a minute",
		 vf->recent);
	vf->recent = 0;
	lease_bar(m, vf, why, "fenced-for-faults");
}

static void tell(struct manager *m, struct vf *vf, const struct kmsg_fault *fault)
{
	bool dma = fault->kind == KMSG_DMA;

	notice(m, vf, dma ? "dma-blocked" : "interrupt-blocked",
	       json_pack("{s:I, s:b, s:i}", dma ? "iova" : "index",
			 (json_int_t)fault->address, "write", fault->write, "reason",
			 fault->reason),
	       "%s 0x%llx was blocked, reason 0x%x",
	       !dma ? "an interrupt by entry" : fault->write ? "a write to" : "a read of",
	       (unsigned long long)fault->address, fault->reason);
	if (vf->peer && dma)
		peer_send(vf->peer, json_pack("{s:s, s:I, s:b, s:i}", "type", "dma_blocked",
					      "iova", (json_int_t)fault->address, "write",
					      fault->write, "reason", fault->reason), -1);
}

void fault_take(struct manager *m, const struct kmsg_fault *fault)
{
	struct vf *vf;

	if (fault->kind == KMSG_SUPPRESSED) {
		m->suppressed += fault->count;
		notice(m, NULL, "faults-suppressed",
		       json_pack("{s:I}", "count", (json_int_t)fault->count),
		       "the kernel has not told of %llu blocked transactions, of this adapter or others",
		       (unsigned long long)fault->count);
		return;
	}
	if (fault->kind == KMSG_OTHER)
		return;
	vf = adapter_find(&m->adapter, &fault->bdf, fault->any_domain);
	if (!vf)
		return;
	vf->faults++;
	tell(m, vf, fault);
	if (is_too_many(m, vf) && vf_is_let(vf))
		fence(m, vf);
}
