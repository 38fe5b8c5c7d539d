/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters as Prometheus and OpenMetrics have them. */
#ifndef TARN_EXPORTER_METRICS_H
#define TARN_EXPORTER_METRICS_H

#include <stdbool.h>
#include <stdio.h>

#include "latest.h"

/**
 * metrics_write() - Write all of them.
 * @open: as OpenMetrics 1.0, else as Prometheus' text format 0.0.4
 * Return: 0, or -ENOMEM; errors of @f show in ferror().
 */
int metrics_write(FILE *f, const struct latest *latest, bool open);

#endif
