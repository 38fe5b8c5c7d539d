/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The caller's own cgroup (version 2): reading a value of it and asking it to
 * reclaim.
 */
#ifndef TARN_BENCH_CGROUP_H
#define TARN_BENCH_CGROUP_H

/* Value of @key in @file of the caller's cgroup, or a negative errno. */
long long cgroup_stat(const char *file, const char *key);

/* Reclaim @bytes; -EAGAIN if less could be had. */
int cgroup_reclaim(long long bytes);

#endif
