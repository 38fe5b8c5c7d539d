// SPDX-License-Identifier: GPL-2.0-only
/* The columns of 'tarnctl top', on the screen and in plain tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "column.h"
#include "error.h"
#include "size.h"
#include "suggest.h"
#include "text.h"

#define NAME_MIN 14
#define GAP 2

const struct column columns[COLUMN_COUNT] = {
	[COLUMN_NAME] = { "PARTITION", "name", 'n', NAME_MIN, 0 },
	[COLUMN_POOL] = { "POOL", "pool", 'k', 6, 14 },
	[COLUMN_LOGICAL] = { "LOGICAL", "logical", 'l', 7, 5 },
	[COLUMN_RESIDENT] = { "RESIDENT", "resident", 'r', 8, 1 },
	[COLUMN_PAGED] = { "PAGED", "paged", 'p', 6, 2 },
	[COLUMN_WORKING_SET] = { "WSS", "working-set", 's', 6, 6 },
	[COLUMN_FAIR] = { "FAIR", "fair", 'f', 6, 8 },
	[COLUMN_HOMES] = { "HOMES", "homes", 'e', 5, 12 },
	[COLUMN_MISPLACED] = { "MISPL", "misplaced", 'm', 5, 13 },
	[COLUMN_PAGE_INS] = { "IN/s", "page-ins", 'i', 6, 3 },
	[COLUMN_PAGE_OUTS] = { "OUT/s", "page-outs", 'o', 6, 4 },
	[COLUMN_REFAULTS] = { "REFLT/s", "refaults", 't', 7, 10 },
	[COLUMN_WAITS] = { "WAIT/s", "waits", 'w', 6, 9 },
	[COLUMN_BREAKS] = { "BREAK/s", "breaks", 'c', 7, 16 },
	[COLUMN_P50] = { "P50", "p50", '5', 6, 11 },
	[COLUMN_P99] = { "P99", "p99", '9', 6, 7 },
	[COLUMN_PID] = { "PID", "pid", 'd', 6, 15 },
};

static double column_value(enum column_id id, const struct sample_row *row)
{
	const struct tarn_partition_info *info = &row->part->info;

	switch (id) {
	case COLUMN_LOGICAL:
		return info->logical_pages;
	case COLUMN_RESIDENT:
		return info->resident_pages;
	case COLUMN_PAGED:
		return info->paged_pages;
	case COLUMN_WORKING_SET:
		return info->working_set;
	case COLUMN_FAIR:
		return info->fair_frames;
	case COLUMN_MISPLACED:
		return row->misplaced;
	case COLUMN_PAGE_INS:
		return row->rates.page_ins;
	case COLUMN_PAGE_OUTS:
		return row->rates.page_outs;
	case COLUMN_REFAULTS:
		return row->rates.refaults;
	case COLUMN_WAITS:
		return row->rates.waits;
	case COLUMN_BREAKS:
		return row->rates.breaks;
	case COLUMN_P50:
		return row->rates.p50;
	case COLUMN_P99:
		return row->rates.p99;
	case COLUMN_PID:
		return row->guest ? row->guest->pid : 0;
	case COLUMN_NAME:
	case COLUMN_POOL:
	case COLUMN_HOMES:
	case COLUMN_COUNT:
		break;
	}
	return 0;
}

const char *column_text(enum column_id id, const struct sample_row *row,
			char *buf, bool exact)
{
	double val = column_value(id, row);

	switch (id) {
	case COLUMN_NAME:
		return row->name;
	case COLUMN_POOL:
		return row->in ? pool_title(&row->in->pool) : "-";
	case COLUMN_PID:
		if (!val)
			return "-";
		snprintf(buf, SIZE_TEXT_MAX, "%.0f", val);
		return buf;
	case COLUMN_HOMES:
		return row->homes;
	case COLUMN_LOGICAL:
	case COLUMN_RESIDENT:
	case COLUMN_PAGED:
	case COLUMN_WORKING_SET:
	case COLUMN_FAIR:
	case COLUMN_MISPLACED:
		return size_format_pages(buf, val, exact);
	case COLUMN_P50:
	case COLUMN_P99:
		return val ? time_format(buf, val) : "-";
	default:
		return rate_format(buf, val);
	}
}

enum column_id column_find(const char *name)
{
	enum column_id id;
	struct suggest s;
	const char *near;

	suggest_begin(&s, name);
	for (id = 0; id < COLUMN_COUNT; id++) {
		if (!strcmp(columns[id].name, name))
			return id;
		suggest_offer(&s, columns[id].name);
	}
	near = suggest_end(&s);
	if (near)
		err("--sort: there is no column '%s', did you mean '%s'?", name,
		    near);
	else
		err("--sort: there is no column '%s'; name, logical, resident, paged, working-set, fair, homes, misplaced, page-ins, page-outs, refaults, waits, breaks, p50, p99, pool and pid are",
		    name);
	return COLUMN_COUNT;
}

enum column_id column_find_key(int key)
{
	enum column_id id;

	for (id = 0; id < COLUMN_COUNT; id++) {
		if (columns[id].key == key)
			break;
	}
	return id;
}

struct order {
	enum column_id id;
	bool reverse;
};

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct sample_row *p = a, *q = b;
	const struct order *order = arg;
	double x = column_value(order->id, p), y = column_value(order->id, q);
	int cmp = (x < y) - (x > y);

	if (order->id == COLUMN_HOMES)
		cmp = strcmp(p->homes, q->homes);
	if (order->id == COLUMN_POOL && p->in && q->in)
		cmp = strcmp(p->in->pool.mount, q->in->pool.mount);
	/* Equal ones stay in the order of their names, lest they dance. */
	if (cmp)
		return order->reverse ? -cmp : cmp;
	cmp = strcmp(p->name, q->name);
	return order->id == COLUMN_NAME && order->reverse ? -cmp : cmp;
}

void column_sort(struct sample *sample, enum column_id id, bool reverse)
{
	struct order order = { id, reverse };

	qsort_r(sample->rows, sample->nr_rows, sizeof(*sample->rows),
		compare_rows, &order);
}

/* The widest cell; a name is cut instead. */
static unsigned int widest(enum column_id id, const struct sample *sample,
			   bool exact)
{
	unsigned int width = columns[id].width, len;
	char buf[SIZE_TEXT_MAX];
	size_t i;

	for (i = 0; i < sample->nr_rows && id != COLUMN_NAME; i++) {
		len = text_width(column_text(id, &sample->rows[i], buf, exact));
		if (len > width)
			width = len;
	}
	return width;
}

void column_choose(struct column_fit *fit, const struct sample *sample,
		   bool exact, unsigned int width)
{
	enum column_id id, worst;
	unsigned int sum = 0;

	for (id = 0; id < COLUMN_COUNT; id++) {
		fit->width[id] = widest(id, sample, exact);
		/* Of one pool the head tells. */
		if (id == COLUMN_POOL && sample->nr_pools < 2)
			fit->width[id] = 0;
		else
			sum += fit->width[id] + (id ? GAP : 0);
	}
	while (sum > width) {
		worst = COLUMN_NAME;
		for (id = 0; id < COLUMN_COUNT; id++) {
			if (fit->width[id] &&
			    columns[id].rank > columns[worst].rank)
				worst = id;
		}
		if (worst == COLUMN_NAME)
			break;
		sum -= fit->width[worst] + GAP;
		fit->width[worst] = 0;
	}
	fit->width[COLUMN_NAME] = sum > width ? width : NAME_MIN + width - sum;
}
