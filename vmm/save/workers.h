/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that work on pieces of guest memory. What they are given comes back in its
 * order. All calls but the work itself are made by one thread.
 */
#ifndef TARN_SAVE_WORKERS_H
#define TARN_SAVE_WORKERS_H

#include <sys/queue.h>

#include "lib/types.h"

#define WORKERS_MIN 2
#define WORKERS_MAX 4

/**
 * struct work - something to be done, embedded in what it is about.
 * @run: does it; @worker is below WORKERS_MAX, and no other one's at that time
 */
struct work {
	void (*run)(struct work *work, unsigned int worker);
	/* private: */
	TAILQ_ENTRY(work) link; /* not taken back */
	TAILQ_ENTRY(work) next; /* not begun */
	bool done;
};

struct workers;

/** workers_suit() - how many are right for this host. */
unsigned int workers_suit(void);

/**
 * workers_create() - start @nr threads, confined as SANDBOX_TRANSFER.
 *
 * Where the caller is about to be confined, it is not yet: then nobody starts one.
 *
 * Return: them, or NULL, reported.
 */
struct workers *workers_create(unsigned int nr);

/** workers_destroy() - end them; there is no work. NULL is none. */
void workers_destroy(struct workers *w);

/** workers_nr() - how many they are. */
unsigned int workers_nr(const struct workers *w);

/** workers_post() - have @work done. */
void workers_post(struct workers *w, struct work *work);

/**
 * workers_take() - wait for the oldest work and take it back.
 * @cancel: NULL, or looked at meanwhile
 *
 * Return: 1, 0 when there is none, or -ECANCELED.
 */
int workers_take(struct workers *w, const bool *cancel, struct work **work);

/** workers_drop() - take all back: what is not begun never is, the rest is waited for. */
void workers_drop(struct workers *w);

#endif
