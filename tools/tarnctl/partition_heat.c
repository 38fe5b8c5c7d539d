// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl partition heat: how often the pages of a partition are used. */
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "heat_svg.h"
#include "heatmap.h"
#include "json.h"
#include "partition.h"
#include "range.h"
#include "size.h"

#define MAP_LINES 16
/* Where the terminal does not say, or there is none. */
#define WIDTH_DEFAULT 80
#define WIDTH_LABEL 14

/* Numbers of the terminal's colours. */
static const unsigned char inks[TARN_ACTIVITY_CLASSES] = {
	[TARN_ACTIVITY_NONE] = 238,
	[TARN_ACTIVITY_COLD] = 25,
	[TARN_ACTIVITY_COOL] = 73,
	[TARN_ACTIVITY_WARM] = 215,
	[TARN_ACTIVITY_HOT] = 160,
};

/**
 * struct heat - what was read of a partition
 * @screen: the map for the terminal
 * @picture: and that for a file
 * @sums: of the whole partition
 */
struct heat {
	struct heatmap screen;
	struct heatmap picture;
	struct heat_sums sums;
};

/* ---- the terminal ------------------------------------------------------- */

static unsigned int map_width(void)
{
	struct winsize size;
	unsigned int width = WIDTH_DEFAULT;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		width = size.ws_col;
	return width > WIDTH_LABEL + 8 ? width - WIDTH_LABEL - 2 : 8;
}

static bool want_colours(const struct options *opts)
{
	const char *term = getenv("TERM");

	return !opts->plain && isatty(STDOUT_FILENO) && !getenv("NO_COLOR") &&
	       term && strcmp(term, "dumb");
}

/* A character of a cell: a block or a shade where the terminal has them. */
static const char *glyph(enum tarn_activity class, bool resident, char plain[2],
			 bool colours)
{
	if (colours && class && !strcmp(nl_langinfo(CODESET), "UTF-8"))
		return resident ? "\u2588" : "\u2592";
	plain[0] = heatmap_sign(class, resident);
	plain[1] = '\0';
	return plain;
}

static void print_glyphs(enum tarn_activity class, bool resident,
			 unsigned int count, bool colours)
{
	char plain[2];
	const char *text = glyph(class, resident, plain, colours);

	if (colours && class)
		printf("\033[38;5;%um", inks[class]);
	while (count--)
		fputs(text, stdout);
	if (colours && class)
		fputs("\033[0m", stdout);
}

static void print_counts(const struct heatmap *map, const struct options *opts,
			 bool colours)
{
	int class;

	printf("%12s  %16s  %16s\n", "", "in frames", "paged");
	for (class = TARN_ACTIVITY_HOT; class >= TARN_ACTIVITY_COLD; class--) {
		char in[SIZE_TEXT_MAX], out[SIZE_TEXT_MAX];

		printf("%12s  ", heatmap_name(class));
		print_glyphs(class, true, 3, colours);
		printf("%13s  ", size_format_pages(in, map->resident[class],
						  opts->bytes));
		print_glyphs(class, false, 3, colours);
		printf("%13s\n", size_format_pages(out, map->paged[class],
						  opts->bytes));
	}
	if (map->pinned) {
		char pinned[SIZE_TEXT_MAX];

		printf("%12s  %16s\n", "pinned",
		       size_format_pages(pinned, map->pinned, opts->bytes));
	}
}

static void print_line(const struct heatmap *map, uint64_t first, bool colours)
{
	uint64_t end = first + map->width, i, j;

	if (end > map->cells)
		end = map->cells;
	for (i = first; i < end; i = j) {
		enum tarn_activity class = heatmap_class(&map->cell[i]);
		bool resident = heatmap_resident(&map->cell[i]);

		for (j = i + 1; j < end; j++)
			if (heatmap_class(&map->cell[j]) != class ||
			    heatmap_resident(&map->cell[j]) != resident)
				break;
		print_glyphs(class, resident, j - i, colours);
	}
}

static void print_map(const struct heatmap *map, const struct options *opts,
		      bool colours)
{
	char size[SIZE_TEXT_MAX];
	uint64_t cell;

	if (!map->cells)
		return;
	printf("\nA place stands for %s, drawn as the mean of its pages:\n",
	       size_format_pages(size, map->cell_pages, opts->bytes));
	for (cell = 0; cell < map->cells; cell += map->width) {
		printf("%12s |", size_format_pages(size, map->start +
						   cell * map->cell_pages,
						   opts->bytes));
		print_line(map, cell, colours);
		puts("|");
	}
}

static int print_text(const struct heat *heat, const struct options *opts)
{
	bool colours = want_colours(opts);
	char size[SIZE_TEXT_MAX];

	if (heat->sums.rounds)
		printf("working set %s\n",
		       size_format_pages(size, heat->sums.working_set, opts->bytes));
	else
		printf("working set not known yet: the scanner has not been round\n");
	print_counts(&heat->screen, opts, colours);
	print_map(&heat->screen, opts, colours);
	return 0;
}

/* ---- JSON --------------------------------------------------------------- */

static json_t *json_classes(const uint64_t *count)
{
	json_t *object = json_object();
	int class;

	for (class = 0; class < TARN_ACTIVITY_CLASSES; class++)
		json_object_set_new(object, heatmap_name(class),
				    json_integer(count[class]));
	return object;
}

static json_t *json_cells(const struct heatmap *map)
{
	json_t *array = json_array();
	uint64_t i;

	for (i = 0; i < map->cells; i++)
		json_array_append_new(array, json_pack(
			"{s:s, s:b, s:o}",
			"class", heatmap_name(heatmap_class(&map->cell[i])),
			"resident", heatmap_resident(&map->cell[i]) &&
				    heatmap_class(&map->cell[i]),
			"count", json_classes(map->cell[i].count)));
	return array;
}

static int print_json(const struct heat *heat)
{
	const struct heatmap *map = &heat->screen;

	return json_print(json_pack(
		"{s:I, s:I, s:o, s:o, s:I, s:o, s:I, s:I, s:I, s:o}",
		"start", (json_int_t)map->start,
		"pages", (json_int_t)map->pages,
		"resident", json_classes(map->resident),
		"paged", json_classes(map->paged),
		"pinned", (json_int_t)map->pinned,
		"by_class", json_classes(heat->sums.by_class),
		"working_set", (json_int_t)heat->sums.working_set,
		"rounds", (json_int_t)heat->sums.rounds,
		"cell_pages", (json_int_t)map->cell_pages,
		"cells", json_cells(map)), JSON_INDENT(2));
}

/* ---- the picture -------------------------------------------------------- */

static int write_picture(const struct heat *heat, const char *name,
			 const struct options *opts)
{
	FILE *f = strcmp(opts->svg, "-") ? fopen(opts->svg, "we") : stdout;
	int ret;

	if (!f)
		return err_errno(-errno, "write to %s", opts->svg);
	ret = heat_svg_write(f, &heat->picture, name, heat->sums.working_set,
			     opts->bytes);
	if (!ret && (fflush(f) || ferror(f)))
		ret = -(errno ? errno : EIO);
	if (f != stdout && fclose(f) && !ret)
		ret = -errno;
	return ret ? err_errno(ret, "write to %s", opts->svg) : 0;
}

static int show(const struct heat *heat, const char *name,
		const struct options *opts)
{
	int ret = opts->svg ? write_picture(heat, name, opts) : 0;

	if (ret || (opts->svg && !strcmp(opts->svg, "-")))
		return ret;
	return opts->json ? print_json(heat) : print_text(heat, opts);
}

static int show_range(int fd, const char *name, const struct range *range,
		      const struct options *opts)
{
	struct heat heat = { 0 };
	struct heatmap *const maps[] = { &heat.screen, &heat.picture };
	int ret;

	ret = heatmap_init(&heat.screen, range->start, range->count,
			   map_width(), MAP_LINES);
	if (!ret)
		ret = heatmap_init(&heat.picture, range->start, range->count,
				   HEAT_SVG_WIDTH, HEAT_SVG_LINES);
	if (!ret)
		ret = heat_read(fd, range->start, range->count, &heat.sums,
				maps, 2);
	if (ret == -ENOTTY)
		err("%s: this kernel's tarn.ko has no ages of pages", name);
	else if (ret)
		partition_fail(name, ret, "read the activity of");
	else
		ret = show(&heat, name, opts);
	heatmap_exit(&heat.screen);
	heatmap_exit(&heat.picture);
	return ret;
}

int partition_heat_main(int argc, char **argv, const struct options *opts)
{
	struct tarn_partition_info info;
	struct range range;
	int fd, ret;

	fd = partition_open(argv[0], O_RDONLY);
	if (fd < 0)
		return fd;
	ret = partition_info(fd, &info);
	if (ret)
		partition_fail(argv[0], ret, "read the counters of");
	else if (range_parse(&range, "tarnctl partition heat", argc - 1,
			     argv + 1, info.logical_pages))
		ret = EXIT_USAGE;
	else
		ret = show_range(fd, argv[0], &range, opts);
	close(fd);
	return ret;
}
