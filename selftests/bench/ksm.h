/* SPDX-License-Identifier: GPL-2.0-only */
/* KSM, on memory of the caller; see ksm.c for how it is set. */
#ifndef TARN_BENCH_KSM_H
#define TARN_BENCH_KSM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Begin with nothing merged, at most @pages looked at before it rests. -EOPNOTSUPP: the
 * kernel has none.
 */
int ksm_setup(uint64_t pages);

/* Let it look, until so many pages have given up theirs for others; and what it took. */
int ksm_run(uint64_t sharing, uint64_t *cpu_ns);

/* Undo all of it. */
void ksm_reset(void);

#endif
