// SPDX-License-Identifier: GPL-2.0-only
/* Tables of text with columns as wide as their widest cell. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "text.h"

struct table {
	const struct table_column *columns;
	size_t width;
	char **cells;
	size_t count;
	size_t room;
	bool failed;
};

struct table *table_create(const struct table_column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = columns;
	table->width = count;
	return table;
}

void table_destroy(struct table *table)
{
	size_t i;

	if (!table)
		return;
	for (i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

static int reserve(struct table *table)
{
	size_t room = table->room ? table->room * 2 : 64;
	char **cells;

	if (table->count < table->room)
		return 0;
	cells = reallocarray(table->cells, room, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	table->cells = cells;
	table->room = room;
	return 0;
}

void table_cell(struct table *table, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		table->failed = true;
		return;
	}
	if (reserve(table)) {
		free(text);
		table->failed = true;
		return;
	}
	table->cells[table->count++] = text;
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t max = text_width(table->columns[column].title);
	size_t i;

	for (i = column; i < table->count; i += table->width) {
		size_t width = text_width(table->cells[i]);

		if (width > max)
			max = width;
	}
	return max;
}

static void print_cell(FILE *f, const char *text, size_t width, bool left,
		       bool last)
{
	int pad = width - text_width(text);

	if (left)
		fprintf(f, "%s%*s", text, last ? 0 : pad, "");
	else
		fprintf(f, "%*s%s", pad, "", text);
	fputs(last ? "\n" : "  ", f);
}

int table_print(const struct table *table, FILE *f)
{
	size_t *widths, i;

	if (table->failed)
		return -ENOMEM;
	widths = calloc(table->width, sizeof(*widths));
	if (!widths)
		return -ENOMEM;
	for (i = 0; i < table->width; i++) {
		widths[i] = column_width(table, i);
		print_cell(f, table->columns[i].title, widths[i],
			   table->columns[i].left, i + 1 == table->width);
	}
	for (i = 0; i < table->count; i++) {
		size_t column = i % table->width;

		print_cell(f, table->cells[i], widths[column],
			   table->columns[column].left,
			   column + 1 == table->width);
	}
	free(widths);
	return 0;
}
