// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map of activity as SVG. Cells of one look that follow each other in a line
 * are one rectangle. What is paged is striped in the colour of its class.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "heat_svg.h"
#include "size.h"
#include "svg.h"
#include "text.h"

#define CELL_W 6
#define CELL_H 9
#define LEFT 72
#define TOP 112
#define RIGHT 24
#define BOTTOM 34

static const char *const colours[TARN_ACTIVITY_CLASSES] = {
	[TARN_ACTIVITY_NONE] = "#eef0f2",
	[TARN_ACTIVITY_COLD] = "#2f5f98",
	[TARN_ACTIVITY_COOL] = "#6fb3c8",
	[TARN_ACTIVITY_WARM] = "#f4a63a",
	[TARN_ACTIVITY_HOT] = "#d1342b",
};

static unsigned int lines_of(const struct heatmap *map)
{
	return (map->cells + map->width - 1) / map->width;
}

static void put_stripes(FILE *f, int class)
{
	char id[16];

	snprintf(id, sizeof(id), "p%d", class);
	svg_stripes(f, id, colours[class], true);
}

static void put_head(FILE *f, const struct heatmap *map, const char *name)
{
	/* The legend is wider than a narrow map. */
	int cells = map->width < 96 ? 96 : map->width;
	int width = LEFT + cells * CELL_W + RIGHT;
	int height = TOP + (int)lines_of(map) * CELL_H + BOTTOM;
	int class;

	svg_begin(f, width, height, name);
	fputs("<defs>\n", f);
	for (class = TARN_ACTIVITY_COLD; class < TARN_ACTIVITY_CLASSES; class++)
		put_stripes(f, class);
	fprintf(f, "</defs>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
		width, height);
	fprintf(f, "<text x=\"%d\" y=\"28\" font-size=\"17\" font-weight=\"bold\">",
		LEFT);
	svg_text(f, name);
	fputs("</text>\n", f);
}

static void put_box(FILE *f, int x, int y, const char *fill)
{
	fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"22\" height=\"11\" fill=\"%s\" stroke=\"#8b97a3\" stroke-width=\".5\"/>\n",
		x, y, fill);
}

static void put_amount(FILE *f, int x, int y, uint64_t pages, bool bytes)
{
	char size[SIZE_TEXT_MAX];

	fprintf(f, "<text x=\"%d\" y=\"%d\">%s</text>\n", x, y,
		size_format_pages(size, pages, bytes));
}

/* From hot to cold, what is in frames above what is paged. */
static void put_legend(FILE *f, const struct heatmap *map, bool bytes)
{
	int x = LEFT + 76, class;

	fprintf(f, "<text x=\"%d\" y=\"84\">in frames</text>\n<text x=\"%d\" y=\"101\">paged</text>\n",
		LEFT, LEFT);
	for (class = TARN_ACTIVITY_HOT; class >= TARN_ACTIVITY_NONE; class--) {
		char fill[24];

		fprintf(f, "<text x=\"%d\" y=\"67\" font-weight=\"bold\">%s</text>\n",
			x, class ? heatmap_name(class) : "never used");
		put_box(f, x, 75, colours[class]);
		put_amount(f, x + 28, 84, map->resident[class] +
			   (class ? 0 : map->paged[class]), bytes);
		if (class) {
			snprintf(fill, sizeof(fill), "url(#p%d)", class);
			put_box(f, x, 92, fill);
			put_amount(f, x + 28, 101, map->paged[class], bytes);
		}
		x += 100;
	}
}

static void put_run(FILE *f, const struct heatmap *map, uint64_t first,
		    uint64_t count)
{
	const struct heatmap_cell *cell = &map->cell[first];
	enum tarn_activity class = heatmap_class(cell);
	char fill[24];

	snprintf(fill, sizeof(fill), "url(#p%d)", class);
	fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n",
		LEFT + (int)(first % map->width) * CELL_W,
		TOP + (int)(first / map->width) * CELL_H,
		(int)count * CELL_W, CELL_H - 1,
		class && !heatmap_resident(cell) ? fill : colours[class]);
}

static bool alike(const struct heatmap_cell *a, const struct heatmap_cell *b)
{
	enum tarn_activity class = heatmap_class(a);

	if (class != heatmap_class(b))
		return false;
	return !class || heatmap_resident(a) == heatmap_resident(b);
}

static void put_line(FILE *f, const struct heatmap *map, uint64_t first,
		     bool bytes)
{
	uint64_t end = first + map->width, i, j;
	char at[SIZE_TEXT_MAX];

	if (end > map->cells)
		end = map->cells;
	for (i = first; i < end; i = j) {
		for (j = i + 1; j < end; j++)
			if (!alike(&map->cell[i], &map->cell[j]))
				break;
		put_run(f, map, i, j - i);
	}
	/* Every fourth line has its address, so that they can be read. */
	if (first / map->width % 4)
		return;
	fprintf(f, "<text x=\"%d\" y=\"%d\" font-size=\"10\" text-anchor=\"end\" fill=\"#5b6773\">%s</text>\n",
		LEFT - 8, TOP + (int)(first / map->width) * CELL_H + CELL_H - 1,
		size_format_pages(at, map->start + first * map->cell_pages,
				  bytes));
}

int heat_svg_write(FILE *f, const struct heatmap *map, const char *name,
		   uint64_t working_set, bool bytes)
{
	char size[SIZE_TEXT_MAX], cell[SIZE_TEXT_MAX];
	char *clean = text_clean(name);
	uint64_t at;

	if (!clean)
		return -ENOMEM;
	put_head(f, map, clean);
	free(clean);
	fprintf(f, "<text x=\"%d\" y=\"46\" fill=\"#5b6773\">%s, working set %s</text>\n",
		LEFT, size_format_pages(size, map->pages, bytes),
		size_format_pages(cell, working_set, bytes));
	put_legend(f, map, bytes);
	for (at = 0; at < map->cells; at += map->width)
		put_line(f, map, at, bytes);
	fprintf(f, "<text x=\"%d\" y=\"%d\" font-size=\"10\" fill=\"#5b6773\">A cell stands for %s, a line for %s; its colour is the mean of its pages.</text>\n</svg>\n",
		LEFT, TOP + (int)lines_of(map) * CELL_H + 20,
		size_format_pages(cell, map->cell_pages, bytes),
		size_format_pages(size, map->cell_pages * map->width, bytes));
	return 0;
}
