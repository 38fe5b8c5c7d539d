/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The demo's table and summary on the terminal, or as plain lines where there
 * is none.
 */
#ifndef TARN_DEMO_BOARD_H
#define TARN_DEMO_BOARD_H

#include <stdbool.h>

#include "guest.h"

/**
 * struct board - what is shown
 * @guests: all of them
 * @count: how many
 * @terminal: draw over the table before
 * @drawn: lines of that table
 * @pool: counters of the pool
 */
struct board {
	struct guest *guests;
	unsigned int count;
	bool terminal;
	unsigned int drawn;
	struct tarn_pool_info pool;
};

void board_draw(struct board *board, double elapsed);

/* Returns false if a guest died or any byte was wrong. */
bool board_summary(const struct board *board, double elapsed);

#endif
