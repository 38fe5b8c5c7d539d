/* SPDX-License-Identifier: GPL-2.0-only */
/* The live view: its state, shared by what draws it and what changes it. */
#ifndef TARNCTL_TOP_SCREEN_H
#define TARNCTL_TOP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "column.h"
#include "sample.h"

/** Lines above the rows of the table. */
#define HEAD_LINES	7

/**
 * struct screen - state of the view
 * @sample: what is shown
 * @sort: column sorted by
 * @reverse: the other way round
 * @exact: sizes in bytes
 * @paused: no new samples
 * @help: the keys are shown in place of the rows
 * @delay: seconds from sample to sample
 * @scroll: rows above the first that is shown
 * @rounds: samples taken
 */
struct screen {
	struct sample sample;
	enum column_id sort;
	bool reverse;
	bool exact;
	bool paused;
	bool help;
	double delay;
	size_t scroll;
	unsigned int rounds;
};

/** screen_lines() - How many rows there is room for. */
int screen_lines(void);

/** screen_sort() - Sort by a column; COLUMN_COUNT: by the same as before. */
void screen_sort(struct screen *screen, enum column_id id);

/** screen_key() - Do what a key says. Return: false to quit. */
bool screen_key(struct screen *screen, int key);

#endif
