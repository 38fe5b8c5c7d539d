// SPDX-License-Identifier: GPL-2.0-only
/*
 * See follow.h. A mask does nothing to a thread that sleeps, and those of an idle guest
 * do. So with HOME_DISPATCH_SOFT a thread is let go when it has run where it was to go.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "follow.h"
#include "home.h"
#include "partition.h"

#define KEPT HOME_MARK_DIR "/threads"

/* Seconds between two looks. */
#define TICK 0.5
/* A look may take this part of the time; so many seconds lie between two at most. */
#define LOOK_SHARE 20
#define TICK_MOST 5.0

double follow_pause(double took)
{
	return fmin(fmax(TICK, took * LOOK_SHARE), TICK_MOST);
}

/* ---- where to ----------------------------------------------------------- */

static const struct pool *pool_of(const struct pool_list *pools, dev_t dev)
{
	size_t i;

	for (i = 0; i < pools->count; i++) {
		if (pools->items[i].dev == dev)
			return &pools->items[i];
	}
	return NULL;
}

/* Of several partitions the first one that says something. */
enum home_dispatch follow_mode(const struct user *user,
			       const struct pool_list *pools,
			       enum home_dispatch all)
{
	struct tarn_partition_info info;
	const struct pool *pool;
	struct home_mark mark;
	size_t i;

	for (i = 0; i < user->parts.count; i++) {
		pool = pool_of(pools, user->parts.items[i].file.dev);
		if (!pool || partition_info(user->parts.items[i].fd, &info))
			continue;
		mark = home_mark_read(pool->uuid, info.id);
		if (mark.dispatch)
			return mark.dispatch;
	}
	return all;
}

static void add_cpus(const struct host *host, const struct homes *homes,
		     struct cpus *cpus)
{
	unsigned int i;

	for (i = 0; i < homes->count; i++) {
		const struct cpus *of = host_node_cpus(&host->nodes,
						       homes->items[i].node);

		if (of && homes->items[i].flags & TARN_NODE_IS_HOME)
			cpus_add(cpus, of);
	}
}

/* Processors of all homes; none if there are no homes. */
static void find_goal(const struct user *user, const struct host *host,
		      struct cpus *goal)
{
	struct homes homes;
	size_t i;

	memset(goal, 0, sizeof(*goal));
	for (i = 0; i < user->parts.count; i++) {
		if (homes_read(user->parts.items[i].fd, &homes))
			continue;
		add_cpus(host, &homes, goal);
		homes_free(&homes);
	}
}

/* ---- what is kept ------------------------------------------------------- */

static void read_kept(struct users *users)
{
	FILE *f = fopen(KEPT, "re");

	kept_free(&users->kept);
	if (!f)
		return;
	kept_read(&users->kept, f);
	fclose(f);
}

/* False: somebody else is in charge. */
static bool take_charge(struct users *users)
{
	if (users->in_charge)
		return true;
	users->charge = home_mark_dispatch_lock();
	if (users->charge < 0)
		return false;
	users->in_charge = true;
	read_kept(users);
	users_renew(users);
	return true;
}

static void give_up(struct users *users)
{
	close(users->charge);
	users->in_charge = false;
}

static bool is_known(const struct users *users, const struct kept *k)
{
	size_t i, j;

	for (i = 0; i < users->count; i++) {
		const struct user *user = &users->items[i];

		for (j = 0; j < user->nr_threads; j++) {
			if (user->threads[j].affinity.tid == k->tid)
				return true;
		}
	}
	return false;
}

/* Of guests that the other service knows alone, as long as their threads are there. */
static void keep_others(const struct users *users, FILE *f)
{
	size_t i;

	for (i = 0; i < users->kept.count; i++) {
		const struct kept *k = &users->kept.items[i];
		const struct affinity a = { k->tid, k->base, k->given };
		char path[32];

		snprintf(path, sizeof(path), "/proc/%d", k->tid);
		if (!is_known(users, k) && !access(path, F_OK))
			kept_write(f, &a, k->start);
	}
}

/* When masks were set or taken back. Who is killed just between the two leaves one. */
static void keep(const struct users *users)
{
	FILE *f = fopen(KEPT ".new", "we");
	size_t i, j;
	bool any;

	if (!f)
		return;
	for (i = 0; i < users->count; i++) {
		const struct user *user = &users->items[i];

		for (j = 0; j < user->nr_threads; j++) {
			if (user->threads[j].narrow)
				kept_write(f, &user->threads[j].affinity,
					   user->threads[j].start);
		}
	}
	keep_others(users, f);
	any = ftell(f) > 0;
	if (fclose(f) || rename(KEPT ".new", KEPT))
		unlink(KEPT ".new");
	if (!any)
		unlink(KEPT);
}

/* ---- threads ------------------------------------------------------------ */

static void tell(struct user *user, unsigned int placed, unsigned int all)
{
	char list[160];

	cpus_format(&user->goal, list, sizeof(list));
	if (placed)
		printf("%s (%d): %u vCPUs go to processors %s, where their memory is at home\n",
		       user->proc.name, user->proc.pid, placed, list);
	if (placed != all && !user->warned) {
		printf("%s (%d): %u of %u vCPUs stay where somebody else has pinned them, which is not on the processors of their memory's homes (%s)\n",
		       user->proc.name, user->proc.pid, all - placed, all,
		       list);
		user->warned = true;
	}
	fflush(stdout);
}

static void let_go(struct user_thread *t)
{
	affinity_widen(&t->affinity);
	t->narrow = false;
}

/* These return whether a mask was set. */
static bool place(struct user *user)
{
	unsigned int placed = 0, all = 0;
	size_t i;

	for (i = 0; i < user->nr_threads; i++) {
		struct user_thread *t = &user->threads[i];

		if (!t->vcpu)
			continue;
		all++;
		t->narrow = affinity_place(&t->affinity, &user->goal);
		placed += t->narrow;
	}
	if (all)
		tell(user, placed, all);
	return placed;
}

/* Those that have come to where they were to go, or all. */
static bool widen(struct user *user, bool all)
{
	bool any = false;
	size_t i;

	for (i = 0; i < user->nr_threads; i++) {
		struct user_thread *t = &user->threads[i];

		if (!t->narrow || (!all && !cpus_has(&user->goal, t->cpu)))
			continue;
		let_go(t);
		any = true;
	}
	return any;
}

/* A vCPU that was plugged goes where the others are. */
static bool has_new(const struct user *user)
{
	size_t i;

	for (i = 0; i < user->nr_threads; i++) {
		if (user->threads[i].vcpu && !user->threads[i].narrow)
			return true;
	}
	return false;
}

static bool follow_user(struct user *user, const struct host *host,
			enum home_dispatch mode)
{
	struct cpus goal = { 0 };
	bool same;

	if (mode != HOME_DISPATCH_OFF)
		find_goal(user, host, &goal);
	same = cpus_equal(&goal, &user->goal);
	user->goal = goal;
	if (cpus_empty(&goal))
		return widen(user, true);
	if (!same || (mode == HOME_DISPATCH_STRICT && !user->warned &&
		      has_new(user))) {
		user->warned &= same;
		return place(user);
	}
	return mode == HOME_DISPATCH_SOFT && widen(user, false);
}

void follow(struct users *users, const struct pool_list *pools,
	    const struct host *host, enum home_dispatch all)
{
	bool any = false;
	size_t i;

	if (!users->count || !take_charge(users))
		return;
	for (i = 0; i < users->count; i++) {
		struct user *user = &users->items[i];

		if (!user->follows && user_has_vcpus(user))
			any |= follow_user(user, host,
					   follow_mode(user, pools, all));
	}
	if (any)
		keep(users);
}

void follow_again(struct user *user)
{
	user->goal = (struct cpus){ 0 };
	user->warned = false;
}

void follow_leave(struct users *users)
{
	size_t i, j;

	if (!users->in_charge)
		return;
	/* They are nobody's here to be let go. */
	for (i = 0; i < users->count; i++) {
		for (j = 0; j < users->items[i].nr_threads; j++)
			users->items[i].threads[j].narrow = false;
	}
	give_up(users);
}

void follow_end(struct users *users)
{
	size_t i;

	if (!users->in_charge)
		return;
	for (i = 0; i < users->count; i++)
		widen(&users->items[i], true);
	keep(users);
	give_up(users);
}
