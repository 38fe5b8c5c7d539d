// SPDX-License-Identifier: GPL-2.0-only
/*
 * Partitions as objects: their page tables and accounts. How they are made and end is
 * fs/life.c's.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "pool/canon.h"
#include "pool/home.h"
#include "pool/partition.h"
#include "pool/pattern.h"
#include "pool/pool.h"

/* ---- page table --------------------------------------------------------- */

static struct tarn_leaf *leaf_create(struct tarn_partition *part, u64 index)
{
	struct tarn_leaf *leaf, *other;
	struct page *page;

	leaf = kzalloc(sizeof(*leaf), GFP_KERNEL_ACCOUNT);
	if (!leaf)
		return NULL;
	page = alloc_pages_node(tarn_home_pick(part),
				GFP_KERNEL_ACCOUNT | __GFP_ZERO, 0);
	if (!page)
		goto err_leaf;
	leaf->entry = page_address(page);
	BUILD_BUG_ON(MAX_NUMNODES > S16_MAX);
	leaf->want = NUMA_NO_NODE;
	set_page_private(page, (unsigned long)leaf);
	other = xa_cmpxchg(&part->leaves, index >> TARN_LEAF_SHIFT, NULL, leaf,
			   GFP_KERNEL_ACCOUNT);
	if (!other) {
		atomic64_add(PAGE_SIZE + sizeof(*leaf), &part->pool->metadata);
		atomic64_inc(&part->nr_leaves);
		atomic_inc(&part->node[page_to_nid(page)].table_pages);
		return leaf;
	}
	free_page((unsigned long)leaf->entry);
	kfree(leaf);
	return xa_is_err(other) ? NULL : other;

err_leaf:
	kfree(leaf);
	return NULL;
}

/**
 * tarn_partition_leaf() - find the leaf of a page
 * @part: partition
 * @index: page
 * @create: make it if it is not there
 *
 * Context: any without @create, else process.
 * Return: the leaf, valid as long as @part; NULL if there is none or no memory
 * for one.
 */
struct tarn_leaf *tarn_partition_leaf(struct tarn_partition *part, u64 index,
				      bool create)
{
	struct tarn_leaf *leaf = xa_load(&part->leaves,
					 index >> TARN_LEAF_SHIFT);

	if (!leaf && create)
		leaf = leaf_create(part, index);
	return leaf;
}

/* The checksums of a leaf, made if need be; NULL without memory. */
u32 *tarn_leaf_sums(struct tarn_partition *part, struct tarn_leaf *leaf)
{
	u32 *sum = READ_ONCE(leaf->sum), *other;

	if (sum)
		return sum;
	sum = kcalloc_node(TARN_LEAF_PAGES, sizeof(*sum), GFP_KERNEL_ACCOUNT,
			   page_to_nid(virt_to_page(leaf->entry)));
	if (!sum)
		return NULL;
	other = cmpxchg(&leaf->sum, NULL, sum);
	if (other) {
		kfree(sum);
		return other;
	}
	atomic64_add(TARN_LEAF_PAGES * sizeof(*sum), &part->pool->metadata);
	return sum;
}

static void free_leaves(struct tarn_partition *part)
{
	struct tarn_leaf *leaf;
	unsigned long i;

	xa_for_each(&part->leaves, i, leaf) {
		s64 size = PAGE_SIZE + sizeof(*leaf);

		if (leaf->sum)
			size += TARN_LEAF_PAGES * sizeof(*leaf->sum);
		if (leaf->reserve)
			size += sizeof(*leaf->reserve);
		atomic64_sub(size, &part->pool->metadata);
		free_page((unsigned long)leaf->entry);
		kfree(leaf->sum);
		kfree(leaf->reserve);
		kfree(leaf);
	}
	xa_destroy(&part->leaves);
}

/* ---- accounts ----------------------------------------------------------- */

/**
 * tarn_partition_came() - a page has a frame now
 * @part: partition
 * @entry: of the page; says so already
 * @nid: node of the frame, found out before: it may be gone again by now
 *
 * Context: any.
 */
void tarn_partition_came(struct tarn_partition *part, atomic64_t *entry,
			 int nid)
{
	struct tarn_leaf *leaf = tarn_leaf_of(entry);

	atomic64_inc(&part->node[nid].resident);
	this_cpu_inc(part->pool->stats->resident);
	/* After the full barrier of the entry's change; see look_leaf(). */
	if (!tarn_leaf_on_node(leaf, nid))
		atomic_long_or(tarn_leaf_node_bit(nid), &leaf->nodes);
}

/* The same for all pages of a leaf at once. */
void tarn_partition_came_all(struct tarn_partition *part,
			     struct tarn_leaf *leaf, int nid)
{
	atomic64_add(TARN_LEAF_PAGES, &part->node[nid].resident);
	this_cpu_add(part->pool->stats->resident, TARN_LEAF_PAGES);
	if (!tarn_leaf_on_node(leaf, nid))
		atomic_long_or(tarn_leaf_node_bit(nid), &leaf->nodes);
}

/* A page has its frame no more, which the caller has in hand. */
void tarn_partition_left(struct tarn_partition *part, u64 frame)
{
	int nid = tarn_frame_node(part->pool, frame);

	atomic64_dec(&part->node[nid].resident);
	this_cpu_dec(part->pool->stats->resident);
}

/* The same of as many as a leaf has. */
void tarn_partition_left_all(struct tarn_partition *part, int nid)
{
	atomic64_sub(TARN_LEAF_PAGES, &part->node[nid].resident);
	this_cpu_sub(part->pool->stats->resident, TARN_LEAF_PAGES);
}

/* Pages in frames, on all nodes. */
u64 tarn_partition_resident(struct tarn_partition *part)
{
	s64 sum = 0;
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++)
		sum += atomic64_read(&part->node[nid].resident);
	return max_t(s64, 0, sum);
}

/* Of these, pages that nobody is giving up. */
u64 tarn_partition_staying(struct tarn_partition *part)
{
	u64 leaving = atomic64_read(&part->leaving);
	u64 resident = tarn_partition_resident(part);

	return resident - min(resident, leaving);
}

void tarn_partition_add_paged(struct tarn_partition *part, s64 n)
{
	atomic64_add(n, &part->paged);
	this_cpu_add(part->pool->stats->paged, n);
}

void tarn_partition_add_pattern(struct tarn_partition *part, s64 n)
{
	atomic64_add(n, &part->pattern);
	this_cpu_add(part->pool->stats->pattern, n);
}

void tarn_partition_add_shared(struct tarn_partition *part, s64 n)
{
	atomic64_add(n, &part->shared);
	this_cpu_add(part->pool->stats->shared, n);
}

void tarn_partition_add_balloon(struct tarn_partition *part, s64 n)
{
	atomic64_add(n, &part->balloon.pages);
	this_cpu_add(part->pool->stats->balloon, n);
}

void tarn_partition_set_pages(struct tarn_partition *part, u64 pages)
{
	u64 old = atomic64_xchg(&part->pages, pages);

	atomic64_add(pages - old, &part->pool->logical);
}

/**
 * tarn_partition_unmap() - take pages out of all page tables, KVM's too
 * @part: partition; the caller has its pin or its inode
 * @first: first page
 * @count: pages
 *
 * Each call is one pass over the mappings, with one round of TLB flushes and of
 * MMU notifiers. Of a domain's store it takes what is in it from all who share it, as many
 * passes as these are; the caller has each of its pages locked then.
 *
 * Context: process.
 */
void tarn_partition_unmap(struct tarn_partition *part, u64 first, u64 count)
{
	if (tarn_partition_is_store(part)) {
		for (; count; first++, count--)
			tarn_canon_unmap(part, first);
		return;
	}
	/* An inode that ends without waiting for the pin has no references. */
	lockdep_assert(lockdep_is_held(&part->pin) ||
		       atomic_read(&part->inode->i_count));
	unmap_mapping_pages(part->inode->i_mapping, first, count, false);
}

/* ---- life --------------------------------------------------------------- */

/**
 * tarn_partition_alloc() - the logical memory of a new file
 * @pool: where it lives
 * @inode: its inode; what is returned is this inode's reference
 *
 * Nobody finds it before tarn_partition_insert().
 *
 * Context: process.
 * Return: the partition, or NULL without memory.
 */
struct tarn_partition *tarn_partition_alloc(struct tarn_pool *pool,
					    struct inode *inode)
{
	struct tarn_partition *part = kzalloc(struct_size(part, node,
							  nr_node_ids),
					      GFP_KERNEL_ACCOUNT);

	if (!part)
		return NULL;
	kref_init(&part->ref);
	part->pool = tarn_pool_get(pool);
	part->inode = inode;
	part->weight = TARN_WEIGHT_DEFAULT;
	part->huge = READ_ONCE(pool->huge);
	/* Until it is worked out. */
	part->entitled = READ_ONCE(pool->frames);
	init_rwsem(&part->pin);
	mutex_init(&part->hand_lock);
	mutex_init(&part->reserve_lock);
	mutex_init(&part->domain_lock);
	mutex_init(&part->relocate_lock);
	mutex_init(&part->vm_lock);
	mutex_init(&part->import_lock);
	mutex_init(&part->given.lock);
	INIT_LIST_HEAD(&part->given.children);
	INIT_LIST_HEAD(&part->donation.link);
	tarn_pins_init(&part->pins);
	xa_init(&part->leaves);
	return part;
}

#define ID_LIMIT	XA_LIMIT(1, TARN_OWNER_ID_MAX)

/**
 * tarn_partition_insert() - it is one of its pool's now, with an id
 * @part: whole but for its id
 *
 * Context: process.
 * Return: 0; -ENOMEM; -ENOSPC the pool has as many as it may have.
 */
int tarn_partition_insert(struct tarn_partition *part)
{
	/* Who has a file but may make none has children: they leave half of the numbers to files. */
	u32 most = tarn_partition_is_child(part) ? TARN_PARTITIONS_MOST / 2 :
						   TARN_PARTITIONS_MOST;
	struct tarn_pool *pool = part->pool;
	int ret = -ENOSPC;

	mutex_lock(&pool->part_lock);
	/* Who finds it has a look at its id, which is there before it can be found. */
	if (pool->nr_partitions < most)
		ret = xa_alloc_cyclic(&pool->partitions, &part->id, part,
				      ID_LIMIT, &pool->next_id,
				      GFP_KERNEL_ACCOUNT);
	if (ret >= 0)
		pool->nr_partitions++;
	mutex_unlock(&pool->part_lock);
	return min(ret, 0);
}

/* Its id may be another one's at once. */
void tarn_partition_erase(struct tarn_partition *part)
{
	struct tarn_pool *pool = part->pool;

	mutex_lock(&pool->part_lock);
	xa_erase(&pool->partitions, part->id);
	pool->nr_partitions--;
	mutex_unlock(&pool->part_lock);
}

static void partition_free_rcu(struct rcu_head *rcu)
{
	struct tarn_partition *part = container_of(rcu, struct tarn_partition,
						   rcu);

	kfree(rcu_access_pointer(part->homes));
	kfree(part->relocation);
	kfree(part->way);
	kfree(part->areas);
	kfree(part->domain);
	kfree(part->search);
	kfree(part->hands);
	kfree(part->ages);
	kfree(part);
}

static void free_zeroes(struct tarn_partition *part)
{
	struct page *page = part->zero;

	while (page) {
		struct page *before = (void *)page_private(page);

		set_page_private(page, 0);
		__free_page(page);
		page = before;
	}
}

void tarn_partition_release(struct kref *ref)
{
	struct tarn_partition *part = container_of(ref, struct tarn_partition,
						   ref);

	free_leaves(part);
	free_zeroes(part);
	tarn_pattern_free(part);
	if (part->domain)
		tarn_domain_empty(part->domain);
	/* Who finds a child under RCU may look at its donor, which is freed likewise. */
	if (part->donation.donor)
		tarn_partition_put(part->donation.donor);
	tarn_pool_put(part->pool);
	/* Reclaimers and scanner look partitions up under RCU. */
	call_rcu(&part->rcu, partition_free_rcu);
}

/* Find a partition by id and take a reference, or NULL. */
struct tarn_partition *tarn_partition_find(struct tarn_pool *pool, u32 id)
{
	struct tarn_partition *part;

	rcu_read_lock();
	part = xa_load(&pool->partitions, id);
	if (part && !kref_get_unless_zero(&part->ref))
		part = NULL;
	rcu_read_unlock();
	return part;
}

/* The first partition with an id of at least @id, referenced. */
struct tarn_partition *tarn_partition_from(struct tarn_pool *pool, u32 id)
{
	struct tarn_partition *part;
	unsigned long at = id;

	rcu_read_lock();
	part = xa_find(&pool->partitions, &at, ULONG_MAX, XA_PRESENT);
	while (part && !kref_get_unless_zero(&part->ref))
		part = xa_find_after(&pool->partitions, &at, ULONG_MAX,
				     XA_PRESENT);
	rcu_read_unlock();
	return part;
}

/* The partition with the next id, the first one after the last; or NULL. */
struct tarn_partition *tarn_partition_next(struct tarn_pool *pool, u32 after)
{
	return tarn_partition_from(pool, after + 1) ?:
	       tarn_partition_from(pool, 0);
}
