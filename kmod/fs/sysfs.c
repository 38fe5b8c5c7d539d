// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/fs/tarn/<uuid>/: the counters of a pool, a file each, named as the fields
 * of struct tarn_pool_info; partitions/<id>/ likewise, and besides how pages of it come
 * home; node<N>/ in both is sysfs_node.c's.
 * A kobject holds a reference of what it shows.
 */
#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "fs/info.h"
#include "fs/sysfs.h"
#include "policy/way.h"
#include "pool/partition.h"
#include "pool/pool.h"

static struct kset *tarn_kset;

/**
 * struct field - a file
 * @attr: its name, mode, and what shows it
 * @offset: of the field in the structure of counters
 * @size: of the field: 4, 8, or that of an array of latencies
 */
struct field {
	struct kobj_attribute attr;
	u32 offset;
	u32 size;
};

static ssize_t pool_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf);
static ssize_t partition_show(struct kobject *kobj,
			      struct kobj_attribute *attr, char *buf);

#define FIELD(type, field_name)						\
	static const struct field type##_##field_name = {		\
		.attr = __ATTR(field_name, 0444, type##_show, NULL),	\
		.offset = offsetof(struct tarn_##type##_info, field_name), \
		.size = sizeof_field(struct tarn_##type##_info,		\
				     field_name),			\
	}

/* ->store is NULL, so the attributes are never written through. */
#define ATTR(type, field_name)						\
	((struct attribute *)&type##_##field_name.attr.attr)

static ssize_t show_field(const struct field *f, const void *info, char *buf)
{
	const void *p = info + f->offset;
	ssize_t len = 0;
	u32 i;

	if (f->size == sizeof(u32))
		return sysfs_emit(buf, "%u\n", *(const u32 *)p);
	for (i = 0; i < f->size / sizeof(u64); i++)
		len += sysfs_emit_at(buf, len, "%s%llu", i ? " " : "",
				     ((const u64 *)p)[i]);
	return len + sysfs_emit_at(buf, len, "\n");
}

/* ---- pools -------------------------------------------------------------- */

FIELD(pool, flags);
FIELD(pool, frames);
FIELD(pool, free_frames);
FIELD(pool, limbo_frames);
FIELD(pool, logical_pages);
FIELD(pool, resident_pages);
FIELD(pool, paged_pages);
FIELD(pool, page_ins);
FIELD(pool, page_outs);
FIELD(pool, clean_drops);
FIELD(pool, zero_drops);
FIELD(pool, refaults);
FIELD(pool, frame_waits);
FIELD(pool, load_errors);
FIELD(pool, checksum_errors);
FIELD(pool, store_errors);
FIELD(pool, pinned_pages);
FIELD(pool, low_frames);
FIELD(pool, high_frames);
FIELD(pool, paging_capacity);
FIELD(pool, paging_used);
FIELD(pool, metadata_bytes);
FIELD(pool, readahead_pages);
FIELD(pool, latency);
FIELD(pool, scanned_pages);
FIELD(pool, scan_ns);
FIELD(pool, scan_permille);
FIELD(pool, placement);
FIELD(pool, faults_pending);
FIELD(pool, poisoned_frames);
FIELD(pool, huge);
FIELD(pool, block_pages);
FIELD(pool, free_block_frames);
FIELD(pool, block_fills);
FIELD(pool, block_splits);
FIELD(pool, block_promotions);
FIELD(pool, promote_permille);
FIELD(pool, promote_ns);
FIELD(pool, pattern_pages);
FIELD(pool, pattern_drops);
FIELD(pool, searched_pages);
FIELD(pool, search_ns);
FIELD(pool, shared_pages);
FIELD(pool, shared_contents);
FIELD(pool, shared_frames);
FIELD(pool, share_merges);
FIELD(pool, share_breaks);
FIELD(pool, hashed_pages);
FIELD(pool, match_ns);
FIELD(pool, domains);
FIELD(pool, balloon_pages);
FIELD(pool, balloons_gone);
FIELD(pool, saved_pages);
FIELD(pool, import_errors);

static struct attribute *pool_attrs[] = {
	ATTR(pool, flags),
	ATTR(pool, frames),
	ATTR(pool, free_frames),
	ATTR(pool, limbo_frames),
	ATTR(pool, logical_pages),
	ATTR(pool, resident_pages),
	ATTR(pool, paged_pages),
	ATTR(pool, page_ins),
	ATTR(pool, page_outs),
	ATTR(pool, clean_drops),
	ATTR(pool, zero_drops),
	ATTR(pool, refaults),
	ATTR(pool, frame_waits),
	ATTR(pool, load_errors),
	ATTR(pool, checksum_errors),
	ATTR(pool, store_errors),
	ATTR(pool, pinned_pages),
	ATTR(pool, low_frames),
	ATTR(pool, high_frames),
	ATTR(pool, paging_capacity),
	ATTR(pool, paging_used),
	ATTR(pool, metadata_bytes),
	ATTR(pool, readahead_pages),
	ATTR(pool, latency),
	ATTR(pool, scanned_pages),
	ATTR(pool, scan_ns),
	ATTR(pool, scan_permille),
	ATTR(pool, placement),
	ATTR(pool, faults_pending),
	ATTR(pool, poisoned_frames),
	ATTR(pool, huge),
	ATTR(pool, block_pages),
	ATTR(pool, free_block_frames),
	ATTR(pool, block_fills),
	ATTR(pool, block_splits),
	ATTR(pool, block_promotions),
	ATTR(pool, promote_permille),
	ATTR(pool, promote_ns),
	ATTR(pool, pattern_pages),
	ATTR(pool, pattern_drops),
	ATTR(pool, searched_pages),
	ATTR(pool, search_ns),
	ATTR(pool, shared_pages),
	ATTR(pool, shared_contents),
	ATTR(pool, shared_frames),
	ATTR(pool, share_merges),
	ATTR(pool, share_breaks),
	ATTR(pool, hashed_pages),
	ATTR(pool, match_ns),
	ATTR(pool, domains),
	ATTR(pool, balloon_pages),
	ATTR(pool, balloons_gone),
	ATTR(pool, saved_pages),
	ATTR(pool, import_errors),
	NULL,
};
ATTRIBUTE_GROUPS(pool);

static ssize_t pool_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	struct tarn_pool *pool = container_of(kobj, struct tarn_pool, kobj);
	struct tarn_pool_info *info = kzalloc(sizeof(*info), GFP_KERNEL);
	ssize_t len;

	if (!info)
		return -ENOMEM;
	tarn_pool_info_fill(pool, info);
	len = show_field(container_of(attr, struct field, attr), info, buf);
	kfree(info);
	return len;
}

static void pool_kobj_release(struct kobject *kobj)
{
	tarn_pool_put(container_of(kobj, struct tarn_pool, kobj));
}

static const struct kobj_type pool_ktype = {
	.release = pool_kobj_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = pool_groups,
};

/* ---- the pool's directory ----------------------------------------------- */

int tarn_sysfs_add_pool(struct tarn_pool *pool)
{
	int ret;

	tarn_pool_get(pool);
	pool->kobj.kset = tarn_kset;
	ret = kobject_init_and_add(&pool->kobj, &pool_ktype, NULL, "%pU",
				   &pool->uuid);
	if (ret)
		goto err_kobj;
	ret = -ENOMEM;
	pool->partitions_kobj = kobject_create_and_add("partitions",
						       &pool->kobj);
	if (!pool->partitions_kobj)
		goto err_kobj;
	ret = tarn_sysfs_add_nodes(pool);
	if (ret)
		goto err_nodes;
	return 0;

err_nodes:
	tarn_sysfs_remove_nodes(pool);
	kobject_put(pool->partitions_kobj);
	kobject_del(&pool->kobj);
err_kobj:
	kobject_put(&pool->kobj);
	return ret;
}

void tarn_sysfs_remove_pool(struct tarn_pool *pool)
{
	tarn_sysfs_remove_nodes(pool);
	kobject_put(pool->partitions_kobj);
	kobject_del(&pool->kobj);
	kobject_put(&pool->kobj);
}

/* ---- partitions --------------------------------------------------------- */

FIELD(partition, weight);
FIELD(partition, fair_frames);
FIELD(partition, logical_pages);
FIELD(partition, resident_pages);
FIELD(partition, paged_pages);
FIELD(partition, page_ins);
FIELD(partition, page_outs);
FIELD(partition, clean_drops);
FIELD(partition, zero_drops);
FIELD(partition, refaults);
FIELD(partition, readahead);
FIELD(partition, frame_waits);
FIELD(partition, page_waits);
FIELD(partition, errors);
FIELD(partition, pinned_pages);
FIELD(partition, vms);
FIELD(partition, hypercalls);
FIELD(partition, latency);
FIELD(partition, min_frames);
FIELD(partition, desired_frames);
FIELD(partition, working_set);
FIELD(partition, huge);
FIELD(partition, block_pages);
FIELD(partition, block_fills);
FIELD(partition, block_splits);
FIELD(partition, block_promotions);
FIELD(partition, pattern_pages);
FIELD(partition, pattern_drops);
FIELD(partition, pattern_frames);
FIELD(partition, shared_pages);
FIELD(partition, shared_charge);
FIELD(partition, share_merges);
FIELD(partition, share_breaks);
FIELD(partition, balloon_pages);
FIELD(partition, balloons_gone);
FIELD(partition, imported_pages);
FIELD(partition, saved_pages);
FIELD(partition, searched_pages);
FIELD(partition, search_ns);
FIELD(partition, hashed_pages);
FIELD(partition, match_ns);
FIELD(partition, locked_pages);
FIELD(partition, lent_pages);
FIELD(partition, donor);

static struct tarn_partition *partition_of(struct kobject *kobj)
{
	return container_of(kobj, struct tarn_partition, kobj);
}

static ssize_t place_rate_show(struct kobject *kobj,
			       struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", tarn_way_rate(partition_of(kobj)));
}

static ssize_t move_waits_show(struct kobject *kobj,
			       struct kobj_attribute *attr, char *buf)
{
	atomic64_t *waits = &partition_of(kobj)->stats.count[TARN_STAT_MOVE_WAITS];

	return sysfs_emit(buf, "%llu\n", (u64)atomic64_read(waits));
}

static struct kobj_attribute partition_place_rate = __ATTR_RO(place_rate);
static struct kobj_attribute partition_move_waits = __ATTR_RO(move_waits);

static struct attribute *partition_attrs[] = {
	ATTR(partition, weight),
	ATTR(partition, fair_frames),
	ATTR(partition, logical_pages),
	ATTR(partition, resident_pages),
	ATTR(partition, paged_pages),
	ATTR(partition, page_ins),
	ATTR(partition, page_outs),
	ATTR(partition, clean_drops),
	ATTR(partition, zero_drops),
	ATTR(partition, refaults),
	ATTR(partition, readahead),
	ATTR(partition, frame_waits),
	ATTR(partition, page_waits),
	ATTR(partition, errors),
	ATTR(partition, pinned_pages),
	ATTR(partition, vms),
	ATTR(partition, hypercalls),
	ATTR(partition, latency),
	ATTR(partition, min_frames),
	ATTR(partition, desired_frames),
	ATTR(partition, working_set),
	ATTR(partition, huge),
	ATTR(partition, block_pages),
	ATTR(partition, block_fills),
	ATTR(partition, block_splits),
	ATTR(partition, block_promotions),
	ATTR(partition, pattern_pages),
	ATTR(partition, pattern_drops),
	ATTR(partition, pattern_frames),
	ATTR(partition, shared_pages),
	ATTR(partition, shared_charge),
	ATTR(partition, share_merges),
	ATTR(partition, share_breaks),
	ATTR(partition, balloon_pages),
	ATTR(partition, balloons_gone),
	ATTR(partition, imported_pages),
	ATTR(partition, saved_pages),
	ATTR(partition, searched_pages),
	ATTR(partition, search_ns),
	ATTR(partition, hashed_pages),
	ATTR(partition, match_ns),
	ATTR(partition, locked_pages),
	ATTR(partition, lent_pages),
	ATTR(partition, donor),
	&partition_place_rate.attr,
	&partition_move_waits.attr,
	NULL,
};
ATTRIBUTE_GROUPS(partition);

static ssize_t partition_show(struct kobject *kobj,
			      struct kobj_attribute *attr, char *buf)
{
	struct tarn_partition *part = partition_of(kobj);
	struct tarn_partition_info *info = kzalloc(sizeof(*info), GFP_KERNEL);
	ssize_t len;

	if (!info)
		return -ENOMEM;
	tarn_partition_info_fill(part, info);
	len = show_field(container_of(attr, struct field, attr), info, buf);
	kfree(info);
	return len;
}

static void partition_kobj_release(struct kobject *kobj)
{
	tarn_partition_put(partition_of(kobj));
}

static const struct kobj_type partition_ktype = {
	.release = partition_kobj_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = partition_groups,
};

int tarn_sysfs_add_partition(struct tarn_partition *part)
{
	int ret;

	tarn_partition_get(part);
	ret = kobject_init_and_add(&part->kobj, &partition_ktype,
				   part->pool->partitions_kobj, "%u",
				   part->id);
	if (!ret)
		ret = tarn_sysfs_add_partition_nodes(part);
	if (ret)
		kobject_put(&part->kobj);
	return ret;
}

void tarn_sysfs_remove_partition(struct tarn_partition *part)
{
	kobject_del(&part->kobj);
	kobject_put(&part->kobj);
}

int tarn_sysfs_init(void)
{
	int ret = tarn_sysfs_nodes_init();

	if (ret)
		return ret;
	tarn_kset = kset_create_and_add("tarn", NULL, fs_kobj);
	if (tarn_kset)
		return 0;
	tarn_sysfs_nodes_exit();
	return -ENOMEM;
}

void tarn_sysfs_exit(void)
{
	kset_unregister(tarn_kset);
	tarn_sysfs_nodes_exit();
}
