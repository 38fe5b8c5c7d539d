/* SPDX-License-Identifier: GPL-2.0-only */
/* The live view: its state, shared by what draws it and what changes it. */
#ifndef TARNCTL_TOP_SCREEN_H
#define TARNCTL_TOP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "column.h"
#include "sample.h"

/** Room for what partitions are filtered by. */
#define FILTER_MAX	64

/**
 * struct screen - state of the view
 * @sample: what is shown
 * @sort: column sorted by
 * @reverse: the other way round
 * @exact: sizes in bytes
 * @paused: no new samples
 * @help: the keys are shown in place of the rows
 * @detail: the chosen partition is shown in place of all
 * @typing: keys are of the filter
 * @filter: text that names have in them
 * @delay: seconds from sample to sample
 * @scroll: rows above the first that is shown
 * @cursor: row that is chosen
 * @chosen: number of its partition, 0: none is
 * @dev: of its pool
 * @rounds: samples taken
 */
struct screen {
	struct sample sample;
	enum column_id sort;
	bool reverse;
	bool exact;
	bool paused;
	bool help;
	bool detail;
	bool typing;
	char filter[FILTER_MAX];
	double delay;
	size_t scroll;
	size_t cursor;
	__u32 chosen;
	dev_t dev;
	unsigned int rounds;
};

/** screen_lines() - How many rows there is room for. */
int screen_lines(const struct screen *screen);

/** screen_sort() - Sort by a column; COLUMN_COUNT: by the same as before. */
void screen_sort(struct screen *screen, enum column_id id);

/** screen_row() - The row that is chosen, or NULL. */
const struct sample_row *screen_row(const struct screen *screen);

/** screen_refilter() - Take a sample with the filter as it is now. */
int screen_refilter(struct screen *screen);

/** screen_key() - Do what a key says. Return: false to quit. */
bool screen_key(struct screen *screen, int key);

/** head_lines() - Lines above the titles of the table. */
int head_lines(const struct screen *screen);
void head_draw(const struct screen *screen);

/** head_clock() - When it was so; @buf: STAMP_MAX. */
const char *head_clock(const struct screen *screen, char *buf);

/** detail_draw() - Show the chosen partition. */
void detail_draw(const struct screen *screen);

#endif
