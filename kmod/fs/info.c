// SPDX-License-Identifier: GPL-2.0-only
/* See info.h. */
#include "fs/info.h"
#include "kvm/vm.h"
#include "page/pending.h"
#include "pager/import.h"
#include "policy/age.h"
#include "policy/entitle.h"
#include "policy/match.h"
#include "policy/search.h"
#include "pool/canon.h"
#include "pool/chunk.h"
#include "pool/partition.h"
#include "pool/pattern.h"
#include "pool/pool.h"

static u64 never_negative(atomic64_t *v)
{
	return max_t(s64, 0, atomic64_read(v));
}

static u32 pool_flags(struct tarn_pool *pool)
{
	u32 flags = 0;

	if (pool->paging)
		flags |= TARN_POOL_PAGING;
	if (READ_ONCE(pool->full))
		flags |= TARN_POOL_FULL;
	if (READ_ONCE(pool->degraded))
		flags |= TARN_POOL_DEGRADED;
	if (tarn_pool_served(pool))
		flags |= TARN_POOL_SERVED;
	return flags;
}

static u64 block_pages(struct tarn_pool *pool, const struct tarn_pool_info *info)
{
	u64 gone = info->block_splits + tarn_stats_pool(pool, TARN_STAT_BLOCK_OUTS);

	return tarn_stats_left(info->block_fills, gone) << TARN_CHUNK_SHIFT;
}

/* Of so many pages, as patterns and shared, without a frame but those. */
static u64 saved(u64 patterns, u64 shared, u64 frames)
{
	return patterns + (shared - min(shared, frames));
}

static void fill_shared(struct tarn_pool *pool, struct tarn_pool_info *info)
{
	struct tarn_partition *part;
	unsigned long id;

	info->shared_contents = 0;
	info->shared_frames = 0;
	/* A store is no partition that anybody made. */
	info->partitions -= min(info->partitions, READ_ONCE(pool->nr_domains));
	rcu_read_lock();
	xa_for_each(&pool->partitions, id, part) {
		if (!tarn_partition_is_store(part))
			continue;
		info->shared_contents += never_negative(&part->domain->count);
		info->shared_frames += tarn_partition_resident(part);
	}
	rcu_read_unlock();
	info->shared_pages = tarn_stats_shared(pool);
	info->share_merges = tarn_stats_pool(pool, TARN_STAT_MERGES);
	info->share_breaks = tarn_stats_pool(pool, TARN_STAT_BREAKS);
	info->hashed_pages = tarn_match_pages(pool);
	info->match_ns = tarn_match_ns(pool);
	info->domains = READ_ONCE(pool->nr_domains);
	info->reserved = 0;
}

void tarn_pool_info_fill(struct tarn_pool *pool, struct tarn_pool_info *info)
{
	struct tarn_node *n;
	unsigned int i;
	int nid;

	info->flags = pool_flags(pool);
	export_uuid(info->uuid, &pool->uuid);
	info->frames = READ_ONCE(pool->frames);
	info->free_frames = tarn_pool_free_frames(pool);
	info->limbo_frames = READ_ONCE(pool->limbo_frames);
	info->logical_pages = never_negative(&pool->logical);
	info->resident_pages = tarn_stats_resident(pool);
	info->paged_pages = tarn_stats_paged(pool);
	info->page_ins = tarn_stats_pool(pool, TARN_STAT_PAGE_INS);
	info->page_outs = tarn_stats_pool(pool, TARN_STAT_PAGE_OUTS);
	info->clean_drops = tarn_stats_pool(pool, TARN_STAT_CLEAN_DROPS);
	info->zero_drops = tarn_stats_pool(pool, TARN_STAT_ZERO_DROPS);
	info->refaults = tarn_stats_pool(pool, TARN_STAT_REFAULTS);
	info->frame_waits = tarn_stats_pool(pool, TARN_STAT_FRAME_WAITS);
	info->load_errors = tarn_stats_pool(pool, TARN_STAT_LOAD_ERRORS);
	info->checksum_errors = tarn_stats_pool(pool,
						TARN_STAT_CHECKSUM_ERRORS);
	info->store_errors = tarn_stats_pool(pool, TARN_STAT_STORE_ERRORS);
	info->low_frames = 0;
	info->high_frames = 0;
	info->free_block_frames = 0;
	tarn_for_each_node(pool, nid, n) {
		info->low_frames += READ_ONCE(n->low);
		info->high_frames += READ_ONCE(n->high);
		info->free_block_frames += READ_ONCE(n->free_chunks) <<
					   TARN_CHUNK_SHIFT;
	}
	info->paging_capacity = READ_ONCE(pool->capacity);
	info->paging_used = READ_ONCE(pool->used);
	info->metadata_bytes = atomic64_read(&pool->metadata) +
		info->frames * sizeof(struct tarn_frame) +
		(info->frames >> TARN_CHUNK_SHIFT) * sizeof(struct tarn_chunk);
	info->partitions = READ_ONCE(pool->nr_partitions);
	info->readahead_pages = READ_ONCE(pool->readahead);
	info->pinned_pages = never_negative(&pool->pinned);
	for (i = 0; i < TARN_LATENCY_BUCKETS; i++)
		info->latency[i] = tarn_stats_pool_latency(pool, i);
	info->scanned_pages = atomic64_read(&pool->scanned);
	info->scan_ns = atomic64_read(&pool->scan_ns);
	info->scan_permille = READ_ONCE(pool->scan_permille);
	info->placement = READ_ONCE(pool->placement);
	info->faults_pending = tarn_pending_count(pool);
	info->poisoned_frames = atomic64_read(&pool->poisoned);
	info->huge = READ_ONCE(pool->huge);
	info->promote_permille = READ_ONCE(pool->promote_permille);
	info->promote_ns = atomic64_read(&pool->promote_ns);
	info->block_promotions = tarn_stats_pool(pool,
						 TARN_STAT_BLOCK_PROMOTIONS);
	info->block_fills = tarn_stats_pool(pool, TARN_STAT_BLOCK_FILLS) +
			    tarn_stats_pool(pool, TARN_STAT_BLOCK_LOADS) +
			    info->block_promotions;
	info->block_splits = tarn_stats_pool(pool, TARN_STAT_BLOCK_SPLITS);
	info->block_pages = block_pages(pool, info);
	info->pattern_pages = tarn_stats_pattern(pool);
	info->pattern_drops = tarn_stats_pool(pool, TARN_STAT_PATTERN_DROPS);
	info->searched_pages = atomic64_read(&pool->searched);
	info->search_ns = atomic64_read(&pool->search_ns);
	fill_shared(pool, info);
	info->balloon_pages = tarn_stats_balloon(pool);
	info->balloons_gone = tarn_stats_pool(pool, TARN_STAT_BALLOONS_GONE);
	info->saved_pages = saved(info->pattern_pages, info->shared_pages,
				  info->shared_frames);
	info->import_errors = tarn_stats_pool(pool, TARN_STAT_IMPORT_ERRORS);
}

void tarn_partition_info_fill(struct tarn_partition *part,
			      struct tarn_partition_info *info)
{
	atomic64_t *count = part->stats.count;
	unsigned int i;

	/* Anybody may ask, and for each attribute anew. */
	tarn_entitle_now_and_then(part->pool);
	info->id = part->id;
	info->weight = READ_ONCE(part->weight);
	info->fair_frames = tarn_entitle_fair(part);
	info->logical_pages = atomic64_read(&part->pages);
	info->resident_pages = tarn_partition_resident(part);
	info->paged_pages = never_negative(&part->paged);
	info->page_ins = atomic64_read(&count[TARN_STAT_PAGE_INS]);
	info->page_outs = atomic64_read(&count[TARN_STAT_PAGE_OUTS]);
	info->clean_drops = atomic64_read(&count[TARN_STAT_CLEAN_DROPS]);
	info->zero_drops = atomic64_read(&count[TARN_STAT_ZERO_DROPS]);
	info->refaults = atomic64_read(&count[TARN_STAT_REFAULTS]);
	info->readahead = atomic64_read(&count[TARN_STAT_READAHEAD]);
	info->frame_waits = atomic64_read(&count[TARN_STAT_FRAME_WAITS]);
	info->page_waits = atomic64_read(&count[TARN_STAT_PAGE_WAITS]);
	info->errors = atomic64_read(&count[TARN_STAT_LOAD_ERRORS]) +
		       atomic64_read(&count[TARN_STAT_CHECKSUM_ERRORS]) +
		       atomic64_read(&count[TARN_STAT_IMPORT_ERRORS]);
	info->pinned_pages = READ_ONCE(part->pins.pinned);
	tarn_vm_count(part, &info->vms, &info->hypercalls);
	for (i = 0; i < TARN_LATENCY_BUCKETS; i++)
		info->latency[i] = atomic64_read(&part->stats.latency[i]);
	info->min_frames = READ_ONCE(part->min_frames);
	info->desired_frames = READ_ONCE(part->desired_frames);
	info->working_set = tarn_age_working_set(part);
	info->huge = READ_ONCE(part->huge);
	info->block_promotions = atomic64_read(&count[TARN_STAT_BLOCK_PROMOTIONS]);
	info->block_fills = atomic64_read(&count[TARN_STAT_BLOCK_FILLS]) +
			    atomic64_read(&count[TARN_STAT_BLOCK_LOADS]) +
			    info->block_promotions;
	info->block_splits = atomic64_read(&count[TARN_STAT_BLOCK_SPLITS]);
	info->block_pages = tarn_stats_blocks(part) << TARN_CHUNK_SHIFT;
	info->pattern_pages = never_negative(&part->pattern);
	info->pattern_drops = atomic64_read(&count[TARN_STAT_PATTERN_DROPS]);
	info->pattern_frames = tarn_pattern_frames(part);
	info->shared_pages = never_negative(&part->shared);
	info->shared_charge = tarn_entitle_charge(part);
	info->share_merges = atomic64_read(&count[TARN_STAT_MERGES]);
	info->share_breaks = atomic64_read(&count[TARN_STAT_BREAKS]);
	info->balloon_pages = never_negative(&part->balloon.pages);
	info->balloons_gone = atomic64_read(&count[TARN_STAT_BALLOONS_GONE]);
	info->imported_pages = tarn_import_count(part);
	info->saved_pages = saved(info->pattern_pages, info->shared_pages,
				  info->shared_charge);
	info->searched_pages = atomic64_read(&part->search->pages);
	info->search_ns = atomic64_read(&part->search->ns);
	info->hashed_pages = atomic64_read(&part->search->hashed);
	info->match_ns = atomic64_read(&part->search->match_ns);
	info->locked_pages = never_negative(&part->given.locked);
	info->lent_pages = READ_ONCE(part->pins.lent);
	info->donor = tarn_partition_is_child(part) ? part->donation.donor->id : 0;
	info->reserved2 = 0;
}
