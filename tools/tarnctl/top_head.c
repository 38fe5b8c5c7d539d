// SPDX-License-Identifier: GPL-2.0-only
/* The head of the live view: a pool in some lines, or several in a line each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "size.h"
#include "stamp.h"
#include "text.h"
#include "top_draw.h"
#include "top_screen.h"

/* Lines of the head of one pool, its titles of columns apart. */
#define LINES_ONE	6
/* Of several pools so many are shown. */
#define POOLS_MAX	12
#define BAR_LABEL	8

/* ---- one pool ------------------------------------------------------------ */

static int pool_colour(const struct tarn_pool_info *info)
{
	if (!(info->flags & TARN_POOL_PAGING))
		return 0;
	if (!(info->flags & TARN_POOL_SERVED))
		return theme(THEME_BAD) | A_BOLD;
	if (info->flags & (TARN_POOL_FULL | TARN_POOL_DEGRADED))
		return theme(THEME_WARN) | A_BOLD;
	return theme(THEME_GOOD);
}

const char *head_clock(const struct screen *screen, char *buf)
{
	return replay_runs() ? stamp_date(buf, screen->sample.wall) :
			       stamp_clock(buf, screen->sample.wall);
}

/* At the right of the first line; @x: behind what is there already. */
static void draw_clock(const struct screen *screen, int x)
{
	char right[64], clock[STAMP_MAX];
	int at;

	head_clock(screen, clock);
	if (screen->paused)
		snprintf(right, sizeof(right), "held  %s", clock);
	else
		snprintf(right, sizeof(right), "every %gs  %s", screen->delay,
			 clock);
	at = COLS - (int)strlen(right);
	if (at > x + 1)
		draw_text(0, at, screen->paused ? A_BOLD : 0, "%s", right);
}

static void draw_title(const struct screen *screen)
{
	const struct tarn_pool_info *info = &screen->sample.pools[0].pool.info;
	char *mount = text_clean(screen->sample.pools[0].pool.mount);
	int x;

	x = draw_text(0, 0, A_BOLD, "tarn %s", mount ? mount : "?");
	free(mount);
	x = draw_text(0, x + GAP, pool_colour(info), "%s", pool_state(info));
	x = draw_text(0, x + GAP, 0, "%u partition%s", info->partitions,
		      info->partitions == 1 ? "" : "s");
	draw_clock(screen, x);
}

static void draw_frames(const struct screen *screen)
{
	const struct tarn_pool_info *info = &screen->sample.pools[0].pool.info;
	uint64_t taken = info->free_frames + info->limbo_frames;
	uint64_t used = info->frames > taken ? info->frames - taken : 0;
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], c[SIZE_TEXT_MAX], text[128];
	int attr = theme(THEME_GOOD);

	if (info->free_frames < info->low_frames)
		attr = theme(THEME_BAD);
	else if (info->free_frames < info->high_frames)
		attr = theme(THEME_WARN);
	snprintf(text, sizeof(text), "%s of %s, %s free",
		 size_format_pages(a, used, screen->exact),
		 size_format_pages(b, info->frames, screen->exact),
		 size_format_pages(c, info->free_frames, screen->exact));
	draw_bar(1, "frames", text, part_of(used, info->frames),
		 part_of(info->limbo_frames, info->frames), attr);
}

static void draw_paging(const struct screen *screen)
{
	const struct tarn_pool_info *info = &screen->sample.pools[0].pool.info;
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
		 theme(used > 0.95 ? THEME_BAD :
		       used > 0.8 ? THEME_WARN : THEME_GOOD));
}

static void draw_logical(const struct screen *screen)
{
	const struct tarn_pool_info *info = &screen->sample.pools[0].pool.info;
	const struct sample_rates *rates = &screen->sample.pools[0].rates;
	char text[SIZE_TEXT_MAX];
	int x;

	x = draw_text(3, 0, A_BOLD, "%-8s", "logical");
	x = draw_text(3, x, A_BOLD, "%s",
		size_format_pages(text, info->logical_pages, screen->exact));
	x = draw_text(3, x, 0, " (%.2fx)",
		part_of(info->logical_pages, info->frames)) + GAP;
	x = draw_text(3, x, 0, "pages/s:") + 1;
	x = draw_rate(3, x, "in", rates->page_ins, 0);
	x = draw_rate(3, x, "out", rates->page_outs, 0);
	x = draw_rate(3, x, "refaults", rates->refaults, theme(THEME_WARN));
	draw_rate(3, x, "dropped", rates->drops, 0);
}

static void draw_waits(const struct screen *screen)
{
	const struct sample_rates *rates = &screen->sample.pools[0].rates;
	int x;

	x = draw_text(4, 0, A_BOLD, "%-8s", "waits");
	x = draw_rate(4, x, "for frames/s", rates->waits, theme(THEME_BAD));
	x = draw_latency(4, x, "for page-ins p50", rates->p50);
	draw_latency(4, x, "p99", rates->p99);
}

static void draw_errors(const struct screen *screen)
{
	const struct tarn_pool_info *info = &screen->sample.pools[0].pool.info;

	if (info->load_errors || info->checksum_errors || info->store_errors ||
	    info->import_errors)
		draw_text(5, 0, theme(THEME_BAD) | A_BOLD,
		    "errors  %llu load, %llu checksum, %llu store, %llu import",
		    info->load_errors, info->checksum_errors,
		    info->store_errors, info->import_errors);
	else if (screen->sample.hidden)
		draw_text(5, 0, theme(THEME_WARN),
		    "%zu files may not be opened by this user",
		    screen->sample.hidden);
}

static void draw_one(const struct screen *screen)
{
	draw_title(screen);
	draw_frames(screen);
	draw_paging(screen);
	draw_logical(screen);
	draw_waits(screen);
	draw_errors(screen);
}

/* ---- several pools ------------------------------------------------------- */

/* "pool0  12G of 16G, 3.9G free  in 120 out 3 p99 2ms  serving" */
static void draw_pool(const struct screen *screen, int y,
		      const struct sample_pool *pool)
{
	const struct tarn_pool_info *info = &pool->pool.info;
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], name[64];
	char *title = text_clean(pool_title(&pool->pool));
	int attr = info->free_frames < info->low_frames ? theme(THEME_BAD) : 0;
	int x;

	x = draw_text(y, 0, A_BOLD, "%-*s", BAR_LABEL,
		      text_fit(name, sizeof(name), title ? title : "?", 14));
	free(title);
	x = draw_text(y, x + GAP, attr, "%5s free of %5s",
		      size_format_pages(a, info->free_frames, screen->exact),
		      size_format_pages(b, info->frames, screen->exact)) + GAP;
	x = draw_text(y, x, pool_colour(info), "%s", pool_state(info)) + GAP;
	x = draw_rate(y, x, "in/s", pool->rates.page_ins, 0);
	x = draw_rate(y, x, "out/s", pool->rates.page_outs, 0);
	x = draw_rate(y, x, "waits/s", pool->rates.waits, theme(THEME_BAD));
	draw_latency(y, x, "p99", pool->rates.p99);
}

static size_t shown_pools(const struct screen *screen)
{
	size_t count = screen->sample.nr_pools;

	return count < POOLS_MAX ? count : POOLS_MAX;
}

static void draw_several(const struct screen *screen)
{
	const struct sample *sample = &screen->sample;
	uint64_t frames = 0, free_frames = 0;
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];
	size_t i;
	int x;

	for (i = 0; i < sample->nr_pools; i++) {
		frames += sample->pools[i].pool.info.frames;
		free_frames += sample->pools[i].pool.info.free_frames;
	}
	x = draw_text(0, 0, A_BOLD, "tarn %zu pools", sample->nr_pools);
	x = draw_text(0, x + GAP, 0, "%zu partitions", sample->nr_rows);
	x = draw_text(0, x + GAP, 0, "%s of %s free",
		      size_format_pages(a, free_frames, screen->exact),
		      size_format_pages(b, frames, screen->exact));
	draw_clock(screen, x);
	for (i = 0; i < shown_pools(screen); i++)
		draw_pool(screen, 1 + i, &sample->pools[i]);
}

/* ---- either -------------------------------------------------------------- */

int head_lines(const struct screen *screen)
{
	return screen->sample.nr_pools == 1 ? LINES_ONE :
					      (int)shown_pools(screen) + 1;
}

void head_draw(const struct screen *screen)
{
	if (screen->sample.nr_pools == 1)
		draw_one(screen);
	else
		draw_several(screen);
}
