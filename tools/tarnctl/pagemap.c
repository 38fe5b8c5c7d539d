// SPDX-License-Identifier: GPL-2.0-only
/* Counting of page states. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pagemap.h"

static const struct {
	const char *name;
	char letter;
} kinds[PAGEMAP_KINDS] = {
	[TARN_PAGE_EMPTY] = { "empty", '.' },
	[TARN_PAGE_RESIDENT] = { "resident", 'R' },
	[TARN_PAGE_PATTERN] = { "pattern", 'T' },
	[TARN_PAGE_SHARED] = { "shared", 'S' },
	[TARN_PAGE_PAGED] = { "paged", 'P' },
	[TARN_PAGE_BACKED] = { "backed", 'B' },
	[TARN_PAGE_BALLOON] = { "balloon", 'O' },
	[TARN_PAGE_LOCKED] = { "locked", 'L' },
	[PAGEMAP_CLEAN] = { "clean", 'C' },
	[PAGEMAP_OTHER] = { "other", 'X' },
};

const char *pagemap_name(int kind)
{
	return kinds[kind].name;
}

char pagemap_letter(int kind)
{
	return kinds[kind].letter;
}

static uint8_t state_kind(uint8_t state)
{
	uint8_t kind = state & TARN_PAGE_STATE_MASK;

	if (kind == TARN_PAGE_RESIDENT && state & TARN_PAGE_CLEAN)
		return PAGEMAP_CLEAN;
	return kind <= TARN_PAGE_LOCKED ? kind : PAGEMAP_OTHER;
}

void pagemap_init(struct pagemap *map, uint64_t start, uint64_t count,
		  bool want_runs)
{
	memset(map, 0, sizeof(*map));
	map->start = start;
	map->want_runs = want_runs;
	map->cell_pages = count / PAGEMAP_CELLS + !!(count % PAGEMAP_CELLS);
	if (map->cell_pages)
		map->cells = (count - 1) / map->cell_pages + 1;
}

void pagemap_exit(struct pagemap *map)
{
	free(map->runs);
	map->runs = NULL;
}

static int add_run(struct pagemap *map, uint64_t page, uint8_t kind,
		   bool in_flight)
{
	struct pagemap_run *run;

	if (map->run_count) {
		run = &map->runs[map->run_count - 1];
		if (run->kind == kind && run->in_flight == in_flight) {
			run->count++;
			return 0;
		}
	}
	if (map->run_count == map->run_room) {
		size_t room = map->run_room ? map->run_room * 2 : 256;

		run = reallocarray(map->runs, room, sizeof(*run));
		if (!run)
			return -ENOMEM;
		map->runs = run;
		map->run_room = room;
	}
	map->runs[map->run_count++] = (struct pagemap_run){
		.start = page,
		.count = 1,
		.kind = kind,
		.in_flight = in_flight,
	};
	return 0;
}

int pagemap_add(struct pagemap *map, const uint8_t *states, uint64_t count)
{
	uint64_t i;

	if (count > map->cells * map->cell_pages - map->pages)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		uint8_t kind = state_kind(states[i]);
		bool in_flight = states[i] & TARN_PAGE_IN_FLIGHT;

		map->count[kind]++;
		map->in_flight += in_flight;
		map->pinned += !!(states[i] & TARN_PAGE_PINNED);
		map->dma += !!(states[i] & TARN_PAGE_DMA);
		map->cell[map->pages / map->cell_pages][kind]++;
		if (map->want_runs &&
		    add_run(map, map->start + map->pages, kind, in_flight))
			return -ENOMEM;
		map->pages++;
	}
	return 0;
}

char pagemap_cell(const struct pagemap *map, uint64_t cell)
{
	const uint64_t *count = map->cell[cell];
	uint64_t total = 0;
	int best = TARN_PAGE_EMPTY, kind;

	for (kind = 0; kind < PAGEMAP_KINDS; kind++) {
		total += count[kind];
		if (kind == TARN_PAGE_EMPTY || !count[kind])
			continue;
		if (best == TARN_PAGE_EMPTY || count[kind] > count[best])
			best = kind;
	}
	return count[best] == total ? kinds[best].letter :
				      tolower(kinds[best].letter);
}
