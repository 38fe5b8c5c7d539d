/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tarn-balanced is to do for a partition. The module knows homes, not who chose
 * them, so that is kept in a file beside the pools: /run/tarn/homes/UUID/ID, by the
 * uuid of the pool and the number of the partition. Both end with the pool, at the
 * latest with the host, as what is below /run does, and neither comes again: a mark
 * cannot become that of another partition. A file that is renamed keeps it, and one that
 * was removed while it is mapped. Only root writes there.
 *
 * A partition without a mark has its homes set by hand, and its vCPUs are put where
 * tarn-balanced puts all of them.
 */
#ifndef TARNCTL_HOME_MARK_H
#define TARNCTL_HOME_MARK_H

#include <stdbool.h>

#include <linux/types.h>

#include "pool.h"

#ifndef HOME_MARK_DIR
#define HOME_MARK_DIR "/run/tarn/homes"
#endif

/** enum home_dispatch - how vCPUs follow the homes */
enum home_dispatch {
	/** as tarn-balanced was told to for all */
	HOME_DISPATCH_DEFAULT,
	/** they are moved, and are the scheduler's again a second later */
	HOME_DISPATCH_SOFT,
	/** they run nowhere else */
	HOME_DISPATCH_STRICT,
	/** they run where the scheduler likes */
	HOME_DISPATCH_OFF,
};

/**
 * struct home_mark - a mark; zeroed, it is none
 * @automatic: its homes are computed
 * @dispatch: see there
 * @unknown: there may be one, but it can't be read: no descriptor is free
 */
struct home_mark {
	bool automatic;
	enum home_dispatch dispatch;
	bool unknown;
};

/** home_dispatch_parse() - Read 'soft', 'strict', 'off' or 'default'. Return: 0 or -EINVAL. */
int home_dispatch_parse(const char *text, enum home_dispatch *dispatch);
const char *home_dispatch_name(enum home_dispatch dispatch);

/** home_mark_read() - The mark of a partition; without one, none. */
struct home_mark home_mark_read(const char *uuid, __u32 id);

/**
 * home_mark_write() - Set it, or remove it; with the lock.
 * Return: 0 or an errno, not reported.
 */
int home_mark_write(const char *uuid, __u32 id, const struct home_mark *mark);

/**
 * home_mark_lock() - Hold off others that set homes and marks.
 * Return: a descriptor to close, or an errno, not reported.
 */
int home_mark_lock(void);

/**
 * home_mark_find() - By what names a partition is known there.
 * @fd: of its file
 * Return: 0 or an errno, reported.
 */
int home_mark_find(int fd, char *uuid, __u32 *id);

/** home_mark_sweep() - Remove the marks of partitions that are gone; with the lock. */
void home_mark_sweep(void);

/** home_mark_any_auto() - Whether homes of some partition are to be computed. */
bool home_mark_any_auto(void);

/**
 * home_mark_dispatch_lock() - Be who puts vCPUs of guests on processors.
 * Return: a descriptor to close, -EWOULDBLOCK if another one is, or an errno, not reported.
 */
int home_mark_dispatch_lock(void);

/**
 * home_mark_served() - Whether tarn-balanced runs, which has its file locked.
 * @fd: NULL, or takes the lock to serve oneself: then true is that another one does
 */
bool home_mark_served(int *fd);

#endif
