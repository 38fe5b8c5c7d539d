/* SPDX-License-Identifier: GPL-2.0-only */
/* Columns of the live views: their text and their order. */
#ifndef TARNCTL_COLUMN_H
#define TARNCTL_COLUMN_H

#include <stdbool.h>
#include <stddef.h>

#include "sample.h"

/** enum column_id - the columns, from left to right */
enum column_id {
	COLUMN_NAME,
	COLUMN_POOL,
	COLUMN_LOGICAL,
	COLUMN_RESIDENT,
	COLUMN_PAGED,
	COLUMN_WORKING_SET,
	COLUMN_FAIR,
	COLUMN_HOMES,
	COLUMN_MISPLACED,
	COLUMN_PAGE_INS,
	COLUMN_PAGE_OUTS,
	COLUMN_REFAULTS,
	COLUMN_WAITS,
	COLUMN_BREAKS,
	COLUMN_P50,
	COLUMN_P99,
	COLUMN_PID,
	COLUMN_COUNT,
};

/**
 * struct column - a column
 * @title: its head
 * @name: for --sort
 * @key: sorts by it in the live view
 * @width: columns of the screen at least, its gap apart
 * @rank: those of the highest rank go first where the screen is narrow
 */
struct column {
	const char *title;
	const char *name;
	char key;
	unsigned int width;
	unsigned int rank;
};

extern const struct column columns[COLUMN_COUNT];

/**
 * column_text() - Text of a cell.
 * @buf: SIZE_TEXT_MAX; the name is returned as it is
 * @exact: sizes in bytes
 */
const char *column_text(enum column_id id, const struct sample_row *row,
			char *buf, bool exact);

/** column_find() - The column of this name, or COLUMN_COUNT, reported. */
enum column_id column_find(const char *name);

/** column_find_key() - The column of this key, or COLUMN_COUNT. */
enum column_id column_find_key(int key);

/**
 * column_sort() - Sort the rows of a sample.
 * @reverse: numbers ascend and names descend
 */
void column_sort(struct sample *sample, enum column_id id, bool reverse);

/**
 * struct column_fit - the columns of a screen
 * @width: of each that is shown, 0 for others
 */
struct column_fit {
	unsigned int width[COLUMN_COUNT];
};

/**
 * column_choose() - Choose the columns that fit a screen.
 * @sample: no cell of it is wider than its column
 * @exact: as column_text()
 * @width: of the screen
 */
void column_choose(struct column_fit *fit, const struct sample *sample,
		   bool exact, unsigned int width);

#endif
