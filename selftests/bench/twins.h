/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two memories of one kind (memory.h) that hold the same random pages. On tarnfs they are
 * partitions of one sharing domain.
 */
#ifndef TARN_BENCH_TWINS_H
#define TARN_BENCH_TWINS_H

#include <stddef.h>
#include <stdint.h>

#include "memory.h"

struct twins {
	struct memory memory[2];
};

/* @spec is that of the first one; a file of the second one has a 2 at its end. */
int twins_open(struct twins *twins, const char *spec, size_t size);
void twins_close(struct twins *twins);

/* Has the module share all of it, and takes the processor time of the calls for that. */
int twins_share(struct twins *twins, uint64_t *cpu_ns);

/* -EILSEQ if a page of either does not hold what it should, or is not shared. */
int twins_check(struct twins *twins);
int twins_check_shared(struct twins *twins);

/* The content of both, for content_is(). */
#define TWINS_SEED 11

#endif
