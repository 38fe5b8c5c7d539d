// SPDX-License-Identifier: GPL-2.0-only
/*
 * The live view of one partition: its guest, its memory, the latencies of its page-ins,
 * what is pinned, what it waits for, and how warm it is. What fits the terminal is
 * drawn from the top; the map of activity has the lines that are left.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fault.h"
#include "heatmap.h"
#include "latency.h"
#include "replay.h"
#include "size.h"
#include "stamp.h"
#include "text.h"
#include "top_draw.h"
#include "top_screen.h"

/* Lines above the map of activity, and columns beside it. */
#define LINES_ABOVE	12
#define MAP_LABEL	8
#define MAP_MIN		2

/**
 * struct detail - what was read of a partition beside its counters
 * @time: of the sample that it belongs to
 * @id: of the partition
 * @lines: of the terminal then
 * @columns: likewise
 * @map: of its activity; without cells: there is none
 * @sums: likewise
 * @areas: sums of its areas
 * @nr_areas: number of them, or an errno
 * @oldest: its oldest page-in under way
 * @faults: number of page-ins under way, or an errno
 * @homes: its pages by node
 */
struct detail {
	uint64_t time;
	__u32 id;
	int lines;
	int columns;
	struct heatmap map;
	struct heat_sums sums;
	struct tarn_partition_areas areas;
	int nr_areas;
	struct tarn_fault oldest;
	int faults;
	struct homes homes;
};

/* Read once a sample, whatever keys are pressed meanwhile. */
static struct detail detail;

/* ---- reading ------------------------------------------------------------- */

static int open_row(const struct screen *screen, const struct sample_row *row)
{
	int dirfd = pool_open(&row->in->pool), fd;

	if (dirfd < 0)
		return dirfd;
	fd = guests_reach(&screen->sample.guests, row->in->pool.dev, dirfd,
			  row->part);
	close(dirfd);
	return fd;
}

/* Areas one after the other; the sums are with each. */
static void read_areas(int fd)
{
	struct tarn_area areas[256];

	detail.areas = (struct tarn_partition_areas){ .size = sizeof(detail.areas) };
	detail.nr_areas = 0;
	do {
		detail.areas.count = sizeof(areas) / sizeof(areas[0]);
		detail.areas.areas = (uintptr_t)areas;
		if (ioctl(fd, TARN_PARTITION_AREAS, &detail.areas)) {
			detail.nr_areas = -errno;
			return;
		}
		detail.nr_areas += detail.areas.count;
	} while (detail.areas.count);
}

static void read_faults(const struct sample_row *row)
{
	struct tarn_pool_faults call = {
		.size = sizeof(call),
		.partition = row->part->info.id,
		.count = 1,
		.faults = (uintptr_t)&detail.oldest,
	};
	int fd = pool_open(&row->in->pool);

	detail.faults = fd;
	if (fd < 0)
		return;
	detail.faults = ioctl(fd, TARN_POOL_FAULTS, &call) ? -errno :
							     (int)call.pending;
	close(fd);
}

static void read_heat(int fd, const struct sample_row *row)
{
	uint64_t pages = row->part->info.logical_pages;
	struct heatmap *const maps[] = { &detail.map };
	int lines = LINES - LINES_ABOVE - 1, width = COLS - MAP_LABEL - 2;

	if (lines < MAP_MIN || width < MAP_LABEL || !pages ||
	    heatmap_init(&detail.map, 0, pages, width, lines))
		return;
	if (heat_read(fd, 0, pages, &detail.sums, maps, 1))
		heatmap_exit(&detail.map);
}

static void read_detail(const struct screen *screen, const struct sample_row *row)
{
	int fd;

	if (detail.time == screen->sample.time &&
	    detail.id == row->part->info.id && detail.lines == LINES &&
	    detail.columns == COLS)
		return;
	heatmap_exit(&detail.map);
	homes_free(&detail.homes);
	detail = (struct detail){
		.time = screen->sample.time,
		.id = row->part->info.id,
		.lines = LINES,
		.columns = COLS,
		.nr_areas = -ENOENT,
		.faults = -ENOENT,
	};
	/* The history has none of it. */
	if (replay_runs())
		return;
	read_faults(row);
	fd = open_row(screen, row);
	if (fd < 0)
		return;
	read_areas(fd);
	homes_read(fd, &detail.homes);
	read_heat(fd, row);
	close(fd);
}

/* ---- drawing ------------------------------------------------------------- */

static void draw_title(const struct screen *screen, const struct sample_row *row)
{
	char clock[STAMP_MAX];
	int x = draw_text(0, 0, A_BOLD, "%s", row->name);
	int at = COLS - (int)strlen(head_clock(screen, clock));

	x = draw_text(0, x + GAP, 0, "of %s, %s", pool_title(&row->in->pool),
		      pool_state(&row->in->pool.info));
	if (at > x + 1)
		draw_text(0, at, screen->paused ? A_BOLD : 0, "%s", clock);
}

static void draw_guest(const struct sample_row *row)
{
	const struct guest *guest = row->guest;
	char *file = row->part->path ? text_clean(row->part->path) : NULL;
	char *vmm = guest ? text_clean(guest->vmm) : NULL;
	int x = draw_text(1, 0, A_BOLD, "%-8s", "guest");

	if (guest)
		draw_text(1, x, 0, "pid %d, %s%s%s", guest->pid,
			  vmm ? vmm : "?", *guest->uuid ? ", uuid " : "",
			  guest->uuid);
	else
		draw_text(1, x, theme(THEME_DIM),
			  replay_runs() ? "the history has the name alone" :
			  "no process that may be looked at has it mapped");
	x = draw_text(2, 0, A_BOLD, "%-8s", "file");
	draw_text(2, x, 0, "%s, number %u", file ? file : "removed",
		  row->part->info.id);
	free(vmm);
	free(file);
}

static int draw_pages(const struct screen *screen, int y, int x,
		      const char *label, uint64_t pages, int attr)
{
	char text[SIZE_TEXT_MAX];

	return draw_number(y, x, label,
			   size_format_pages(text, pages, screen->exact), attr);
}

static void draw_memory(const struct screen *screen, const struct sample_row *row)
{
	const struct tarn_partition_info *info = &row->part->info;
	bool above = info->resident_pages > info->fair_frames;
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], text[96];
	int x;

	snprintf(text, sizeof(text), "%s of %s",
		 size_format_pages(a, info->resident_pages, screen->exact),
		 size_format_pages(b, info->logical_pages, screen->exact));
	draw_bar(3, "frames", text,
		 part_of(info->resident_pages, info->logical_pages),
		 part_of(info->paged_pages, info->logical_pages),
		 theme(above ? THEME_WARN : THEME_GOOD));
	x = draw_text(4, 0, A_BOLD, "%-8s", "memory");
	x = draw_pages(screen, 4, x, "paged", info->paged_pages, 0);
	x = draw_pages(screen, 4, x, "working set", info->working_set, 0);
	x = draw_pages(screen, 4, x, "fair share", info->fair_frames, 0);
	snprintf(text, sizeof(text), "%u", info->weight);
	x = draw_number(4, x, "weight", text, 0);
	x = draw_pages(screen, 4, x, "min", info->min_frames, 0);
	draw_pages(screen, 4, x, "desired", info->desired_frames, 0);
}

static void draw_rates(const struct sample_row *row)
{
	const struct tarn_partition_info *info = &row->part->info;
	const struct sample_rates *rates = &row->rates;
	int x = draw_text(5, 0, A_BOLD, "%-8s", "pages/s");

	x = draw_rate(5, x, "in", rates->page_ins, 0);
	x = draw_rate(5, x, "out", rates->page_outs, 0);
	x = draw_rate(5, x, "dropped", rates->drops, 0);
	x = draw_rate(5, x, "refaults", rates->refaults, theme(THEME_WARN));
	draw_rate(5, x, "waits", rates->waits, theme(THEME_BAD));
	x = draw_text(6, 0, A_BOLD, "%-8s", "latency");
	x = draw_latency(6, x, "now p50", rates->p50);
	x = draw_latency(6, x, "p99", rates->p99);
	x = draw_latency(6, x, "ever p50", latency_percentile(info->latency, 50));
	x = draw_latency(6, x, "p99", latency_percentile(info->latency, 99));
	draw_latency(6, x, "p99.9", latency_percentile(info->latency, 99.9));
}

static void draw_faults(const struct sample_row *row)
{
	char age[SIZE_TEXT_MAX];
	int x = draw_text(7, 0, A_BOLD, "%-8s", "faults");

	if (detail.faults < 0)
		x = draw_text(7, x, theme(THEME_DIM), replay_runs() ?
			      "not kept" : "for root to see") + GAP;
	else if (!detail.faults)
		x = draw_text(7, x, 0, "none under way") + GAP;
	else
		x = draw_text(7, x, theme(THEME_WARN),
			      "%d under way, the oldest waits for %s, %s so far",
			      detail.faults, fault_state_text(detail.oldest.state),
			      time_format(age, detail.oldest.age_ns)) + GAP;
	if (row->part->info.errors)
		draw_text(7, x, theme(THEME_BAD) | A_BOLD,
			  "%llu pages gave an error", row->part->info.errors);
}

static void draw_pins(const struct screen *screen, const struct sample_row *row)
{
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], c[SIZE_TEXT_MAX];
	int x = draw_text(8, 0, A_BOLD, "%-8s", "pins");

	if (detail.nr_areas < 0) {
		draw_text(8, x, theme(THEME_DIM), "not known");
		return;
	}
	draw_text(8, x, 0, "%d areas, %s pinned of at most %s, %s held by others%s",
		  detail.nr_areas,
		  size_format_pages(a, detail.areas.pinned_pages, screen->exact),
		  size_format_pages(b, detail.areas.quota_pages, screen->exact),
		  size_format_pages(c, detail.areas.held_pages, screen->exact),
		  row->part->info.vms ? "" : ", no VM attached");
}

static void draw_nodes(const struct screen *screen, const struct sample_row *row)
{
	int x = draw_text(9, 0, A_BOLD, "%-8s", "nodes");
	char label[16], text[SIZE_TEXT_MAX];
	unsigned int i;

	for (i = 0; i < detail.homes.count; i++) {
		const struct tarn_home *home = &detail.homes.items[i];

		if (!home->resident_pages && !(home->flags & TARN_NODE_IS_HOME))
			continue;
		snprintf(label, sizeof(label), "%s%u",
			 home->flags & TARN_NODE_IS_HOME ? "*" : "",
			 home->node);
		x = draw_number(9, x, label,
				size_format_pages(text, home->resident_pages,
						  screen->exact), 0);
	}
	if (row->misplaced)
		draw_pages(screen, 9, x, "misplaced", row->misplaced,
			   theme(THEME_WARN));
}

static void draw_heat(const struct screen *screen)
{
	int x = draw_text(10, 0, A_BOLD, "%-8s", "heat");
	char text[SIZE_TEXT_MAX];
	int class;

	if (!detail.map.cells) {
		draw_text(10, x, theme(THEME_DIM), "not known");
		return;
	}
	for (class = TARN_ACTIVITY_HOT; class >= TARN_ACTIVITY_COLD; class--)
		x = draw_number(10, x, heatmap_name(class),
				size_format_pages(text,
						  detail.map.resident[class] +
						  detail.map.paged[class],
						  screen->exact), 0);
	draw_text(10, x, theme(THEME_DIM), "a place: %s",
		  size_format_pages(text, detail.map.cell_pages, screen->exact));
}

static int heat_theme(enum tarn_activity class)
{
	switch (class) {
	case TARN_ACTIVITY_HOT:
		return theme(THEME_BAD);
	case TARN_ACTIVITY_WARM:
		return theme(THEME_WARN);
	case TARN_ACTIVITY_COOL:
		return theme(THEME_GOOD);
	default:
		return theme(THEME_DIM);
	}
}

static void draw_map(void)
{
	const struct heatmap *map = &detail.map;
	uint64_t i;

	for (i = 0; i < map->cells; i++) {
		int y = LINES_ABOVE - 1 + i / map->width;
		int x = MAP_LABEL + 1 + i % map->width;
		enum tarn_activity class = heatmap_class(&map->cell[i]);
		bool resident = heatmap_resident(&map->cell[i]);
		char text[SIZE_TEXT_MAX];

		if (y >= LINES - 1)
			break;
		if (!(i % map->width))
			draw_text(y, 0, theme(THEME_DIM), "%*s", MAP_LABEL - 1,
				  size_format_pages(text, i * map->cell_pages,
						    false));
		draw_text(y, x, heat_theme(class), "%c",
			  heatmap_sign(class, resident));
	}
}

void detail_draw(const struct screen *screen)
{
	const struct sample_row *row = screen_row(screen);

	if (!row) {
		draw_text(0, 0, A_BOLD, "the partition is gone");
		draw_text(LINES - 1, 0, theme(THEME_DIM), "enter goes back");
		return;
	}
	read_detail(screen, row);
	draw_title(screen, row);
	draw_guest(row);
	draw_memory(screen, row);
	draw_rates(row);
	draw_faults(row);
	draw_pins(screen, row);
	draw_nodes(screen, row);
	draw_heat(screen);
	draw_map();
	if (LINES > LINES_ABOVE)
		draw_text(LINES - 1, 0, theme(THEME_DIM),
			  "enter goes back  q quit  h help  # hot * warm + cool - cold, letters: paged");
}
