/* SPDX-License-Identifier: GPL-2.0-only */
/* A pool that is followed: its events, its conditions and the names of its partitions. */
#ifndef TARN_LOGD_SOURCE_H
#define TARN_LOGD_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "history.h"
#include "kind.h"
#include "partition.h"
#include "pool.h"

/** Seconds for which a condition without an event lasts before it is told all the same. */
#define SOURCE_GRACE 10

/** Events of a kind that others cause at will that are told one by one, in a second. */
#define SOURCE_TOLD 20

struct source;

/** source_teller - told of each event; @changes: it begins or ends its condition. */
typedef void source_teller(const struct source *source,
			   const struct tarn_event *event,
			   const struct partition *part, bool changes, void *arg);

/**
 * struct source_limit - of events that others cause as fast as they like
 * @time: from which on a second is counted
 * @count: of them in this second
 * @more: those that were not told
 */
struct source_limit {
	uint64_t time;
	unsigned int count;
	uint64_t more;
};

/**
 * struct source - such a pool
 * @pool: the pool
 * @fd: of its events, does not keep the mount busy; -1: the pool is gone
 * @known: its partitions
 * @conditions: that it is in, as was told
 * @differ: seconds for which they were seen to be others
 * @files: partitions that were made or removed, by users
 * @balloons: that are gone, which guests have in their hands
 * @imports: pages that files lack, as a VMM says which
 */
struct source {
	struct pool pool;
	int fd;
	struct partition_list known;
	unsigned int conditions;
	unsigned int differ;
	struct source_limit files;
	struct source_limit balloons;
	struct source_limit imports;
};

/**
 * source_open() - Begin to follow a pool.
 * @pool: is taken over if it succeeds
 * Return: 0 or an errno, reported.
 */
int source_open(struct source *source, struct pool *pool);
void source_close(struct source *source);

/** source_read() - Tell of the events that there are. @fd is closed when it was the last. */
void source_read(struct source *source, source_teller *tell, void *arg);

/** source_tell_more() - Tell how many of what is limited were not told, once a second. */
void source_tell_more(struct source *source, uint64_t time_ns,
		      source_teller *tell, void *arg);

/** source_name() - Take over what guests are called, for when their partitions go. */
void source_name(struct source *source, const struct history_moment *moment);

/**
 * source_compare() - Compare its conditions, a second later, with what was told: events
 * may have been missed, and those of before were.
 * @flags: TARN_POOL_* that it has now
 */
void source_compare(struct source *source, __u32 flags, uint64_t time_ns,
		    source_teller *tell, void *arg);

#endif
