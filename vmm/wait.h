/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting without the VM's lock. What touches guest memory may wait for a page for
 * as long as nobody brings it, and so does whoever waits for a thread that does, or
 * for a disk whose request has its buffer there. Whatever waits so says where, and
 * those threads that may let go of the lock have it let go of there.
 *
 * These are the vCPUs, within an access to registers (virtio.h) or to configuration
 * space (pci.c), and the worker (worker.h). All others keep what they hold: the main thread, whom callers of many
 * places rely on, must not come to such a place while the machine runs.
 */
#ifndef TARN_WAIT_H
#define TARN_WAIT_H

#include <pthread.h>
#include <stdbool.h>

/** enum wait_for - what somebody waits for. */
enum wait_for {
	WAIT_NOTHING,
	WAIT_PAGES, /* of the guest, and who waits for them */
	/*
	 * Which may be slow and all right. A request to a raw image may wait for a page
	 * of its buffer, too, and nothing tells that from a disk that is slow.
	 */
	WAIT_DISKS,
};

/**
 * wait_allow() - this thread lets go of @lock where it waits, from now on.
 * @what: changes with what it waits for, atomically; NULL: nobody looks
 *
 * Only where all that it has read of what @lock protects may change. One that does so
 * already goes on as it was.
 */
void wait_allow(pthread_mutex_t *lock, enum wait_for *what);

/** wait_forbid() - the end of wait_allow(). */
void wait_forbid(void);

/**
 * wait_never() - this thread must not come to where it would wait: the main thread,
 * while its loop runs.
 *
 * Built with TARN_CHECK_WAITS, as unit tests are, the program is aborted there.
 */
void wait_never(bool never);

/**
 * wait_begin() - what follows may wait for @what.
 *
 * Within another such wait it does nothing, nor does its end.
 */
void wait_begin(enum wait_for what);
void wait_end(void);

#endif
