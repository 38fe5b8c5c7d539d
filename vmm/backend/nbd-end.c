// SPDX-License-Identifier: GPL-2.0-only
/* See nbd-end.h. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "backend/nbd-end.h"
#include "backend/nbd-server.h"
#include "error.h"
#include "loop.h"

/* What each one has at least when the VMM ends, whatever others took. */
#define LEAST_MS 5000
/* For requests in flight then. */
#define LAST_REQUEST_MS 1000

/**
 * struct ending - a server that the main loop hears of.
 * @timer: until it is killed
 */
struct ending {
	struct nbd_server server;
	char *name;
	struct loop_poll *poll;
	struct loop_timer *timer;
	void (*done)(void *arg);
	void *arg;
	TAILQ_ENTRY(ending) link;
};

static TAILQ_HEAD(, ending) endings = TAILQ_HEAD_INITIALIZER(endings);
static struct loop *loop;
static u64 deadline; /* of all together, 0: each has its own */
static void (*waiting)(unsigned int ms);

void nbd_end_in(struct loop *in)
{
	deadline = loop && !in ? loop_now() + nbd_limits.server_ms * 1000000ULL
			       : 0;
	loop = in;
}

int nbd_request_ms(void)
{
	return deadline ? min_t(int, LAST_REQUEST_MS, nbd_limits.request_ms)
			: nbd_limits.request_ms;
}

void nbd_end_set_waiting(void (*fn)(unsigned int ms))
{
	waiting = fn;
}

static void say_killed(const char *name)
{
	warn("what served '%s' did not end within %d s and is killed: the image has what the guest has flushed",
	     name, nbd_limits.server_ms / 1000);
}

static void say_stays(const char *name)
{
	warn("what served '%s' was killed and is still there: the image is in use until its storage answers",
	     name);
}

static int time_left(void)
{
	u64 now = loop_now();
	int ms = nbd_limits.server_ms;

	if (deadline)
		ms = deadline > now ? (deadline - now) / 1000000 : 0;
	return deadline && ms < LEAST_MS ? LEAST_MS : ms;
}

static void wait_for(struct nbd_server *server, const char *name, bool at_once)
{
	int ms = at_once ? 0 : time_left(), ret;

	if (waiting)
		waiting(ms);
	ret = nbd_server_wait(server, ms);
	if (waiting)
		waiting(0);
	if (ret == -ETIMEDOUT)
		say_stays(name);
	else if (ret && !at_once)
		say_killed(name);
}

/* In the main loop */

static void ending_free(struct ending *e)
{
	loop_poll_del(e->poll);
	loop_timer_del(e->timer);
	nbd_server_forget(&e->server);
	free(e->name);
	free(e);
}

static void ending_done(struct ending *e)
{
	void (*done)(void *arg) = e->done;
	void *arg = e->arg;

	TAILQ_REMOVE(&endings, e, link);
	ending_free(e);
	done(arg);
}

static void on_end(void *arg, int revents)
{
	struct ending *e = arg;

	if (nbd_server_ended(&e->server))
		ending_done(e);
}

static void on_late(void *arg)
{
	struct ending *e = arg;

	if (nbd_server_ended(&e->server)) {
		ending_done(e);
		return;
	}
	say_killed(e->name);
	nbd_server_kill(&e->server);
}

static bool end_in_loop(struct nbd_server *server, const char *name,
			bool at_once, void (*done)(void *arg), void *arg)
{
	struct ending *e = calloc(1, sizeof(*e));

	if (!e)
		return false;
	e->server = *server;
	e->done = done;
	e->arg = arg;
	e->name = strdup(name);
	e->timer = loop_timer_add(loop, on_late, e);
	if (e->name && e->timer)
		e->poll = loop_poll_add(loop, e->server.pidfd, POLLIN, on_end,
					e);
	if (!e->poll) {
		e->server = NBD_SERVER_NONE;
		ending_free(e);
		return false;
	}
	if (at_once)
		nbd_server_kill(&e->server);
	else
		loop_timer_set(e->timer,
			       loop_now() + nbd_limits.server_ms * 1000000ULL);
	TAILQ_INSERT_TAIL(&endings, e, link);
	*server = NBD_SERVER_NONE;
	return true;
}

bool nbd_end(struct nbd_server *server, const char *name, bool at_once,
	     void (*done)(void *arg), void *arg)
{
	if (server->pidfd < 0) {
		nbd_server_forget(server);
		return false;
	}
	if (loop && done && end_in_loop(server, name, at_once, done, arg))
		return true;
	wait_for(server, name, at_once);
	return false;
}

void nbd_end_all(void)
{
	struct ending *e;

	while ((e = TAILQ_FIRST(&endings))) {
		wait_for(&e->server, e->name, false);
		ending_done(e);
	}
}
