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

/**
 * struct nbd_server - one that was started.
 * @sock: connected to it; whoever closes it ends the server
 * @messages: what it says, until its end
 */
struct nbd_server {
	int sock;
	int messages;
};

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

/**
 * nbd_server_wait() - wait until it has ended; its socket is closed.
 *
 * Return: 0, or -ETIMEDOUT.
 */
int nbd_server_wait(struct nbd_server *server);

#endif
