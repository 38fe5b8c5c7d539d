/* SPDX-License-Identifier: GPL-2.0-only */
/* The live view of what was: samples come from the history, one after the other. */
#ifndef TARNCTL_REPLAY_H
#define TARNCTL_REPLAY_H

#include "option.h"
#include "sample.h"

struct history_moment;

/**
 * replay_begin() - Have sample_begin() and sample_next() play what options name.
 * @name: of the pool, or NULL for the only one that the history has
 * Return: 0, or an errno, reported.
 */
int replay_begin(const char *name, const struct options *opts);

/** replay_again() - Make the sample that was played last again, with another filter. */
int replay_again(struct sample *sample, const char *filter);

/** replay_runs() - Whether it does. */
bool replay_runs(void);

void replay_end(void);

/**
 * replay_fill() - Make a sample of a moment.
 * @before: the moment before, NULL: all rates are 0
 * @filter: as of sample_begin(); without one rows are as partitions in @moment
 * Return: 0, or -ENOMEM, reported; then @sample needs no sample_free().
 */
int replay_fill(struct sample *sample, const struct history_moment *moment,
		const struct history_moment *before, const char *filter);

#endif
