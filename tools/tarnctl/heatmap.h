/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A summary of the activity of many pages: counts, and a map of cells that each
 * stand for the same number of pages.
 */
#ifndef TARNCTL_HEATMAP_H
#define TARNCTL_HEATMAP_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/tarn.h>

/**
 * struct heatmap_cell - pages that a place on the map stands for
 * @count: by enum tarn_activity
 * @resident: of these, in a frame
 */
struct heatmap_cell {
	uint64_t count[TARN_ACTIVITY_CLASSES];
	uint64_t resident;
};

/**
 * struct heatmap - the summary
 * @start: first page
 * @pages: pages added so far
 * @resident: of these, in a frame, by enum tarn_activity
 * @paged: of these, without one
 * @pinned: of these, pinned
 * @width: cells a line, a power of two
 * @cell_pages: pages a cell, a power of two
 * @cells: number of cells
 * @cell: the cells
 */
struct heatmap {
	uint64_t start;
	uint64_t pages;
	uint64_t resident[TARN_ACTIVITY_CLASSES];
	uint64_t paged[TARN_ACTIVITY_CLASSES];
	uint64_t pinned;
	unsigned int width;
	uint64_t cell_pages;
	uint64_t cells;
	struct heatmap_cell *cell;
};

/**
 * heatmap_init() - Begin a summary of @count pages from @start on.
 * @width: most cells a line, at least 1
 * @lines: most lines, at least 1
 * Return: 0 or -ENOMEM.
 */
int heatmap_init(struct heatmap *map, uint64_t start, uint64_t count,
		 unsigned int width, unsigned int lines);
void heatmap_exit(struct heatmap *map);

/**
 * heatmap_add() - Add the next pages, as TARN_PARTITION_HEAT returns them.
 * Return: 0, or -EINVAL when there are more than were announced.
 */
int heatmap_add(struct heatmap *map, const uint8_t *heat, uint64_t count);

/**
 * heatmap_class() - What a cell is drawn as: the mean class of its pages that
 * have content; TARN_ACTIVITY_NONE if none has.
 */
enum tarn_activity heatmap_class(const struct heatmap_cell *cell);

/** heatmap_resident() - Whether most of those pages have a frame. */
bool heatmap_resident(const struct heatmap_cell *cell);

/** heatmap_sign() - The same as a character. */
char heatmap_sign(enum tarn_activity activity, bool resident);

/**
 * struct heat_sums - sums of a whole partition, as of the scanner's last round
 * @by_class: pages by enum tarn_activity
 * @working_set: pages
 * @rounds: that the scanner has made
 */
struct heat_sums {
	uint64_t by_class[8];
	uint64_t working_set;
	uint64_t rounds;
};

/**
 * heat_read() - Read the activity of pages into maps.
 * @fd: the partition
 * @maps: that were begun for these pages
 * Return: 0 or an errno, not reported.
 */
int heat_read(int fd, uint64_t start, uint64_t count, struct heat_sums *sums,
	      struct heatmap *const *maps, unsigned int nr_maps);

/** heatmap_name() - Name of a class. */
const char *heatmap_name(enum tarn_activity activity);

#endif
