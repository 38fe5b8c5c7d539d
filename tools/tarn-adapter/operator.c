// SPDX-License-Identifier: GPL-2.0-only
/* What root asks for: see wire.h. tarnctl adapter is what asks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "manager.h"

/* ---- how it is ------------------------------------------------------------------------------ */

static json_t *json_resource(const struct nvme_flexible *f)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "flexible", (json_int_t)f->total,
			 "primary", (json_int_t)f->primary, "private", (json_int_t)f->own,
			 "most", (json_int_t)f->max, "step", (json_int_t)f->step);
}

static json_t *json_vf(const struct vf *vf)
{
	const struct peer *peer = vf->peer;
	json_t *object;

	object = json_pack("{s:i, s:s, s:s, s:I, s:I, s:i, s:I}", "vf", vf->index + 1, "bdf",
			   vf->fn.name, "state", vf_state_name(vf->state), "queues",
			   (json_int_t)vf->has.of[RESOURCE_QUEUES], "interrupts",
			   (json_int_t)vf->has.of[RESOURCE_INTERRUPTS], "iommu_group",
			   vf->iommu_group, "faults", (json_int_t)vf->faults);
	if (vf->group)
		json_object_set_new(object, "group", json_string(vf->group->name));
	if (vf->state == VF_UNUSABLE)
		json_object_set_new(object, "why", json_string(vf->why));
	if (peer)
		json_object_update_new(object, json_pack("{s:s, s:s, s:i, s:i, s:I}",
			"guest", peer->guest, "name", peer->name, "pid", peer->pid, "uid",
			(int)peer->uid, "generation", (json_int_t)vf->gen));
	return object;
}

static json_t *json_group(const struct group *group)
{
	json_t *object, *namespaces = json_array();
	size_t i;

	for (i = 0; i < group->nr_namespaces; i++)
		json_array_append_new(namespaces, json_integer(group->namespaces[i]));
	object = json_pack("{s:s, s:s, s:I, s:s, s:I, s:o, s:I, s:I, s:s}", "group", group->name,
			   "share", group_share_name(group->share), "weight",
			   (json_int_t)group->weight, "guest", group->guest, "uid",
			   (json_int_t)group->user, "namespaces", namespaces, "queues",
			   (json_int_t)group->gets.of[RESOURCE_QUEUES], "interrupts",
			   (json_int_t)group->gets.of[RESOURCE_INTERRUPTS], "barred",
			   group->barred);
	if (group->vf)
		json_object_set_new(object, "bdf", json_string(group->vf->fn.name));
	return object;
}

static json_t *show(struct manager *m)
{
	json_t *vfs = json_array(), *groups = json_array(), *answer;
	const struct nvme_primary *primary = &m->adapter.primary;
	size_t i;

	for (i = 0; i < m->adapter.nr_vfs; i++)
		json_array_append_new(vfs, json_vf(&m->adapter.vfs[i]));
	for (i = 0; i < m->file.count; i++)
		json_array_append_new(groups, json_group(&m->file.groups[i]));
	answer = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:I, s:o, s:o}", "type", "ok", "adapter",
			   m->adapter.pf.name, "divided", m->adapter.ops->name, "settled",
			   m->settled, "no_plan", m->no_plan, "change",
			   m->change.kind ? change_why(m->change.kind) : "", "suppressed",
			   (json_int_t)m->suppressed, "vfs", vfs, "groups", groups);
	if (!m->adapter.ops->whole)
		json_object_update_new(answer, json_pack("{s:o, s:o}",
			"queues", json_resource(&primary->of[RESOURCE_QUEUES]),
			"interrupts", json_resource(&primary->of[RESOURCE_INTERRUPTS])));
	return answer;
}

/* ---- plans ------------------------------------------------------------------------------------ */

static json_t *json_plan(struct manager *m, const struct group_file *file,
			 const struct plan_group *groups)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < file->count; i++) {
		const struct group *now = group_find(&m->file, groups[i].name);
		const struct vf *vf = now ? now->vf : NULL;

		json_array_append_new(array, json_pack(
			"{s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:I}", "group", groups[i].name,
			"share", group_share_name(groups[i].share), "held", groups[i].held,
			"bdf", vf ? vf->fn.name : "",
			"queues", (json_int_t)groups[i].gets.of[RESOURCE_QUEUES],
			"interrupts", (json_int_t)groups[i].gets.of[RESOURCE_INTERRUPTS],
			"queues_now", (json_int_t)(vf ? vf->has.of[RESOURCE_QUEUES] : 0),
			"interrupts_now",
			(json_int_t)(vf ? vf->has.of[RESOURCE_INTERRUPTS] : 0)));
	}
	return array;
}

static json_t *answer_plan(struct manager *m, const struct group_file *file,
			   const struct plan_group *groups)
{
	return json_pack("{s:s, s:s, s:o}", "type", "ok", "adapter", m->adapter.pf.name, "plan",
			 json_plan(m, file, groups));
}

/* What its file says now, which may not have been read since it was changed. */
static void ask_plan(struct manager *m, struct peer *peer)
{
	char why[PLAN_WHY_MAX] = "";
	struct plan_group *groups;
	struct group_file file;

	if (group_file_read(&file, m->path)) {
		peer_error(peer, -EINVAL, "%s is wrong: 'tarn-adapter --dry-run %s' says what, and the journal",
			   m->path, m->adapter.pf.name);
		return;
	}
	groups = calloc(file.count, sizeof(*groups));
	if (groups && !manager_plan(m, &file, groups, why))
		peer_send(peer, answer_plan(m, &file, groups), -1);
	else
		peer_error(peer, -ENOSPC, "%s", groups ? why : "out of memory");
	free(groups);
	group_file_free(&file);
}

/* ---- shares ------------------------------------------------------------------------------------ */

/* Return: the group, which is leased, or NULL, answered. */
static struct group *leased_group(struct manager *m, struct peer *peer, const char *name)
{
	struct group *group = group_find(&m->file, name);

	if (!group)
		peer_error(peer, -ENOENT, "there is no group '%s'", name);
	else if (!group->vf || !vf_is_let(group->vf))
		peer_error(peer, -ENODEV, "nobody has group '%s': what it is to have is in %s",
			   name, m->path);
	else
		return group;
	return NULL;
}

static void set_amounts(struct amount *to, const struct wire_message *msg)
{
	if (msg->queues >= 0)
		to->of[RESOURCE_QUEUES] = msg->queues;
	if (msg->interrupts >= 0)
		to->of[RESOURCE_INTERRUPTS] = msg->interrupts;
}

/* What @group gets more, @from loses. Return: whether it has that. */
static bool take_from(const struct amount *before, const struct amount *after,
		      struct amount *from)
{
	enum resource r;

	for_each_resource(r) {
		int64_t left = (int64_t)from->of[r] + before->of[r] - after->of[r];

		if (left < 0)
			return false;
		from->of[r] = left;
	}
	return true;
}

/**
 * struct wish - what is asked for
 * @group, @from: whose, @from may be NULL
 * @mine, @theirs: what they are to have
 * @plan: of all groups, with that
 */
struct wish {
	struct group *group;
	struct group *from;
	struct amount mine;
	struct amount theirs;
	struct plan_group *plan;
};

/*
 * Relative shares that nobody has yet may become smaller for it, others may not. Return:
 * whether it can be had; else it was answered why not.
 */
static bool check_wish(struct manager *m, struct peer *peer, struct wish *w)
{
	struct plan_group *mine = &w->plan[w->group - m->file.groups];
	struct plan_group *theirs = w->from ? &w->plan[w->from - m->file.groups] : mine;
	struct plan_adapter adapter;
	char why[PLAN_WHY_MAX] = "";

	/* Whether there is a plan without the wish does not matter. */
	manager_plan(m, &m->file, w->plan, why);
	adapter_describe(&m->adapter, &m->file.spare, &adapter);
	theirs->gets = w->theirs;
	mine->gets = w->mine;
	if (!plan(&adapter, w->plan, m->file.count, why)) {
		/* What is held was not looked at. */
		mine->held = theirs->held = false;
		if (!plan_check(&adapter, w->plan, m->file.count, why))
			return true;
	}
	peer_error(peer, -ENOSPC, "%s", why);
	return false;
}

static bool make_wish(struct manager *m, struct peer *peer, const struct wire_message *msg,
		      struct wish *w)
{
	w->group = leased_group(m, peer, msg->group);
	if (!w->group)
		return false;
	w->mine = w->group->gets;
	set_amounts(&w->mine, msg);
	if (m->adapter.ops->whole || msg->queues > UINT16_MAX || msg->interrupts > UINT16_MAX) {
		peer_error(peer, -EOPNOTSUPP, "this adapter cannot give that to one function");
		return false;
	}
	if (!*msg->from)
		return true;
	w->from = leased_group(m, peer, msg->from);
	if (!w->from)
		return false;
	w->theirs = w->from->gets;
	if (w->from != w->group && take_from(&w->group->gets, &w->mine, &w->theirs))
		return true;
	peer_error(peer, -ENOSPC, "group '%s' has not so much", msg->from);
	return false;
}

static void carry_out(struct manager *m, struct peer *peer, const struct wish *w, bool dry)
{
	struct member *members = dry ? NULL : calloc(2, sizeof(*members));
	size_t count = 0;

	if (dry) {
		peer_send(peer, answer_plan(m, &m->file, w->plan), -1);
		return;
	}
	if (!members) {
		peer_error(peer, -ENOMEM, "out of memory");
		return;
	}
	members[count++] = (struct member){ .vf = w->group->vf, .before = w->group->gets,
					    .after = w->mine };
	if (w->from)
		members[count++] = (struct member){ .vf = w->from->vf, .before = w->from->gets,
						    .after = w->theirs };
	change_begin(m, CHANGE_SHARES, members, count, peer);
}

/* Without an amount it lets go of what bars a group. */
static void unbar(struct manager *m, struct peer *peer, const struct wire_message *msg)
{
	struct group *group = group_find(&m->file, msg->group);

	if (!group) {
		peer_error(peer, -ENOENT, "there is no group '%s'", msg->group);
		return;
	}
	if (*group->barred) {
		*group->barred = '\0';
		notice(m, group->vf, "let-go", NULL, "group '%s' can be leased again", group->name);
		if (!m->change.kind)
			manager_arrange(m);
	}
	peer_send(peer, json_pack("{s:s}", "type", "ok"), -1);
}

static void ask_share(struct manager *m, struct peer *peer, const struct wire_message *msg)
{
	struct wish w = { 0 };

	if (msg->queues < 0 && msg->interrupts < 0) {
		unbar(m, peer, msg);
		return;
	}
	if (!make_wish(m, peer, msg, &w))
		return;
	w.plan = calloc(m->file.count, sizeof(*w.plan));
	if (!w.plan)
		peer_error(peer, -ENOMEM, "out of memory");
	else if (check_wish(m, peer, &w))
		carry_out(m, peer, &w, msg->dry);
	free(w.plan);
}

/* ---- ends ---------------------------------------------------------------------------------------- */

static void ask_revoke(struct manager *m, struct peer *peer, const struct wire_message *msg)
{
	struct group *group = leased_group(m, peer, msg->group);
	struct member *members = group ? calloc(1, sizeof(*members)) : NULL;

	if (!group)
		return;
	if (!members) {
		peer_error(peer, -ENOMEM, "out of memory");
		return;
	}
	*members = (struct member){ .vf = group->vf, .before = group->gets, .after = group->gets };
	if (group->vf->state == VF_FENCED)
		members->part = PART_FENCED;
	change_begin(m, CHANGE_REVOKE, members, 1, peer);
}

/* At once, whatever the owner is at, and whatever else is under way. */
static void ask_destroy(struct manager *m, struct peer *peer, const struct wire_message *msg)
{
	struct group *group = leased_group(m, peer, msg->group);
	int64_t began = clock_ms();

	if (!group)
		return;
	lease_bar(m, group->vf, "the operator has destroyed it", "destroyed");
	peer_send(peer, json_pack("{s:s, s:I}", "type", "ok", "took_ms",
				  (json_int_t)(clock_ms() - began)), -1);
}

static void ask_reset(struct manager *m, struct peer *peer)
{
	struct member *members = calloc(m->adapter.nr_vfs + 1, sizeof(*members));
	size_t count = 0;
	unsigned int i;

	if (!members) {
		peer_error(peer, -ENOMEM, "out of memory");
		return;
	}
	for (i = 0; i < m->adapter.nr_vfs; i++) {
		struct vf *vf = &m->adapter.vfs[i];

		if (vf_is_let(vf))
			members[count++] = (struct member){ .vf = vf, .before = vf->group->gets,
							    .after = vf->group->gets };
	}
	change_begin(m, CHANGE_RESET, members, count, peer);
}

/* All that are kept, then those that come. */
static void ask_events(struct manager *m, struct peer *peer)
{
	uint64_t seq = m->event_seq > EVENTS_MAX ? m->event_seq - EVENTS_MAX : 0;

	peer_send(peer, json_pack("{s:s}", "type", "ok"), -1);
	for (; seq < m->event_seq; seq++)
		peer_send(peer, json_incref(m->events[seq % EVENTS_MAX]), -1);
	peer->follows = true;
}

void operator_ask(struct manager *m, struct peer *peer, const struct wire_message *msg)
{
	bool changes = msg->type == WIRE_SHARE || msg->type == WIRE_REVOKE ||
		       msg->type == WIRE_RESET;

	if (changes && (m->change.kind || !m->settled)) {
		peer_error(peer, -EAGAIN, "the adapter is busy: %s; try again",
			   m->change.kind ? change_why(m->change.kind) : m->no_plan);
		return;
	}
	switch (msg->type) {
	case WIRE_SHOW:
		peer_send(peer, show(m), -1);
		break;
	case WIRE_PLAN:
		ask_plan(m, peer);
		break;
	case WIRE_SHARE:
		ask_share(m, peer, msg);
		break;
	case WIRE_REVOKE:
		ask_revoke(m, peer, msg);
		break;
	case WIRE_DESTROY:
		ask_destroy(m, peer, msg);
		break;
	case WIRE_RESET:
		ask_reset(m, peer);
		break;
	case WIRE_EVENTS:
		ask_events(m, peer);
		break;
	default:
		break;
	}
}
