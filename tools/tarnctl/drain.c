// SPDX-License-Identifier: GPL-2.0-only
/* See drain.h. */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "drain.h"
#include "field.h"
#include "relocation.h"
#include "size.h"
#include "tracker.h"

/* Indexed by enum tarn_relocate_state, with the number of the node. */
static const char *const node_texts[] = {
	[TARN_RELOCATION_NONE] = "no node was drained so far",
	[TARN_RELOCATION_RUNNING] = "node %u is being drained",
	[TARN_RELOCATION_DONE] = "node %u is drained, its memory is the kernel's",
	[TARN_RELOCATION_CANCELLED] = "draining node %u was cancelled, it has what it had",
	[TARN_RELOCATION_HELD] = "draining node %u ended at a page that is held, it has what it had",
	[TARN_RELOCATION_NO_ROOM] = "draining node %u ended for want of memory elsewhere, it has what it had",
};

/* The same of a pool that is given another size. */
static const char *const size_texts[] = {
	[TARN_RELOCATION_NONE] = "?",
	[TARN_RELOCATION_RUNNING] = "the pool becomes smaller",
	[TARN_RELOCATION_DONE] = "the pool became smaller",
	[TARN_RELOCATION_CANCELLED] = "making the pool smaller was ended, it has what it had",
	[TARN_RELOCATION_HELD] = "making the pool smaller ended at a page that is held, it has what it had",
	[TARN_RELOCATION_NO_ROOM] = "making the pool smaller ended for want of room, it has what it had",
};

#define NR_TEXTS (sizeof(node_texts) / sizeof(node_texts[0]))

static bool is_of_node(const struct tarn_pool_drain *d)
{
	return d->why == TARN_DRAIN_WHY_NODE;
}

int drain_read(int fd, struct tarn_pool_drain *d)
{
	*d = (struct tarn_pool_drain){
		.size = sizeof(*d),
		.op = TARN_RELOCATE_STATUS,
	};
	return ioctl(fd, TARN_POOL_DRAIN, d) ? -errno : 0;
}

const char *drain_progress(char *buf, const struct tarn_pool_drain *d,
			   bool exact)
{
	char grown[SIZE_TEXT_MAX], moved[SIZE_TEXT_MAX], left[SIZE_TEXT_MAX],
		held[SIZE_TEXT_MAX];
	int len = 0;

	if (is_of_node(d))
		len = snprintf(buf, DRAIN_TEXT_MAX, "%s taken elsewhere, ",
			       size_format_pages(grown, d->grown, exact));
	snprintf(buf + len, DRAIN_TEXT_MAX - len,
		 "%s moved, %s in use still, %s held",
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

static void print_title(const char *pool, const struct tarn_pool_drain *d)
{
	printf("%s: ", pool);
	if (d->state >= NR_TEXTS)
		putchar('?');
	else if (is_of_node(d))
		printf(node_texts[d->state], d->node);
	else
		fputs(size_texts[d->state], stdout);
	putchar('\n');
}

void drain_print(const char *pool, const struct tarn_pool_drain *d, bool exact)
{
	print_title(pool, d);
	if (d->state == TARN_RELOCATION_NONE)
		return;
	print_pages(is_of_node(d) ? "it had" : "to be given back", d->frames,
		    exact);
	if (is_of_node(d))
		print_pages("taken elsewhere", d->grown, exact);
	print_pages("moved", d->moved, exact);
	print_pages("in use still", d->left, exact);
	print_pages("held", d->held, exact);
	if (d->held)
		printf("  " FIELD_LABEL " page %llu of partition id:%u\n",
		       "first that is held", d->held_page, d->held_partition);
	if (d->partition)
		printf("  " FIELD_LABEL " id:%u\n", "at partition",
		       d->partition);
	tracker_print_block(&d->block, exact);
	tracker_print_times(d->blocked, d->tried);
}

json_t *drain_json(const struct tarn_pool_drain *d)
{
	bool node = d->node != (__u32)TARN_NODE_NONE;

	return json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:I, s:o, s:o}",
			 "state", relocation_state(d->state),
			 "why", is_of_node(d) ? "node" : "size",
			 "node", node ? json_integer(d->node) : json_null(),
			 "frames", (json_int_t)d->frames,
			 "left", (json_int_t)d->left,
			 "grown", (json_int_t)d->grown,
			 "moved", (json_int_t)d->moved,
			 "held", (json_int_t)d->held,
			 "held_partition", d->held ?
				json_integer(d->held_partition) : json_null(),
			 "held_page", d->held ? json_integer(d->held_page) :
						json_null(),
			 "blocked", tracker_times_json(d->blocked),
			 "tried", (json_int_t)d->tried,
			 "partition", d->partition ?
				json_integer(d->partition) : json_null(),
			 "block", tracker_block_json(&d->block));
}
