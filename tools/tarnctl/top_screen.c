// SPDX-License-Identifier: GPL-2.0-only
/*
 * The live view. A sample is drawn whole each time, at the size that the
 * terminal has then; curses sends only what differs.
 */
#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "replay.h"
#include "size.h"
#include "text.h"
#include "top.h"
#include "top_draw.h"
#include "top_screen.h"

/* The first rates come soon, however long the interval is. */
#define DELAY_FIRST	0.5

static const char *const help_lines[] = {
	"q          quit",
	"h ?        this help; any key leaves it",
	"n          sort by name",
	"l r p s f  sort by logical size, resident, paged, working set, fair share",
	"e m        sort by home nodes, by what is not at home",
	"i o t w    sort by page-ins, page-outs, refaults, waits a second",
	"c          sort by writes to what was shared, a second",
	"5 9        sort by median, by 99th percentile of page-in latency",
	"< >        sort by the column to the left, to the right",
	"R          reverse the order",
	"b          sizes in bytes, exactly",
	"+ -        longer, shorter interval",
	"space      pause",
	"up down    choose a partition; also page up, page down, home, end",
	"enter      all of that partition; enter again goes back",
	"/          show only names that have what is typed; enter ends, escape clears",
	"k d        sort by pool, by process",
	"",
	"Latencies are of the page-ins of the interval. RESIDENT stands out where",
	"it is above the fair share: from there frames are taken first.",
};

static int cell_attr(enum column_id id, const struct sample_row *row)
{
	const struct tarn_partition_info *info = &row->part->info;

	if (id == COLUMN_NAME && info->errors)
		return theme(THEME_BAD) | A_BOLD;
	if (id == COLUMN_RESIDENT && info->resident_pages > info->fair_frames)
		return theme(THEME_WARN) | A_BOLD;
	if (id == COLUMN_MISPLACED && row->misplaced)
		return theme(THEME_WARN);
	if (id == COLUMN_REFAULTS && row->rates.refaults)
		return theme(THEME_WARN);
	return 0;
}

/* A line of the table: titles when @row is NULL. */
static void draw_line(const struct screen *screen, int y,
		      const struct column_fit *fit, const struct sample_row *row)
{
	int extra = row && row == screen_row(screen) ? A_REVERSE : 0;
	enum column_id id;
	int x = 0;

	for (id = 0; id < COLUMN_COUNT; id++) {
		int width = fit->width[id];
		char buf[SIZE_TEXT_MAX], name[512];
		const char *text = columns[id].title;
		int attr = A_REVERSE | (id == screen->sort ? A_BOLD : 0);

		if (!width)
			continue;
		if (row) {
			text = column_text(id, row, buf, screen->exact);
			attr = cell_attr(id, row) | extra;
		}
		if (id == COLUMN_NAME) {
			text = text_fit(name, sizeof(name), text, width);
			draw_text(y, x, attr, "%s", text);
			x += width;
			continue;
		}
		draw_text(y, x + GAP + width - (int)text_width(text), attr, "%s",
		    text);
		x += GAP + width;
	}
}

/* The row that is chosen stays on the screen, and the last rows at its end. */
static void settle_scroll(struct screen *screen, size_t lines)
{
	size_t count = screen->sample.nr_rows;

	if (screen_row(screen) && screen->cursor < screen->scroll)
		screen->scroll = screen->cursor;
	if (screen_row(screen) && lines &&
	    screen->cursor >= screen->scroll + lines)
		screen->scroll = screen->cursor - lines + 1;
	if (screen->scroll + lines > count)
		screen->scroll = count > lines ? count - lines : 0;
}

static void draw_table(struct screen *screen)
{
	size_t count = screen->sample.nr_rows, i;
	size_t lines = screen_lines(screen);
	int head = head_lines(screen);
	struct column_fit fit;

	settle_scroll(screen, lines);
	column_choose(&fit, &screen->sample, screen->exact, COLS);
	attron(A_REVERSE);
	mvhline(head, 0, ' ', COLS);
	attroff(A_REVERSE);
	draw_line(screen, head, &fit, NULL);
	for (i = 0; i < lines && screen->scroll + i < count; i++)
		draw_line(screen, head + 1 + i, &fit,
			  &screen->sample.rows[screen->scroll + i]);
	if (!count)
		draw_text(head + 1, 0, theme(THEME_DIM), "%s",
			  *screen->filter ?
				  "no partition has that in its name" :
				  "no partitions: a file made in a pool is one");
}

static void draw_help(const struct screen *screen)
{
	int head = screen->detail ? 0 : head_lines(screen);
	size_t i;

	draw_text(head, 0, A_BOLD, "Keys");
	for (i = 0; i < sizeof(help_lines) / sizeof(help_lines[0]); i++)
		draw_text(head + 1 + i, 2, 0, "%s", help_lines[i]);
}

static void draw_foot(const struct screen *screen)
{
	size_t count = screen->sample.nr_rows;
	size_t last = screen->scroll + screen_lines(screen);
	int y = LINES - 1, x = 0;

	if (head_lines(screen) + 1 >= LINES)
		return;
	if (screen->typing) {
		draw_text(y, 0, A_BOLD, "name has: %s_", screen->filter);
		return;
	}
	if (*screen->filter)
		x = draw_text(y, x, A_BOLD, "[%s]", screen->filter) + GAP;
	if (last < count || screen->scroll)
		x = draw_text(y, x, theme(THEME_DIM), "%zu-%zu of %zu",
			      screen->scroll + 1, last < count ? last : count,
			      count) + GAP;
	draw_text(y, x, theme(THEME_DIM), "q quit  h help  sorted by %s%s",
		  columns[screen->sort].name,
		  screen->reverse ? ", reversed" : "");
}

static void draw(struct screen *screen)
{
	erase();
	if (screen->detail) {
		if (screen->help)
			draw_help(screen);
		else
			detail_draw(screen);
		refresh();
		return;
	}
	head_draw(screen);
	if (screen->help)
		draw_help(screen);
	else
		draw_table(screen);
	draw_foot(screen);
	refresh();
}

static int next_sample(struct screen *screen)
{
	int ret = sample_next(&screen->sample, screen->filter);

	if (ret == -ENODATA) {
		/* The last moment stays to be looked at. */
		screen->paused = true;
		return 0;
	}
	if (ret)
		return ret;
	screen->rounds++;
	screen_sort(screen, screen->sort);
	return 0;
}

/*
 * The rates of an interval that is only begun would be those of nothing, so the old
 * sample is the start of the next one all the same.
 */
int screen_refilter(struct screen *screen)
{
	if (!replay_runs())
		return next_sample(screen);
	if (replay_again(&screen->sample, screen->filter))
		return -ENOMEM;
	screen_sort(screen, screen->sort);
	return 0;
}

/* Milliseconds until the next sample, -1 for never. */
static int time_left(const struct screen *screen)
{
	double delay = screen->delay;
	double passed = (sample_clock() - screen->sample.time) / 1e9;

	if (screen->paused)
		return -1;
	if (!screen->rounds && delay > DELAY_FIRST)
		delay = DELAY_FIRST;
	return passed < delay ? (int)((delay - passed) * 1000) + 1 : 0;
}

/*
 * Wait for keys until the next sample is due. A terminal that went away must
 * end the program rather than have it spin. Return: false to quit.
 */
static bool wait_keys(struct screen *screen)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	int left, key;

	while ((left = time_left(screen))) {
		bool redraw = false;

		if (poll(&fd, 1, left) < 0 && errno != EINTR)
			return false;
		while ((key = getch()) != ERR) {
			if (!screen_key(screen, key))
				return false;
			redraw = true;
		}
		if (fd.revents & (POLLHUP | POLLERR | POLLNVAL))
			return false;
		if (redraw)
			draw(screen);
	}
	return true;
}

static int begin(void)
{
	const char *term = getenv("TERM");

	if (!newterm(NULL, stdout, stdin)) {
		err("the terminal type '%s' is unknown, set TERM or use --plain", term ? term : "");
		return -ENOTTY;
	}
	err_defer(true);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	theme_begin();
	return 0;
}

int top_screen(const struct pool_list *pools, enum column_id sort,
	       const struct options *opts)
{
	struct screen screen = {
		.sort = sort,
		.reverse = opts->reverse,
		.exact = opts->bytes,
		.delay = opts->delay,
	};
	int ret;

	if (opts->filter)
		snprintf(screen.filter, sizeof(screen.filter), "%s",
			 opts->filter);
	ret = sample_begin(&screen.sample, pools, screen.filter);
	if (ret)
		return ret;
	screen_sort(&screen, sort);
	ret = begin();
	if (ret)
		goto out_sample;
	draw(&screen);
	while (wait_keys(&screen)) {
		ret = next_sample(&screen);
		if (ret)
			break;
		draw(&screen);
		if (opts->count && screen.rounds >= opts->count)
			break;
	}
	endwin();
	err_defer(false);
out_sample:
	sample_free(&screen.sample);
	return ret;
}
