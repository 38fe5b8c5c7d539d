// SPDX-License-Identifier: GPL-2.0-only
/* What the keys of the live view do. */
#include <curses.h>

#include "top_screen.h"

#define DELAY_MIN	0.1
#define DELAY_MAX	3600.0

int screen_lines(void)
{
	int lines = LINES - HEAD_LINES - 1;

	return lines > 0 ? lines : 0;
}

void screen_sort(struct screen *screen, enum column_id id)
{
	if (id < COLUMN_COUNT)
		screen->sort = id;
	column_sort(&screen->sample, screen->sort, screen->reverse);
}

static void scroll_by(struct screen *screen, int rows)
{
	if (rows < 0 && (size_t)-rows > screen->scroll)
		screen->scroll = 0;
	else
		screen->scroll += rows;
}

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

bool screen_key(struct screen *screen, int key)
{
	enum column_id id;

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
		break;
	case ' ':
		screen->paused = !screen->paused;
		break;
	case 'b':
		screen->exact = !screen->exact;
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
	case '+':
	case '-':
		change_delay(screen, key == '+');
		break;
	case KEY_UP:
	case KEY_DOWN:
		scroll_by(screen, key == KEY_UP ? -1 : 1);
		break;
	case KEY_PPAGE:
	case KEY_NPAGE:
		scroll_by(screen, key == KEY_PPAGE ? -screen_lines() :
						     screen_lines());
		break;
	case KEY_HOME:
		screen->scroll = 0;
		break;
	case KEY_END:
		screen->scroll = screen->sample.list.count;
		break;
	default:
		id = column_find_key(key);
		if (id < COLUMN_COUNT)
			screen_sort(screen, id);
	}
	return true;
}
