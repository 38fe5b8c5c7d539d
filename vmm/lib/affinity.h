/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that are put on processors, and whose masks have more masters than who does
 * that: a manager pins vCPUs by their thread ids, a cpuset narrows what it likes. So a
 * thread has a base, the processors that it may use as far as others are concerned, and
 * it is put on some of these. The base is the mask that it had at first until somebody
 * else has set another one.
 */
#ifndef TARN_LIB_AFFINITY_H
#define TARN_LIB_AFFINITY_H

#include "lib/cpus.h"

/**
 * struct affinity - a thread
 * @tid: its id
 * @base: what it may use at all
 * @given: the mask that it was given here last, at first that which it had
 */
struct affinity {
	pid_t tid;
	struct cpus base;
	struct cpus given;
};

/** affinity_init() - Begin with a thread: 0 or -errno. */
int affinity_init(struct affinity *a, pid_t tid);

/**
 * affinity_place() - Put it on those of @cpus that it may use.
 * Return: false if there is none, or it cannot be set: it stays where it is.
 */
bool affinity_place(struct affinity *a, const struct cpus *cpus);

/** affinity_widen() - Let it have its base again. Return: likewise. */
bool affinity_widen(struct affinity *a);

#endif
