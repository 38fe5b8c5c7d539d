/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's side of a split ring, for tests: writes descriptors and
 * available entries into guest memory just as the test says, right or wrong.
 */
#ifndef TARN_UNIT_RING_H
#define TARN_UNIT_RING_H

#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "mem.h"

#define RING_DESC 0x1000
#define RING_AVAIL 0x2000
#define RING_USED 0x3000

/* Where tests put buffers and indirect tables. */
#define RING_DATA 0x8000
#define RING_TABLE 0x6000

struct ring {
	struct tarn_mem *mem;
	u16 size;
	u64 desc;
	u64 avail;
	u64 used;
	u16 idx;
};

static inline void ram_add(struct tarn_mem *mem, u64 gpa, u64 size, void *hva)
{
	mem->range[mem->nr++] = (struct mem_range){
		.gpa = gpa, .size = size, .hva = hva, .fd = -1};
	mem->size += size;
}

/* RAM of its own mapping, so that a step outside it faults or is reported. */
static inline u8 *ram_alloc(u64 size)
{
	u8 *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

static inline void ring_init(struct ring *r, struct tarn_mem *mem, u16 size)
{
	*r = (struct ring){.mem = mem,
			   .size = size,
			   .desc = RING_DESC,
			   .avail = RING_AVAIL,
			   .used = RING_USED};
}

static inline void table_set(struct ring *r, u64 table, u16 i, u64 addr,
			     u32 len, u16 flags, u16 next)
{
	struct vring_desc d = {addr, len, flags, next};

	if (tarn_mem_write(r->mem, table + 16 * i, &d, sizeof(d)))
		abort();
}

static inline void ring_desc(struct ring *r, u16 i, u64 addr, u32 len,
			     u16 flags, u16 next)
{
	table_set(r, r->desc, i, addr, len, flags, next);
}

static inline void ring_set_idx(struct ring *r, u16 idx)
{
	r->idx = idx;
	if (tarn_mem_write(r->mem, r->avail + 2, &idx, 2))
		abort();
}

static inline void ring_offer(struct ring *r, u16 head)
{
	if (tarn_mem_write(r->mem, r->avail + 4 + 2 * (r->idx % r->size),
			   &head, 2))
		abort();
	ring_set_idx(r, r->idx + 1);
}

static inline void ring_used_event(struct ring *r, u16 event)
{
	tarn_mem_write(r->mem, r->avail + 4 + 2 * r->size, &event, 2);
}

static inline void ring_avail_flags(struct ring *r, u16 flags)
{
	tarn_mem_write(r->mem, r->avail, &flags, 2);
}

static inline u16 ring_avail_event(struct ring *r)
{
	u16 event;

	tarn_mem_read(r->mem, r->used + 4 + 8 * r->size, &event, 2);
	return event;
}

static inline u16 ring_used_flags(struct ring *r)
{
	u16 flags;

	tarn_mem_read(r->mem, r->used, &flags, 2);
	return flags;
}

static inline u16 ring_used_idx(struct ring *r)
{
	u16 idx;

	tarn_mem_read(r->mem, r->used + 2, &idx, 2);
	return idx;
}

static inline struct vring_used_elem ring_used(struct ring *r, u16 i)
{
	struct vring_used_elem elem;

	tarn_mem_read(r->mem, r->used + 4 + 8 * (i % r->size), &elem,
		      sizeof(elem));
	return elem;
}

#endif
