/* SPDX-License-Identifier: GPL-2.0-only */
/* Events of a pool as text and as JSON. */
#ifndef TARNCTL_EVENT_H
#define TARNCTL_EVENT_H

#include <jansson.h>

#include <linux/tarn.h>

/** Room that event_text() needs beyond the partition's name. */
#define EVENT_TEXT_MAX 256

/** event_name() - The name of a type, "unknown" where it has none. */
const char *event_name(__u32 type);

/**
 * event_text() - Say what happened, in words.
 * @name: of the partition, or NULL for an event of the pool
 */
const char *event_text(char *buf, size_t size, const struct tarn_event *event,
		       const char *name);

/** event_time() - The time of an event, local, as ISO 8601 with ms. */
const char *event_time(char *buf, size_t size, const struct tarn_event *event);

/**
 * event_json() - An event as an object.
 * @mount: of its pool
 * @path: of the partition, or NULL
 * @name: what the partition is called, by its guest where it has one, or NULL
 */
json_t *event_json(const struct tarn_event *event, const char *mount,
		   const char *path, const char *name);

#endif
