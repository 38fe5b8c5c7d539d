/* SPDX-License-Identifier: GPL-2.0-only */
/* The page of metrics that a guest shares (TARN_HC_METRICS), as it is read. */
#ifndef TARN_METRICS_H
#define TARN_METRICS_H

struct tarn_metrics;
struct tarn_partition;

int tarn_metrics_read(struct tarn_partition *part, struct tarn_metrics *to);

#endif
