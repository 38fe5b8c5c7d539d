/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A driver that writes anything anywhere in its rings while the device reads
 * them: a thread of its own changes descriptors, indices and an indirect table
 * as fast as it can, another one kicks, and resets the device when it is broken.
 * What is written repeats from run to run; when the device looks does not.
 * ASan sees what the device should not do.
 *
 * HOSTILE_ROUNDS in the environment makes it a fuzzer.
 */
#ifndef TARN_UNIT_HOSTILE_H
#define TARN_UNIT_HOSTILE_H

#include <pthread.h>
#include <stdlib.h>

#include "machine.h"

#define HOSTILE_ROUNDS 3000
#define HOSTILE_TABLE 0x300000ULL
#define HOSTILE_TABLE_LEN 64

struct hostile {
	struct ring *rings;
	unsigned int nr;
	u64 seed;
	bool stop;
};

/* Makes descriptor @i more like those that a device takes; @r: random. Optional. */
static void (*hostile_shape)(struct vring_desc *d, u16 i, u64 r);
static u16 hostile_parts;

static inline u64 hostile_random(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Mostly what a device would take, so that it goes on to look at the rest. */
static inline struct vring_desc hostile_desc(u64 *seed, u16 i, u16 size)
{
	static const u64 edges[] = {0, RAM_SIZE - 1, RAM_SIZE, UINT64_MAX,
				    HOSTILE_TABLE};
	u64 r = hostile_random(seed);
	struct vring_desc d = {
		.addr = 0x400000 + (r & 0x3fffff),
		.len = 1 + ((r >> 22) & 0xfff),
		.flags = (r >> 34) & (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE),
		.next = (r >> 36) % size,
	};

	r = hostile_random(seed);
	if (hostile_shape)
		hostile_shape(&d, i, r >> 8);
	if (r % 16 == 0)
		d.addr = edges[(r >> 8) % ARRAY_SIZE(edges)];
	if (r % 16 == 1)
		d.len = r >> 32;
	if (r % 16 == 2)
		d.next = r >> 32;
	if (r % 16 == 3) {
		d.addr = HOSTILE_TABLE;
		d.len = 16 * (1 + (r >> 8) % HOSTILE_TABLE_LEN);
		d.flags = VRING_DESC_F_INDIRECT;
	}
	return d;
}

static inline u16 hostile_head(u64 random, u16 size)
{
	u16 head = random % size;

	/* Where each has as many descriptors, mostly the first of them. */
	return hostile_parts && random >> 16 & 7 ? head - head % hostile_parts :
						   head;
}

static inline void hostile_write(struct hostile *h)
{
	struct ring *r = &h->rings[hostile_random(&h->seed) % h->nr];
	u64 what = hostile_random(&h->seed);
	u16 i = (what >> 8) % r->size;
	struct vring_desc d;

	switch (what % 8) {
	case 0:
		if ((u16)(r->idx - ring_used_idx(r)) < r->size)
			ring_offer(r, hostile_head(what >> 16, r->size));
		break;
	case 1:
		if ((what >> 16) % 1024 == 0)
			ring_set_idx(r, what >> 32);
		break;
	case 2:
		i %= HOSTILE_TABLE_LEN;
		d = hostile_desc(&h->seed, i, HOSTILE_TABLE_LEN);
		table_set(r, HOSTILE_TABLE, i, d.addr, d.len, d.flags, d.next);
		break;
	case 3:
		ring_used_event(r, what >> 16);
		break;
	default:
		d = hostile_desc(&h->seed, i, r->size);
		ring_desc(r, i, d.addr, d.len, d.flags, d.next);
	}
}

static void *hostile_main(void *arg)
{
	struct hostile *h = arg;

	while (!__atomic_load_n(&h->stop, __ATOMIC_SEQ_CST))
		hostile_write(h);
	return NULL;
}

/*
 * Have @nr queues of @drv at @rings treated so, and afterwards set up again by
 * @bring_up. @also, if any, is called each round.
 */
static inline void hostile(struct driver *drv, struct ring *rings,
			   unsigned int nr, void (*bring_up)(void),
			   void (*also)(void))
{
	const char *env = getenv("HOSTILE_ROUNDS");
	struct hostile h = {.nr = nr, .seed = 0x9e3779b97f4a7c15ULL};
	long rounds = env ? atol(env) : HOSTILE_ROUNDS;
	struct ring *copy = calloc(nr, sizeof(*copy));
	pthread_t thread;
	unsigned int i;

	bring_up();
	memcpy(copy, rings, nr * sizeof(*copy));
	h.rings = copy;
	pthread_create(&thread, NULL, hostile_main, &h);
	while (rounds--) {
		for (i = 0; i < nr; i++)
			driver_kick(drv, i);
		if (also)
			also();
		if (!(status_in(drv) & VIRTIO_CONFIG_S_NEEDS_RESET))
			continue;
		bring_up();
		for (i = 0; i < nr; i++)
			WRITE_ONCE(copy[i].idx, 0);
	}
	__atomic_store_n(&h.stop, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	free(copy);
	bring_up();
}

#endif
