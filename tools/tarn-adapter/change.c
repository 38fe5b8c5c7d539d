// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes that owners of virtual functions wait for: quiesce, change, recover. It never
 * waits for one owner longer than until the deadline: who has not acknowledged then is
 * fenced, its function being offline, so that nothing of it goes on whatever it is at.
 */
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "manager.h"

const char *change_why(enum change_kind kind)
{
	switch (kind) {
	case CHANGE_SHARES:
		return "resources are moved";
	case CHANGE_RESET:
		return "the adapter is reset";
	case CHANGE_REVOKE:
		return "the lease is ended";
	case CHANGE_NONE:
		break;
	}
	return "nothing";
}

/* ---- the end ---------------------------------------------------------------------------- */

static void answer(struct manager *m, const struct change *c)
{
	struct peer *peer = c->requester;

	if (!peer)
		return;
	peer->waits = false;
	if (c->ret)
		peer_error(peer, c->ret, "the adapter has refused it, and all is as it was before where that was possible; the journal says more");
	else
		peer_send(peer, json_pack("{s:s, s:i, s:I}", "type", "ok", "fenced", c->fenced,
					  "took_ms", (json_int_t)(clock_ms() - c->began)), -1);
}

static void finish(struct manager *m)
{
	struct change c = m->change;

	m->change = (struct change){ 0 };
	notice(m, NULL, c.ret ? "change-failed" : "changed",
	       json_pack("{s:s, s:i, s:I}", "why", change_why(c.kind), "fenced", c.fenced,
			 "took_ms", (json_int_t)(clock_ms() - c.began)),
	       "%s: %s, %u of %zu owners fenced", change_why(c.kind), c.ret ? "failed" : "done",
	       c.fenced, c.count);
	answer(m, &c);
	free(c.members);
	manager_arrange(m);
}

static bool any(const struct change *c, enum part part)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		if (c->members[i].part == part)
			return true;
	}
	return false;
}

/* ---- the change itself -------------------------------------------------------------------- */

/* An owner goes on. One that does not read what it is told has not been fenced yet. */
static void tell_recover(struct manager *m, struct vf *vf)
{
	peer_send(vf->peer, json_pack("{s:s, s:I, s:I, s:I}", "type", "recover",
				      "gen", (json_int_t)vf->gen,
				      "queues", (json_int_t)vf->has.of[RESOURCE_QUEUES],
				      "interrupts", (json_int_t)vf->has.of[RESOURCE_INTERRUPTS]),
		  -1);
}

/* Offline, without a reset: it comes back, and its owner resets it. */
static int take_offline(struct manager *m, struct member *member)
{
	struct vf *vf = member->vf;

	if (member->part == PART_GONE)
		return 0;
	return m->adapter.ops->offline(&m->adapter, vf);
}

/* Give a function what its group is to have, and have its owner go on if it waits. */
static int give(struct manager *m, struct member *member, const struct amount *amount)
{
	struct vf *vf = member->vf;
	int ret;

	if (member->part == PART_GONE || !vf->group)
		return 0;
	vf->group->gets = *amount;
	if (member->part != PART_ACKED)
		return 0;
	ret = lease_online(m, vf);
	if (ret)
		return ret;
	vf_move(vf, VF_LEASED);
	member->part = PART_RECOVERING;
	tell_recover(m, vf);
	return 0;
}

static int give_all(struct manager *m)
{
	struct change *c = &m->change;
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < c->count; i++)
		ret = give(m, &c->members[i], &c->members[i].after);
	return ret;
}

/* What went online already goes offline again: all get what they had before, or nothing. */
static void undo(struct manager *m)
{
	struct change *c = &m->change;
	size_t i;

	for (i = 0; i < c->count; i++) {
		struct member *member = &c->members[i];

		if (member->part == PART_RECOVERING) {
			vf_move(member->vf, VF_QUIESCED);
			member->part = PART_ACKED;
		}
		if (member->part == PART_ACKED || member->part == PART_NONE)
			m->adapter.ops->offline(&m->adapter, member->vf);
	}
	for (i = 0; i < c->count; i++) {
		struct member *member = &c->members[i];

		if (give(m, member, &member->before))
			lease_end(m, member->vf, "the adapter does not take it online again",
				  "destroyed");
	}
}

/* What functions have that nobody has may be what others get; they get theirs at the end. */
static int free_unused(struct manager *m)
{
	const struct amount none = { 0 };
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < m->adapter.nr_vfs; i++) {
		struct vf *vf = &m->adapter.vfs[i];

		if (vf->state != VF_ASSIGNED)
			continue;
		if (!amount_equal(&vf->has, &none))
			ret = m->adapter.ops->offline(&m->adapter, vf);
		if (!ret)
			vf_move(vf, VF_FREE);
	}
	return ret;
}

static int make_shares(struct manager *m)
{
	struct change *c = &m->change;
	int ret = free_unused(m);
	size_t i;

	for (i = 0; !ret && i < c->count; i++)
		ret = take_offline(m, &c->members[i]);
	return ret ? ret : give_all(m);
}

static int make_reset(struct manager *m)
{
	int ret = m->adapter.ops->reset(&m->adapter);

	if (!ret)
		ret = free_unused(m);
	return ret ? ret : give_all(m);
}

static void make_revoke(struct manager *m)
{
	struct change *c = &m->change;

	if (c->members[0].part == PART_ACKED || c->members[0].part == PART_FENCED)
		lease_end(m, c->members[0].vf, "the operator has ended the lease", "revoked");
}

static void make(struct manager *m)
{
	struct change *c = &m->change;

	c->made = true;
	c->deadline = clock_ms() + m->file.deadline_ms;
	switch (c->kind) {
	case CHANGE_SHARES:
		c->ret = make_shares(m);
		break;
	case CHANGE_RESET:
		c->ret = make_reset(m);
		break;
	case CHANGE_REVOKE:
		make_revoke(m);
		break;
	case CHANGE_NONE:
		break;
	}
	if (c->ret)
		undo(m);
	if (!any(c, PART_RECOVERING))
		finish(m);
}

/* ---- owners -------------------------------------------------------------------------------- */

static struct member *member_of(struct manager *m, const struct vf *vf)
{
	size_t i;

	for (i = 0; vf && i < m->change.count; i++) {
		if (m->change.members[i].vf == vf)
			return &m->change.members[i];
	}
	return NULL;
}

static void advance(struct manager *m)
{
	struct change *c = &m->change;

	if (!c->kind)
		return;
	if (!c->made && !any(c, PART_ASKED))
		make(m);
	else if (c->made && !any(c, PART_RECOVERING))
		finish(m);
}

static void fence(struct manager *m, struct member *member)
{
	int ret;

	member->part = PART_FENCED;
	m->change.fenced++;
	vf_move(member->vf, VF_FENCED);
	ret = m->adapter.ops->offline(&m->adapter, member->vf);
	notice(m, member->vf, "fenced", NULL,
	       "guest '%s' has not acknowledged within %lld ms: %s",
	       member->vf->peer->guest, (long long)m->file.deadline_ms,
	       ret ? "the adapter does not take its function offline, which may be at work still" :
		     "its function is offline until it does");
}

/* One that was fenced, and answers after all. */
static void take_back(struct manager *m, struct vf *vf)
{
	if (lease_online(m, vf)) {
		lease_end(m, vf, "the adapter does not take it online again", "destroyed");
		return;
	}
	vf_move(vf, VF_LEASED);
	notice(m, vf, "unfenced", NULL, "guest '%s' has answered, and goes on", vf->peer->guest);
	tell_recover(m, vf);
}

void change_ack(struct manager *m, struct peer *peer, uint64_t gen)
{
	struct member *member = member_of(m, peer->vf);
	struct vf *vf = peer->vf;

	if (!vf || vf->gen != gen) {
		peer_error(peer, -ESTALE, "there is nothing of that number to acknowledge");
		return;
	}
	if (member && member->part == PART_ASKED) {
		member->part = PART_ACKED;
		vf_move(vf, VF_QUIESCED);
		advance(m);
	} else if (vf->state == VF_FENCED && member && !m->change.made) {
		/* It goes on together with the others. */
		member->part = PART_ACKED;
		vf_move(vf, VF_QUIESCED);
	} else if (vf->state == VF_FENCED) {
		take_back(m, vf);
	}
}

void change_done(struct manager *m, struct peer *peer, uint64_t gen)
{
	struct member *member = member_of(m, peer->vf);

	if (!peer->vf || peer->vf->gen != gen)
		peer_error(peer, -ESTALE, "there is nothing of that number to recover from");
	if (!member || member->part != PART_RECOVERING || peer->vf->gen != gen)
		return;
	member->part = PART_DONE;
	advance(m);
}

void change_leave(struct manager *m, const struct vf *vf)
{
	struct member *member = member_of(m, vf);

	if (member)
		member->part = PART_GONE;
}

int change_begin(struct manager *m, enum change_kind kind, struct member *members,
		 size_t count, struct peer *requester)
{
	struct change *c = &m->change;
	size_t i;

	if (c->kind) {
		free(members);
		return -EBUSY;
	}
	*c = (struct change){
		.kind = kind,
		.gen = ++m->gen,
		.began = clock_ms(),
		.members = members,
		.count = count,
		.requester = requester,
	};
	c->deadline = c->began + m->file.deadline_ms;
	if (requester)
		requester->waits = true;
	for (i = 0; i < count; i++) {
		struct vf *vf = members[i].vf;

		if (vf->state != VF_LEASED)
			continue;
		vf->gen = c->gen;
		members[i].part = PART_ASKED;
		/* Who has no room for it does not answer either. */
		peer_send(vf->peer, json_pack("{s:s, s:I, s:s, s:I}", "type", "quiesce",
					      "gen", (json_int_t)c->gen, "why", change_why(kind),
					      "deadline_ms", (json_int_t)m->file.deadline_ms), -1);
	}
	advance(m);
	return 0;
}

bool change_is_due(const struct manager *m, int64_t now)
{
	return m->change.kind && now >= m->change.deadline;
}

void change_tick(struct manager *m, int64_t now)
{
	struct change *c = &m->change;
	size_t i;

	if (change_is_due(m, now)) {
		for (i = 0; i < c->count; i++) {
			struct member *member = &c->members[i];

			if (member->part == PART_ASKED)
				fence(m, member);
			/* It has its function; what it makes of it is its own affair. */
			if (member->part == PART_RECOVERING)
				member->part = PART_DONE;
		}
	}
	/* Leases may have ended since it was looked at. */
	advance(m);
}
