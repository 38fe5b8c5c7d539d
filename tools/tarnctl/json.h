/* SPDX-License-Identifier: GPL-2.0-only */
/* Pools, partitions and guests as JSON; keys are the names of linux/tarn.h. */
#ifndef TARNCTL_JSON_H
#define TARNCTL_JSON_H

#include <jansson.h>

#include "guest.h"
#include "home.h"
#include "home_mark.h"
#include "node_use.h"
#include "partition.h"
#include "pool.h"

/** json_text() - A string, also of bytes that are no UTF-8 (as \xNN then). */
json_t *json_text(const char *text);

json_t *json_pool(const struct pool *pool);
json_t *json_partition(const struct partition *part);
/** json_guest() - Its name, process and program; null if @guest is NULL. */
json_t *json_guest(const struct guest *guest);
/** json_home() - A partition, or several, on a node. */
json_t *json_home(const struct tarn_home *home);

/**
 * json_add_homes() - Add "nodes", "misplaced_pages" and "moved_pages" to an object.
 * Return: 0 or -ENOMEM.
 */
int json_add_homes(json_t *object, const struct homes *homes);

/** json_add_moving() - Add "place_rate" and "move_waits". Return: likewise. */
int json_add_moving(json_t *object, const struct node_uses *uses);

/** json_add_home_mark() - Add "auto" and "dispatch". Return: likewise. */
int json_add_home_mark(json_t *object, const struct home_mark *mark);

json_t *json_metrics(const struct tarn_metrics *metrics);

/**
 * json_print() - Write a value to stdout, end the line, and free it.
 * @value: NULL stands for an error in making it
 * @flags: of json_dumpf()
 * Return: 0 or an errno, reported.
 */
int json_print(json_t *value, size_t flags);

#endif
