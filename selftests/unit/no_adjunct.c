// SPDX-License-Identifier: GPL-2.0-only
/*
 * adjunct.h for tests of disks that have none: no adjunct can be made, so nothing else of it
 * is ever called.
 */
#include <errno.h>
#include <stdlib.h>

#include "adjunct/adjunct.h"

int adjunct_create(const char *node, const char *device, u32 namespace, bool read_only,
		   struct adjunct **adj)
{
	return -ENODEV;
}

void adjunct_destroy(struct adjunct *adj)
{
}

int adjuncts_place(struct vm *vm)
{
	return 0;
}

void adjuncts_stop(void)
{
}

const struct adjunct_disk *adjunct_disk(const struct adjunct *adj)
{
	abort();
}

struct loop *adjunct_loop(struct adjunct *adj)
{
	abort();
}

bool adjunct_is_donated(const struct adjunct *adj)
{
	abort();
}

bool adjunct_has_failed(const struct adjunct *adj)
{
	abort();
}

int adjunct_attach(struct adjunct *adj, const struct adjunct_client_ops *ops, void *arg)
{
	abort();
}

void adjunct_detach(struct adjunct *adj)
{
	abort();
}

void adjunct_configure(struct adjunct *adj, const struct adjunct_client_config *config)
{
	abort();
}

void adjunct_queue_start(struct adjunct *adj, u16 index, const struct virtqueue *vq,
			 const u16 *kept, u16 nr_kept)
{
	abort();
}

void adjunct_queue_resume(struct adjunct *adj, u16 index)
{
	abort();
}

u32 adjunct_queues_attached(const struct adjunct *adj)
{
	abort();
}

void adjunct_queue_stop(struct adjunct *adj, u16 index)
{
	abort();
}

int adjunct_queues_drain(struct adjunct *adj, u32 queues, unsigned int ms)
{
	abort();
}

void adjunct_queues_end(struct adjunct *adj, u32 queues, unsigned int ms)
{
	abort();
}

u16 adjunct_queue_left(const struct adjunct *adj, u16 index, const struct virtqueue *vq,
		       u16 *heads, u16 *nr)
{
	abort();
}

void adjunct_serve(struct adjunct *adj, u16 index)
{
	abort();
}

int adjunct_sync(struct adjunct *adj)
{
	abort();
}

bool adjunct_note(struct adjunct *adj, u16 index)
{
	abort();
}

void adjunct_serve_noted(void)
{
}

void adjunct_thread_is(unsigned int cpu)
{
}
