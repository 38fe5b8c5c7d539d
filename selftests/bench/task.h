/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads of the kernel, as the benchmarks see them. */
#ifndef TARN_BENCH_TASK_H
#define TARN_BENCH_TASK_H

#include <stdint.h>

/* The process of that name, or a negative errno. */
int task_find(const char *name);

/* Processor time that a process has used, or a negative errno. */
int64_t task_cpu_ns(int pid);

#endif
