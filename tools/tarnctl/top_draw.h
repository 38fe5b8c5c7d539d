/* SPDX-License-Identifier: GPL-2.0-only */
/* What the live views are drawn with. */
#ifndef TARNCTL_TOP_DRAW_H
#define TARNCTL_TOP_DRAW_H

#include <curses.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/** Columns between two. */
#define GAP	2

/** enum theme - what a text means; without colours it is bold, underlined or dim */
enum theme {
	THEME_GOOD = 1,
	THEME_WARN,
	THEME_BAD,
	THEME_DIM,
};

/** theme_begin() - Have colours, if the terminal and the user do. */
void theme_begin(void);

/** theme() - Attributes of curses. */
int theme(enum theme what);

/**
 * draw_text() - Write at a place and cut at the right border; what is off the screen
 * isn't.
 * Return: the column behind it.
 */
int draw_text(int y, int x, int attr, const char *fmt, ...) __printf(4, 5);

/**
 * draw_bar() - A bar with a text at its right end.
 * @used: part that is full
 * @held: part behind it that is neither full nor free
 */
void draw_bar(int y, const char *label, const char *text, double used,
	      double held, int attr);

/** draw_number() - A number and what it is, left out where there is no room for all of it. */
int draw_number(int y, int x, const char *label, const char *text, int attr);
int draw_rate(int y, int x, const char *label, double rate, int attr);
int draw_latency(int y, int x, const char *label, uint64_t ns);

/** part_of() - A part of a whole, 0 of nothing. */
double part_of(uint64_t part, uint64_t whole);

#endif
