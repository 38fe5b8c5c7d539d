/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program that serves an image whose format is not the VMM's business: qemu-nbd,
 * as a child that speaks NBD through a socket which nobody else can reach. It locks
 * the image as QEMU does. It ends, and has the image written and unlocked, when the
 * socket is closed, also where the VMM is killed.
 *
 * It can be started until the sandbox is entered.
 */
#ifndef TARN_BACKEND_NBD_SERVER_H
#define TARN_BACKEND_NBD_SERVER_H

#include "lib/types.h"

/*
 * How long one may take to open its image, to flush it, and to write at its end what
 * it still has. One that takes longer at its start or its end is killed.
 */
#define NBD_SERVER_SECONDS 30
/* How long those wait that cannot go on while a request is in flight. */
#define NBD_REQUEST_SECONDS 10

/** struct nbd_limits - both in ms; for tests, which are in a hurry. */
struct nbd_limits {
	int server_ms;
	int request_ms;
};

extern struct nbd_limits nbd_limits;

/**
 * struct nbd_server - one that was started.
 * @sock: connected to it; whoever closes it ends the server
 * @messages: what it says, until its end
 * @pidfd: the child, until it was waited for
 */
struct nbd_server {
	int sock;
	int messages;
	int pidfd;
};

#define NBD_SERVER_NONE ((struct nbd_server){-1, -1, -1})

/**
 * nbd_server_start() - serve the image that @node describes.
 * @node: a node of QEMU's as JSON, with all that is below it
 *
 * That it could open the image shows when it answers.
 *
 * Return: 0 or -errno, reported.
 */
int nbd_server_start(struct nbd_server *server, const char *node,
		     bool read_only);

/**
 * nbd_server_explain() - why it does not answer: the last error that it reported.
 * @buf: for what it said
 *
 * Return: a part of @buf, or NULL when it said nothing.
 */
const char *nbd_server_explain(struct nbd_server *server, char *buf,
			       size_t size);

/** nbd_server_ended() - whether it has ended; it was waited for then. */
bool nbd_server_ended(struct nbd_server *server);

/** nbd_server_kill() - end it as it is. What was flushed is in the image. */
void nbd_server_kill(struct nbd_server *server);

/** nbd_server_forget() - close what is still open of it. */
void nbd_server_forget(struct nbd_server *server);

/**
 * nbd_server_wait() - wait until it has ended, and forget it; its socket is closed.
 * @ms: after that it is killed
 *
 * Return: 0, -EINTR when it was killed, or -ETIMEDOUT when it is still there: the
 * kernel does not let go of it, as with storage that hangs.
 */
int nbd_server_wait(struct nbd_server *server, int ms);

#endif
