/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A summary of many page states: counts, a map of a screenful of letters, and
 * on demand the runs of equal states.
 */
#ifndef TARNCTL_PAGEMAP_H
#define TARNCTL_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/tarn.h>

/**
 * Kinds of page that are told apart: enum tarn_page_state, then what is
 * resident and clean, then states that a newer kernel may have.
 */
#define PAGEMAP_CLEAN	(TARN_PAGE_LOCKED + 1)
#define PAGEMAP_OTHER	(TARN_PAGE_LOCKED + 2)
#define PAGEMAP_KINDS	(TARN_PAGE_LOCKED + 3)

#define PAGEMAP_WIDTH	64
#define PAGEMAP_LINES	16
#define PAGEMAP_CELLS	(PAGEMAP_WIDTH * PAGEMAP_LINES)

struct pagemap_run {
	uint64_t start;
	uint64_t count;
	uint8_t kind;
	bool in_flight;
};

/**
 * struct pagemap - the summary
 * @start: first page
 * @pages: pages added so far
 * @count: of these, by kind
 * @in_flight: of these, in flight
 * @pinned: of these, pinned for areas
 * @dma: of these, pinned by a device, or who else writes to them at any time
 * @cell_pages: pages that a letter of the map stands for
 * @cells: letters in the map
 * @cell: pages of each kind that a letter stands for
 * @want_runs: gather @runs
 * @runs: runs of one kind
 * @run_count: number of them
 * @run_room: room in @runs
 */
struct pagemap {
	uint64_t start;
	uint64_t pages;
	uint64_t count[PAGEMAP_KINDS];
	uint64_t in_flight;
	uint64_t pinned;
	uint64_t dma;
	uint64_t cell_pages;
	uint64_t cells;
	uint64_t cell[PAGEMAP_CELLS][PAGEMAP_KINDS];
	bool want_runs;
	struct pagemap_run *runs;
	size_t run_count;
	size_t run_room;
};

/** pagemap_init() - Begin a summary of @count pages from @start on. */
void pagemap_init(struct pagemap *map, uint64_t start, uint64_t count,
		  bool want_runs);
void pagemap_exit(struct pagemap *map);

/**
 * pagemap_add() - Add the next pages, as TARN_PARTITION_PAGES returns them.
 * Return: 0, -ENOMEM, or -EINVAL when there are more than were announced.
 */
int pagemap_add(struct pagemap *map, const uint8_t *states, uint64_t count);

/**
 * pagemap_cell() - Letter of a cell of the map.
 *
 * That of the kind that most of its pages have, empty ones apart; a small one
 * if not all have it.
 */
char pagemap_cell(const struct pagemap *map, uint64_t cell);

const char *pagemap_name(int kind);
char pagemap_letter(int kind);

#endif
