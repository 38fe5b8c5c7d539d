/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Alerts: notices that scripts are run for. The same one is told once a while only: of
 * those that come meanwhile the last one is kept and told when the while is over, so
 * that scripts know at last how it is.
 */
#ifndef TARN_LOGD_ALERT_H
#define TARN_LOGD_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#include "notice.h"
#include "script.h"

/** Alerts that wait for scripts at most; further ones are dropped, and that is told. */
#define ALERT_QUEUE_MAX 64
/** Alerts of different pools, kinds and partitions that are remembered. */
#define ALERT_SEEN_MAX 64

/**
 * struct alert_seen - when an alert was told
 * @uuid: of the pool
 * @kind: of what kind
 * @partition: id
 * @until: the while is over, CLOCK_MONOTONIC, ns; 0: unused
 * @env: of the last one since then, NULL: there was none
 * @count: alerts since then
 */
struct alert_seen {
	char uuid[POOL_UUID_TEXT];
	const struct kind *kind;
	__u32 partition;
	uint64_t until;
	char **env;
	unsigned int count;
};

/**
 * struct alerts - all of them
 * @rules: how scripts are run
 * @repeat: seconds from one to the next of the same
 * @seen: what was told
 * @queue: environments of those that wait, the first runs
 * @queued: of them
 * @list: scripts that are run for the first
 * @next: of these
 * @script: the one that runs
 * @dropped: how many were, since that was told
 */
struct alerts {
	struct script_rules rules;
	unsigned int repeat;
	struct alert_seen seen[ALERT_SEEN_MAX];
	char **queue[ALERT_QUEUE_MAX];
	unsigned int queued;
	struct script_list list;
	size_t next;
	struct script script;
	unsigned int dropped;
};

/** alerts_add() - Have scripts know. */
void alerts_add(struct alerts *alerts, const struct notice *notice);

/** alerts_look() - Go on: with the script that runs, with what is to be told again. */
void alerts_look(struct alerts *alerts);

/** alerts_timeout() - Milliseconds until alerts_look() is due, -1: only when told. */
int alerts_timeout(const struct alerts *alerts);

/** alerts_busy() - Whether scripts run or wait. */
bool alerts_busy(const struct alerts *alerts);

/** alerts_flush() - Tell what is held back now: there will be no later. */
void alerts_flush(struct alerts *alerts);

void alerts_end(struct alerts *alerts);

#endif
