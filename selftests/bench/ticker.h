/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VMM with the guest that holds memory (selftests/guest/hold.c), which says on its
 * standard output when it is ready and ticks as it works. Each tick gets the time at which
 * it came.
 */
#ifndef TARN_BENCH_TICKER_H
#define TARN_BENCH_TICKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TICKER_MOST 65536

/**
 * struct ticker - it
 * @pid: the VMM
 * @began: when it was started
 * @in: the guest's console, to be written to
 * @out: and read from
 * @thread: who reads
 * @lock: protects the rest
 * @changed: anything of it has
 * @ready: the guest's memory is filled
 * @right: all of it was as it should be
 * @wrong: some was not
 * @ended: nothing more will come
 * @count: ticks
 * @at: when each came
 */
struct ticker {
	pid_t pid;
	uint64_t began;
	int in;
	int out;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ready;
	bool right;
	bool wrong;
	bool ended;
	size_t count;
	uint64_t at[TICKER_MOST];
};

/* All return 0 or a negative errno; -EILSEQ: the guest has found something wrong. */
int ticker_start(struct ticker *ticker, char **command);
int ticker_wait_ready(struct ticker *ticker);

/* Until there are so many ticks. */
int ticker_wait(struct ticker *ticker, size_t count);

/* Have the guest read all of its memory. */
int ticker_verify(struct ticker *ticker);

/* End the VMM. */
void ticker_stop(struct ticker *ticker);

#endif
