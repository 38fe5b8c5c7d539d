/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The manager of an adapter: all that there is, in one thread.
 *
 * Whose a virtual function is stands nowhere but here and in those who hold it. After a
 * crash the adapter says what is online and with which resources, and owners say that it is
 * theirs; which is checked by who has its VFIO group open.
 */
#ifndef TARN_ADAPTER_MANAGER_H
#define TARN_ADAPTER_MANAGER_H

#include <jansson.h>
#include <sys/queue.h>

#include "adapter.h"
#include "group.h"
#include "wire.h"

/** Events that are kept. */
#define EVENTS_MAX 128

struct manager;

/** enum change_kind - what owners are asked to wait for */
enum change_kind {
	CHANGE_NONE,
	/** groups get other amounts */
	CHANGE_SHARES,
	/** the adapter is reset */
	CHANGE_RESET,
	/** a lease is ended in good order */
	CHANGE_REVOKE,
};

/** enum part - of an owner in a change */
enum part {
	PART_NONE,
	/** was told, and has not acknowledged */
	PART_ASKED,
	/** has */
	PART_ACKED,
	/** has not in time */
	PART_FENCED,
	/** was told that it goes on, and has not said that it does */
	PART_RECOVERING,
	/** has */
	PART_DONE,
	/** its lease has ended meanwhile */
	PART_GONE,
};

/**
 * struct member - a virtual function in a change
 * @vf: which
 * @part: where its owner is
 * @before: what its group had
 * @after: what it is to have
 */
struct member {
	struct vf *vf;
	enum part part;
	struct amount before;
	struct amount after;
};

/**
 * struct change - what is under way, one at a time: all are told, all acknowledge or are
 * fenced, it is made, all go on
 * @kind: CHANGE_NONE: nothing is
 * @gen: its number
 * @made: it has been; owners recover
 * @deadline: of acknowledgements; once it is made, of recovery
 * @began: when
 * @members: whom it is about
 * @count: how many
 * @requester: who waits for its end, or NULL
 * @fenced: how many were
 * @ret: how it went
 */
struct change {
	enum change_kind kind;
	uint64_t gen;
	bool made;
	int64_t deadline;
	int64_t began;
	struct member *members;
	size_t count;
	struct peer *requester;
	unsigned int fenced;
	int ret;
};

/**
 * struct peer - a connection
 * @fd: of it, -1: it has gone, and is freed when nobody looks at it
 * @uid, @pid: who it was when it connected
 * @guest: of its hello, "": it has said none
 * @name: likewise
 * @vf: what it has a lease of, or NULL
 * @follows: it gets events
 * @waits: it gets the answer when the change that it asked for has ended
 * @since: when it came; of root, when it said something last
 * @credit: messages that it may send now; @refilled: when it got them
 * @lost: messages that it had no room for
 */
struct peer {
	int fd;
	uid_t uid;
	pid_t pid;
	char guest[WIRE_NAME_MAX];
	char name[WIRE_NAME_MAX];
	struct vf *vf;
	bool follows;
	bool waits;
	int64_t since;
	unsigned int credit;
	int64_t refilled;
	unsigned int lost;
	LIST_ENTRY(peer) link;
};

/**
 * struct manager - all
 * @adapter: the hardware
 * @path: of its file
 * @file: what that says
 * @no_plan: why there is none, "": there is
 * @settled: owners that were there before have been heard, or have not come in time
 * @settle_at: when they are not waited for any more
 * @gen: number of the last change or lease
 * @change: that is under way
 * @peers: connections
 * @events: the last ones, by @event_seq
 * @event_seq: number of the next one
 * @suppressed: lines about blocked transactions that the kernel left out
 */
struct manager {
	struct adapter adapter;
	char path[PATH_MAX];
	struct group_file file;
	char no_plan[PLAN_WHY_MAX];
	bool settled;
	int64_t settle_at;
	uint64_t gen;
	struct change change;
	LIST_HEAD(, peer) peers;
	json_t *events[EVENTS_MAX];
	uint64_t event_seq;
	uint64_t suppressed;
};

/** clock_ms() - Of a clock that nobody sets. */
int64_t clock_ms(void);

/* ---- what all get (manager.c) ---------------------------------------------------------- */

/** manager_init() - After the adapter was prepared: see what is at work. */
void manager_init(struct manager *m);
void manager_free(struct manager *m);

/** manager_plan() - Compute what groups would get by @file. Return: as plan(). */
int manager_plan(struct manager *m, const struct group_file *file, struct plan_group *groups,
		 char *why);

/**
 * manager_arrange() - Compute it, and give it to functions that nobody has.
 * What is refused is an event, and in @m->no_plan.
 */
void manager_arrange(struct manager *m);

/** manager_reload() - Read the file anew. Return: 0, or an errno, reported: nothing changed. */
int manager_reload(struct manager *m);

/** manager_tick() - Do what is due. Return: milliseconds until something is, or -1. */
int manager_tick(struct manager *m);

/* ---- leases (lease.c) -------------------------------------------------------------------- */

void lease_hello(struct manager *m, struct peer *peer, const struct wire_message *msg);
void lease_grant(struct manager *m, struct peer *peer, const struct wire_message *msg);

/**
 * lease_end() - Take a function from its owner, whatever that is at, and arrange anew.
 * @why: told to the owner, NULL: it has gone
 * @event: the kind of event
 */
void lease_end(struct manager *m, struct vf *vf, const char *why, const char *event);

/**
 * lease_bar() - Likewise, and have nobody lease its group until root lets it go. What it had
 * is anybody's.
 */
void lease_bar(struct manager *m, struct vf *vf, const char *why, const char *event);

/** lease_end_orphans() - Likewise what nobody has said to hold. */
void lease_end_orphans(struct manager *m);

/** lease_online() - Give an offline function what its group has, and take it online. */
int lease_online(struct manager *m, struct vf *vf);

/* ---- changes (change.c) -------------------------------------------------------------------- */

/**
 * change_begin() - Ask the owners of functions to wait for it.
 * @members: freed, also if it fails
 * Return: 0; -EBUSY: another one is under way.
 */
int change_begin(struct manager *m, enum change_kind kind, struct member *members,
		 size_t count, struct peer *requester);
void change_ack(struct manager *m, struct peer *peer, uint64_t gen);
void change_done(struct manager *m, struct peer *peer, uint64_t gen);

/** change_leave() - The lease of a function has ended. */
void change_leave(struct manager *m, const struct vf *vf);

/** change_is_due() - Whether its deadline has come. */
bool change_is_due(const struct manager *m, int64_t now);

/** change_tick() - See if its deadline has come. */
void change_tick(struct manager *m, int64_t now);

/** change_why() - In words. */
const char *change_why(enum change_kind kind);

/* ---- faults (fault.c) -------------------------------------------------------------------- */

struct kmsg_fault;

/** fault_take() - The IOMMU has blocked something, or the kernel has not told of some. */
void fault_take(struct manager *m, const struct kmsg_fault *fault);

/* ---- what is told (notice.c) --------------------------------------------------------------- */

/**
 * notice() - Tell the journal and who follows events.
 * @vf: of which function, or NULL
 * @kind: as in JSON
 * @more: further members, freed, or NULL
 */
void notice(struct manager *m, const struct vf *vf, const char *kind, json_t *more,
	    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* ---- connections (peer.c) ------------------------------------------------------------------- */

/** peer_accept() - Take a connection, or refuse it. */
void peer_accept(struct manager *m, int listener);

/** peer_receive() - Read what has come, until there is nothing or it has gone. */
void peer_receive(struct manager *m, struct peer *peer);

/** peer_receive_all() - Likewise of all, without waiting. They may be freed. */
void peer_receive_all(struct manager *m);

/**
 * peer_send() - Send a message, which is freed.
 * @pass: a descriptor to pass along, or -1
 * Return: 0, or an errno: it does not read, or has gone; -EMSGSIZE: it is too long, which
 * was told in its place.
 */
int peer_send(struct peer *peer, json_t *message, int pass);

/** peer_error() - Answer that it is refused. */
void peer_error(struct peer *peer, int ret, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** peer_drop() - End a connection, and its lease. It is freed by peer_sweep(). */
void peer_drop(struct manager *m, struct peer *peer);
void peer_sweep(struct manager *m);

/** peer_tick() - End those that say nothing. Return: when the next one is due, or -1. */
int64_t peer_tick(struct manager *m, int64_t now);

/* ---- all of it (serve.c) ---------------------------------------------------------------------- */

/**
 * serve() - Until a signal ends it.
 * @socket: where to listen
 * Return: 0 or an errno, reported.
 */
int serve(struct manager *m, const char *socket);

/* ---- what root asks for (operator.c) -------------------------------------------------------- */

void operator_ask(struct manager *m, struct peer *peer, const struct wire_message *msg);

#endif
