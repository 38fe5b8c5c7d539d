/* SPDX-License-Identifier: GPL-2.0-only */
/* Telling a VMM of the page-ins of its partition (S03), and of its balloon, by eventfds. */
#ifndef TARN_NOTIFY_H
#define TARN_NOTIFY_H

struct tarn_partition;
struct tarn_partition_notify;

long tarn_notify_set(struct tarn_partition *part,
		     const struct tarn_partition_notify *n);
void tarn_notify_clear(struct tarn_partition *part);
void tarn_notify(struct tarn_partition *part);
void tarn_notify_gone(struct tarn_partition *part);

#endif
