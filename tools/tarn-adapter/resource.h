/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of an adapter is divided. Queues are counted as NVMe counts its VQ resources: a
 * submission queue with its completion queue, the admin queue among them. Interrupts are
 * its VI resources, vectors of MSI-X.
 */
#ifndef TARN_ADAPTER_RESOURCE_H
#define TARN_ADAPTER_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

/** enum resource - in the order of the resource types of Virtualization Management */
enum resource {
	RESOURCE_QUEUES,
	RESOURCE_INTERRUPTS,
	RESOURCES,
};

/** struct amount - of each resource */
struct amount {
	uint32_t of[RESOURCES];
};

/** for_each_resource() - @r: an enum resource */
#define for_each_resource(r) for ((r) = 0; (r) < RESOURCES; (r)++)

static inline const char *resource_name(enum resource r)
{
	return r == RESOURCE_QUEUES ? "queues" : "interrupts";
}

static inline bool amount_equal(const struct amount *a, const struct amount *b)
{
	return a->of[RESOURCE_QUEUES] == b->of[RESOURCE_QUEUES] &&
	       a->of[RESOURCE_INTERRUPTS] == b->of[RESOURCE_INTERRUPTS];
}

#endif
