// SPDX-License-Identifier: GPL-2.0-only
/* Where what pages share is to lie: at home with most of those who share it, see canon.h. */
#include <linux/numa.h>
#include <linux/rcupdate.h>
#include <linux/xarray.h>

#include "pool/canon.h"
#include "pool/home.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* Nodes that are counted; homes on more than these are passed over. */
#define NODES	8

/**
 * struct poll - where those who share something are at home
 * @count: nodes that are the home of any
 * @node: them
 * @node.nid: which one
 * @node.votes: sharers that have it
 */
struct poll {
	unsigned int count;
	struct {
		int nid;
		u32 votes;
	} node[NODES];
};

static void vote(struct poll *p, int nid, u32 votes)
{
	unsigned int i;

	for (i = 0; i < p->count; i++)
		if (p->node[i].nid == nid)
			break;
	if (i == NODES)
		return;
	if (i == p->count) {
		p->node[i].nid = nid;
		p->node[i].votes = 0;
		p->count++;
	}
	p->node[i].votes += votes;
}

/* So many pages of one partition, each for all homes of that. */
static void vote_all(struct poll *p, struct tarn_pool *pool, u32 id, u32 votes)
{
	struct tarn_partition *part;
	const struct tarn_homes *homes;
	unsigned int i;

	rcu_read_lock();
	part = xa_load(&pool->partitions, id);
	homes = part ? rcu_dereference(part->homes) : NULL;
	for (i = 0; homes && i < homes->count; i++)
		vote(p, homes->home[i].nid, votes);
	rcu_read_unlock();
}

/* Pages in a row of one partition at once. */
static void ask(struct poll *p, struct tarn_pool *pool, const u64 *owners,
		unsigned int n)
{
	unsigned int from, to;

	for (from = 0; from < n; from = to) {
		u32 id = tarn_owner_id(owners[from]);

		for (to = from + 1; to < n && tarn_owner_id(owners[to]) == id; to++)
			;
		vote_all(p, pool, id, to - from);
	}
}

static int winner(const struct poll *p, int here)
{
	int best = NUMA_NO_NODE;
	unsigned int i;
	u32 most = 0;

	for (i = 0; i < p->count; i++) {
		u32 votes = p->node[i].votes;

		if (votes < most || (votes == most && p->node[i].nid != here))
			continue;
		most = votes;
		best = p->node[i].nid;
	}
	return best;
}

/**
 * tarn_canon_home() - the node that is a home of most of those who share a canon
 * @store: the store
 * @canon: which one
 * @here: what it is if that is as good as any
 *
 * A guess, as sharers come and go.
 *
 * Context: any.
 * Return: the node; NUMA_NO_NODE: nobody has a home.
 */
int tarn_canon_home(struct tarn_partition *store, u64 canon, int here)
{
	u64 owners[TARN_SHARERS_STEP];
	struct poll p = {};
	u32 at = U32_MAX;
	unsigned int n;

	while ((n = tarn_canon_sharers_before(store, canon, &at, owners)))
		ask(&p, store->pool, owners, n);
	return winner(&p, here);
}
