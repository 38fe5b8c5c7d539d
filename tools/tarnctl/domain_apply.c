// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settings of a domain become those of its partitions, which are found by its
 * process: it is the only one that knows for sure which files are its memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain_apply.h"
#include "domain_oom.h"
#include "domain_pool.h"
#include "domain_rules.h"
#include "domain_share.h"
#include "error.h"
#include "home.h"
#include "partition.h"
#include "process.h"
#include "sysfs.h"

#define PID_FILE "/run/libvirt/qemu/%s.pid"

/* ---- the process ------------------------------------------------------------ */

int domain_pid(const struct domain *dom, char *pid, size_t size)
{
	char path[512];
	FILE *f;
	int ret = 0;

	if (strchr(dom->name, '/') ||
	    snprintf(path, sizeof(path), PID_FILE, dom->name) >=
		    (int)sizeof(path))
		return domain_err(dom, NULL, "libvirt has no domain of such a name");
	f = fopen(path, "re");
	if (!f)
		return err_errno(-errno, "%s: open %s", dom->source, path);
	if (!fgets(pid, size, f))
		ret = domain_err(dom, NULL, "%s is empty", path);
	fclose(f);
	pid[strcspn(pid, "\n")] = '\0';
	return ret;
}

/* ---- settings --------------------------------------------------------------- */

static uint64_t part_of(uint64_t whole, uint64_t pages, uint64_t all)
{
	return all ? (uint64_t)((__uint128_t)whole * pages / all) : 0;
}

static int set_partition(int fd, struct tarn_partition_set *set)
{
	set->size = sizeof(*set);
	set->flags |= TARN_PARTITION_SET_WEIGHT | TARN_PARTITION_SET_MIN |
		      TARN_PARTITION_SET_DESIRED;
	return ioctl(fd, TARN_PARTITION_SET, set) ? -errno : 0;
}

static int set_fail(const struct domain *dom, const char *path, int ret)
{
	if (ret == -ENOSPC) {
		domain_err(dom, dom->settings,
			   "%s: the minimums of all partitions together would be more than the pool has; lower <min> or make the pool larger",
			   path);
		return ret;
	}
	return partition_fail(path, ret, "change the settings of");
}

/* What one of several partitions gets of the domain's settings. */
static struct tarn_partition_set share_of(const struct domain_settings *set,
					  uint64_t pages, uint64_t all)
{
	struct tarn_partition_set share = {
		.weight = set->weight,
		.min_frames = part_of(set->min >> TARN_PAGE_SHIFT, pages, all),
		.desired_frames =
			part_of(set->desired >> TARN_PAGE_SHIFT, pages, all),
	};

	/* 0 would mean none. */
	if (set->desired && !share.desired_frames)
		share.desired_frames = 1;
	return share;
}

/* ---- homes ------------------------------------------------------------------ */

/*
 * A node of the guest that has homes of its own. libvirt calls what is the memory of one
 * after its number, and a guest without nodes has one file.
 */
static const struct domain_cell *cell_of(const struct domain_settings *set,
					 const struct process_part *part)
{
	const char *name = strrchr(part->file.path, '/');
	unsigned int cell;
	char more;

	if (!name || sscanf(name, "/ram-node%u%c", &cell, &more) != 1)
		return NULL;
	return domain_home_cell(set, cell);
}

static void homes_of_cell(const struct domain_cell *cell,
			  struct tarn_home *items, struct homes *homes)
{
	unsigned int node;

	*homes = (struct homes){ .items = items };
	for (node = 0; node < DOMAIN_NODES; node++) {
		if (cell->home & 1ULL << node)
			items[homes->count++] = (struct tarn_home){
				.node = node,
				.flags = TARN_NODE_IS_HOME,
			};
	}
}

/* Likewise. @items: room for all nodes. */
static void homes_of(const struct domain_settings *set, uint64_t pages,
		     uint64_t all, struct tarn_home *items, struct homes *homes)
{
	unsigned int node;

	*homes = (struct homes){ .items = items };
	for (node = 0; node < DOMAIN_NODES; node++) {
		uint64_t wanted = set->home_bytes[node] >> TARN_PAGE_SHIFT;
		uint64_t part = part_of(wanted, pages, all);

		if (set->home & 1ULL << node)
			items[homes->count++] = (struct tarn_home){
				.node = node,
				.flags = TARN_NODE_IS_HOME,
				.wanted_frames = wanted && !part ? 1 : part,
			};
	}
}

/* Of computed ones those that it has are the first. */
static int set_homes(const struct home_mark *mark, int fd,
		     const struct homes *homes, const char *uuid, __u32 id)
{
	int ret = mark->automatic ? 0 : homes_set(fd, homes);

	/* A module without homes has none to begin with. */
	if (ret == -ENOTTY && !homes->count)
		return 0;
	return ret ? ret : home_mark_write(uuid, id, mark);
}

static int homes_fail(const struct domain *dom, const char *path, int ret)
{
	switch (-ret) {
	case EINVAL:
		domain_err(dom, dom->settings,
			   "%s: the pool has no frames on a node that <home> names; 'tarnctl numa' shows where it has, 'tarnctl pool resize' gives it some",
			   path);
		return ret;
	case ENOTTY:
		domain_err(dom, dom->settings,
			   "%s: the loaded module knows no home nodes", path);
		return ret;
	}
	return partition_fail(path, ret, "set the home nodes of");
}

/* ---- all of them ------------------------------------------------------------ */

/**
 * struct before - a partition, as it was
 * @info: its settings
 * @huge: what its pool has for it
 * @homes: its homes, and other nodes where it has pages
 * @uuid: of its pool
 * @mark: of its homes
 */
struct before {
	struct tarn_partition_info info;
	__u32 huge;
	struct homes homes;
	char uuid[POOL_UUID_TEXT];
	struct home_mark mark;
};

/* That of partitions which are made. A module without such frames has no file. */
static __u32 huge_of_pool(const char *uuid)
{
	int fd = sysfs_open(SYSFS_ROOT, uuid, NULL);
	uint64_t huge = TARN_HUGE_AUTO;

	if (fd < 0)
		return huge;
	if (sysfs_read(fd, "huge", &huge))
		huge = TARN_HUGE_AUTO;
	close(fd);
	return huge;
}

static int read_before(struct before *b, const struct process_part *part)
{
	__u32 id;
	int ret = partition_info(part->fd, &b->info);

	if (ret)
		return partition_fail(part->file.path, ret,
				      "read the counters of");
	ret = homes_read(part->fd, &b->homes);
	if (ret && ret != -ENOTTY)
		return partition_fail(part->file.path, ret, "read the nodes of");
	ret = home_mark_find(part->fd, b->uuid, &id);
	if (ret)
		return ret;
	b->mark = home_mark_read(b->uuid, id);
	b->huge = huge_of_pool(b->uuid);
	return 0;
}

/*
 * Only where it is another one, as an older module does not know of it. Without a
 * setting it is the pool's, as that of a partition which is made.
 */
static void share_huge(struct tarn_partition_set *share,
		       const struct domain_settings *set, const struct before *b)
{
	__u32 huge = set->huge == DOMAIN_HUGE_POOL ? b->huge : set->huge;

	if (huge == b->info.huge)
		return;
	share->flags |= TARN_PARTITION_SET_HUGE;
	share->huge = huge;
}

/* As it is now: what failed may have come before it. */
static void restore_huge(struct tarn_partition_set *old, const struct before *b,
			 int fd)
{
	struct tarn_partition_info now;

	if (partition_info(fd, &now) || now.huge == b->info.huge)
		return;
	old->flags |= TARN_PARTITION_SET_HUGE;
	old->huge = b->info.huge;
}

static void restore_homes(const struct before *b, int fd)
{
	struct homes old = b->homes;
	unsigned int i;

	/* Nodes that are none come with them when they are read. */
	for (i = old.count = 0; i < b->homes.count; i++) {
		if (old.items[i].flags & TARN_NODE_IS_HOME)
			old.items[old.count++] = old.items[i];
	}
	homes_set(fd, &old);
	home_mark_write(b->uuid, b->info.id, &b->mark);
}

static void restore(const struct process_parts *parts,
		    const struct before *before, size_t count)
{
	while (count--) {
		struct tarn_partition_set old = {
			.weight = before[count].info.weight,
			.min_frames = before[count].info.min_frames,
			.desired_frames = before[count].info.desired_frames,
		};

		restore_huge(&old, &before[count], parts->items[count].fd);
		set_partition(parts->items[count].fd, &old);
		restore_homes(&before[count], parts->items[count].fd);
	}
}

static int set_one(const struct domain *dom, const struct domain_settings *set,
		   const struct process_part *part, const struct before *b,
		   uint64_t all)
{
	const struct domain_cell *cell = cell_of(set, part);
	const struct home_mark mark = {
		.automatic = set->home_auto && !cell,
		.dispatch = set->dispatch,
	};
	struct tarn_partition_set share =
		share_of(set, b->info.logical_pages, all);
	struct tarn_home items[DOMAIN_NODES];
	struct homes homes;
	int ret;

	share_huge(&share, set, b);
	ret = set_partition(part->fd, &share);
	if (ret)
		return set_fail(dom, part->file.path, ret);
	if (cell)
		homes_of_cell(cell, items, &homes);
	else
		homes_of(set, b->info.logical_pages, all, items, &homes);
	ret = set_homes(&mark, part->fd, &homes, b->uuid, b->info.id);
	return ret ? homes_fail(dom, part->file.path, ret) : 0;
}

static int set_locked(const struct domain *dom,
		      const struct domain_settings *set,
		      const struct process_parts *parts, struct before *before)
{
	uint64_t all = 0;
	size_t i;
	int ret = 0;

	for (i = 0; i < parts->count && !ret; i++) {
		ret = read_before(&before[i], &parts->items[i]);
		all += before[i].info.logical_pages;
	}
	if (ret)
		return ret;
	for (i = 0; i < parts->count && !ret; i++)
		ret = set_one(dom, set, &parts->items[i], &before[i], all);
	if (ret)
		restore(parts, before, i);
	return ret;
}

/* Others wait for it: what takes long is done without. */
static int lock_marks(const struct domain *dom)
{
	int lock = home_mark_lock();

	return lock < 0 ? err_errno(lock, "%s: write to %s", dom->source,
				    HOME_MARK_DIR) : lock;
}

static int set_others(const struct domain *dom,
		      const struct domain_settings *set,
		      const struct process_parts *parts, struct before *before)
{
	int lock = lock_marks(dom), ret;

	if (lock < 0)
		return lock;
	ret = set_locked(dom, set, parts, before);
	close(lock);
	return ret;
}

static void restore_others(const struct domain *dom,
			   const struct process_parts *parts,
			   const struct before *before)
{
	int lock = lock_marks(dom);

	if (lock < 0)
		return;
	restore(parts, before, parts->count);
	close(lock);
}

/* Sharing is the last, as it may take long: what else is wrong is known by then. */
static int set_all(const struct domain *dom, const struct domain_settings *set,
		   const struct process_parts *parts)
{
	struct before *before = calloc(parts->count, sizeof(*before));
	size_t i;
	int ret;

	if (!before)
		return err_nomem();
	ret = set_others(dom, set, parts, before);
	if (!ret) {
		ret = domain_share(dom, set, parts);
		if (ret)
			restore_others(dom, parts, before);
	}
	for (i = 0; i < parts->count; i++)
		homes_free(&before[i].homes);
	free(before);
	return ret;
}

/* ---- the VM ----------------------------------------------------------------- */

static void attach(const struct domain *dom, const struct domain_settings *set,
		   const struct process_parts *parts, const char *pid)
{
	struct tarn_partition_info info;
	unsigned int attached = 0;
	size_t i;

	for (i = 0; i < parts->count; i++) {
		if (partition_info(parts->items[i].fd, &info))
			continue;
		attached += info.vms;
		if (info.vms && !set->attach)
			partition_detach(parts->items[i].fd);
	}
	if (!set->attach || attached)
		return;
	if (partition_attach(pid))
		domain_err(dom, NULL,
			   "it runs without being attached: nothing of it is pinned, and its hypercalls are not answered");
}

/* ---- the domain ------------------------------------------------------------- */

/* Memory does not move to another pool while the domain runs. */
static int check_pool(const struct domain *dom,
		      const struct domain_settings *set,
		      const struct process_parts *parts)
{
	struct pool pool;
	size_t i;
	int ret;

	if (!set->pool)
		return 0;
	ret = domain_pool_get(&pool, dom, set);
	if (ret)
		return ret;
	for (i = 0; i < parts->count && !ret; i++) {
		if (parts->items[i].file.dev != pool.dev)
			ret = domain_err(dom, dom->settings,
					 "its memory is not in the pool %s, and stays where it is until it is started again: %s",
					 pool.mount, parts->items[i].file.path);
	}
	pool_put(&pool);
	return ret;
}

/**
 * struct running - a domain that runs
 * @pid: of its VMM, as text
 * @parts: the partitions that this has mapped
 */
struct running {
	char pid[32];
	struct process proc;
	struct process_parts parts;
};

static int running_open(struct running *run, const struct domain *dom)
{
	int ret;

	*run = (struct running){ 0 };
	ret = domain_pid(dom, run->pid, sizeof(run->pid));
	if (!ret)
		ret = process_open(&run->proc, run->pid);
	if (ret)
		return ret;
	ret = process_parts_read(&run->proc, &run->parts);
	if (ret)
		process_close(&run->proc);
	return ret;
}

static void running_close(struct running *run)
{
	process_parts_free(&run->parts);
	process_close(&run->proc);
}

int domain_apply(const struct domain *dom, const struct domain_settings *set)
{
	struct running run;
	int ret = running_open(&run, dom);

	if (ret)
		return ret;
	if (!run.parts.count)
		ret = domain_err(dom, NULL,
				 "none of its memory is in a pool; 'tarnctl domain check' on its XML says why");
	if (!ret)
		ret = check_pool(dom, set, &run.parts);
	if (!ret)
		ret = set_all(dom, set, &run.parts);
	if (!ret)
		attach(dom, set, &run.parts, run.pid);
	running_close(&run);
	return ret;
}

int domain_oom_apply(const struct domain *dom)
{
	struct process proc;
	char pid[32];
	int score, ret = domain_oom_read(DOMAIN_OOM_FILE, &score);

	if (ret <= 0)
		return ret;
	ret = domain_pid(dom, pid, sizeof(pid));
	if (!ret)
		ret = process_open(&proc, pid);
	if (ret)
		return ret;
	ret = domain_oom_set(proc.dir, score);
	process_close(&proc);
	return ret ? err_errno(ret, "%s: set the oom_score_adj of process %s to %d",
			       dom->source, pid, score) : 0;
}

int domain_reset(const struct domain *dom)
{
	struct tarn_partition_info info;
	struct running run;
	int attached = 0;
	size_t i;
	int ret = running_open(&run, dom);

	if (ret)
		return ret;
	for (i = 0; i < run.parts.count && !ret; i++) {
		ret = partition_info(run.parts.items[i].fd, &info);
		if (ret || !info.vms)
			continue;
		attached++;
		ret = partition_detach(run.parts.items[i].fd);
	}
	if (ret)
		partition_fail(run.parts.items[i - 1].file.path, ret,
			       "detach the VM of");
	if (attached && partition_attach(run.pid))
		ret = domain_err(dom, NULL,
				 "it was reset and is not attached any more");
	running_close(&run);
	return ret ? ret : attached;
}
