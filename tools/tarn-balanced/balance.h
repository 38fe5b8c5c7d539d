/* SPDX-License-Identifier: GPL-2.0-only */
/* A round: what pools are like is found out, decided on, told and done. */
#ifndef TARN_BALANCED_BALANCE_H
#define TARN_BALANCED_BALANCE_H

#include "decide.h"
#include "follow.h"

_Static_assert(DECIDE_NODES == HOST_NODES, "loads are given by node of the host");

/**
 * struct subject - a partition
 * @uuid: of its pool
 * @id: its number there
 * @name: of its file, clean, or the number
 * @path: of its file in the pool, NULL: it was removed
 * @fd: of its file during a round; -1: none
 * @seen: in the last round
 * @known: its load was measured before
 * @age: rounds since its homes were set here
 * @ran: processors that vCPUs keep busy which follow its homes, by node: a mean in
 *	which the last round counts half
 * @fixed: likewise of other threads
 * @ran_now: in the last round
 * @fixed_now: likewise
 * @may: nodes where the vCPUs may run, a bit each; 0: all
 * @guest: it has vCPUs
 */
struct subject {
	char uuid[POOL_UUID_TEXT];
	__u32 id;
	char *name;
	char *path;
	int fd;
	bool seen;
	bool known;
	unsigned int age;
	double ran[DECIDE_NODES];
	double fixed[DECIDE_NODES];
	double ran_now[DECIDE_NODES];
	double fixed_now[DECIDE_NODES];
	uint64_t may;
	bool guest;
};

/**
 * struct balance - all there is
 * @host: its nodes
 * @users: processes with partitions
 * @dispatch: how vCPUs follow homes, where nothing else is said
 * @dry: nothing is set
 * @subjects: partitions, of all pools
 * @busy: processors that are, by node: a mean as well
 * @since: when that was measured, in seconds; 0: never
 */
struct balance {
	struct host host;
	struct users users;
	enum home_dispatch dispatch;
	bool dry;
	struct subject *subjects;
	size_t nr_subjects;
	double busy[DECIDE_NODES];
	double since;
};

/**
 * struct verdict - a pool in a round
 * @pool: the pool
 * @d: what was decided
 * @subjects: of each partition of @d, as indices of struct balance
 */
struct verdict {
	const struct pool *pool;
	struct decide d;
	size_t *subjects;
};

/**
 * balance_round() - Set homes in all pools.
 * @pools: all
 * @now: in seconds
 * @tell: is given each pool, before anything is set there; may be NULL
 * Return: 0, or the first errno, reported; other pools are done all the same.
 */
int balance_round(struct balance *b, const struct pool_list *pools, double now,
		  void (*tell)(const struct balance *b,
			       const struct verdict *v, void *arg),
		  void *arg);

/** balance_forget_loads() - Nodes have other indices: measure anew. */
void balance_forget_loads(struct balance *b);

void balance_free(struct balance *b);

#endif
