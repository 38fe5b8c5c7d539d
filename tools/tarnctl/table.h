/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of text: cells are gathered first, as the widths depend on them all, and
 * printed by libsmartcols. On a terminal those columns that matter least are left out
 * until the others fit; no number is ever cut.
 */
#ifndef TARNCTL_TABLE_H
#define TARNCTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"
#include "option.h"

struct table;

/**
 * struct table_column - a column
 * @title: in the first line; in small letters, and with - for blanks, its name; that of
 *	the first column is "name", too
 * @left: its cells stand at the left; numbers stand at the right
 * @whole: cut, its cells would say nothing: times, states; of the others at the left the
 *	first one is shortened where leaving columns out is not enough
 * @rank: those of the highest go first where the terminal is narrow, 0: it stays
 * @extra: only shown when it is asked for
 */
struct table_column {
	const char *title;
	bool left;
	bool whole;
	unsigned char rank;
	bool extra;
};

/**
 * table_create() - Begin a table.
 * @columns: with all that may be asked for
 * @opts: what of it is to be printed and how; NULL: all
 * Return: NULL when memory ran out.
 */
struct table *table_create(const struct table_column *columns, size_t count,
			   const struct options *opts);
void table_destroy(struct table *table);

/*
 * Append a cell: from left to right, then the next line. Text may be any bytes, what
 * does not print is written as \xNN. Numbers are rounded unless they are to be exact.
 */
void table_cell(struct table *table, const char *fmt, ...) __printf(2, 3);
void table_number(struct table *table, uint64_t number);
void table_bytes(struct table *table, uint64_t bytes);
void table_pages(struct table *table, uint64_t pages);
void table_time(struct table *table, uint64_t ns);
void table_rate(struct table *table, double rate);
void table_percent(struct table *table, unsigned int percent);

/** table_lines() - How many lines have begun. */
size_t table_lines(const struct table *table);

/**
 * table_check() - See if the columns that are asked for are there.
 * Return: 0 or -EINVAL, reported.
 */
int table_check(const struct table_column *columns, size_t count,
		const struct options *opts);

/**
 * table_print() - Write the table, its titles first.
 * Return: as of a subcommand: 0, an errno or EXIT_USAGE, reported.
 */
int table_print(const struct table *table, FILE *f);

/** terminal_width() - Columns of the terminal that @f is, or 0. */
unsigned int terminal_width(FILE *f);

#endif
