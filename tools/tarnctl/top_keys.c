// SPDX-License-Identifier: GPL-2.0-only
/* What the keys of the live view do. */
#include <curses.h>
#include <string.h>

#include "top_screen.h"

#define DELAY_MIN	0.1
#define DELAY_MAX	3600.0

#define KEY_ESC		27
#define KEY_DEL		127
#define IS_ENTER(key)	((key) == '\n' || (key) == '\r' || (key) == KEY_ENTER)
#define IS_ERASE(key)	((key) == KEY_BACKSPACE || (key) == '\b' || (key) == KEY_DEL)

int screen_lines(const struct screen *screen)
{
	int lines = LINES - head_lines(screen) - 2;

	return lines > 0 ? lines : 0;
}

/* ---- the row that is chosen ---------------------------------------------- */

const struct sample_row *screen_row(const struct screen *screen)
{
	const struct sample_row *row;

	if (!screen->chosen || screen->cursor >= screen->sample.nr_rows)
		return NULL;
	row = &screen->sample.rows[screen->cursor];
	return row->part->info.id == screen->chosen &&
	       row->in->pool.dev == screen->dev ? row : NULL;
}

static void choose(struct screen *screen, size_t row)
{
	size_t count = screen->sample.nr_rows;

	screen->chosen = 0;
	if (!count)
		return;
	screen->cursor = row < count ? row : count - 1;
	screen->chosen = screen->sample.rows[screen->cursor].part->info.id;
	screen->dev = screen->sample.rows[screen->cursor].in->pool.dev;
}

/* Rows have another order: the partition stays chosen, or the place if it went. */
static void follow(struct screen *screen)
{
	size_t i;

	if (!screen->chosen)
		return;
	for (i = 0; i < screen->sample.nr_rows; i++) {
		const struct sample_row *row = &screen->sample.rows[i];

		if (row->part->info.id == screen->chosen &&
		    row->in->pool.dev == screen->dev) {
			screen->cursor = i;
			return;
		}
	}
	if (!screen->detail)
		choose(screen, screen->cursor);
}

void screen_sort(struct screen *screen, enum column_id id)
{
	if (id < COLUMN_COUNT)
		screen->sort = id;
	column_sort(&screen->sample, screen->sort, screen->reverse);
	follow(screen);
}

/* The first move chooses the row at the top. */
static void move_by(struct screen *screen, long rows)
{
	if (!screen->chosen)
		choose(screen, screen->scroll);
	else if (rows < 0 && (size_t)-rows > screen->cursor)
		choose(screen, 0);
	else
		choose(screen, screen->cursor + rows);
}

/* ---- settings of the view ------------------------------------------------ */

static void change_delay(struct screen *screen, bool longer)
{
	double delay = screen->delay;

	if (longer)
		delay += delay < 1 ? 0.1 : 1;
	else
		delay -= delay <= 1 ? 0.1 : 1;
	if (delay < DELAY_MIN)
		delay = DELAY_MIN;
	screen->delay = delay > DELAY_MAX ? DELAY_MAX : delay;
}

/* Each key of a filter shows what it does at once. */
static bool type_key(struct screen *screen, int key)
{
	size_t len = strlen(screen->filter);

	if (IS_ENTER(key) || key == KEY_ESC) {
		screen->typing = false;
		if (key == KEY_ESC)
			screen->filter[0] = '\0';
	} else if (IS_ERASE(key)) {
		if (len)
			screen->filter[len - 1] = '\0';
	} else if (key >= ' ' && key < 256 && key != KEY_DEL &&
		   len + 1 < sizeof(screen->filter)) {
		screen->filter[len] = key;
		screen->filter[len + 1] = '\0';
	} else {
		return true;
	}
	return !screen_refilter(screen);
}

static bool detail_key(struct screen *screen, int key)
{
	if (IS_ENTER(key) || IS_ERASE(key) || key == KEY_ESC ||
	    key == KEY_LEFT) {
		screen->detail = false;
		follow(screen);
	} else if (key == KEY_UP || key == KEY_DOWN) {
		move_by(screen, key == KEY_UP ? -1 : 1);
	}
	return true;
}

/* ---- all ------------------------------------------------------------------ */

static void table_key(struct screen *screen, int key)
{
	int lines = screen_lines(screen);

	switch (key) {
	case '/':
		screen->typing = true;
		break;
	case 'R':
		screen->reverse = !screen->reverse;
		screen_sort(screen, screen->sort);
		break;
	case '<':
	case KEY_LEFT:
		screen_sort(screen, screen->sort ? screen->sort - 1 : 0);
		break;
	case '>':
	case KEY_RIGHT:
		screen_sort(screen, screen->sort + 1);
		break;
	case KEY_UP:
	case KEY_DOWN:
		move_by(screen, key == KEY_UP ? -1 : 1);
		break;
	case KEY_PPAGE:
	case KEY_NPAGE:
		move_by(screen, key == KEY_PPAGE ? -lines : lines);
		break;
	case KEY_HOME:
		/* Also where more keys come before it is drawn again. */
		screen->scroll = 0;
		choose(screen, 0);
		break;
	case KEY_END:
		choose(screen, screen->sample.nr_rows);
		break;
	default:
		if (IS_ENTER(key)) {
			if (!screen->chosen)
				choose(screen, screen->scroll);
			screen->detail = screen->chosen;
		} else if (column_find_key(key) < COLUMN_COUNT) {
			screen_sort(screen, column_find_key(key));
		}
	}
}

bool screen_key(struct screen *screen, int key)
{
	if (screen->typing)
		return type_key(screen, key);
	if (key == 'q' || key == 'Q')
		return false;
	if (screen->help && key != KEY_RESIZE) {
		screen->help = false;
		return true;
	}
	switch (key) {
	case 'h':
	case '?':
		screen->help = true;
		return true;
	case ' ':
		screen->paused = !screen->paused;
		return true;
	case 'b':
		screen->exact = !screen->exact;
		return true;
	case '+':
	case '-':
		change_delay(screen, key == '+');
		return true;
	}
	if (screen->detail)
		return detail_key(screen, key);
	table_key(screen, key);
	return true;
}
