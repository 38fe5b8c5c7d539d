// SPDX-License-Identifier: GPL-2.0-only
/* See gather.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "error.h"
#include "gather.h"
#include "home.h"
#include "partition.h"
#include "sysfs.h"

/*
 * Pages of other classes count by how often they are used (design/activity.rst), where a
 * hot one is taken to be used ten times a second.
 */
#define WARM_PART	600.0
#define COOL_PART	6000.0

/* Of a processor. Less is a program that starts, or a timer. */
#define LOAD_LEAST	0.02

/* ---- partitions that are remembered ------------------------------------- */

static size_t find_subject(const struct balance *b, const char *uuid, __u32 id)
{
	size_t i;

	for (i = 0; i < b->nr_subjects; i++) {
		if (b->subjects[i].id == id &&
		    !strcmp(b->subjects[i].uuid, uuid))
			break;
	}
	return i;
}

/* Return: its index, or a negative errno, reported. */
static ssize_t get_subject(struct balance *b, const char *uuid, __u32 id)
{
	size_t i = find_subject(b, uuid, id);
	struct subject *subjects;

	if (i < b->nr_subjects)
		return i;
	subjects = reallocarray(b->subjects, i + 1, sizeof(*subjects));
	if (!subjects)
		return err_nomem();
	b->subjects = subjects;
	/* Homes that it had before are nobody's haste. */
	subjects[i] = (struct subject){ .id = id, .fd = -1, .age = DECIDE_REST };
	strcpy(subjects[i].uuid, uuid);
	b->nr_subjects++;
	return i;
}

/* ---- load --------------------------------------------------------------- */

/* Where the vCPUs of a guest may run as far as others are concerned. */
static uint64_t may_run(const struct balance *b, const struct user *user)
{
	uint64_t may = 0, all = 0;
	size_t i, node;

	if (user->follows)
		return 0;
	for (node = 0; node < b->host.nodes.nr; node++) {
		const struct cpus *cpus = &b->host.nodes.node[node].cpus;
		struct cpus common;

		all |= !cpus_empty(cpus) ? 1ULL << node : 0;
		for (i = 0; i < user->nr_threads; i++) {
			if (!user->threads[i].vcpu)
				continue;
			cpus_common(&common, cpus,
				    &user->threads[i].affinity.base);
			may |= !cpus_empty(&common) ? 1ULL << node : 0;
		}
	}
	return may == all ? 0 : may;
}

/* The load of a process with several partitions is that of each in parts. */
static void add_load(struct balance *b, const struct user *user,
		     struct subject *s, double seconds, bool follows)
{
	double hz = sysconf(_SC_CLK_TCK) * seconds * user->parts.count;
	size_t i;

	for (i = 0; i < b->host.nodes.nr; i++) {
		s->fixed_now[i] += user->worked[i] / hz;
		if (follows)
			s->ran_now[i] += user->ran[i] / hz;
		else
			s->fixed_now[i] += user->ran[i] / hz;
	}
	if (user_has_vcpus(user)) {
		s->guest = true;
		s->may = may_run(b, user);
	}
}

static const char *uuid_of(const struct pool_list *pools, dev_t dev)
{
	size_t i;

	for (i = 0; i < pools->count; i++) {
		if (pools->items[i].dev == dev)
			return pools->items[i].uuid;
	}
	return NULL;
}

static void add_user(struct balance *b, const struct pool_list *pools,
		     const struct user *user, double now)
{
	bool follows = user->follows ||
		       follow_mode(user, pools, b->dispatch) != HOME_DISPATCH_OFF;
	size_t i;

	if (now <= user->since)
		return;
	for (i = 0; i < user->parts.count; i++) {
		const struct process_part *part = &user->parts.items[i];
		const char *uuid = uuid_of(pools, part->file.dev);
		struct tarn_partition_info info;
		ssize_t at;

		if (!uuid || partition_info(part->fd, &info))
			continue;
		at = get_subject(b, uuid, info.id);
		if (at >= 0)
			add_load(b, user, &b->subjects[at], now - user->since,
				 follows);
	}
}

static void smooth(double *mean, const double *now, bool known)
{
	size_t i;

	for (i = 0; i < DECIDE_NODES; i++) {
		mean[i] = known ? (mean[i] + now[i]) / 2 : now[i];
		if (mean[i] < LOAD_LEAST)
			mean[i] = 0;
	}
}

void gather_load(struct balance *b, const struct pool_list *pools, double now)
{
	double busy[DECIDE_NODES] = { 0 };
	size_t i;

	host_busy(&b->host, now - b->since, busy);
	smooth(b->busy, busy, b->since);
	b->since = now;
	for (i = 0; i < b->nr_subjects; i++) {
		struct subject *s = &b->subjects[i];

		memset(s->ran_now, 0, sizeof(s->ran_now));
		memset(s->fixed_now, 0, sizeof(s->fixed_now));
		s->guest = false;
		s->may = 0;
	}
	for (i = 0; i < b->users.count; i++)
		add_user(b, pools, &b->users.items[i], now);
	for (i = 0; i < b->nr_subjects; i++) {
		struct subject *s = &b->subjects[i];

		smooth(s->ran, s->ran_now, s->known);
		smooth(s->fixed, s->fixed_now, s->known);
		s->known = true;
	}
}

/* ---- a partition -------------------------------------------------------- */

static void take_homes(const struct host *host, const struct homes *homes,
		       struct decide_part *part)
{
	unsigned int i;

	for (i = 0; i < homes->count; i++) {
		const struct tarn_home *home = &homes->items[i];
		size_t node = host_node(host, home->node);

		if (node == HOST_NONE)
			continue;
		part->resident[node] = home->resident_pages;
		if (!(home->flags & TARN_NODE_IS_HOME))
			continue;
		part->now.homes |= 1ULL << node;
		part->now.frames[node] = home->wanted_frames;
	}
}

/*
 * Of a guest that is not attached nobody knows what it uses: half of what it has is
 * taken to be hot, while it runs.
 */
static double hot_pages(int fd, const struct subject *s,
			const struct tarn_partition_info *info)
{
	struct tarn_partition_heat heat = { .size = sizeof(heat) };

	if (s->guest && !info->vms)
		return info->resident_pages / 2;
	if (ioctl(fd, TARN_PARTITION_HEAT, &heat))
		return 0;
	return heat.by_class[TARN_ACTIVITY_HOT] +
	       heat.by_class[TARN_ACTIVITY_WARM] / WARM_PART +
	       heat.by_class[TARN_ACTIVITY_COOL] / COOL_PART;
}

static int fill_part(struct balance *b, const struct subject *s,
		     struct decide_part *part)
{
	struct home_mark mark = home_mark_read(s->uuid, s->id);
	struct tarn_partition_info info;
	struct homes homes;
	int ret = partition_info(s->fd, &info);

	/* It is not taken for one that is set by hand. */
	if (mark.unknown)
		return err_errno(-EMFILE, "%s: read who sets its homes", s->name);
	if (!ret)
		ret = homes_read(s->fd, &homes);
	if (ret)
		return partition_fail(s->name, ret, "read the nodes of");
	take_homes(&b->host, &homes, part);
	homes_free(&homes);
	part->automatic = mark.automatic;
	part->logical = info.logical_pages;
	part->desired = info.desired_frames;
	part->min = info.min_frames;
	part->working_set = info.working_set;
	part->hot = hot_pages(s->fd, s, &info);
	part->may = s->may;
	part->age = s->age;
	memcpy(part->ran, s->ran, sizeof(part->ran));
	memcpy(part->fixed, s->fixed, sizeof(part->fixed));
	return 0;
}

/* Of one without a name, whose file was removed, who has it mapped has a descriptor. */
static int open_of_user(const struct balance *b, const struct pool *pool,
			__u32 id)
{
	struct tarn_partition_info info;
	size_t i, j;

	for (i = 0; i < b->users.count; i++) {
		const struct process_parts *parts = &b->users.items[i].parts;

		for (j = 0; j < parts->count; j++) {
			if (parts->items[j].file.dev == pool->dev &&
			    !partition_info(parts->items[j].fd, &info) &&
			    info.id == id)
				return dup(parts->items[j].fd);
		}
	}
	return -ENOENT;
}

/*
 * One that went meanwhile is left out, and so is one that can't be opened or asked: what its
 * owner makes of it is no reason to leave the others alone.
 */
static int add_part(struct balance *b, struct verdict *v, int dirfd,
		    const struct partition *of)
{
	ssize_t at = get_subject(b, v->pool->uuid, of->info.id);
	struct subject *s;

	if (at < 0)
		return at;
	s = &b->subjects[at];
	s->fd = of->path ? partition_reopen(dirfd, of) :
			   open_of_user(b, v->pool, of->info.id);
	if (s->fd < 0) {
		if (s->fd != -ENOENT)
			partition_fail(of->path, s->fd, "open");
		s->fd = -1;
		return 0;
	}
	s->seen = true;
	free(s->name);
	s->name = partition_name(of);
	free(s->path);
	s->path = of->path ? strdup(of->path) : NULL;
	if (!s->name || (of->path && !s->path))
		return err_nomem();
	if (fill_part(b, s, &v->d.parts[v->d.nr_parts])) {
		memset(&v->d.parts[v->d.nr_parts], 0, sizeof(*v->d.parts));
		close(s->fd);
		s->fd = -1;
		return 0;
	}
	v->subjects[v->d.nr_parts++] = at;
	return 0;
}

/* ---- the nodes ---------------------------------------------------------- */

static void fill_node(const struct balance *b, const struct pool *pool,
		      size_t node, struct decide_node *to)
{
	const struct host_node *from = &b->host.nodes.node[node];
	const struct tarn_pool_info *info = &pool->info;
	char sub[32];
	int fd;

	*to = (struct decide_node){
		.nid = from->nid,
		.cpus = CPU_COUNT_S(sizeof(from->cpus), from->cpus.set),
		.busy = b->busy[node],
	};
	snprintf(sub, sizeof(sub), "node%u", from->nid);
	fd = sysfs_open(SYSFS_ROOT, pool->uuid, sub);
	if (fd < 0)
		return;
	sysfs_read(fd, "frames", &to->frames);
	sysfs_read(fd, "free_frames", &to->free);
	close(fd);
	if (info->frames)
		to->reserve = (double)info->high_frames * to->frames /
			      info->frames;
}

/*
 * What is placed by decide() is not busy beside that. A thread that changes its node
 * between two looks is counted on the wrong one, so what others do is right in sum only:
 * where less than nothing is left, that is taken off where more is.
 */
static void take_off(struct decide *d)
{
	double sum = 0, more = 0, factor;
	size_t i, j;

	for (i = 0; i < d->nr_nodes; i++) {
		for (j = 0; j < d->nr_parts; j++) {
			if (d->parts[j].automatic)
				d->nodes[i].busy -= d->parts[j].ran[i];
		}
		sum += d->nodes[i].busy;
		more += d->nodes[i].busy > 0 ? d->nodes[i].busy : 0;
	}
	factor = sum > 0 ? sum / more : 0;
	for (i = 0; i < d->nr_nodes; i++)
		d->nodes[i].busy = d->nodes[i].busy > 0 ?
				   d->nodes[i].busy * factor : 0;
}

static void fill_nodes(const struct balance *b, struct verdict *v)
{
	struct decide *d = &v->d;
	size_t i;

	d->nr_nodes = b->host.nodes.nr;
	memcpy(d->distance, b->host.distance, sizeof(d->distance));
	for (i = 0; i < d->nr_nodes; i++)
		fill_node(b, v->pool, i, &d->nodes[i]);
	take_off(d);
}

int gather(struct balance *b, struct verdict *v)
{
	struct partition_list list;
	int dirfd, ret;
	size_t i;

	ret = partition_list_read(&list, v->pool);
	if (ret)
		return ret;
	v->d.parts = calloc(list.count + 1, sizeof(*v->d.parts));
	v->subjects = calloc(list.count + 1, sizeof(*v->subjects));
	ret = dirfd = pool_open(v->pool);
	if (!v->d.parts || !v->subjects)
		ret = err_nomem();
	for (i = 0; ret >= 0 && i < list.count; i++)
		ret = add_part(b, v, dirfd, &list.items[i]);
	if (dirfd >= 0)
		close(dirfd);
	partition_list_free(&list);
	if (ret < 0)
		return ret;
	fill_nodes(b, v);
	return 0;
}

void gather_end(struct balance *b, struct verdict *v)
{
	size_t i;

	for (i = 0; i < v->d.nr_parts; i++) {
		struct subject *s = &b->subjects[v->subjects[i]];

		if (s->fd >= 0)
			close(s->fd);
		s->fd = -1;
	}
	free(v->d.parts);
	free(v->subjects);
}
