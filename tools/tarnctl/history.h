/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The history of pools: what tarn-logd samples, in a database of SQLite. Its tables
 * are made from those of field.h, so that a moment of the past is read back as the
 * same structures that the kernel fills.
 *
 * Samples are kept twice: one a second for an hour, one a minute for a week. Besides,
 * the file has a limit, and what is oldest goes when that is reached. It is written
 * ahead (WAL), so that one that was being written when the host lost power is whole,
 * without the last seconds; whoever reads does not keep who writes.
 *
 *  pool              a mount each: its uuid, and where it was
 *  file              partitions by what their files were called
 *  pool_sample       counters of pools
 *  partition_sample  counters of partitions
 *  event             what tarn-logd told
 *  jump              where the clock was set forth, or nobody wrote
 */
#ifndef TARNCTL_HISTORY_H
#define TARNCTL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "partition.h"
#include "pool.h"
#include "sample.h"

#define HISTORY_PATH "/var/lib/tarn-logd/history.db"

/** Seconds from one sample to the next, which name the two rows of samples. */
#define HISTORY_SECOND 1
#define HISTORY_MINUTE 60

/** Seconds between two samples at most: who writes may rest that long after one that took its time. */
#define HISTORY_REST_MOST 15
/**
 * Seconds after which a pool is taken to be gone, as there is no sample of it: a rest, and
 * what the watchdog of tarn-logd.service lets one take (60), and some more.
 */
#define HISTORY_STALE 90

/** How long these are kept, in seconds; events as long as the minutes. */
#define HISTORY_SECONDS_KEPT 3600
#define HISTORY_MINUTES_KEPT (7 * 86400)

/** Names of files of partitions that are kept at most; those seen last. */
#define HISTORY_FILES_KEPT 10000

/** Limits of the file, in bytes: what is usual, and the least that can be asked for. */
#define HISTORY_SIZE (256ULL << 20)
#define HISTORY_SIZE_MIN (4ULL << 20)

/**
 * struct history_partition - a partition at one moment
 * @part: its path, names and counters
 * @by_class: its pages by enum tarn_activity
 * @misplaced: pages that are not at home
 * @moved: pages that were moved to a home
 * @homes: as sample_homes_format() writes them
 * @nodes: JSON, [node, 1 if it is a home, wanted frames, resident pages] for each node;
 *	NULL: not known
 */
struct history_partition {
	struct partition part;
	__u64 by_class[TARN_ACTIVITY_CLASSES];
	uint64_t misplaced;
	uint64_t moved;
	char homes[SAMPLE_HOMES_MAX];
	char *nodes;
};

/**
 * struct history_moment - a pool at one moment
 * @time: in seconds since the epoch
 * @pool: the pool with its counters
 * @nodes: JSON, an object of the counters of each node; NULL: not known
 * @items: its partitions
 * @count: of them
 */
struct history_moment {
	int64_t time;
	struct pool pool;
	char *nodes;
	struct history_partition *items;
	size_t count;
};

void history_moment_free(struct history_moment *moment);

/** history_moment_find() - A partition by its id, or NULL. */
const struct history_partition *
history_moment_find(const struct history_moment *moment, __u32 id);

/**
 * struct history_event - something that happened
 * @time_ns: since the epoch
 * @uuid: of the pool
 * @mount: of the pool
 * @event: its name
 * @state: "raised", "cleared", or "" of what is over at once
 * @priority: as in syslog(3)
 * @path: of the partition, or NULL
 * @domain: what its guest is called, or NULL
 * @page: index
 * @value: see enum tarn_event_type
 * @message: in words
 */
struct history_event {
	uint64_t time_ns;
	const char *uuid;
	const char *mount;
	const char *event;
	const char *state;
	int priority;
	const char *path;
	const char *domain;
	uint64_t page;
	int64_t value;
	const char *message;
};

struct history;

/* ---- writing ------------------------------------------------------------ */

/**
 * history_create() - Open the history to write to it, or make it. One that is
 * damaged is put aside as PATH.damaged.
 * @limit: its size in bytes
 * Return: 0 or an errno, reported; -EBUSY: somebody else writes.
 */
int history_create(struct history **history, const char *path, uint64_t limit);

/**
 * history_begin() - Begin what is written as one.
 * @clock: the time, in seconds since the epoch
 * @mono: by a clock that nobody sets, in seconds since anything
 *
 * Where the time goes back, what is written goes on behind what was before.
 *
 * Return: 0 or an errno, reported.
 */
int history_begin(struct history *history, int64_t clock, int64_t mono);

/** history_write() - Write a moment; @period: HISTORY_*. Return: likewise. */
int history_write(struct history *history, unsigned int period,
		  const struct history_moment *moment);

/** history_write_event() - Write an event. Return: likewise. */
int history_write_event(struct history *history,
			const struct history_event *event);

/**
 * history_commit() - End it, and drop what is too old.
 *
 * Where there is no room the oldest samples go, and these are lost. Nothing of it is
 * kept after an error.
 *
 * Return: likewise.
 */
int history_commit(struct history *history);

/* ---- reading ------------------------------------------------------------ */

/** history_open() - Open it for reading. Return: 0 or an errno, reported. */
int history_open(struct history **history, const char *path);

/**
 * history_pools() - Call @fn for each pool with the place where it is, or was last.
 * Return: 0, what @fn returned if that is not 0, or an errno, reported.
 */
int history_pools(struct history *history,
		  int (*fn)(const char *uuid, const char *mount, void *arg), void *arg);

/**
 * history_mounts() - Call @fn for each place where a pool is or was mounted.
 * Return: 0, what @fn returned, or an errno, reported.
 */
int history_mounts(struct history *history,
		   int (*fn)(const char *mount, void *arg), void *arg);

/**
 * history_next() - Read the first moment of a pool after @after.
 * @mount: where the pool was; it may be another pool in another moment
 * Return: 1, 0 if there is none, or an errno, reported.
 */
int history_next(struct history *history, unsigned int period, const char *mount,
		 int64_t after, struct history_moment *moment);

/** history_last() - Read the last moment of a pool. Return: likewise. */
int history_last(struct history *history, const char *mount,
		 struct history_moment *moment);

/** history_first_second() - Since when there are samples a second; INT64_MAX: none. */
int64_t history_first_second(struct history *history, const char *mount);

/**
 * history_events() - Call @fn for each event, from the oldest on.
 * @mount: of the pool, NULL for all
 * @since: in seconds
 * @most: so many of the newest
 * Return: 0, what @fn returned, or an errno, reported.
 */
int history_events(struct history *history, const char *mount, int64_t since,
		   int64_t until, unsigned int most,
		   int (*fn)(const struct history_event *event, void *arg),
		   void *arg);

void history_close(struct history *history);

#endif
