/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A load of many processes on shared partitions that checks itself: every
 * page says which write it holds, shared memory says which it should be, a
 * lock a page makes both agree. The lock's word is its owner's pid, so a
 * process may be killed at any point: what it held is written anew.
 */
#ifndef SELFTESTS_LIB_LOAD_H
#define SELFTESTS_LIB_LOAD_H

#include <stdatomic.h>

#include "pool.h"

#define LOAD_MAX_PARTS 8
#define LOAD_MAX_WORKERS 32

/** What workers do besides reads, writes and their system calls. */
#define LOAD_PUNCH	(1U << 0)
#define LOAD_TRUNCATE	(1U << 1)
#define LOAD_RECREATE	(1U << 2)
#define LOAD_FORK	(1U << 3)
#define LOAD_PAGE_OUT	(1U << 4)
#define LOAD_PIPE	(1U << 5)
/** Homes change, and partitions are relocated, to node 0 or 1. */
#define LOAD_MOVE	(1U << 6)
/** Blocks of 2 MiB are emptied, and mapped anew. */
#define LOAD_BLOCK	(1U << 7)
/** Each fourth version of a page is one word over and over, and such are looked for. */
#define LOAD_PATTERN	(1U << 8)
/**
 * Each fourth version of a page is what others hold, too, of most partitions, which are in a
 * domain and leave it; such are looked for.
 */
#define LOAD_SHARE	(1U << 9)
/** A few pages are donated, and come back. */
#define LOAD_DONATE	(1U << 10)
#define LOAD_ALL	0x7ffU
/** Cuts pages off under I/O: what is put there next may be stored before the old one was. */
#define LOAD_CUTS	(LOAD_PUNCH | LOAD_TRUNCATE | LOAD_RECREATE | LOAD_BLOCK | LOAD_DONATE)

/** struct load_config - how much of what */
struct load_config {
	u32 workers, parts;
	/** Pages a partition, at least 128. */
	u32 pages;
	/** Operations a worker. */
	u64 ops;
	u32 what;
	u64 seed;
	/** SIGBUS and ENOMEM are part of the game: try again. */
	bool tolerant;
	/** Workers mark themselves for the kernel's fault injection. */
	bool injected;
};

struct load_page {
	_Atomic u32 lock;
	u64 version;
};

struct load_shared {
	_Atomic u64 done, retries, forks_begun, forks_ended;
	_Atomic u32 failed;
	_Atomic u32 pause, stop;
	struct load_page page[];
};

struct load {
	struct load_config cfg;
	struct pool *pool;
	struct load_shared *shared;
	int fd[LOAD_MAX_PARTS];
	u8 *map[LOAD_MAX_PARTS];
	pid_t worker[LOAD_MAX_WORKERS];
	u32 started;
	struct rng rng;
	/* a pipe that nobody writes to: its end tells that all are gone */
	int alive[2];
};

void load_begin(struct load *l, struct pool *p, const struct load_config *cfg);
/** True while workers run; fails the test when one of them failed. */
bool load_running(struct load *l);
/** SIGKILL one worker and start another in its place. */
void load_kill_one(struct load *l);
/** Wait for all workers, verify every page, give everything back. */
void load_end(struct load *l);
/** Kill all workers, whatever they wait for, and throw everything away. */
void load_abandon(struct load *l);
/** Verify every page while the workers are gone or stand still. */
void load_verify(struct load *l);

#endif /* SELFTESTS_LIB_LOAD_H */
