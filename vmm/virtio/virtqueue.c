// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's side of split virtqueues; see virtqueue.h.
 *
 * Barriers, with the driver's vring code as the partner:
 *  - avail->idx is read with acquire, so the entries and descriptors that it
 *    announces are seen; pairs with the driver's virtio_wmb() before its store.
 *  - used->idx is stored with release, so the entries come first; pairs with
 *    the driver's virtio_rmb() after its load.
 *  - A full barrier lies between "tell what I have seen" and "look again" on
 *    both sides: used->idx and used_event here, avail_event and avail->idx in
 *    vq_kick_on(). Without it both sides could wait for each other.
 */
#include <errno.h>
#include <string.h>

#include "mem.h"
#include "virtio/virtqueue.h"

void vq_init(struct virtqueue *vq, struct tarn_mem *mem, u16 max_size)
{
	memset(vq, 0, sizeof(*vq));
	vq->mem = mem;
	vq->max_size = max_size;
	vq_reset(vq);
}

void vq_reset(struct virtqueue *vq)
{
	struct tarn_mem *mem = vq->mem;
	u16 max_size = vq->max_size;

	memset(vq, 0, sizeof(*vq));
	vq->mem = mem;
	vq->max_size = max_size;
	vq->size = max_size;
}

int vq_break(struct virtqueue *vq, const char *why)
{
	if (!vq->broken)
		vq->broken = why;
	return -EIO;
}

int vq_enable(struct virtqueue *vq)
{
	u32 n = vq->size;

	if (!n || n > vq->max_size || (n & (n - 1)))
		return -EINVAL;
	if (!IS_ALIGNED(vq->desc_gpa, 16) || !IS_ALIGNED(vq->avail_gpa, 2) ||
	    !IS_ALIGNED(vq->used_gpa, 4))
		return -EINVAL;
	/* Both rings end with an event index, whether it is in use or not. */
	vq->desc = tarn_mem_ptr(vq->mem, vq->desc_gpa, 16 * n);
	vq->avail = tarn_mem_ptr(vq->mem, vq->avail_gpa, 6 + 2 * n);
	vq->used = tarn_mem_ptr(vq->mem, vq->used_gpa, 6 + 8 * n);
	if (!vq->desc || !vq->avail || !vq->used)
		return -EFAULT;
	vq->last_avail = 0;
	vq->used_idx = 0;
	vq->published = 0;
	vq->inflight = 0;
	vq->signalled_valid = false;
	vq->broken = NULL;
	vq->enabled = true;
	return 0;
}

int vq_restore(struct virtqueue *vq, u16 last_avail, u16 used_idx)
{
	int ret = vq_enable(vq);

	if (ret)
		return ret;
	vq->last_avail = last_avail;
	vq->used_idx = used_idx;
	vq->published = used_idx;
	return 0;
}

void vq_resume_at(struct virtqueue *vq, u16 last_avail)
{
	vq->last_avail = last_avail;
	vq->used_idx = le16toh(READ_ONCE(vq->used->idx));
	vq->published = vq->used_idx;
	vq->signalled_valid = false;
}

static u16 *used_event(const struct virtqueue *vq)
{
	return (u16 *)&vq->avail->ring[vq->size];
}

static u16 *avail_event(const struct virtqueue *vq)
{
	return (u16 *)&vq->used->ring[vq->size];
}

static u16 avail_idx(const struct virtqueue *vq)
{
	return le16toh(__atomic_load_n(&vq->avail->idx, __ATOMIC_ACQUIRE));
}

bool vq_empty(const struct virtqueue *vq)
{
	return !vq->enabled || vq->broken || avail_idx(vq) == vq->last_avail;
}

/* A descriptor in memory. An indirect table may begin at any address. */
struct raw_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
} __attribute__((packed));

/* A private copy: the guest may change the original between two looks. */
static struct vring_desc desc_read(const volatile struct raw_desc *table, u16 i)
{
	return (struct vring_desc){
		.addr = le64toh(table[i].addr),
		.len = le32toh(table[i].len),
		.flags = le16toh(table[i].flags),
		.next = le16toh(table[i].next),
	};
}

/* Add one buffer that does not lie in one piece in the host. */
static int chain_add_split(struct virtqueue *vq, struct vq_chain *chain,
			   u64 gpa, u32 len, u16 *count)
{
	unsigned int used = chain->nr_out + chain->nr_in;
	struct mem_range *range;
	u64 part;

	while (len) {
		range = tarn_mem_range(vq->mem, gpa, 1);
		if (!range)
			return vq_break(vq, "buffer outside RAM");
		if (used == chain->iov_max)
			return vq_break(vq, "chain too long");
		part = min_t(u64, len, range->gpa + range->size - gpa);
		chain->iov[used].iov_base = range->hva + (gpa - range->gpa);
		chain->iov[used].iov_len = part;
		used++;
		(*count)++;
		gpa += part;
		len -= part;
	}
	return 0;
}

static int chain_add(struct virtqueue *vq, struct vq_chain *chain,
		     const struct vring_desc *desc)
{
	bool in = desc->flags & VRING_DESC_F_WRITE;
	u16 *count = in ? &chain->nr_in : &chain->nr_out;
	u32 *total = in ? &chain->in_len : &chain->out_len;
	unsigned int used = chain->nr_out + chain->nr_in;
	void *hva;

	if (!desc->len)
		return vq_break(vq, "buffer of no length");
	if (!in && chain->nr_in)
		return vq_break(vq, "readable buffer behind a writable one");
	if (desc->len > UINT32_MAX - chain->out_len - chain->in_len)
		return vq_break(vq, "chain of more than 4 GiB");
	*total += desc->len;

	if (desc->addr + (desc->len - 1) < desc->addr)
		return vq_break(vq, "buffer outside RAM");
	hva = tarn_mem_ptr(vq->mem, desc->addr, desc->len);
	if (!hva)
		return chain_add_split(vq, chain, desc->addr, desc->len, count);
	if (used == chain->iov_max)
		return vq_break(vq, "chain too long");
	chain->iov[used].iov_base = hva;
	chain->iov[used].iov_len = desc->len;
	(*count)++;
	return 0;
}

/* The table that an indirect descriptor stands for. */
static int indirect_table(struct virtqueue *vq, const struct vring_desc *desc,
			  const struct raw_desc **table, u32 *nr)
{
	if (!vq->indirect)
		return vq_break(vq, "indirect table was not negotiated");
	if (desc->flags & VRING_DESC_F_NEXT)
		return vq_break(vq, "indirect table with a successor");
	if (!desc->len || desc->len % sizeof(**table))
		return vq_break(vq, "indirect table of a bad length");
	*nr = desc->len / sizeof(**table);
	/* Anything larger could not be addressed by a 16-bit index. */
	if (*nr > UINT16_MAX + 1)
		return vq_break(vq, "indirect table too long");
	*table = tarn_mem_ptr(vq->mem, desc->addr, desc->len);
	if (!*table)
		return vq_break(vq, "indirect table outside RAM");
	return 0;
}

static int chain_walk(struct virtqueue *vq, struct vq_chain *chain)
{
	const struct raw_desc *table = vq->desc;
	struct vring_desc desc = desc_read(table, chain->head);
	bool indirect = false;
	u32 nr = vq->size;
	u32 seen = 0;
	int ret;

	if (desc.flags & VRING_DESC_F_INDIRECT) {
		ret = indirect_table(vq, &desc, &table, &nr);
		if (ret)
			return ret;
		indirect = true;
		desc = desc_read(table, 0);
	}
	for (;;) {
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return vq_break(vq, indirect ?
						    "nested indirect table" :
						    "indirect table in a chain");
		/* A chain that visits more entries than there are is a loop. */
		if (++seen > nr)
			return vq_break(vq, "endless chain");
		ret = chain_add(vq, chain, &desc);
		if (ret)
			return ret;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return 0;
		if (desc.next >= nr)
			return vq_break(vq, "successor outside the table");
		desc = desc_read(table, desc.next);
	}
}

static int chain_read(struct virtqueue *vq, struct vq_chain *chain)
{
	if (chain->head >= vq->size)
		return vq_break(vq, "head outside the ring");
	chain->nr_out = 0;
	chain->nr_in = 0;
	chain->out_len = 0;
	chain->in_len = 0;
	return chain_walk(vq, chain);
}

int vq_reread(struct virtqueue *vq, struct vq_chain *chain)
{
	return vq->broken || !vq->enabled ? -EIO : chain_read(vq, chain);
}

int vq_pop(struct virtqueue *vq, struct vq_chain *chain)
{
	u16 idx, pending;
	int ret;

	if (vq->broken)
		return -EIO;
	if (!vq->enabled)
		return 0;
	idx = avail_idx(vq);
	pending = idx - vq->last_avail;
	if (!pending)
		return 0;
	if (pending > vq->size)
		return vq_break(vq, "more entries than the ring has");

	chain->head = le16toh(READ_ONCE(
		vq->avail->ring[vq->last_avail & (vq->size - 1)]));
	/* Chains own their descriptors, so there cannot be more than these. */
	if (vq->inflight >= vq->size)
		return vq_break(vq, "more chains than descriptors");
	ret = chain_read(vq, chain);
	if (ret)
		return ret;
	vq->last_avail++;
	vq->inflight++;
	return 1;
}

void vq_unpop(struct virtqueue *vq, u16 nr)
{
	vq->last_avail -= nr;
	vq->inflight -= nr;
}

void vq_push(struct virtqueue *vq, u16 head, u32 len)
{
	struct vring_used_elem *elem =
		&vq->used->ring[vq->used_idx & (vq->size - 1)];

	WRITE_ONCE(elem->id, htole32(head));
	WRITE_ONCE(elem->len, htole32(len));
	vq->used_idx++;
	vq->inflight--;
}

static bool wants_interrupt(struct virtqueue *vq)
{
	u16 old = vq->signalled;
	bool valid = vq->signalled_valid;

	if (!vq->event_idx)
		return !(le16toh(READ_ONCE(vq->avail->flags)) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	vq->signalled = vq->published;
	vq->signalled_valid = true;
	return !valid || vring_need_event(le16toh(READ_ONCE(*used_event(vq))),
					  vq->published, old);
}

bool vq_publish(struct virtqueue *vq)
{
	if (vq->published == vq->used_idx)
		return false;
	vq->published = vq->used_idx;
	__atomic_store_n(&vq->used->idx, htole16(vq->published),
			 __ATOMIC_RELEASE);
	/* The driver sets used_event, then looks at used->idx again. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return wants_interrupt(vq);
}

void vq_kick_off(struct virtqueue *vq)
{
	/* With event indices a stale avail_event already keeps it quiet. */
	if (vq->enabled && !vq->event_idx)
		WRITE_ONCE(vq->used->flags, htole16(VRING_USED_F_NO_NOTIFY));
}

bool vq_kick_on(struct virtqueue *vq)
{
	if (!vq->enabled || vq->broken)
		return false;
	if (vq->event_idx)
		WRITE_ONCE(*avail_event(vq), htole16(vq->last_avail));
	else
		WRITE_ONCE(vq->used->flags, 0);
	/* The driver adds to the ring, then looks at what was just written. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return avail_idx(vq) != vq->last_avail;
}
