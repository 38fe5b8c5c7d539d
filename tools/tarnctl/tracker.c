// SPDX-License-Identifier: GPL-2.0-only
/* See tracker.h. */
#include <stdio.h>

#include "field.h"
#include "size.h"
#include "tracker.h"

static void print_line(const char *label, const char *text)
{
	printf("  " FIELD_LABEL " %s\n", label, text);
}

/* ---- times -------------------------------------------------------------- */

const char *tracker_longest(char *buf, const __u64 *blocked)
{
	int last = TARN_BLOCKED_BUCKETS - 1;
	char time[SIZE_TEXT_MAX];

	while (last >= 0 && !blocked[last])
		last--;
	if (last < 0)
		return "-";
	/* The last one has all that were longer, too. */
	if (last == TARN_BLOCKED_BUCKETS - 1)
		snprintf(buf, SIZE_TEXT_MAX, "%.16s or longer",
			 time_format(time, 1000ULL << last));
	else
		snprintf(buf, SIZE_TEXT_MAX, "less than %.16s",
			 time_format(time, 2000ULL << last));
	return buf;
}

/* In which times that are powers of two the granules were. */
static void print_buckets(const __u64 *blocked)
{
	char time[SIZE_TEXT_MAX], label[SIZE_TEXT_MAX];
	int i;

	for (i = 0; i < TARN_BLOCKED_BUCKETS; i++) {
		bool last = i == TARN_BLOCKED_BUCKETS - 1;

		if (!blocked[i])
			continue;
		snprintf(label, sizeof(label), last ? "  %.12s or longer" :
						      "  less than %.12s",
			 time_format(time, (last ? 1000ULL : 2000ULL) << i));
		printf("  " FIELD_LABEL " %llu\n", label, blocked[i]);
	}
}

void tracker_print_times(const __u64 *blocked, __u64 tried)
{
	char longest[SIZE_TEXT_MAX];

	print_line("longest blocked", tracker_longest(longest, blocked));
	printf("  " FIELD_LABEL " %llu\n", "granules tried", tried);
	print_buckets(blocked);
}

json_t *tracker_times_json(const __u64 *blocked)
{
	json_t *array = json_array();
	int i;

	for (i = 0; i < TARN_BLOCKED_BUCKETS; i++)
		json_array_append_new(array, json_integer(blocked[i]));
	return array;
}

/* ---- the block under way ------------------------------------------------ */

static unsigned int granules_of(const struct tarn_relocation_block *b)
{
	return TARN_RELOCATE_GRANULE_MOST / b->granule;
}

static bool has_granule(const __u64 *bits, unsigned int i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

/* "3, 5-7 of 8", of pages, or "none". */
static void print_granules(const char *label,
			   const struct tarn_relocation_block *b,
			   const __u64 *bits)
{
	unsigned int nr = granules_of(b), i, j;
	const char *sep = "";

	printf("  " FIELD_LABEL " ", label);
	for (i = 0; i < nr; i = j + 1) {
		for (j = i; j < nr && has_granule(bits, j); j++)
			;
		if (j == i)
			continue;
		printf(j - i > 1 ? "%s%u-%u" : "%s%u", sep, i, j - 1);
		sep = ", ";
	}
	if (*sep)
		printf(" of %u\n", nr);
	else
		printf("none\n");
}

/* "0: 3, 7: 12", of granules of more than a page. */
static void print_pins(const struct tarn_relocation_block *b)
{
	const char *sep = "";
	unsigned int i;

	if (b->granule == 1 || !b->held_pages)
		return;
	printf("  " FIELD_LABEL " ", "  held pages in each");
	for (i = 0; i < granules_of(b); i++) {
		if (!b->pins[i])
			continue;
		printf("%s%u: %u", sep, i, b->pins[i]);
		sep = ", ";
	}
	putchar('\n');
}

static void print_place(const char *label, __s32 node, __u64 address)
{
	if (node == TARN_NODE_NONE)
		printf("  " FIELD_LABEL " not known yet\n", label);
	else if (address)
		printf("  " FIELD_LABEL " node %d, at %#llx\n", label, node,
		       address);
	else
		printf("  " FIELD_LABEL " node %d\n", label, node);
}

void tracker_print_block(const struct tarn_relocation_block *b, bool exact)
{
	char size[SIZE_TEXT_MAX];

	if (!b->granule || b->granule > TARN_RELOCATE_GRANULE_MOST)
		return;
	printf("  " FIELD_LABEL " page %llu, at page %llu\n", "block",
	       b->first, b->page);
	print_place("  it is on", b->source_node, b->source);
	print_place("  it goes to", b->target_node, b->target);
	print_line("  its granules have", size_format_pages(size, b->granule, exact));
	print_granules("  blocked just now", b, b->blocked);
	print_granules("  held", b, b->held);
	print_pins(b);
	print_line("  held pages", size_format_pages(size, b->held_pages, exact));
}

static json_t *granules_json(const struct tarn_relocation_block *b,
			     const __u64 *bits)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < granules_of(b); i++)
		if (has_granule(bits, i))
			json_array_append_new(array, json_integer(i));
	return array;
}

/* Of the granules that are held, in their order. */
static json_t *pins_json(const struct tarn_relocation_block *b)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < granules_of(b); i++)
		if (has_granule(b->held, i))
			json_array_append_new(array, json_integer(b->pins[i]));
	return array;
}

static json_t *node_json(__s32 node)
{
	return node == TARN_NODE_NONE ? json_null() : json_integer(node);
}

static json_t *address_json(__u64 address)
{
	return address ? json_integer(address) : json_null();
}

json_t *tracker_block_json(const struct tarn_relocation_block *b)
{
	if (!b->granule || b->granule > TARN_RELOCATE_GRANULE_MOST)
		return json_null();
	return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o}",
			 "first", (json_int_t)b->first,
			 "page", (json_int_t)b->page,
			 "source", address_json(b->source),
			 "target", address_json(b->target),
			 "source_node", node_json(b->source_node),
			 "target_node", node_json(b->target_node),
			 "granule", (json_int_t)b->granule,
			 "held_pages", (json_int_t)b->held_pages,
			 "blocked", granules_json(b, b->blocked),
			 "held", granules_json(b, b->held),
			 "pins", pins_json(b));
}
