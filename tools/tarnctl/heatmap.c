// SPDX-License-Identifier: GPL-2.0-only
/* Counting of page activity. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "heatmap.h"

static const char *const names[TARN_ACTIVITY_CLASSES] = {
	[TARN_ACTIVITY_NONE] = "none",
	[TARN_ACTIVITY_COLD] = "cold",
	[TARN_ACTIVITY_COOL] = "cool",
	[TARN_ACTIVITY_WARM] = "warm",
	[TARN_ACTIVITY_HOT] = "hot",
};

const char *heatmap_name(enum tarn_activity activity)
{
	return names[activity];
}

int heatmap_init(struct heatmap *map, uint64_t start, uint64_t count,
		 unsigned int width, unsigned int lines)
{
	memset(map, 0, sizeof(*map));
	map->start = start;
	/* Powers of two, so that lines begin at round addresses. */
	map->width = 1;
	while (map->width * 2 <= width)
		map->width *= 2;
	map->cell_pages = 1;
	while (count / map->cell_pages > (uint64_t)map->width * lines ||
	       (count / map->cell_pages == (uint64_t)map->width * lines &&
		count % map->cell_pages))
		map->cell_pages *= 2;
	map->cells = count / map->cell_pages + !!(count % map->cell_pages);
	map->cell = calloc(map->cells ? map->cells : 1, sizeof(*map->cell));
	return map->cell ? 0 : -ENOMEM;
}

void heatmap_exit(struct heatmap *map)
{
	free(map->cell);
	map->cell = NULL;
}

int heatmap_add(struct heatmap *map, const uint8_t *heat, uint64_t count)
{
	uint64_t i;

	if (count > map->cells * map->cell_pages - map->pages)
		return -EINVAL;
	for (i = 0; i < count; i++, map->pages++) {
		struct heatmap_cell *cell =
			&map->cell[map->pages / map->cell_pages];
		unsigned int class = heat[i] & TARN_HEAT_CLASS;

		/* What a newer kernel may tell is hotter than all that is known. */
		if (class >= TARN_ACTIVITY_CLASSES)
			class = TARN_ACTIVITY_HOT;
		cell->count[class]++;
		if (heat[i] & TARN_HEAT_RESIDENT) {
			cell->resident++;
			map->resident[class]++;
		} else {
			map->paged[class]++;
		}
		map->pinned += !!(heat[i] & TARN_HEAT_PINNED);
	}
	return 0;
}

static uint64_t with_content(const struct heatmap_cell *cell)
{
	uint64_t pages = 0;
	int class;

	for (class = TARN_ACTIVITY_COLD; class < TARN_ACTIVITY_CLASSES; class++)
		pages += cell->count[class];
	return pages;
}

enum tarn_activity heatmap_class(const struct heatmap_cell *cell)
{
	uint64_t pages = with_content(cell), sum = 0;
	int class;

	if (!pages)
		return TARN_ACTIVITY_NONE;
	for (class = TARN_ACTIVITY_COLD; class < TARN_ACTIVITY_CLASSES; class++)
		sum += class * cell->count[class];
	return (sum + pages / 2) / pages;
}

bool heatmap_resident(const struct heatmap_cell *cell)
{
	return cell->resident * 2 >= with_content(cell);
}

/* Letters are pages that are not in frames. */
char heatmap_sign(enum tarn_activity activity, bool resident)
{
	static const char in_frames[] = " -+*#", paged[] = " cowh";

	if (activity >= TARN_ACTIVITY_CLASSES)
		return '?';
	return resident ? in_frames[activity] : paged[activity];
}
