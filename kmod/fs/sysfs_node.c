// SPDX-License-Identifier: GPL-2.0-only
/*
 * NUMA nodes in sysfs: node<N>/ of a pool has what the pool has of a node, node<N>/ of a
 * partition what TARN_PARTITION_HOMES tells of it, and how often its pages there are used.
 */
#include <linux/kobject.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "fs/sysfs.h"
#include "pool/home.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* ---- of a pool ---------------------------------------------------------- */

static struct tarn_node *node_of(struct kobject *kobj)
{
	return container_of(kobj, struct tarn_node, kobj);
}

static ssize_t frames_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(node_of(kobj)->frames));
}

static ssize_t free_frames_show(struct kobject *kobj,
				struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", tarn_node_free_frames(node_of(kobj)));
}

static struct kobj_attribute node_frames = __ATTR_RO(frames);
static struct kobj_attribute node_free_frames = __ATTR_RO(free_frames);

/**
 * struct node_counter - a file with a counter of a pool's node
 * @attr: its name, mode, and what shows it
 * @stat: which counter
 */
struct node_counter {
	struct kobj_attribute attr;
	enum tarn_node_stat stat;
};

static ssize_t counter_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	const struct node_counter *c = container_of(attr, struct node_counter,
						    attr);

	return sysfs_emit(buf, "%llu\n",
			  tarn_stats_node_sum(node_of(kobj), c->stat));
}

#define COUNTER(_name, _stat)						\
	static struct node_counter node_##_name = {			\
		.attr = __ATTR(_name, 0444, counter_show, NULL),	\
		.stat = _stat,						\
	}

COUNTER(hit, TARN_NODE_HIT);
COUNTER(miss, TARN_NODE_MISS);
COUNTER(foreign, TARN_NODE_FOREIGN);
COUNTER(moved_in, TARN_NODE_MOVED_IN);
COUNTER(moved_out, TARN_NODE_MOVED_OUT);

static struct attribute *node_attrs[] = {
	&node_frames.attr,
	&node_free_frames.attr,
	&node_hit.attr.attr,
	&node_miss.attr.attr,
	&node_foreign.attr.attr,
	&node_moved_in.attr.attr,
	&node_moved_out.attr.attr,
	NULL,
};
ATTRIBUTE_GROUPS(node);

static void node_kobj_release(struct kobject *kobj)
{
	free_percpu(node_of(kobj)->stats);
	kfree(node_of(kobj));
}

static const struct kobj_type node_ktype = {
	.release = node_kobj_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = node_groups,
};

static int add_node(struct tarn_node *node)
{
	return kobject_add(&node->kobj, &node->pool->kobj, "node%d", node->nid);
}

/* Before the pool's directory is made, tarn_sysfs_add_nodes() sees to it. */
int tarn_sysfs_make_node(struct tarn_node *node)
{
	int ret = 0;

	kobject_init(&node->kobj, &node_ktype);
	if (node->pool->kobj.state_in_sysfs)
		ret = add_node(node);
	if (ret)
		kobject_put(&node->kobj);
	return ret;
}

int tarn_sysfs_add_nodes(struct tarn_pool *pool)
{
	struct tarn_node *n;
	int nid, ret = 0;

	tarn_for_each_node(pool, nid, n) {
		ret = add_node(n);
		if (ret)
			break;
	}
	return ret;
}

void tarn_sysfs_remove_nodes(struct tarn_pool *pool)
{
	struct tarn_node *n;
	int nid;

	tarn_for_each_node(pool, nid, n)
		if (n->kobj.state_in_sysfs)
			kobject_del(&n->kobj);
}

/* ---- of a partition ----------------------------------------------------- */

/* One machine has the same nodes for all partitions, so these are made once. */
#define PART_FILES	8

/**
 * struct part_node - the directory of a node in that of each partition
 * @group: with its name and files
 * @name: "node<N>"
 * @attrs: pointers to @file, and NULL
 * @file: the files
 */
struct part_node {
	struct attribute_group group;
	char name[16];
	struct attribute *attrs[PART_FILES + 1];
	struct part_file {
		struct kobj_attribute attr;
		int nid;
		u64 (*value)(struct tarn_partition *part, int nid);
	} file[PART_FILES];
};

static const struct attribute_group **part_groups;

static u64 is_home(struct tarn_partition *part, int nid)
{
	u64 wanted;

	return tarn_home_wanted(part, nid, &wanted);
}

static u64 wanted_frames(struct tarn_partition *part, int nid)
{
	u64 wanted = 0;

	tarn_home_wanted(part, nid, &wanted);
	return wanted;
}

static u64 moved_pages(struct tarn_partition *part, int nid)
{
	return atomic64_read(&part->node[nid].moved);
}

static u64 table_pages(struct tarn_partition *part, int nid)
{
	return atomic_read(&part->node[nid].table_pages);
}

static u64 accessed(struct tarn_partition *part, int nid)
{
	return READ_ONCE(part->node[nid].accessed);
}

static u64 accessed_lately(struct tarn_partition *part, int nid)
{
	return READ_ONCE(part->node[nid].accessed_lately);
}

static const struct {
	const char *name;
	u64 (*value)(struct tarn_partition *part, int nid);
} part_files[PART_FILES] = {
	{ "home", is_home },
	{ "wanted_frames", wanted_frames },
	{ "resident_pages", tarn_home_resident },
	{ "misplaced_pages", tarn_home_excess },
	{ "moved_pages", moved_pages },
	{ "table_pages", table_pages },
	{ "accessed", accessed },
	{ "accessed_lately", accessed_lately },
};

static ssize_t part_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	struct tarn_partition *part = container_of(kobj, struct tarn_partition,
						   kobj);
	const struct part_file *f = container_of(attr, struct part_file, attr);

	return sysfs_emit(buf, "%llu\n", f->value(part, f->nid));
}

static struct part_node *part_node_create(int nid)
{
	struct part_node *p = kzalloc(sizeof(*p), GFP_KERNEL);
	unsigned int i;

	if (!p)
		return NULL;
	snprintf(p->name, sizeof(p->name), "node%d", nid);
	p->group.name = p->name;
	p->group.attrs = p->attrs;
	for (i = 0; i < PART_FILES; i++) {
		struct part_file *f = &p->file[i];

		sysfs_attr_init(&f->attr.attr);
		f->attr.attr.name = part_files[i].name;
		f->attr.attr.mode = 0444;
		f->attr.show = part_show;
		f->nid = nid;
		f->value = part_files[i].value;
		p->attrs[i] = &f->attr.attr;
	}
	return p;
}

int tarn_sysfs_add_partition_nodes(struct tarn_partition *part)
{
	return sysfs_create_groups(&part->kobj, part_groups);
}

void tarn_sysfs_nodes_exit(void)
{
	unsigned int i;

	for (i = 0; part_groups && part_groups[i]; i++)
		kfree(container_of(part_groups[i], struct part_node, group));
	kfree(part_groups);
}

int tarn_sysfs_nodes_init(void)
{
	unsigned int n = 0;
	int nid;

	part_groups = kcalloc(num_possible_nodes() + 1, sizeof(*part_groups),
			      GFP_KERNEL);
	if (!part_groups)
		return -ENOMEM;
	for_each_node(nid) {
		struct part_node *p = part_node_create(nid);

		if (!p) {
			tarn_sysfs_nodes_exit();
			return -ENOMEM;
		}
		part_groups[n++] = &p->group;
	}
	return 0;
}
