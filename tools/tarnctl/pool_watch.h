/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line on the terminal while a pool is given another size: that is one system call, which
 * returns when it is done.
 */
#ifndef TARNCTL_POOL_WATCH_H
#define TARNCTL_POOL_WATCH_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#include "pool.h"

/**
 * struct pool_watch - a thread that looks
 * @fd: a descriptor of the pool
 * @runs: there is one: what follows is in use
 * @thread: it
 * @end: posted when it is to end
 */
struct pool_watch {
	int fd;
	bool runs;
	pthread_t thread;
	sem_t end;
};

/** pool_watch_begin() - On a terminal, tell how it goes; what fails is no matter. */
void pool_watch_begin(struct pool_watch *w, const struct pool *pool);

/** pool_watch_end() - The line is gone. */
void pool_watch_end(struct pool_watch *w);

#endif
