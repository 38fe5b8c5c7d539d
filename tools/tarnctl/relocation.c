// SPDX-License-Identifier: GPL-2.0-only
/* Relocations as text and JSON. */
#include <stdio.h>

#include "field.h"
#include "relocation.h"
#include "size.h"

/* Indexed by enum tarn_relocate_state: in JSON, and for people. */
static const struct {
	const char *name;
	const char *text;
} states[] = {
	[TARN_RELOCATION_NONE] = { "none", "no relocation so far" },
	[TARN_RELOCATION_RUNNING] = { "running", "a relocation runs" },
	[TARN_RELOCATION_DONE] = { "done", "the relocation is done" },
	[TARN_RELOCATION_CANCELLED] = { "cancelled",
					"the relocation was cancelled" },
	[TARN_RELOCATION_HELD] = { "held",
				   "the relocation ended at a page that is held" },
	[TARN_RELOCATION_NO_ROOM] = { "no-room",
				      "the relocation ended for want of frames" },
};

#define NR_STATES (sizeof(states) / sizeof(states[0]))

const char *relocation_state(__u32 state)
{
	return state < NR_STATES ? states[state].name : "?";
}

const char *relocation_direction(const struct tarn_partition_relocate *r)
{
	if (r->flags & TARN_RELOCATE_COMPACT)
		return "compact";
	return r->flags & TARN_RELOCATE_AWAY ? "away from" : "to";
}

unsigned int relocation_percent(const struct tarn_partition_relocate *r)
{
	if (!r->count || r->cursor <= r->start)
		return 0;
	if (r->cursor - r->start >= r->count)
		return 100;
	return 100.0 * (r->cursor - r->start) / r->count;
}

const char *relocation_blocked(char *buf,
			       const struct tarn_partition_relocate *r)
{
	int last = TARN_BLOCKED_BUCKETS - 1;
	char time[SIZE_TEXT_MAX];

	while (last >= 0 && !r->blocked[last])
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

const char *relocation_progress(char *buf,
				const struct tarn_partition_relocate *r,
				bool exact)
{
	char moved[SIZE_TEXT_MAX], held[SIZE_TEXT_MAX], skipped[SIZE_TEXT_MAX];

	snprintf(buf, RELOCATION_TEXT_MAX,
		 "at %u%%, %s moved, %s held, %s skipped",
		 relocation_percent(r),
		 size_format_pages(moved, r->moved, exact),
		 size_format_pages(held, r->held, exact),
		 size_format_pages(skipped, r->skipped, exact));
	return buf;
}

/* In which times that are powers of two the granules were. */
static void print_blocked(const struct tarn_partition_relocate *r)
{
	char time[SIZE_TEXT_MAX], label[SIZE_TEXT_MAX];
	int i;

	for (i = 0; i < TARN_BLOCKED_BUCKETS; i++) {
		bool last = i == TARN_BLOCKED_BUCKETS - 1;

		if (!r->blocked[i])
			continue;
		snprintf(label, sizeof(label), last ? "  %.12s or longer" :
						      "  less than %.12s",
			 time_format(time, (last ? 1000ULL : 2000ULL) << i));
		printf("  " FIELD_LABEL " %llu\n", label, r->blocked[i]);
	}
}

static void print_line(const char *label, const char *text)
{
	printf("  " FIELD_LABEL " %s\n", label, text);
}

static void print_direction(const struct tarn_partition_relocate *r)
{
	if (r->flags & TARN_RELOCATE_COMPACT)
		print_line("direction", "into 2 MiB frames");
	else
		printf("  " FIELD_LABEL " %s node %u\n", "direction",
		       relocation_direction(r), r->node);
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

static void print_block(const struct tarn_relocation_block *b, bool exact)
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

static json_t *node_json(__s32 node)
{
	return node == TARN_NODE_NONE ? json_null() : json_integer(node);
}

static json_t *address_json(__u64 address)
{
	return address ? json_integer(address) : json_null();
}

static json_t *block_json(const struct tarn_relocation_block *b)
{
	if (!b->granule || b->granule > TARN_RELOCATE_GRANULE_MOST)
		return json_null();
	return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o}",
			 "first", (json_int_t)b->first,
			 "page", (json_int_t)b->page,
			 "source", address_json(b->source),
			 "target", address_json(b->target),
			 "source_node", node_json(b->source_node),
			 "target_node", node_json(b->target_node),
			 "granule", (json_int_t)b->granule,
			 "held_pages", (json_int_t)b->held_pages,
			 "blocked", granules_json(b, b->blocked),
			 "held", granules_json(b, b->held));
}

/* ---- all of it ---------------------------------------------------------- */

void relocation_print(const char *path,
		      const struct tarn_partition_relocate *r, bool exact)
{
	char size[SIZE_TEXT_MAX];

	printf("%s: %s\n", path,
	       r->state < NR_STATES ? states[r->state].text : "?");
	if (r->state == TARN_RELOCATION_NONE)
		return;
	print_direction(r);
	printf("  " FIELD_LABEL " page %llu, %llu pages\n", "range", r->start,
	       r->count);
	if (r->granule)
		print_line("granule",
			   size_format_pages(size, r->granule, exact));
	else if (!(r->flags & TARN_RELOCATE_COMPACT))
		print_line("granule", "a 2 MiB frame, or 64 pages");
	if (r->state != TARN_RELOCATION_DONE)
		printf("  " FIELD_LABEL " page %llu, %u%%\n", "gone up to",
		       r->cursor, relocation_percent(r));
	print_line("moved", size_format_pages(size, r->moved, exact));
	printf("  " FIELD_LABEL " %llu\n", "2 MiB frames", r->blocks);
	print_line("held", size_format_pages(size, r->held, exact));
	if (r->held)
		printf("  " FIELD_LABEL " page %llu\n", "first that is held",
		       r->held_page);
	print_block(&r->block, exact);
	print_line("paged", size_format_pages(size, r->paged, exact));
	print_line("skipped", size_format_pages(size, r->skipped, exact));
	print_line("longest blocked", relocation_blocked(size, r));
	printf("  " FIELD_LABEL " %llu\n", "granules tried", r->tried);
	print_blocked(r);
}

json_t *relocation_json(const struct tarn_partition_relocate *r)
{
	bool any = r->state != TARN_RELOCATION_NONE;
	bool node = any && !(r->flags & TARN_RELOCATE_COMPACT);
	json_t *array = json_array();
	int i;

	for (i = 0; i < TARN_BLOCKED_BUCKETS; i++)
		json_array_append_new(array, json_integer(r->blocked[i]));
	return json_pack("{s:s, s:o, s:s?, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:I, s:I, s:I, s:o}",
			 "state", relocation_state(r->state),
			 "node", node ? json_integer(r->node) : json_null(),
			 "direction", any ? relocation_direction(r) : NULL,
			 "granule", any ? json_integer(r->granule) : json_null(),
			 "start", (json_int_t)r->start,
			 "count", (json_int_t)r->count,
			 "cursor", (json_int_t)r->cursor,
			 "moved", (json_int_t)r->moved,
			 "held", (json_int_t)r->held,
			 "held_page", r->held ? json_integer(r->held_page) :
						json_null(),
			 "skipped", (json_int_t)r->skipped,
			 "blocked", array,
			 "tried", (json_int_t)r->tried,
			 "blocks", (json_int_t)r->blocks,
			 "paged", (json_int_t)r->paged,
			 "block", block_json(&r->block));
}
