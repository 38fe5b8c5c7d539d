/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ends of servers of images (nbd-server.h). One that has lost its socket writes
 * what it still has, lets the image go and ends, within NBD_SERVER_SECONDS, or it is
 * killed. While the main loop runs nobody waits for that; it is heard of there.
 *
 * From the main thread or under the VM's lock.
 */
#ifndef TARN_BACKEND_NBD_END_H
#define TARN_BACKEND_NBD_END_H

#include <stdbool.h>

struct loop;
struct nbd_server;

/**
 * nbd_end_in() - hear of ends in @loop from now on.
 *
 * With NULL, as before the first call, each is waited for. When the loop has ended all
 * further ones share NBD_SERVER_SECONDS, but each has a few seconds of its own.
 */
void nbd_end_in(struct loop *loop);

/**
 * nbd_end_set_waiting() - hear of waiting for an end.
 * @fn: called with the most ms that it can take, and with 0 when it is over
 */
void nbd_end_set_waiting(void (*fn)(unsigned int ms));

/**
 * nbd_end() - have a server end whose socket is closed; it is forgotten here.
 * @name: of the image, for messages
 * @at_once: it has nothing to write: do not give it time
 * @done: called with @arg in the main loop, when it has ended; NULL: wait for it
 *
 * Return: whether @done is going to be called.
 */
bool nbd_end(struct nbd_server *server, const char *name, bool at_once,
	     void (*done)(void *arg), void *arg);

/**
 * nbd_request_ms() - how long to wait for requests in flight that may hang.
 *
 * A guest that has ended does not want to hear of them.
 */
int nbd_request_ms(void);

/** nbd_end_all() - wait for all that nobody has waited for. */
void nbd_end_all(void);

#endif
