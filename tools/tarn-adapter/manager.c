// SPDX-License-Identifier: GPL-2.0-only
/* See manager.h: what groups get, and functions that nobody has. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "error.h"
#include "manager.h"

int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* ---- the plan ------------------------------------------------------------------------------ */

static bool is_held(const struct group *group)
{
	return group->vf && vf_is_let(group->vf);
}

/* @file may be another one than the manager's: who holds something is found by name. */
int manager_plan(struct manager *m, const struct group_file *file, struct plan_group *groups,
		 char *why)
{
	struct plan_adapter adapter;
	size_t i;

	adapter_describe(&m->adapter, &file->spare, &adapter);
	for (i = 0; i < file->count; i++) {
		const struct group *group = &file->groups[i];
		const struct group *now = group_find(&m->file, group->name);

		groups[i] = (struct plan_group){
			.name = group->name,
			.share = group->share,
			.weight = group->weight,
			.want = group->want,
		};
		if (!now)
			continue;
		/* What is barred has nothing, so that others can have it. */
		groups[i].held = is_held(now) || *now->barred;
		if (is_held(now))
			groups[i].gets = now->gets;
	}
	return plan(&adapter, groups, file->count, why);
}

/* ---- functions that nobody has ------------------------------------------------------------- */

/* One that a process has open still, which hangs, can be leased by nobody: it comes last. */
static struct vf *find_free(struct adapter *adapter)
{
	struct vf *held = NULL;
	unsigned int i;

	for (i = 0; i < adapter->nr_vfs; i++) {
		struct vf *vf = &adapter->vfs[i];

		if (vf->state != VF_FREE || vf->group)
			continue;
		if (!vf_is_open(vf))
			return vf;
		held = vf;
	}
	return held;
}

static void give_up(struct vf *vf, const char *why)
{
	if (vf->group)
		vf->group->vf = NULL;
	vf->group = NULL;
	vf_move(vf, VF_UNUSABLE);
	strncpy(vf->why, why, sizeof(vf->why) - 1);
}

/* Of a function that was for somebody: what it had can be anybody's. */
static int empty(struct manager *m, struct vf *vf)
{
	const struct adapter_ops *ops = m->adapter.ops;

	if (ops->offline(&m->adapter, vf)) {
		give_up(vf, "the adapter does not take it offline");
		return -EIO;
	}
	if (ops->detach(&m->adapter, vf)) {
		give_up(vf, "the adapter does not take its namespaces from it");
		return -EIO;
	}
	return 0;
}

/*
 * Take from functions what others are to have, before anybody gets more. They stay for
 * their groups.
 */
static void take_back(struct manager *m, struct vf *vf)
{
	struct group *group = vf->group;

	if (vf->state == VF_ASSIGNED && group && amount_equal(&group->gets, &vf->has))
		return;
	if (vf->state == VF_PLANNED && group && group->share == PLAN_FIRST_COME)
		return;
	if ((vf->has.of[RESOURCE_QUEUES] || vf->has.of[RESOURCE_INTERRUPTS] || vf->attached) &&
	    empty(m, vf))
		return;
	if (group && *group->barred) {
		group->vf = NULL;
		vf->group = NULL;
	}
	if (vf->state != VF_FREE)
		vf_move(vf, VF_FREE);
}

/* The reason may go away: a disk that the host uses. Others are not to be had for it. */
static void bar(struct manager *m, struct group *group, int ret)
{
	struct vf *vf = group->vf;

	snprintf(group->barred, sizeof(group->barred),
		 "its function could not be set up (%s), the journal says more", strerror(-ret));
	notice(m, vf, "not-set-up", NULL, "group '%s': %s", group->name, group->barred);
	group->vf = NULL;
	group->gets = (struct amount){ 0 };
	vf->group = NULL;
	if (!empty(m, vf))
		vf_move(vf, VF_FREE);
}

static void hand_out(struct manager *m, struct group *group)
{
	struct vf *vf = group->vf ? group->vf : find_free(&m->adapter);
	int ret;

	if (!vf || vf->state != VF_FREE || *group->barred)
		return;
	vf->group = group;
	group->vf = vf;
	vf_move(vf, VF_PLANNED);
	/* What comes first gets when it comes. */
	if (group->share == PLAN_FIRST_COME)
		return;
	ret = m->adapter.ops->assign(&m->adapter, vf, &group->gets, group->namespaces,
				     group->nr_namespaces);
	if (ret)
		bar(m, group, ret);
	else
		vf_move(vf, VF_ASSIGNED);
}

static void carry_out(struct manager *m, const struct plan_group *plan)
{
	unsigned int v;
	size_t i;

	for (i = 0; i < m->file.count; i++)
		m->file.groups[i].gets = plan[i].gets;
	for (v = 0; v < m->adapter.nr_vfs; v++) {
		struct vf *vf = &m->adapter.vfs[v];

		if (vf->state == VF_FREE || vf->state == VF_PLANNED || vf->state == VF_ASSIGNED)
			take_back(m, vf);
	}
	for (i = 0; i < m->file.count; i++)
		hand_out(m, &m->file.groups[i]);
}

void manager_arrange(struct manager *m)
{
	struct plan_group *groups = calloc(m->file.count + 1, sizeof(*groups));
	char why[PLAN_WHY_MAX] = "";

	if (!groups) {
		err_nomem();
		return;
	}
	if (!m->settled)
		strcpy(why, "it has just begun, and waits for those who hold something");
	else if (!manager_plan(m, &m->file, groups, why))
		carry_out(m, groups);
	if (*why && m->settled && strcmp(why, m->no_plan))
		notice(m, NULL, "no-plan", NULL, "there is no plan: %s", why);
	strcpy(m->no_plan, why);
	free(groups);
}

/* ---- the file anew ------------------------------------------------------------------------- */

/*
 * Who holds something keeps it; a group that has gone keeps its name until then, and one that
 * is to have other namespaces those that its guest writes to.
 */
static int keep_held(struct manager *m, const struct group_file *file)
{
	size_t i;

	for (i = 0; i < m->file.count; i++) {
		const struct group *group = &m->file.groups[i], *next;

		if (!is_held(group))
			continue;
		next = group_find(file, group->name);
		if (!next) {
			err("group '%s' is in use and has gone from %s: end its lease first (tarnctl adapter revoke)",
			    group->name, m->path);
			return -EBUSY;
		}
		if (!group_has_same(group, next)) {
			err("group '%s' is in use, and has other namespaces in %s: end its lease first (tarnctl adapter revoke)",
			    group->name, m->path);
			return -EBUSY;
		}
	}
	return 0;
}

/* A function that is attached to what its group is not to have any more is nobody's. */
static void adopt(struct manager *m, struct group_file *file)
{
	size_t i;

	for (i = 0; i < file->count; i++) {
		const struct group *old = group_find(&m->file, file->groups[i].name);

		if (!old)
			continue;
		strcpy(file->groups[i].barred, old->barred);
		if (!old->vf || !group_has_same(old, &file->groups[i]))
			continue;
		file->groups[i].vf = old->vf;
		file->groups[i].gets = old->gets;
		old->vf->group = &file->groups[i];
	}
	for (i = 0; i < m->file.count; i++) {
		struct vf *vf = m->file.groups[i].vf;

		if (vf && vf->group == &m->file.groups[i])
			vf->group = NULL;
	}
	group_file_free(&m->file);
	m->file = *file;
}

int manager_reload(struct manager *m)
{
	char why[PLAN_WHY_MAX] = "";
	struct plan_group *groups;
	struct group_file file;
	int ret;

	if (m->change.kind) {
		err("%s is read anew when what is under way has ended: try again", m->path);
		return -EBUSY;
	}
	ret = group_file_read(&file, m->path);
	if (ret)
		return ret;
	groups = calloc(file.count, sizeof(*groups));
	ret = groups ? keep_held(m, &file) : err_nomem();
	if (!ret) {
		ret = manager_plan(m, &file, groups, why);
		if (ret)
			err("%s: %s", m->path, why);
	}
	free(groups);
	if (ret) {
		group_file_free(&file);
		return ret;
	}
	adopt(m, &file);
	manager_arrange(m);
	notice(m, NULL, "reloaded", NULL, "%s was read anew", m->path);
	return 0;
}

/* ---- the beginning and the end ------------------------------------------------------------- */

void manager_init(struct manager *m)
{
	unsigned int i, orphans = 0;

	for (i = 0; i < m->adapter.nr_vfs; i++)
		orphans += m->adapter.vfs[i].state == VF_ORPHAN;
	m->settled = !orphans;
	m->settle_at = clock_ms() + m->file.rejoin_ms;
	notice(m, NULL, "started", json_pack("{s:i}", "orphans", orphans),
	       "%u virtual functions, %u of them online", m->adapter.nr_vfs, orphans);
	manager_arrange(m);
}

void manager_free(struct manager *m)
{
	struct peer *peer;
	size_t i;

	/* Leases stay: what guests do goes on without a manager. */
	LIST_FOREACH(peer, &m->peers, link)
		peer->vf = NULL;
	for (i = 0; i < m->adapter.nr_vfs; i++)
		m->adapter.vfs[i].peer = NULL;
	while ((peer = LIST_FIRST(&m->peers))) {
		peer_drop(m, peer);
		peer_sweep(m);
	}
	for (i = 0; i < EVENTS_MAX; i++)
		json_decref(m->events[i]);
	free(m->change.members);
	group_file_free(&m->file);
	adapter_close(&m->adapter);
}

static bool has_orphans(const struct manager *m)
{
	unsigned int i;

	for (i = 0; i < m->adapter.nr_vfs; i++) {
		if (m->adapter.vfs[i].state == VF_ORPHAN)
			return true;
	}
	return false;
}

int manager_tick(struct manager *m)
{
	int64_t now = clock_ms(), next = -1, due;

	/* A command may have been waited for until now: acknowledgements that came are in time. */
	if (change_is_due(m, now))
		peer_receive_all(m);
	change_tick(m, now);
	if (!m->settled && (!has_orphans(m) || now >= m->settle_at)) {
		lease_end_orphans(m);
		m->settled = true;
		manager_arrange(m);
	}
	due = peer_tick(m, now);
	if (due >= 0)
		next = due;
	if (!m->settled && (next < 0 || m->settle_at < next))
		next = m->settle_at;
	if (m->change.kind && (next < 0 || m->change.deadline < next))
		next = m->change.deadline;
	if (next < 0)
		return -1;
	now = clock_ms();
	return next > now ? next - now : 0;
}
