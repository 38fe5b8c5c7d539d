// SPDX-License-Identifier: GPL-2.0-only
/* See magazine.h. */
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/topology.h>

#include "pool/chunk.h"
#include "pool/frame.h"
#include "pool/magazine.h"
#include "pool/pool.h"
#include "pool/waiter.h"

/* All together hold no more than this part of a pool. */
#define MAGAZINES_PART	64

/* Each call of node->lock moves half a magazine. */
static unsigned int half(const struct tarn_pool *pool)
{
	return READ_ONCE(pool->magazine_frames) / 2;
}

int tarn_magazines_create(struct tarn_pool *pool)
{
	int cpu;

	pool->magazines = alloc_percpu(struct tarn_magazine);
	if (!pool->magazines)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct tarn_magazine *m = per_cpu_ptr(pool->magazines, cpu);

		spin_lock_init(&m->lock);
		m->nid = cpu_to_node(cpu);
	}
	return 0;
}

/* The pool has another size. */
void tarn_magazines_set(struct tarn_pool *pool)
{
	u64 frames = pool->frames / (MAGAZINES_PART * num_online_cpus());

	lockdep_assert_held(&pool->resize_lock);
	WRITE_ONCE(pool->magazine_frames,
		   min_t(u64, frames, TARN_MAGAZINE_MOST));
}

/**
 * tarn_magazine_take() - take a frame that this CPU has at hand
 * @n: of this node
 *
 * Context: any.
 * Return: the frame; TARN_FRAME_NONE if there is none, and the node has none to
 * spare or is not this CPU's.
 */
u64 tarn_magazine_take(struct tarn_node *n)
{
	struct tarn_magazine *m = raw_cpu_ptr(n->pool->magazines);
	unsigned int want = half(n->pool);
	u64 frame = TARN_FRAME_NONE;

	if (!want || m->nid != n->nid)
		return TARN_FRAME_NONE;
	/* The task may be on another CPU by now: no harm, there is the lock. */
	spin_lock(&m->lock);
	if (!m->count && !tarn_waiters_any(n->pool))
		m->count = tarn_node_take(n, READ_ONCE(n->low), m->frame, want);
	if (m->count)
		frame = m->frame[--m->count];
	spin_unlock(&m->lock);
	return frame;
}

/**
 * tarn_magazine_put() - keep a free frame at hand
 * @n: its node
 * @chunk: its chunk
 * @frame: nobody's
 *
 * Context: any.
 * Return: false if it has to go where all can see it.
 */
bool tarn_magazine_put(struct tarn_node *n, const struct tarn_chunk *chunk,
		       u64 frame)
{
	struct tarn_magazine *m = raw_cpu_ptr(n->pool->magazines);
	unsigned int most = 2 * half(n->pool);
	bool put = false;

	/* Below the mark each frame counts. */
	if (!most || m->nid != n->nid ||
	    READ_ONCE(n->free) < READ_ONCE(n->low))
		return false;
	spin_lock(&m->lock);
	if (tarn_waiters_any(n->pool) || READ_ONCE(chunk->leaving))
		goto out;
	/* The pool may have become smaller. */
	while (m->count >= most) {
		unsigned int back = min(m->count, most / 2);

		m->count -= back;
		tarn_node_give(n, m->frame + m->count, back);
	}
	m->frame[m->count++] = frame;
	put = true;
out:
	spin_unlock(&m->lock);
	return put;
}

static bool empty(struct tarn_pool *pool, struct tarn_magazine *m)
{
	bool any;

	spin_lock(&m->lock);
	any = m->count;
	if (any)
		tarn_node_give(pool->nodes[m->nid], m->frame, m->count);
	WRITE_ONCE(m->count, 0);
	spin_unlock(&m->lock);
	return any;
}

/**
 * tarn_magazines_empty() - put all that CPUs have at hand where all can see it
 * @pool: the pool
 *
 * Who was waiting already is not served: they emptied the magazines themselves.
 *
 * Context: any; pool->wait_lock may be held.
 * Return: whether there was any.
 */
bool tarn_magazines_empty(struct tarn_pool *pool)
{
	bool any = false;
	int cpu;

	for_each_possible_cpu(cpu)
		any |= empty(pool, per_cpu_ptr(pool->magazines, cpu));
	return any;
}

/* Frames of a node that CPUs have at hand; a moment's value. */
u64 tarn_magazines_count(struct tarn_pool *pool, int nid)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct tarn_magazine *m = per_cpu_ptr(pool->magazines, cpu);

		if (m->nid == nid)
			sum += READ_ONCE(m->count);
	}
	return sum;
}
