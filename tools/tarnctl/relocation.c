// SPDX-License-Identifier: GPL-2.0-only
/* Relocations as text and JSON. */
#include <stdio.h>

#include "field.h"
#include "relocation.h"
#include "size.h"
#include "tracker.h"

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

/* How large its granules are, and why. */
static void print_limit(const struct tarn_partition_relocate *r)
{
	char time[SIZE_TEXT_MAX];

	printf("  " FIELD_LABEL " what is blocked for %s at most, now %u pages\n",
	       "granule", time_format(time, r->blocked_most * 1000ULL), r->fit);
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
	else if (r->blocked_most)
		print_limit(r);
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
	tracker_print_block(&r->block, exact);
	print_line("paged", size_format_pages(size, r->paged, exact));
	print_line("shared, so not moved", size_format_pages(size, r->shared, exact));
	print_line("skipped", size_format_pages(size, r->skipped, exact));
	tracker_print_times(r->blocked, r->tried);
}

json_t *relocation_json(const struct tarn_partition_relocate *r)
{
	bool any = r->state != TARN_RELOCATION_NONE;
	bool node = any && !(r->flags & TARN_RELOCATE_COMPACT);

	return json_pack("{s:s, s:o, s:s?, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:I}",
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
			 "blocked", tracker_times_json(r->blocked),
			 "tried", (json_int_t)r->tried,
			 "blocks", (json_int_t)r->blocks,
			 "paged", (json_int_t)r->paged,
			 "block", tracker_block_json(&r->block),
			 "blocked_most", r->blocked_most ?
				json_integer(r->blocked_most) : json_null(),
			 "fit", r->fit ? json_integer(r->fit) : json_null(),
			 "shared", (json_int_t)r->shared);
}
