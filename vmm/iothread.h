/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iothreads: threads with an event loop (loop.h) each, for the queues of devices.
 * Those of -object iothread,id=ID are named by devices. Two more, which have no id,
 * serve those that name none: one the disks, one all others, whose other ends
 * (chardevs, sockets) take more system calls. From the main thread or under
 * the VM's lock, all of it.
 */
#ifndef TARN_IOTHREAD_H
#define TARN_IOTHREAD_H

#include <sys/types.h>

#include "loop.h"
#include "sandbox.h"

struct iothread;
struct opts;

/** enum iothread_common - those without an id, by what they serve. */
enum iothread_common {
	IOTHREAD_DISKS,
	IOTHREAD_DEVICES,
};

/** iothread_create() - start the iothread that @opts describes. */
int iothread_create(struct opts *opts);

/**
 * iothread_get() - the loop of iothread @id, NULL when there is none.
 *
 * It cannot be removed until iothread_put().
 */
struct loop *iothread_get(const char *id);
void iothread_put(struct loop *loop);

/** iothread_destroy() - end one: 0, -ENOENT, or -EBUSY while it is used. */
int iothread_destroy(const char *id);

/**
 * iothread_common_get() - the loop of devices that name none.
 *
 * It is there from the first user to the last iothread_common_put(). NULL,
 * reported, when it cannot be made.
 */
struct loop *iothread_common_get(enum iothread_common which);
void iothread_common_put(enum iothread_common which);

/**
 * iothread_own_start() - one that is its caller's alone, confined as @kind.
 *
 * Return: it, or NULL, reported.
 */
struct iothread *iothread_own_start(const char *name, enum sandbox_kind kind);
struct loop *iothread_own_loop(struct iothread *thread);
/** iothread_own_end() - end and join it; its loop has nothing any more. */
void iothread_own_end(struct iothread *thread);

/** iothread_for_each() - visit all that have an id: this, thread id and loop. */
void iothread_for_each(void (*fn)(const char *id, pid_t tid, struct loop *loop,
				  void *arg),
		       void *arg);

/** iothread_destroy_all() - stop and join all that have an id. */
void iothread_destroy_all(void);

#endif
