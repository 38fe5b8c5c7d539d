/* SPDX-License-Identifier: GPL-2.0-only */
/* Kinds of what is told: their identity in the journal, and how urgent they are. */
#ifndef TARN_LOGD_KIND_H
#define TARN_LOGD_KIND_H

#include <stdbool.h>

#include <linux/tarn.h>

/** Besides enum tarn_event_type: pools come and go. */
#define KIND_POOL_MOUNTED	0x10000U
#define KIND_POOL_UNMOUNTED	0x10001U
/** value: partitions that were made or removed and not told one by one */
#define KIND_FILES_MORE		0x10002U
/** value: balloons that were gone and not told one by one */
#define KIND_BALLOONS_MORE	0x10003U
/** value: pages that a file did not have and that were not told one by one */
#define KIND_IMPORTS_MORE	0x10004U

/** enum kind_condition - what lasts until another event ends it */
enum kind_condition {
	KIND_UNSERVED = 1 << 0,
	KIND_FULL = 1 << 1,
	KIND_DEGRADED = 1 << 2,
};

/**
 * struct kind - a kind
 * @type: enum tarn_event_type, or one of those above
 * @name: of the event
 * @message_id: of the journal; tools/host/tarn.catalog has words for it
 * @priority: as in syslog(3)
 * @condition: that it begins or ends, or 0
 */
struct kind {
	__u32 type;
	const char *name;
	const char *message_id;
	int priority;
	enum kind_condition condition;
};

/** Priorities up to this one are alerts. */
#define KIND_ALERT_PRIORITY 4

/** kind_find() - Return: never NULL; events of a type that is not known have one, too. */
const struct kind *kind_find(__u32 type);

/** kind_begins() - Whether an event begins its condition; it ends it otherwise. */
bool kind_begins(const struct tarn_event *event);

/** kind_conditions() - The conditions that a pool is in, by its flags. */
unsigned int kind_conditions(__u32 flags);

/** kind_event() - The event that begins or ends a condition. */
struct tarn_event kind_event(enum kind_condition condition, bool begins);

#endif
