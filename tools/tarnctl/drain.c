// SPDX-License-Identifier: GPL-2.0-only
/* Draining a node as text and JSON. */
#include <stdio.h>

#include "drain.h"
#include "field.h"
#include "relocation.h"
#include "size.h"

/* Indexed by enum tarn_relocate_state, with the number of the node. */
static const char *const texts[] = {
	[TARN_RELOCATION_NONE] = "no node was drained so far",
	[TARN_RELOCATION_RUNNING] = "node %u is being drained",
	[TARN_RELOCATION_DONE] = "node %u is drained, its memory is the kernel's",
	[TARN_RELOCATION_CANCELLED] = "draining node %u was cancelled, it has what it had",
	[TARN_RELOCATION_HELD] = "draining node %u ended at a page that is held, it has what it had",
	[TARN_RELOCATION_NO_ROOM] = "draining node %u ended for want of memory elsewhere, it has what it had",
};

#define NR_TEXTS (sizeof(texts) / sizeof(texts[0]))

const char *drain_progress(char *buf, const struct tarn_pool_drain *d,
			   bool exact)
{
	char grown[SIZE_TEXT_MAX], moved[SIZE_TEXT_MAX], left[SIZE_TEXT_MAX],
		held[SIZE_TEXT_MAX];

	snprintf(buf, DRAIN_TEXT_MAX,
		 "%s taken elsewhere, %s moved, %s in use still, %s held",
		 size_format_pages(grown, d->grown, exact),
		 size_format_pages(moved, d->moved, exact),
		 size_format_pages(left, d->left, exact),
		 size_format_pages(held, d->held, exact));
	return buf;
}

static void print_pages(const char *label, __u64 pages, bool exact)
{
	char size[SIZE_TEXT_MAX];

	printf("  " FIELD_LABEL " %s\n", label,
	       size_format_pages(size, pages, exact));
}

void drain_print(const char *pool, const struct tarn_pool_drain *d, bool exact)
{
	printf("%s: ", pool);
	printf(d->state < NR_TEXTS ? texts[d->state] : "node %u: ?", d->node);
	putchar('\n');
	if (d->state == TARN_RELOCATION_NONE)
		return;
	print_pages("it had", d->frames, exact);
	print_pages("taken elsewhere", d->grown, exact);
	print_pages("moved", d->moved, exact);
	print_pages("in use still", d->left, exact);
	print_pages("held", d->held, exact);
	if (d->held)
		printf("  " FIELD_LABEL " page %llu of partition id:%u\n",
		       "first that is held", d->held_page, d->held_partition);
}

json_t *drain_json(const struct tarn_pool_drain *d)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
			 "state", relocation_state(d->state),
			 "node", (json_int_t)d->node,
			 "frames", (json_int_t)d->frames,
			 "left", (json_int_t)d->left,
			 "grown", (json_int_t)d->grown,
			 "moved", (json_int_t)d->moved,
			 "held", (json_int_t)d->held,
			 "held_partition", d->held ?
				json_integer(d->held_partition) : json_null(),
			 "held_page", d->held ? json_integer(d->held_page) :
						json_null());
}
