/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of the host's processors, as the kernel's calls take them and as its lists
 * ("0-3,8") name them.
 */
#ifndef TARN_LIB_CPUS_H
#define TARN_LIB_CPUS_H

#include <sched.h>

#include "lib/types.h"

/* As many as any kernel for x86-64 has. */
#define CPUS_MAX 8192

/** struct cpus - a set; zeroed, it is empty. */
struct cpus {
	cpu_set_t set[CPUS_MAX / CPU_SETSIZE];
};

static inline bool cpus_empty(const struct cpus *cpus)
{
	return !CPU_COUNT_S(sizeof(*cpus), cpus->set);
}

static inline bool cpus_equal(const struct cpus *a, const struct cpus *b)
{
	return CPU_EQUAL_S(sizeof(*a), a->set, b->set);
}

static inline bool cpus_has(const struct cpus *cpus, unsigned int cpu)
{
	return cpu < CPUS_MAX && CPU_ISSET_S(cpu, sizeof(*cpus), cpus->set);
}

/** cpus_common() - what is in @a and in @b. */
static inline void cpus_common(struct cpus *to, const struct cpus *a,
			       const struct cpus *b)
{
	CPU_AND_S(sizeof(*to), to->set, a->set, b->set);
}

/** cpus_add() - to @to what is in @from. */
static inline void cpus_add(struct cpus *to, const struct cpus *from)
{
	CPU_OR_S(sizeof(*to), to->set, to->set, from->set);
}

/** cpus_get() - where thread @tid may run: 0 or -errno. */
int cpus_get(pid_t tid, struct cpus *cpus);

/** cpus_set() - say it: 0 or -errno. */
int cpus_set(pid_t tid, const struct cpus *cpus);

/** cpus_parse() - make a set of a list; nothing but blanks is an empty one. 0 or -EINVAL. */
int cpus_parse(const char *text, struct cpus *cpus);

/** cpus_format() - make a list of a set; one that does not fit ends with "...". */
void cpus_format(const struct cpus *cpus, char *buf, size_t size);

#endif
