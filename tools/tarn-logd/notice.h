/* SPDX-License-Identifier: GPL-2.0-only */
/* Something that is told: to the journal, to scripts, to the history. */
#ifndef TARN_LOGD_NOTICE_H
#define TARN_LOGD_NOTICE_H

#include "history.h"
#include "kind.h"
#include "partition.h"
#include "pool.h"

/**
 * struct notice - it
 * @kind: of what kind
 * @event: for the history: all of it but for @partition is there
 * @partition: id, or TARN_PARTITION_NONE
 * @path: clean, as all texts
 * @domain: what its guest is called, likewise
 * @message: likewise
 * @mount: likewise
 */
struct notice {
	const struct kind *kind;
	struct history_event event;
	__u32 partition;
	char *path;
	char *domain;
	char *message;
	char *mount;
};

/**
 * notice_init() - Say an event in words.
 * @part: the partition, or NULL: nothing is known of it
 * @changes: it begins or ends its condition; that it lasts is not news
 * Return: 0 or -ENOMEM, reported; then it needs no notice_exit().
 */
int notice_init(struct notice *notice, const struct pool *pool,
		const struct tarn_event *event, const struct partition *part,
		bool changes);
void notice_exit(struct notice *notice);

/** notice_is_alert() - Whether scripts are to know: trouble, and its end. */
bool notice_is_alert(const struct notice *notice);

/** notice_journal() - Send it to the journal, or to stderr where there is none. */
void notice_journal(const struct notice *notice);

#endif
