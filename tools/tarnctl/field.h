/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of the numbers in struct tarn_pool_info, tarn_partition_info and
 * tarn_metrics: one entry a field serves sysfs, JSON and the lists that people
 * read.
 */
#ifndef TARNCTL_FIELD_H
#define TARNCTL_FIELD_H

#include <stdbool.h>
#include <stdint.h>

/** Room for a label where lines have one each: no label is longer. */
#define FIELD_LABEL "%-26s"
#define FIELD_LABEL_MAX 26

enum field_unit {
	FIELD_NUMBER,
	FIELD_PAGES,
	FIELD_BYTES,
	FIELD_NS,
	FIELD_PERMILLE,
	/* enum tarn_huge */
	FIELD_HUGE,
	FIELD_PLACEMENT,
};

/**
 * struct field - a number in a structure
 * @name: in the structure, in sysfs and in JSON; NULL ends a table
 * @label: for people
 * @unit: what it counts
 * @offset: in the structure
 * @size: 4 or 8 bytes
 */
struct field {
	const char *name;
	const char *label;
	enum field_unit unit;
	unsigned int offset;
	unsigned int size;
};

extern const struct field pool_fields[];
extern const struct field partition_fields[];
extern const struct field metrics_fields[];

uint64_t field_get(const struct field *field, const void *base);
void field_set(const struct field *field, void *base, uint64_t val);

/** field_format() - Write a field's value for people; @buf: SIZE_TEXT_MAX. */
const char *field_format(const struct field *field, const void *base, char *buf,
			 bool exact);

/** field_print_all() - Write all of a table, a line each. */
void field_print_all(const struct field *table, const void *base, bool exact);

#endif
