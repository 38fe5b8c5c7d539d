/* SPDX-License-Identifier: GPL-2.0-only */
/* A map of activity as a picture. */
#ifndef TARNCTL_HEAT_SVG_H
#define TARNCTL_HEAT_SVG_H

#include <stdbool.h>
#include <stdio.h>

#include "heatmap.h"

#define HEAT_SVG_WIDTH 128
#define HEAT_SVG_LINES 64

/**
 * heat_svg_write() - Draw a map.
 * @f: where to
 * @map: at most HEAT_SVG_WIDTH by HEAT_SVG_LINES
 * @name: of the partition, as the file system has it
 * @working_set: pages
 * @bytes: sizes in bytes
 * Return: 0, or -ENOMEM; errors of @f show in ferror().
 */
int heat_svg_write(FILE *f, const struct heatmap *map, const char *name,
		   uint64_t working_set, bool bytes);

#endif
