// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl numa as SVG. Each node has two bars, of what partitions have there and of what
 * is wanted there, all on one scale; what is not at home is striped. Below are the vCPUs
 * that ran there last, and below all nodes what the colours mean.
 */
#include <errno.h>
#include <stdlib.h>

#include "numa.h"
#include "size.h"
#include "svg.h"
#include "text.h"

#define LEFT 32
#define TOP 52
#define PANEL_W 232
#define PANEL_H 330
#define PANELS 4
#define BAR_W 92
#define BAR_H 200
#define BAR_TOP 48
#define DOTS 15
#define DOT_LINES 2
#define LEGEND_W 940
#define LEGEND_LINE 20
#define NAME_WIDTH 38
/* A part of a bar that is lower has no room for a number. */
#define LABEL_H 13

/* Partitions that have more than others get colours, the rest one in common. */
#define COLOURS 10

static const char *const colours[COLOURS + 1] = {
	"#2f6db3", "#d1552b", "#3f9b5f", "#8a5bb5", "#c79a1c",
	"#2a9aa8", "#b8447a", "#6b7f2a", "#5865c9", "#a3643a", "#8b97a3",
};

/**
 * struct picture - the rows in order
 * @numa: all
 * @order: indices of rows, those with most first
 * @colour: by index of row
 * @most: pages that a whole bar stands for
 * @exact: sizes in bytes
 */
struct picture {
	const struct numa *numa;
	size_t *order;
	unsigned char *colour;
	uint64_t most;
	bool exact;
};

/* ---- amounts ------------------------------------------------------------ */

static uint64_t size_of(const struct numa_row *row)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < row->homes.count; i++)
		sum += row->homes.items[i].resident_pages;
	return sum;
}

static int compare_sizes(const void *a, const void *b, void *arg)
{
	const struct numa *numa = arg;
	const size_t *p = a, *q = b;
	uint64_t x = size_of(&numa->rows[*p]), y = size_of(&numa->rows[*q]);

	return x != y ? (x < y) - (x > y) : (*p > *q) - (*p < *q);
}

/* Of its pages there, those that should be elsewhere. */
static uint64_t astray(const struct numa_row *row, const struct tarn_home *home)
{
	uint64_t has = home->resident_pages, wanted = home->wanted_frames;

	if (!homes_any(&row->homes))
		return 0;
	if (!(home->flags & TARN_NODE_IS_HOME))
		return has;
	return wanted && has > wanted ? has - wanted : 0;
}

static uint64_t find_most(const struct numa *numa)
{
	uint64_t most = 1;
	unsigned int i;

	for (i = 0; i < numa->total.count; i++) {
		const struct tarn_home *home = &numa->total.items[i];
		const uint64_t of[] = {
			home->resident_pages,
			home->wanted_frames,
			numa->frames[home->node],
		};
		size_t j;

		for (j = 0; j < sizeof(of) / sizeof(of[0]); j++)
			most = of[j] > most ? of[j] : most;
	}
	return most;
}

/* ---- bars --------------------------------------------------------------- */

static double height_of(const struct picture *pic, uint64_t pages)
{
	return (double)pages * BAR_H / pic->most;
}

/**
 * put_part() - A part of a bar on top of others.
 * @y: where it ends below; moves up
 */
static void put_part(FILE *f, const struct picture *pic, int x, double *y,
		     uint64_t pages, int colour, bool striped)
{
	double height = height_of(pic, pages);
	char size[SIZE_TEXT_MAX];

	if (!pages)
		return;
	*y -= height;
	/* A line that parts it from the next one would cover a low one. */
	fprintf(f, "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"%s\"%s/>\n",
		x, *y, BAR_W, height, colours[colour],
		height < 3 ? "" : " stroke=\"#fff\" stroke-width=\".6\"");
	if (striped)
		fprintf(f, "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"url(#astray)\"/>\n",
			x, *y, BAR_W, height);
	if (height < LABEL_H)
		return;
	/* Striped numbers would be hard to read. */
	size_format_pages(size, pages, pic->exact);
	if (striped)
		fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"12\" rx=\"2\" fill=\"%s\"/>\n",
			x + BAR_W / 2.0 - text_width(size) * 3.6 - 3,
			*y + height / 2 - 6, text_width(size) * 7.2 + 6,
			colours[colour]);
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"10\" fill=\"#fff\" text-anchor=\"middle\">%s</text>\n",
		x + BAR_W / 2.0, *y + height / 2 + 3.5, size);
}

static void put_outline(FILE *f, const struct picture *pic, int x, int bottom,
			uint64_t frames)
{
	double height = height_of(pic, frames);

	if (frames)
		fprintf(f, "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"#eef0f2\"/>\n",
			x, bottom - height, BAR_W, height);
	fprintf(f, "<path d=\"M%d %d h%d\" stroke=\"#8b97a3\"/>\n", x, bottom,
		BAR_W);
}

static void put_bars(FILE *f, const struct picture *pic, int x, int bottom,
		     __u32 node)
{
	const struct numa *numa = pic->numa;
	double has = bottom, wanted = bottom;
	size_t i;

	put_outline(f, pic, x, bottom, numa->frames[node]);
	put_outline(f, pic, x + BAR_W + 16, bottom, numa->frames[node]);
	for (i = 0; i < numa->count; i++) {
		const struct numa_row *row = &numa->rows[pic->order[i]];
		const struct tarn_home *home = homes_find(&row->homes, node);
		int colour = pic->colour[pic->order[i]];
		uint64_t away = home ? astray(row, home) : 0;

		if (!home)
			continue;
		put_part(f, pic, x, &has, home->resident_pages - away, colour,
			 false);
		put_part(f, pic, x, &has, away, colour, true);
		put_part(f, pic, x + BAR_W + 16, &wanted, home->wanted_frames,
			 colour, false);
	}
	fprintf(f, "<text x=\"%d\" y=\"%d\" font-size=\"10\" text-anchor=\"middle\" fill=\"#5b6773\">in frames</text>\n<text x=\"%d\" y=\"%d\" font-size=\"10\" text-anchor=\"middle\" fill=\"#5b6773\">wanted</text>\n",
		x + BAR_W / 2, bottom + 14, x + BAR_W + 16 + BAR_W / 2,
		bottom + 14);
}

/* ---- vCPUs -------------------------------------------------------------- */

static void put_dots(FILE *f, const struct picture *pic, int x, int y,
		     __u32 node)
{
	const struct numa *numa = pic->numa;
	unsigned int n, at = 0, all = 0;
	size_t i;

	for (i = 0; i < numa->count; i++) {
		const size_t row = pic->order[i];

		all += numa->rows[row].vcpus[node];
		for (n = 0; n < numa->rows[row].vcpus[node] &&
			    at < DOTS * DOT_LINES; n++, at++)
			fprintf(f, "<circle cx=\"%d\" cy=\"%d\" r=\"5\" fill=\"%s\"/>\n",
				x + 5 + (int)(at % DOTS) * 13,
				y + (int)(at / DOTS) * 13,
				colours[pic->colour[row]]);
	}
	fprintf(f, "<text x=\"%d\" y=\"%d\" font-size=\"10\" fill=\"#5b6773\">%u vCPU%s%s</text>\n",
		x, y + DOT_LINES * 13 + 4, numa->vcpus[node],
		numa->vcpus[node] == 1 ? "" : "s",
		all > at ? ", not all of them shown" : "");
}

static void put_node(FILE *f, const struct picture *pic, unsigned int at)
{
	const __u32 node = pic->numa->total.items[at].node;
	int x = LEFT + (int)(at % PANELS) * PANEL_W;
	int y = TOP + (int)(at / PANELS) * PANEL_H;
	int bottom = y + BAR_TOP + BAR_H;
	char frames[SIZE_TEXT_MAX], free[SIZE_TEXT_MAX];

	fprintf(f, "<text x=\"%d\" y=\"%d\" font-size=\"14\" font-weight=\"bold\">Node %u</text>\n",
		x, y + 16, node);
	if (pic->numa->frames[node])
		fprintf(f, "<text x=\"%d\" y=\"%d\" font-size=\"11\" fill=\"#5b6773\">%s, %s free</text>\n",
			x, y + 33,
			size_format_pages(frames, pic->numa->frames[node],
					  pic->exact),
			size_format_pages(free, pic->numa->free[node],
					  pic->exact));
	put_bars(f, pic, x, bottom, node);
	put_dots(f, pic, x, bottom + 30, node);
}

/* ---- what colours mean -------------------------------------------------- */

static void put_cell(FILE *f, int x, int y, const char *text)
{
	fprintf(f, "<text x=\"%d\" y=\"%d\">", x, y);
	svg_text(f, text);
	fputs("</text>\n", f);
}

static void put_titles(FILE *f, int y)
{
	static const struct {
		int x;
		const char *text;
	} titles[] = {
		{ 22, "Partition" }, { 330, "homes" }, { 560, "misplaced" },
		{ 660, "moved" }, { 760, "local" }, { 830, "vCPUs" },
	};
	size_t i;

	for (i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		fprintf(f, "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s</text>\n",
			LEFT + titles[i].x, y, titles[i].text);
}

/* As they are given, cut where there are many. */
static int put_homes(FILE *f, const struct numa_row *row, int x, int y)
{
	char *text = NULL, cut[160];
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return -ENOMEM;
	if (row->mark.automatic)
		fputs("auto: ", to);
	homes_print(to, &row->homes, false);
	if (fclose(to))
		return -ENOMEM;
	put_cell(f, x, y, text_fit(cut, sizeof(cut), text, 28));
	free(text);
	return 0;
}

/* Which part of its accesses is local; nothing where that is not known. */
static void put_local(FILE *f, const struct numa_row *row, int x, int y)
{
	struct local_share local = { 0 };
	char text[SIZE_TEXT_MAX];

	local_share_add(&local, &row->uses, &row->homes);
	if (!local.all)
		return;
	snprintf(text, sizeof(text), "%d%%", local_share_percent(&local));
	put_cell(f, x, y, text);
}

static int put_row(FILE *f, const struct picture *pic, size_t index, int y)
{
	const struct numa_row *row = &pic->numa->rows[index];
	char *name = text_clean(row->name), cut[512], text[SIZE_TEXT_MAX];
	unsigned int vcpus = 0, i;

	if (!name)
		return -ENOMEM;
	fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"12\" fill=\"%s\"/>\n",
		LEFT, y - 10, colours[pic->colour[index]]);
	put_cell(f, LEFT + 22, y,
		 text_fit(cut, sizeof(cut), name, NAME_WIDTH));
	free(name);
	for (i = 0; i < NUMA_NODES; i++)
		vcpus += row->vcpus[i];
	put_cell(f, LEFT + 560, y,
		 size_format_pages(text, row->homes.misplaced_pages,
				   pic->exact));
	put_cell(f, LEFT + 660, y,
		 size_format_pages(text, row->homes.moved_pages, pic->exact));
	put_local(f, row, LEFT + 760, y);
	snprintf(text, sizeof(text), "%u", vcpus);
	put_cell(f, LEFT + 830, y, text);
	return put_homes(f, row, LEFT + 330, y);
}

static int put_legend(FILE *f, const struct picture *pic, int y)
{
	size_t shown = pic->numa->count, i;
	int ret = 0;

	if (shown > COLOURS)
		shown = COLOURS;
	put_titles(f, y);
	for (i = 0; i < shown && !ret; i++) {
		y += LEGEND_LINE;
		ret = put_row(f, pic, pic->order[i], y);
	}
	y += LEGEND_LINE;
	if (shown < pic->numa->count) {
		fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"12\" fill=\"%s\"/>\n<text x=\"%d\" y=\"%d\">%zu others</text>\n",
			LEFT, y - 10, colours[COLOURS], LEFT + 22, y,
			pic->numa->count - shown);
		y += LEGEND_LINE;
	}
	fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"12\" fill=\"%s\"/>\n<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"12\" fill=\"url(#astray)\"/>\n<text x=\"%d\" y=\"%d\" fill=\"#5b6773\">striped: on no home of its partition, or beyond what is wanted there</text>\n",
		LEFT, y - 10, colours[COLOURS], LEFT, y - 10, LEFT + 22, y);
	return ret;
}

/* ---- all ---------------------------------------------------------------- */

static int draw(FILE *f, const struct picture *pic)
{
	unsigned int nodes = pic->numa->total.count, i;
	unsigned int wide = nodes < PANELS ? nodes : PANELS;
	int width = LEFT + (int)wide * PANEL_W + 8, y, ret;
	size_t lines = pic->numa->count;

	if (width < LEGEND_W)
		width = LEGEND_W;
	/* Titles, the others, and what stripes mean. */
	lines = (lines > COLOURS ? COLOURS + 1 : lines) + 2;
	y = TOP + (int)((nodes + PANELS - 1) / PANELS) * PANEL_H;
	svg_begin(f, width, y + (int)lines * LEGEND_LINE + 16,
		  "Partitions by NUMA node");
	fputs("<defs>\n", f);
	svg_stripes(f, "astray", "#fff", false);
	fprintf(f, "</defs>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n<text x=\"%d\" y=\"30\" font-size=\"17\" font-weight=\"bold\">Partitions by NUMA node</text>\n",
		width, y + (int)lines * LEGEND_LINE + 16, LEFT);
	for (i = 0; i < nodes; i++)
		put_node(f, pic, i);
	ret = put_legend(f, pic, y + 16);
	fputs("</svg>\n", f);
	return ret;
}

int numa_svg_write(FILE *f, const struct numa *numa, bool exact)
{
	struct picture pic = {
		.numa = numa,
		.order = calloc(numa->count + 1, sizeof(*pic.order)),
		.colour = calloc(numa->count + 1, 1),
		.most = find_most(numa),
		.exact = exact,
	};
	int ret = -ENOMEM;
	size_t i;

	if (pic.order && pic.colour) {
		for (i = 0; i < numa->count; i++)
			pic.order[i] = i;
		qsort_r(pic.order, numa->count, sizeof(*pic.order),
			compare_sizes, (void *)numa);
		for (i = 0; i < numa->count; i++)
			pic.colour[pic.order[i]] = i < COLOURS ? i : COLOURS;
		ret = draw(f, &pic);
	}
	free(pic.order);
	free(pic.colour);
	return ret;
}
