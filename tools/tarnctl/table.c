// SPDX-License-Identifier: GPL-2.0-only
/* See table.h. */
#include <ctype.h>
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "command.h"
#include "size.h"
#include "suggest.h"
#include "table.h"
#include "text.h"

#define GAP 2
/* A name is not shortened to less than this. */
#define TEXT_MIN 12
/* Columns that can be asked for, each maybe more than once. */
#define SHOWN_MAX 64
#define NAME_MAX_LEN 32

/**
 * struct cell - a cell
 * @text: as it is printed
 * @value: what it is sorted by, NAN: its text
 */
struct cell {
	char *text;
	double value;
};

/**
 * struct table - a table
 * @columns: all that there are
 * @width: number of them, and of cells in a line
 * @opts: what is to be printed
 * @cells: line by line
 * @count: number of them
 * @room: for so many
 * @failed: a cell could not be kept
 */
struct table {
	const struct table_column *columns;
	size_t width;
	const struct options *opts;
	struct cell *cells;
	size_t count;
	size_t room;
	bool failed;
};

/**
 * struct choice - the columns that are printed
 * @at: indexes of them
 * @count: how many
 * @fixed: they were asked for by name
 */
struct choice {
	unsigned int at[SHOWN_MAX];
	unsigned int count;
	bool fixed;
};

static const struct options no_options;

struct table *table_create(const struct table_column *columns, size_t count,
			   const struct options *opts)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = columns;
	table->width = count;
	table->opts = opts ? opts : &no_options;
	return table;
}

void table_destroy(struct table *table)
{
	size_t i;

	if (!table)
		return;
	for (i = 0; i < table->count; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

size_t table_lines(const struct table *table)
{
	return (table->count + table->width - 1) / table->width;
}

/* ---- cells --------------------------------------------------------------- */

static int reserve(struct table *table)
{
	size_t room = table->room ? table->room * 2 : 64;
	struct cell *cells;

	if (table->count < table->room)
		return 0;
	cells = reallocarray(table->cells, room, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	table->cells = cells;
	table->room = room;
	return 0;
}

/* Takes over @text. */
static void add(struct table *table, char *text, double value)
{
	if (!text || reserve(table)) {
		free(text);
		table->failed = true;
		return;
	}
	table->cells[table->count++] = (struct cell){ text, value };
}

void table_cell(struct table *table, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	add(table, text, NAN);
}

void table_number(struct table *table, uint64_t number)
{
	char text[SIZE_TEXT_MAX];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	add(table, strdup(text), number);
}

void table_bytes(struct table *table, uint64_t bytes)
{
	char text[SIZE_TEXT_MAX];

	add(table, strdup(size_format(text, bytes, table->opts->bytes)),
	    bytes);
}

void table_pages(struct table *table, uint64_t pages)
{
	char text[SIZE_TEXT_MAX];

	add(table, strdup(size_format_pages(text, pages, table->opts->bytes)),
	    pages);
}

void table_time(struct table *table, uint64_t ns)
{
	char text[SIZE_TEXT_MAX];

	if (!ns)
		strcpy(text, "-");
	else if (table->opts->bytes)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)ns);
	else
		time_format(text, ns);
	add(table, strdup(text), ns);
}

void table_rate(struct table *table, double rate)
{
	char text[SIZE_TEXT_MAX];

	if (table->opts->bytes)
		snprintf(text, sizeof(text), "%.1f", rate);
	else
		rate_format(text, rate);
	add(table, strdup(text), rate);
}

void table_percent(struct table *table, unsigned int percent)
{
	char text[SIZE_TEXT_MAX];

	snprintf(text, sizeof(text), "%u%%", percent);
	add(table, strdup(text), percent);
}

/* ---- columns by name ----------------------------------------------------- */

/* "WAITS FOR" is called "waits-for". */
static void column_name(char *name, const struct table_column *column)
{
	size_t i;

	for (i = 0; column->title[i] && i < NAME_MAX_LEN - 1; i++)
		name[i] = column->title[i] == ' ' ?
				  '-' : tolower(column->title[i]);
	name[i] = '\0';
}

static void unknown_column(const struct table_column *columns, size_t count,
			   const char *option, const char *word)
{
	char name[NAME_MAX_LEN], list[512] = "";
	struct suggest s;
	size_t i, len = 0;

	suggest_begin(&s, word);
	for (i = 0; i < count; i++) {
		column_name(name, &columns[i]);
		len += snprintf(list + len, sizeof(list) - len, "%s%s",
				i ? ", " : "", name);
		if (len >= sizeof(list))
			break;
		suggest_offer(&s, name);
		/* The buffer is used again. */
		if (s.best == name)
			s.best = columns[i].title;
	}
	if (suggest_end(&s)) {
		column_name(name, &(struct table_column){ .title = s.best });
		err("%s: there is no column '%s', did you mean '%s'?", option,
		    word, name);
	} else {
		err("%s: there is no column '%s', but %s", option, word, list);
	}
}

/* Return: its index, or -EINVAL, reported. */
static int find_column(const struct table_column *columns, size_t count,
		       const char *option, const char *word)
{
	char name[NAME_MAX_LEN];
	size_t i;

	for (i = 0; i < count; i++) {
		column_name(name, &columns[i]);
		if (!strcasecmp(name, word))
			return i;
	}
	/* What the first one is called differs from table to table. */
	if (!strcasecmp(word, "name"))
		return 0;
	unknown_column(columns, count, option, word);
	return -EINVAL;
}

static int add_named(struct choice *choice, const struct table_column *columns,
		     size_t count, const char *list)
{
	char *copy = strdup(list), *rest = copy, *word;
	int at = 0;

	if (!copy)
		return err_nomem();
	while (at >= 0 && (word = strsep(&rest, ","))) {
		at = find_column(columns, count, "--columns", word);
		if (at >= 0 && choice->count == SHOWN_MAX) {
			err("--columns: at most %d", SHOWN_MAX);
			at = -EINVAL;
		}
		if (at >= 0)
			choice->at[choice->count++] = at;
	}
	free(copy);
	return at < 0 ? at : 0;
}

static int choose(struct choice *choice, const struct table_column *columns,
		  size_t count, const struct options *opts)
{
	const char *list = opts->columns;
	size_t i;

	choice->count = 0;
	choice->fixed = list;
	for (i = 0; i < count && (!list || *list == '+'); i++) {
		if (!columns[i].extra && choice->count < SHOWN_MAX)
			choice->at[choice->count++] = i;
	}
	return list ? add_named(choice, columns, count, list + (*list == '+')) :
		      0;
}

int table_check(const struct table_column *columns, size_t count,
		const struct options *opts)
{
	struct choice choice;
	int ret = choose(&choice, columns, count, opts);

	if (!ret && opts->sort &&
	    find_column(columns, count, "--sort", opts->sort) < 0)
		ret = -EINVAL;
	return ret;
}

/* ---- order --------------------------------------------------------------- */

struct order {
	const struct table *table;
	size_t column;
};

static int compare_lines(const void *a, const void *b, void *arg)
{
	const struct order *order = arg;
	const struct cell *cells = order->table->cells;
	size_t m = *(const size_t *)a, n = *(const size_t *)b;
	const struct cell *p = &cells[m * order->table->width + order->column];
	const struct cell *q = &cells[n * order->table->width + order->column];
	int cmp;

	if (isnan(p->value) || isnan(q->value))
		cmp = strcmp(p->text, q->text);
	else
		cmp = (p->value < q->value) - (p->value > q->value);
	if (order->table->opts->reverse)
		cmp = -cmp;
	/* Equal ones stay in the order in which they came. */
	return cmp ? cmp : (m > n) - (m < n);
}

static int order_lines(const struct table *table, size_t *lines)
{
	struct order order = { .table = table };
	size_t count = table_lines(table), i;
	int at;

	for (i = 0; i < count; i++)
		lines[i] = i;
	if (table->opts->sort) {
		at = find_column(table->columns, table->width, "--sort",
				 table->opts->sort);
		if (at < 0)
			return at;
		order.column = at;
		qsort_r(lines, count, sizeof(*lines), compare_lines, &order);
	} else if (table->opts->reverse) {
		for (i = 0; i < count; i++)
			lines[i] = count - 1 - i;
	}
	return 0;
}

/* ---- width --------------------------------------------------------------- */

unsigned int terminal_width(FILE *f)
{
	struct winsize size;
	int fd = fileno(f);

	/* A stream in memory has none. */
	if (fd < 0 || ioctl(fd, TIOCGWINSZ, &size))
		return 0;
	return size.ws_col;
}

static unsigned int shown_width(const char *text)
{
	char *clean = text_clean(text);
	unsigned int width = clean ? text_width(clean) : strlen(text);

	free(clean);
	return width;
}

static unsigned int column_width(const struct table *table, unsigned int at)
{
	unsigned int max = text_width(table->columns[at].title), width;
	size_t i;

	for (i = at; i < table->count; i += table->width) {
		width = shown_width(table->cells[i].text);
		if (width > max)
			max = width;
	}
	return max;
}

/* Whose cells are shortened, where that is needed: a name; -1: there is none. */
static int find_text(const struct table *table, const struct choice *choice)
{
	unsigned int i;

	for (i = 0; i < choice->count; i++) {
		const struct table_column *column =
			&table->columns[choice->at[i]];

		if (column->left && !column->whole)
			return i;
	}
	return -1;
}

/* The last one of those that are least needed, or -1. */
static int least_needed(const struct table *table, const struct choice *choice)
{
	unsigned int rank = 0, i;
	int found = -1;

	for (i = 0; i < choice->count; i++) {
		const struct table_column *column =
			&table->columns[choice->at[i]];

		if (column->rank && column->rank >= rank) {
			rank = column->rank;
			found = i;
		}
	}
	return found;
}

static unsigned int total_width(const struct table *table,
				const struct choice *choice)
{
	unsigned int sum = 0, i;

	for (i = 0; i < choice->count; i++)
		sum += column_width(table, choice->at[i]) + (i ? GAP : 0);
	return sum;
}

/*
 * Leave out what does not fit.
 * Return: columns by which a text has to be shortened.
 */
static unsigned int make_fit(const struct table *table, struct choice *choice,
			     unsigned int width)
{
	unsigned int sum = total_width(table, choice);
	int drop;

	while (sum > width && (drop = least_needed(table, choice)) >= 0) {
		memmove(&choice->at[drop], &choice->at[drop + 1],
			(choice->count - drop - 1) * sizeof(choice->at[0]));
		choice->count--;
		sum = total_width(table, choice);
	}
	return sum > width ? sum - width : 0;
}

/* ---- printing ------------------------------------------------------------ */

static int add_columns(struct libscols_table *out, const struct table *table,
		       const struct choice *choice)
{
	unsigned int i;

	for (i = 0; i < choice->count; i++) {
		const struct table_column *column =
			&table->columns[choice->at[i]];
		char name[NAME_MAX_LEN];
		size_t at;

		snprintf(name, sizeof(name), "%s", column->title);
		/* A program takes a title for one word. */
		for (at = 0; table->opts->raw && name[at]; at++)
			name[at] = name[at] == ' ' ? '-' : name[at];
		if (!scols_table_new_column(out, name, 0,
					    column->left ? 0 :
							   SCOLS_FL_RIGHT))
			return -ENOMEM;
	}
	return 0;
}

/* What is too wide loses its beginning, as the end of a path tells more. */
static int set_clean(struct libscols_line *line, unsigned int at,
		     const char *text, unsigned int width)
{
	char *clean = text_clean(text), buf[512];
	int ret = -ENOMEM;

	if (clean && width && text_width(clean) > width)
		ret = scols_line_set_data(line, at,
					  text_fit(buf, sizeof(buf), clean,
						   width));
	else if (clean)
		ret = scols_line_set_data(line, at, clean);
	free(clean);
	return ret;
}

static int add_line(struct libscols_table *out, const struct table *table,
		    const struct choice *choice, size_t number, int text_at,
		    unsigned int wide)
{
	struct libscols_line *line = scols_table_new_line(out, NULL);
	unsigned int i;
	int ret = line ? 0 : -ENOMEM;

	for (i = 0; !ret && i < choice->count; i++) {
		const char *text = table->cells[number * table->width +
						choice->at[i]].text;

		if (table->opts->raw)
			ret = scols_line_set_data(line, i, *text ? text : "-");
		else
			ret = set_clean(line, i, text,
					(int)i == text_at ? wide : 0);
	}
	return ret;
}

static const char *separator(const struct options *opts)
{
	return opts->raw ? " " : "  ";
}

static int write_out(struct libscols_table *out, const struct table *table,
		     FILE *f)
{
	scols_table_set_stream(out, f);
	scols_table_set_termforce(out, SCOLS_TERMFORCE_NEVER);
	scols_table_set_column_separator(out, separator(table->opts));
	scols_table_enable_noheadings(out, table->opts->headless);
	scols_table_enable_raw(out, table->opts->raw);
	/* Text is clean already. */
	scols_table_enable_noencoding(out, !table->opts->raw);
	return scols_print_table(out);
}

/* With tabs nothing is escaped but what does not print, and nothing aligned. */
static int write_tabs(const struct table *table, const struct choice *choice,
		      const size_t *lines, FILE *f)
{
	size_t i;
	unsigned int j;

	for (i = 0; i < table_lines(table); i++) {
		for (j = 0; j < choice->count; j++) {
			const char *text = table->cells[lines[i] *
				table->width + choice->at[j]].text;
			char *clean = text_clean(*text ? text : "-");

			if (!clean)
				return -ENOMEM;
			fprintf(f, "%s%s", j ? "\t" : "", clean);
			free(clean);
		}
		putc('\n', f);
	}
	return 0;
}

static int print_chosen(const struct table *table, struct choice *choice,
			const size_t *lines, FILE *f, unsigned int width)
{
	struct libscols_table *out;
	unsigned int excess = 0, wide = 0;
	int text = -1, ret;
	size_t i;

	if (table->opts->headless && !table->opts->raw)
		return write_tabs(table, choice, lines, f);
	if (width && !choice->fixed && !table->opts->raw)
		excess = make_fit(table, choice, width);
	if (excess)
		text = find_text(table, choice);
	if (text >= 0) {
		wide = column_width(table, choice->at[text]);
		wide = wide > excess + TEXT_MIN ? wide - excess : TEXT_MIN;
	}
	out = scols_new_table();
	if (!out)
		return -ENOMEM;
	ret = add_columns(out, table, choice);
	for (i = 0; !ret && i < table_lines(table); i++)
		ret = add_line(out, table, choice, lines[i], text, wide);
	/* The library prints no titles where there are no lines. */
	if (!ret && !table->count && !table->opts->headless) {
		for (i = 0; i < choice->count; i++)
			fprintf(f, "%s%s", i ? separator(table->opts) : "",
				table->columns[choice->at[i]].title);
		putc('\n', f);
	} else if (!ret) {
		ret = write_out(out, table, f);
	}
	scols_unref_table(out);
	return ret;
}

static int print_width(const struct table *table, FILE *f, unsigned int width)
{
	size_t *lines;
	struct choice choice;
	int ret;

	if (table->failed)
		return err_nomem();
	if (choose(&choice, table->columns, table->width, table->opts))
		return EXIT_USAGE;
	lines = calloc(table_lines(table) + 1, sizeof(*lines));
	if (!lines)
		return err_nomem();
	ret = order_lines(table, lines) ? EXIT_USAGE : 0;
	if (!ret && print_chosen(table, &choice, lines, f, width))
		ret = err_nomem();
	free(lines);
	return ret;
}

int table_print(const struct table *table, FILE *f)
{
	return print_width(table, f, terminal_width(f));
}
