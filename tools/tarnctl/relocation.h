/* SPDX-License-Identifier: GPL-2.0-only */
/* How the relocation of a partition's pages is, for people and programs. */
#ifndef TARNCTL_RELOCATION_H
#define TARNCTL_RELOCATION_H

#include <stdbool.h>

#include <jansson.h>
#include <linux/tarn.h>

/** Room for the text of relocation_progress(). */
#define RELOCATION_TEXT_MAX 160

/** relocation_state() - Name of an enum tarn_relocate_state, as JSON has it. */
const char *relocation_state(__u32 state);

/** relocation_direction() - "to" its node, "away from" it, or "compact". */
const char *relocation_direction(const struct tarn_partition_relocate *r);

/** relocation_percent() - How much of the range it has gone through this time. */
unsigned int relocation_percent(const struct tarn_partition_relocate *r);

/** relocation_progress() - A line about one that runs. @buf: RELOCATION_TEXT_MAX. */
const char *relocation_progress(char *buf,
				const struct tarn_partition_relocate *r,
				bool exact);

/** relocation_print() - Write all about it; @path is the partition's. */
void relocation_print(const char *path,
		      const struct tarn_partition_relocate *r, bool exact);

/** relocation_json() - All about it as an object, NULL when memory ran out. */
json_t *relocation_json(const struct tarn_partition_relocate *r);

#endif
