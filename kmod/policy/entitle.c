// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entitlement. Frames are divided by weight among the partitions that have any.
 * Who would get less than its minimum gets that, who would get more than is
 * desired gets that; what this takes or leaves is divided among the others. The
 * minimums of all partitions are never more than the pool has.
 *
 * The store of a domain (pool/canon.h) claims nothing for itself. Its frames are charged to
 * those who share what is in them: to each page its part of what it shares (pool/canon.c), to
 * a partition what its pages have, of as many frames as the store has. Of what is charged
 * to one that is above its entitlement, the part by which it is counts as too much of the
 * store's; where it has no more than its minimum, as guaranteed to the store.
 *
 * A child (pool/donation.h) claims nothing either. Its frames count as its donor's, for the
 * minimum as well; of a donor that has ended they are left out of what is divided.
 */
#include <linux/capability.h>
#include <linux/jiffies.h>
#include <linux/math64.h>

#include "policy/entitle.h"
#include "pool/canon.h"
#include "pool/partition.h"
#include "pool/pool.h"

#define OPEN	U64_MAX
/* Each pass settles one at least; what is left after some differs little. */
#define PASSES	8
/* Reclaim has it done so often. */
#define PERIOD	(HZ / 50)

/* ---- what is shared ----------------------------------------------------- */

/* The store that a partition shares something in, or NULL. */
static struct tarn_partition *store_of(struct tarn_partition *part)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "no store without RCU");
	return atomic64_read(&part->shared) > 0 ? rcu_dereference(part->store) :
						  NULL;
}

/* To the nearest frame, so that what is charged to all is about what there is. */
static u64 charge_of(struct tarn_partition *part, struct tarn_partition *store)
{
	u64 own = max_t(s64, 0, atomic64_read(&part->share_units));
	u64 all = max_t(s64, 1, atomic64_read(&store->domain->units));

	return (mul_u64_u64_div_u64(2 * tarn_partition_resident(store),
				    min(own, all), all) + 1) / 2;
}

/* Frames of its domain's store that are charged to a partition. */
u64 tarn_entitle_charge(struct tarn_partition *part)
{
	struct tarn_partition *store;
	u64 charge;

	if (likely(!rcu_access_pointer(part->store)))
		return 0;
	rcu_read_lock();
	store = store_of(part);
	charge = store ? charge_of(part, store) : 0;
	rcu_read_unlock();
	return charge;
}

/* Frames that count as a partition's besides those of its own pages. */
static u64 frames_beside(struct tarn_partition *part)
{
	return tarn_entitle_charge(part) + READ_ONCE(part->pins.lent);
}

/* Has it any frames, or a part of any? */
static bool has_frames(struct tarn_partition *part)
{
	return tarn_partition_resident(part) || frames_beside(part);
}

static void clear_stores(struct tarn_pool *pool)
{
	struct tarn_partition *part;
	unsigned long id;

	xa_for_each(&pool->partitions, id, part) {
		if (!tarn_partition_is_store(part))
			continue;
		part->domain->excess = 0;
		part->domain->least = 0;
	}
}

/* What follows for the store from how one of those who share stands. */
static void charge(struct tarn_partition *part)
{
	struct tarn_partition *store = store_of(part);
	u64 own, entitled = READ_ONCE(part->entitled), frames, least;

	if (!store)
		return;
	own = charge_of(part, store);
	frames = max(tarn_partition_resident(part) + own +
		     READ_ONCE(part->pins.lent), 1ULL);
	least = min(READ_ONCE(part->min_frames), frames);
	store->domain->least += mul_u64_u64_div_u64(own, least, frames);
	if (frames > entitled)
		store->domain->excess += mul_u64_u64_div_u64(
				own, frames - entitled, frames);
}

/* After all partitions with files have what they are entitled to. */
static void entitle_stores(struct tarn_pool *pool)
{
	struct tarn_partition *part;
	unsigned long id;

	lockdep_assert_held(&pool->entitle_lock);
	if (!READ_ONCE(pool->nr_domains))
		return;
	clear_stores(pool);
	xa_for_each(&pool->partitions, id, part)
		charge(part);
	xa_for_each(&pool->partitions, id, part) {
		u64 frames;

		if (!tarn_partition_is_store(part))
			continue;
		frames = tarn_partition_resident(part);
		WRITE_ONCE(part->entitled,
			   frames - min(frames, part->domain->excess));
		WRITE_ONCE(part->min_frames, part->domain->least);
	}
}

/* ---- the division ------------------------------------------------------- */

/**
 * struct division - frames that are not given to anybody yet
 * @frames: how many
 * @weights: of the partitions that are to get them
 */
struct division {
	u64 frames;
	u64 weights;
};

static u64 share_of(const struct division *d, u32 weight)
{
	/* A child has no weight. */
	return weight ? mul_u64_u64_div_u64(d->frames, weight,
					    max_t(u64, d->weights, weight)) : 0;
}

/* What a child has whose donor has ended can't be given to anybody. */
static void leave_out(struct division *d, struct tarn_partition *child)
{
	if (!READ_ONCE(child->donation.donor->inode))
		d->frames -= min(d->frames, tarn_partition_resident(child));
}

static void begin(struct tarn_pool *pool, struct division *d)
{
	struct tarn_partition *part;
	unsigned long id;

	d->frames = READ_ONCE(pool->frames);
	d->weights = 0;
	xa_for_each(&pool->partitions, id, part) {
		part->share = 0;
		if (tarn_partition_is_store(part))
			continue;
		if (tarn_partition_is_child(part)) {
			leave_out(d, part);
			continue;
		}
		part->share = READ_ONCE(part->min_frames);
		if (!has_frames(part))
			continue;
		part->share = OPEN;
		d->weights += READ_ONCE(part->weight);
	}
	atomic64_set(&pool->weights, d->weights);
}

/* Give those their minimum, or what they desire, whose share goes past it. */
static bool settle(struct tarn_pool *pool, struct division *d, bool minimum)
{
	const struct division was = *d;
	struct tarn_partition *part;
	bool any = false;
	unsigned long id;

	xa_for_each(&pool->partitions, id, part) {
		u64 least = READ_ONCE(part->min_frames);
		u64 most = READ_ONCE(part->desired_frames) ?: OPEN;
		u32 weight = READ_ONCE(part->weight);
		u64 share = share_of(&was, weight);

		most = max(most, least);
		if (part->share != OPEN ||
		    (minimum ? share >= least : share <= most))
			continue;
		part->share = minimum ? least : most;
		d->frames -= min(d->frames, part->share);
		d->weights -= min_t(u64, d->weights, weight);
		any = true;
	}
	return any;
}

/**
 * tarn_entitle() - divide the frames of a pool anew
 * @pool: the pool
 *
 * Context: any that may take a spinlock.
 */
void tarn_entitle(struct tarn_pool *pool)
{
	struct tarn_partition *part;
	struct division d;
	unsigned int pass;
	unsigned long id;

	spin_lock(&pool->entitle_lock);
	rcu_read_lock();
	begin(pool, &d);
	for (pass = 0; pass < PASSES; pass++)
		if (!settle(pool, &d, true) && !settle(pool, &d, false))
			break;
	xa_for_each(&pool->partitions, id, part)
		WRITE_ONCE(part->entitled, part->share == OPEN ?
			   share_of(&d, READ_ONCE(part->weight)) : part->share);
	entitle_stores(pool);
	rcu_read_unlock();
	WRITE_ONCE(pool->entitle_due, jiffies + PERIOD);
	spin_unlock(&pool->entitle_lock);
}

/* The same, if it was not done just now and nothing was set since. */
void tarn_entitle_now_and_then(struct tarn_pool *pool)
{
	if (time_after_eq(jiffies, READ_ONCE(pool->entitle_due)))
		tarn_entitle(pool);
}

/*
 * What the weight of a partition alone entitles it to while frames are short:
 * its part of all frames among the partitions that have any.
 */
u64 tarn_entitle_fair(struct tarn_partition *part)
{
	u64 weights = atomic64_read(&part->pool->weights);
	u32 weight = READ_ONCE(part->weight);

	if (!weight)
		return 0;
	if (!has_frames(part))
		weights += weight;
	return mul_u64_u64_div_u64(READ_ONCE(part->pool->frames), weight,
				   max_t(u64, weights, weight));
}

/* Frames that it has to keep for its minimum, besides others that count as its own. */
u64 tarn_entitle_least(struct tarn_partition *part)
{
	u64 least = READ_ONCE(part->min_frames);

	return least - min(least, frames_beside(part));
}

/* Frames that it has beyond what it is entitled to, as of the last tarn_entitle(). */
u64 tarn_entitle_over(struct tarn_partition *part)
{
	u64 frames = tarn_partition_staying(part) + frames_beside(part);

	return frames - min(frames, READ_ONCE(part->entitled));
}

/*
 * How a partition stands, as of the last tarn_entitle(), once what is being taken from
 * it is gone.
 */
enum tarn_claim tarn_entitle_claim(struct tarn_partition *part)
{
	u64 frames = tarn_partition_staying(part) + frames_beside(part);

	if (frames <= READ_ONCE(part->min_frames))
		return TARN_CLAIM_MINIMUM;
	return frames > READ_ONCE(part->entitled) ? TARN_CLAIM_ABOVE :
						    TARN_CLAIM_WITHIN;
}

/* ---- settings ----------------------------------------------------------- */

/* Of what is to be set, the old value where it is not. */
static u64 pick(const struct tarn_partition_set *set, u32 flag, u64 new, u64 old)
{
	return set->flags & flag ? new : old;
}

static int set_locked(struct tarn_partition *part,
		      const struct tarn_partition_set *set)
{
	u32 weight = pick(set, TARN_PARTITION_SET_WEIGHT, set->weight,
			  part->weight);
	u64 least = pick(set, TARN_PARTITION_SET_MIN, set->min_frames,
			 part->min_frames);
	u64 most = pick(set, TARN_PARTITION_SET_DESIRED, set->desired_frames,
			part->desired_frames);
	struct tarn_pool *pool = part->pool;
	u64 others = pool->min_frames - part->min_frames;

	lockdep_assert_held(&pool->part_lock);
	if ((weight > part->weight || least > part->min_frames ||
	     most != part->desired_frames) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	/* A minimum that grows has to fit; one may sink whatever the others are. */
	if (least > part->min_frames &&
	    (least > pool->min_limit || others > pool->min_limit - least))
		return -ENOSPC;
	pool->min_frames = others + least;
	WRITE_ONCE(part->weight, weight);
	WRITE_ONCE(part->min_frames, least);
	WRITE_ONCE(part->desired_frames, most);
	WRITE_ONCE(pool->entitle_due, jiffies);
	return 0;
}

/**
 * tarn_entitle_set() - TARN_PARTITION_SET
 * @part: the partition
 * @set: checked for flags and reserved fields, not for values
 *
 * Return: 0, everything is set; -EINVAL; -EPERM the caller may not; -ENOSPC the
 * minimums would be more than the pool has.
 */
int tarn_entitle_set(struct tarn_partition *part,
		     const struct tarn_partition_set *set)
{
	int ret;

	if (set->flags & TARN_PARTITION_SET_WEIGHT &&
	    (!set->weight || set->weight > TARN_WEIGHT_MAX))
		return -EINVAL;
	mutex_lock(&part->pool->part_lock);
	ret = set_locked(part, set);
	mutex_unlock(&part->pool->part_lock);
	return ret;
}

/**
 * tarn_entitle_limit() - say how many frames minimums may add up to
 * @pool: the pool
 * @frames: that many
 *
 * Context: process.
 * Return: 0 or -ENOSPC: more is guaranteed already.
 */
int tarn_entitle_limit(struct tarn_pool *pool, u64 frames)
{
	int ret = 0;

	mutex_lock(&pool->part_lock);
	if (pool->min_frames > frames)
		ret = -ENOSPC;
	else
		pool->min_limit = frames;
	mutex_unlock(&pool->part_lock);
	return ret;
}

/* A partition goes, and its minimum with it. */
void tarn_entitle_remove(struct tarn_partition *part)
{
	mutex_lock(&part->pool->part_lock);
	part->pool->min_frames -= part->min_frames;
	WRITE_ONCE(part->min_frames, 0);
	mutex_unlock(&part->pool->part_lock);
}
