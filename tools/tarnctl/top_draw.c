// SPDX-License-Identifier: GPL-2.0-only
/* See top_draw.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"
#include "text.h"
#include "top_draw.h"

static bool coloured;

void theme_begin(void)
{
	coloured = !getenv("NO_COLOR") && has_colors();
	if (!coloured)
		return;
	start_color();
	use_default_colors();
	init_pair(THEME_GOOD, COLOR_GREEN, -1);
	init_pair(THEME_WARN, COLOR_YELLOW, -1);
	init_pair(THEME_BAD, COLOR_RED, -1);
	init_pair(THEME_DIM, COLOR_CYAN, -1);
}

int theme(enum theme what)
{
	static const int plain[] = {
		[THEME_GOOD] = 0,
		[THEME_WARN] = A_BOLD,
		[THEME_BAD] = A_BOLD | A_UNDERLINE,
		[THEME_DIM] = A_DIM,
	};

	return coloured ? (int)COLOR_PAIR(what) : plain[what];
}

int draw_text(int y, int x, int attr, const char *fmt, ...)
{
	char text[512];
	va_list args;

	if (y < 0 || y >= LINES || x < 0 || x >= COLS)
		return x;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	text_cut(text, COLS - x);
	attron(attr);
	mvaddstr(y, x, text);
	attroff(attr);
	return x + text_width(text);
}

void draw_bar(int y, const char *label, const char *text, double used,
	      double held, int attr)
{
	int x = draw_text(y, 0, A_BOLD, "%-8s", label);
	int width = COLS - x - 2, len = text_width(text), i;
	int full, end;

	if (width < 4) {
		draw_text(y, x, attr, "%s", text);
		return;
	}
	full = width * used + 0.5;
	end = width * (used + held) + 0.5;
	draw_text(y, x, 0, "[");
	for (i = 0; i < width - len - 1; i++) {
		if (i < full)
			draw_text(y, x + 1 + i, attr, "|");
		else if (i < end)
			draw_text(y, x + 1 + i, theme(THEME_WARN), "~");
	}
	draw_text(y, x + 1 + (width > len ? width - len : 0), 0, "%s", text);
	draw_text(y, COLS - 1, 0, "]");
}

double part_of(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / whole : 0;
}

int draw_number(int y, int x, const char *label, const char *text, int attr)
{
	if (x + (int)strlen(label) + 1 + (int)strlen(text) > COLS)
		return x;
	x = draw_text(y, x, 0, "%s ", label);
	return draw_text(y, x, A_BOLD | attr, "%s", text) + GAP;
}

int draw_rate(int y, int x, const char *label, double rate, int attr)
{
	char text[SIZE_TEXT_MAX];

	return draw_number(y, x, label, rate_format(text, rate),
			   rate ? attr : 0);
}

int draw_latency(int y, int x, const char *label, uint64_t ns)
{
	char text[SIZE_TEXT_MAX];

	return draw_number(y, x, label, ns ? time_format(text, ns) : "-", 0);
}
