// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections. Anybody may make one, so all that one can cost is limited: how many a user
 * has, how long it may say nothing, how often it may say something, how long that is. What
 * it sends along as descriptors the kernel throws away, as there is no room for them. None
 * is ever waited for: who does not read what is sent loses it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error.h"
#include "manager.h"

/* Connections of all users together, and of one; root, who has to help, has no limit. */
#define PEERS_MAX 192
#define PEERS_OF_USER 32
/* Who has not said what he wants by then is not waited for. */
#define SILENCE_MS 5000
/* Messages at once, and in a second. */
#define BURST 64
#define RATE 32
/* Packets that are read of one before it is another one's turn. */
#define TURN 8

/* ---- sending ----------------------------------------------------------------------------- */

static ssize_t send_packet(int fd, const char *text, size_t len, int pass)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (char *)text, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (pass >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.room);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &pass, sizeof(pass));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int send_message(struct peer *peer, json_t *message, int pass)
{
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	int ret = 0;

	json_decref(message);
	if (!text)
		return -ENOMEM;
	if (!peer || peer->fd < 0)
		ret = -ENOTCONN;
	else if (strlen(text) > WIRE_ANSWER_MAX)
		ret = -EMSGSIZE;
	else if (send_packet(peer->fd, text, strlen(text), pass) < 0)
		ret = -errno;
	if (ret && peer)
		peer->lost++;
	free(text);
	return ret;
}

/* Who waits for an answer that is too long is told that. */
int peer_send(struct peer *peer, json_t *message, int pass)
{
	int ret = send_message(peer, message, pass);

	if (ret == -EMSGSIZE)
		peer_error(peer, ret, "the answer is too long for a message");
	return ret;
}

void peer_error(struct peer *peer, int ret, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	peer_send(peer, json_pack("{s:s, s:s, s:s}", "type", "error", "errno",
				  strerrorname_np(-ret), "text", text), -1);
}

/* ---- coming and going -------------------------------------------------------------------- */

/* @all: set to how many there are of users who are not root. */
static unsigned int count_peers(const struct manager *m, uid_t uid, unsigned int *all)
{
	const struct peer *peer;
	unsigned int count = 0;

	*all = 0;
	LIST_FOREACH(peer, &m->peers, link) {
		*all += peer->uid != 0;
		count += peer->uid == uid;
	}
	return count;
}

/* Return: a connection, or NULL: there is no room for one more of this user. */
static struct peer *make_peer(struct manager *m, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	unsigned int all, own;
	struct peer *peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return NULL;
	own = count_peers(m, cred.uid, &all);
	if (cred.uid && (all >= PEERS_MAX || own >= PEERS_OF_USER))
		return NULL;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	*peer = (struct peer){
		.fd = fd, .uid = cred.uid, .pid = cred.pid,
		.since = clock_ms(), .credit = BURST, .refilled = clock_ms(),
	};
	LIST_INSERT_HEAD(&m->peers, peer, link);
	return peer;
}

void peer_accept(struct manager *m, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && !make_peer(m, fd))
		close(fd);
}

void peer_drop(struct manager *m, struct peer *peer)
{
	if (peer->fd < 0)
		return;
	close(peer->fd);
	peer->fd = -1;
	peer->follows = false;
	if (m->change.requester == peer)
		m->change.requester = NULL;
	if (peer->vf)
		lease_end(m, peer->vf, NULL, "released");
}

void peer_sweep(struct manager *m)
{
	struct peer *peer = LIST_FIRST(&m->peers), *next;

	for (; peer; peer = next) {
		next = LIST_NEXT(peer, link);
		if (peer->fd >= 0)
			continue;
		LIST_REMOVE(peer, link);
		free(peer);
	}
}

static bool may_lease(const struct manager *m, uid_t uid)
{
	size_t i;

	for (i = 0; i < m->file.count; i++) {
		if (m->file.groups[i].user == uid)
			return true;
	}
	return !uid;
}

/* Who has a lease, follows events, or has said hello and may come to have a lease. */
static bool may_be_silent(const struct manager *m, const struct peer *peer)
{
	return peer->vf || peer->follows || peer->waits ||
	       (*peer->guest && may_lease(m, peer->uid));
}

int64_t peer_tick(struct manager *m, int64_t now)
{
	int64_t next = -1;
	struct peer *peer;

	LIST_FOREACH(peer, &m->peers, link) {
		int64_t due = peer->since + SILENCE_MS;

		if (may_be_silent(m, peer))
			continue;
		if (now >= due)
			peer_drop(m, peer);
		else if (next < 0 || due < next)
			next = due;
	}
	peer_sweep(m);
	return next;
}

/* ---- receiving --------------------------------------------------------------------------- */

static bool has_credit(struct peer *peer)
{
	int64_t now = clock_ms(), earned = (now - peer->refilled) * RATE / 1000;

	if (earned) {
		peer->credit = earned + peer->credit > BURST ? BURST : earned + peer->credit;
		peer->refilled = now;
	}
	if (!peer->credit)
		return false;
	peer->credit--;
	return true;
}

static void handle(struct manager *m, struct peer *peer, const struct wire_message *msg)
{
	/* Others do not stay by talking. */
	if (!peer->uid)
		peer->since = clock_ms();
	if (msg->type == WIRE_HELLO) {
		lease_hello(m, peer, msg);
		return;
	}
	if (msg->type > WIRE_DONE) {
		if (peer->uid)
			peer_error(peer, -EPERM, "'%s' is for root", wire_type_name(msg->type));
		else
			operator_ask(m, peer, msg);
		return;
	}
	if (!*peer->guest) {
		peer_error(peer, -EPROTO, "say hello first");
		return;
	}
	if (msg->type == WIRE_GRANT)
		lease_grant(m, peer, msg);
	else if (msg->type == WIRE_ACK)
		change_ack(m, peer, msg->gen);
	else
		change_done(m, peer, msg->gen);
}

/* Return: whether the connection goes on. */
static bool take_packet(struct manager *m, struct peer *peer, const char *text, size_t len)
{
	struct wire_message msg;
	const char *why;
	int ret;

	/* Root tells it how to go on, and might be in a hurry. */
	if (peer->uid && !has_credit(peer)) {
		peer_error(peer, -EBUSY, "that is more than %d messages a second", RATE);
		return false;
	}
	ret = wire_parse(text, len, &msg, &why);
	if (ret) {
		peer_error(peer, ret, "this message makes no sense: %s", why);
		return false;
	}
	handle(m, peer, &msg);
	return true;
}

void peer_receive(struct manager *m, struct peer *peer)
{
	char text[WIRE_MAX + 1];
	unsigned int i;

	for (i = 0; i < TURN && peer->fd >= 0; i++) {
		ssize_t len = recv(peer->fd, text, sizeof(text), MSG_DONTWAIT);

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* An empty packet cannot be told from the end. */
		if (len <= 0 || !take_packet(m, peer, text, len))
			peer_drop(m, peer);
	}
}

void peer_receive_all(struct manager *m)
{
	struct peer *peer;

	LIST_FOREACH(peer, &m->peers, link)
		peer_receive(m, peer);
	peer_sweep(m);
}
