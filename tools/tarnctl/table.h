/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables of text: cells are gathered first, as the widths depend on them all. */
#ifndef TARNCTL_TABLE_H
#define TARNCTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "error.h"

struct table;

/**
 * struct table_column - a column
 * @title: in the first line
 * @left: its cells stand at the left; numbers stand at the right
 */
struct table_column {
	const char *title;
	bool left;
};

/** table_create() - Begin a table. Return: NULL when memory ran out. */
struct table *table_create(const struct table_column *columns, size_t count);
void table_destroy(struct table *table);

/** table_cell() - Append a cell: from left to right, then the next line. */
void table_cell(struct table *table, const char *fmt, ...) __printf(2, 3);

/**
 * table_print() - Write the table, its titles first.
 * Return: 0, or -ENOMEM if a cell could not be kept.
 */
int table_print(const struct table *table, FILE *f);

#endif
