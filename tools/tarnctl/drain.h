/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How frames leave a pool, as a node is drained or the pool becomes smaller, for people and
 * programs.
 */
#ifndef TARNCTL_DRAIN_H
#define TARNCTL_DRAIN_H

#include <stdbool.h>

#include <jansson.h>
#include <linux/tarn.h>

/** Room for the text of drain_progress(). */
#define DRAIN_TEXT_MAX 160

/** drain_read() - Ask the pool of @fd. Return: 0 or a negative errno. */
int drain_read(int fd, struct tarn_pool_drain *d);

/** drain_progress() - A line about one that runs. @buf: DRAIN_TEXT_MAX. */
const char *drain_progress(char *buf, const struct tarn_pool_drain *d,
			   bool exact);

/** drain_print() - Write all about it; @pool is where the pool is mounted. */
void drain_print(const char *pool, const struct tarn_pool_drain *d, bool exact);

/** drain_json() - All about it as an object, NULL when memory ran out. */
json_t *drain_json(const struct tarn_pool_drain *d);

#endif
