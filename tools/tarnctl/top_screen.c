// SPDX-License-Identifier: GPL-2.0-only
/*
 * The live view. A sample is drawn whole each time, at the size that the
 * terminal has then; curses sends only what differs.
 */
#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "replay.h"
#include "size.h"
#include "text.h"
#include "top.h"
#include "top_screen.h"

/* The first rates come soon, however long the interval is. */
#define DELAY_FIRST	0.5
#define GAP		2

enum {
	PAIR_GOOD = 1,
	PAIR_WARN,
	PAIR_BAD,
	PAIR_DIM,
};

static const char *const help_lines[] = {
	"q          quit",
	"h ?        this help; any key leaves it",
	"n          sort by name",
	"l r p s f  sort by logical size, resident, paged, working set, fair share",
	"e m        sort by home nodes, by what is not at home",
	"i o t w    sort by page-ins, page-outs, refaults, waits a second",
	"5 9        sort by median, by 99th percentile of page-in latency",
	"< >        sort by the column to the left, to the right",
	"R          reverse the order",
	"b          sizes in bytes, exactly",
	"+ -        longer, shorter interval",
	"space      pause",
	"up down    scroll; also page up, page down, home, end",
	"",
	"Latencies are of the page-ins of the interval. RESIDENT stands out where",
	"it is above the fair share: from there frames are taken first.",
};

static int colour(int pair)
{
	return has_colors() ? COLOR_PAIR(pair) : 0;
}

/* Write at a place and cut at the right border; what is off the screen isn't. */
static int put(int y, int x, int attr, const char *fmt, ...)
	__printf(4, 5);
static int put(int y, int x, int attr, const char *fmt, ...)
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

static int pool_colour(const struct tarn_pool_info *info)
{
	if (!(info->flags & TARN_POOL_PAGING))
		return 0;
	if (!(info->flags & TARN_POOL_SERVED))
		return colour(PAIR_BAD) | A_BOLD;
	if (info->flags & (TARN_POOL_FULL | TARN_POOL_DEGRADED))
		return colour(PAIR_WARN) | A_BOLD;
	return colour(PAIR_GOOD);
}

static void draw_title(const struct screen *screen)
{
	const struct tarn_pool_info *info = &screen->sample.pool.info;
	char *mount = text_clean(screen->sample.pool.mount);
	const char *format = replay_runs() ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S";
	char right[64], clock[24] = "";
	struct tm tm;
	int x, at;

	if (localtime_r(&screen->sample.wall, &tm))
		strftime(clock, sizeof(clock), format, &tm);
	x = put(0, 0, A_BOLD, "tarn %s", mount ? mount : "?");
	free(mount);
	x = put(0, x + GAP, pool_colour(info), "%s", pool_state(info));
	x = put(0, x + GAP, 0, "%u partition%s", info->partitions,
		info->partitions == 1 ? "" : "s");
	if (screen->paused)
		snprintf(right, sizeof(right), "held  %s", clock);
	else
		snprintf(right, sizeof(right), "every %gs  %s", screen->delay,
			 clock);
	at = COLS - (int)strlen(right);
	if (at > x + 1)
		put(0, at, screen->paused ? A_BOLD : 0, "%s", right);
}

/**
 * draw_bar() - A bar with a text at its right end.
 * @used: part that is full
 * @held: part behind it that is neither full nor free
 */
static void draw_bar(int y, const char *label, const char *text, double used,
		     double held, int attr)
{
	int x = put(y, 0, A_BOLD, "%-8s", label);
	int width = COLS - x - 2, len = text_width(text), i;
	int full, end;

	if (width < 4) {
		put(y, x, attr, "%s", text);
		return;
	}
	full = width * used + 0.5;
	end = width * (used + held) + 0.5;
	put(y, x, 0, "[");
	for (i = 0; i < width - len - 1; i++) {
		if (i < full)
			put(y, x + 1 + i, attr, "|");
		else if (i < end)
			put(y, x + 1 + i, colour(PAIR_WARN), "~");
	}
	put(y, x + 1 + (width > len ? width - len : 0), 0, "%s", text);
	put(y, COLS - 1, 0, "]");
}

static double part_of(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / whole : 0;
}

static void draw_frames(const struct screen *screen)
{
	const struct tarn_pool_info *info = &screen->sample.pool.info;
	uint64_t taken = info->free_frames + info->limbo_frames;
	uint64_t used = info->frames > taken ? info->frames - taken : 0;
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], c[SIZE_TEXT_MAX], text[128];
	int attr = colour(PAIR_GOOD);

	if (info->free_frames < info->low_frames)
		attr = colour(PAIR_BAD);
	else if (info->free_frames < info->high_frames)
		attr = colour(PAIR_WARN);
	snprintf(text, sizeof(text), "%s of %s, %s free",
		 size_format_pages(a, used, screen->exact),
		 size_format_pages(b, info->frames, screen->exact),
		 size_format_pages(c, info->free_frames, screen->exact));
	draw_bar(1, "frames", text, part_of(used, info->frames),
		 part_of(info->limbo_frames, info->frames), attr);
}

static void draw_paging(const struct screen *screen)
{
	const struct tarn_pool_info *info = &screen->sample.pool.info;
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], text[128];
	double used = part_of(info->paging_used, info->paging_capacity);

	if (!(info->flags & TARN_POOL_PAGING))
		snprintf(text, sizeof(text), "mounted with paging=none");
	else if (!info->paging_capacity)
		snprintf(text, sizeof(text), "no paging space");
	else
		snprintf(text, sizeof(text), "%s of %s",
			 size_format_pages(a, info->paging_used,
					   screen->exact),
			 size_format_pages(b, info->paging_capacity,
					   screen->exact));
	draw_bar(2, "paging", text, used, 0,
		 colour(used > 0.95 ? PAIR_BAD :
			used > 0.8  ? PAIR_WARN : PAIR_GOOD));
}

/* A number and what it is, left out where there is no room for all of it. */
static int draw_number(int y, int x, const char *label, const char *text,
		       int attr)
{
	if (x + (int)strlen(label) + 1 + (int)strlen(text) > COLS)
		return x;
	x = put(y, x, 0, "%s ", label);
	return put(y, x, A_BOLD | attr, "%s", text) + GAP;
}

static int draw_rate(int y, int x, const char *label, double rate, int attr)
{
	char text[SIZE_TEXT_MAX];

	return draw_number(y, x, label, rate_format(text, rate),
			   rate ? attr : 0);
}

static int draw_latency(int y, int x, const char *label, uint64_t ns)
{
	char text[SIZE_TEXT_MAX];

	return draw_number(y, x, label, ns ? time_format(text, ns) : "-", 0);
}

static void draw_logical(const struct screen *screen)
{
	const struct tarn_pool_info *info = &screen->sample.pool.info;
	const struct sample_rates *rates = &screen->sample.rates;
	char text[SIZE_TEXT_MAX];
	int x;

	x = put(3, 0, A_BOLD, "%-8s", "logical");
	x = put(3, x, A_BOLD, "%s",
		size_format_pages(text, info->logical_pages, screen->exact));
	x = put(3, x, 0, " (%.2fx)",
		part_of(info->logical_pages, info->frames)) + GAP;
	x = put(3, x, 0, "pages/s:") + 1;
	x = draw_rate(3, x, "in", rates->page_ins, 0);
	x = draw_rate(3, x, "out", rates->page_outs, 0);
	x = draw_rate(3, x, "refaults", rates->refaults, colour(PAIR_WARN));
	draw_rate(3, x, "dropped", rates->drops, 0);
}

static void draw_waits(const struct screen *screen)
{
	const struct sample_rates *rates = &screen->sample.rates;
	int x;

	x = put(4, 0, A_BOLD, "%-8s", "waits");
	x = draw_rate(4, x, "for frames/s", rates->waits, colour(PAIR_BAD));
	x = draw_latency(4, x, "for page-ins p50", rates->p50);
	draw_latency(4, x, "p99", rates->p99);
}

static void draw_errors(const struct screen *screen)
{
	const struct tarn_pool_info *info = &screen->sample.pool.info;

	if (info->load_errors || info->checksum_errors || info->store_errors)
		put(5, 0, colour(PAIR_BAD) | A_BOLD,
		    "errors  %llu load, %llu checksum, %llu store",
		    info->load_errors, info->checksum_errors,
		    info->store_errors);
	else if (screen->sample.list.hidden)
		put(5, 0, colour(PAIR_WARN),
		    "%zu files may not be opened by this user",
		    screen->sample.list.hidden);
}

static int cell_attr(enum column_id id, const struct sample_row *row)
{
	const struct tarn_partition_info *info = &row->part->info;

	if (id == COLUMN_NAME && info->errors)
		return colour(PAIR_BAD) | A_BOLD;
	if (id == COLUMN_RESIDENT && info->resident_pages > info->fair_frames)
		return colour(PAIR_WARN) | A_BOLD;
	if (id == COLUMN_MISPLACED && row->misplaced)
		return colour(PAIR_WARN);
	if (id == COLUMN_REFAULTS && row->rates.refaults)
		return colour(PAIR_WARN);
	return 0;
}

/* A line of the table: titles when @row is NULL. */
static void draw_line(const struct screen *screen, int y,
		      const struct column_fit *fit, const struct sample_row *row)
{
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
			attr = cell_attr(id, row);
		}
		if (id == COLUMN_NAME) {
			text = text_fit(name, sizeof(name), text, width);
			put(y, x, attr, "%s", text);
			x += width;
			continue;
		}
		put(y, x + GAP + width - (int)text_width(text), attr, "%s",
		    text);
		x += GAP + width;
	}
}

static void draw_table(struct screen *screen)
{
	size_t count = screen->sample.list.count, i;
	size_t lines = screen_lines();
	struct column_fit fit;

	if (screen->scroll + lines > count)
		screen->scroll = count > lines ? count - lines : 0;
	column_choose(&fit, &screen->sample, screen->exact, COLS);
	attron(A_REVERSE);
	mvhline(HEAD_LINES - 1, 0, ' ', COLS);
	attroff(A_REVERSE);
	draw_line(screen, HEAD_LINES - 1, &fit, NULL);
	for (i = 0; i < lines && screen->scroll + i < count; i++)
		draw_line(screen, HEAD_LINES + i, &fit,
			  &screen->sample.rows[screen->scroll + i]);
	if (!count)
		put(HEAD_LINES, 0, colour(PAIR_DIM),
		    "no partitions: a file made in %s is one",
		    screen->sample.pool.mount);
}

static void draw_help(void)
{
	size_t i;

	put(HEAD_LINES - 1, 0, A_BOLD, "Keys");
	for (i = 0; i < sizeof(help_lines) / sizeof(help_lines[0]); i++)
		put(HEAD_LINES + i, 2, 0, "%s", help_lines[i]);
}

static void draw_foot(const struct screen *screen)
{
	size_t count = screen->sample.list.count;
	size_t last = screen->scroll + screen_lines();

	if (LINES <= HEAD_LINES)
		return;
	if (last < count || screen->scroll)
		put(LINES - 1, 0, colour(PAIR_DIM),
		    "%zu-%zu of %zu  q quit  h help  sorted by %s",
		    screen->scroll + 1, last < count ? last : count, count,
		    columns[screen->sort].name);
	else
		put(LINES - 1, 0, colour(PAIR_DIM),
		    "q quit  h help  sorted by %s%s",
		    columns[screen->sort].name,
		    screen->reverse ? ", reversed" : "");
}

static void draw(struct screen *screen)
{
	erase();
	draw_title(screen);
	draw_frames(screen);
	draw_paging(screen);
	draw_logical(screen);
	draw_waits(screen);
	draw_errors(screen);
	if (screen->help)
		draw_help();
	else
		draw_table(screen);
	draw_foot(screen);
	refresh();
}

static int next_sample(struct screen *screen)
{
	struct sample now;
	int ret;

	ret = sample_take(&now, &screen->sample.pool, &screen->sample);
	if (ret == -ENODATA) {
		/* The last moment stays to be looked at. */
		screen->paused = true;
		return 0;
	}
	if (ret)
		return ret;
	sample_free(&screen->sample);
	screen->sample = now;
	screen->rounds++;
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
	if (!getenv("NO_COLOR") && has_colors()) {
		start_color();
		use_default_colors();
		init_pair(PAIR_GOOD, COLOR_GREEN, -1);
		init_pair(PAIR_WARN, COLOR_YELLOW, -1);
		init_pair(PAIR_BAD, COLOR_RED, -1);
		init_pair(PAIR_DIM, COLOR_CYAN, -1);
	}
	return 0;
}

int top_screen(const struct pool *pool, enum column_id sort,
	       const struct options *opts)
{
	struct screen screen = {
		.sort = sort,
		.exact = opts->bytes,
		.delay = opts->delay,
	};
	int ret;

	ret = sample_take(&screen.sample, pool, NULL);
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
