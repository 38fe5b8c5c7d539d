// SPDX-License-Identifier: GPL-2.0-only
/* See copies.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/tarn.h>

#include "save/copies.h"
#include "save/pool.h"
#include "save/same.h"

#define PAGE (1ULL << TARN_PAGE_SHIFT)

/* Pages that are copied at a time, after which it may be cancelled. */
#define STEP 256
/*
 * Pages whose sources are asked for before it is their turn. They may lie all over a file: one
 * by one each would take as long as its read.
 */
#define AHEAD 256

/**
 * struct place - a page of a list.
 * @run: that it is in; @nr of the list: behind the last one
 * @page: of that
 * @pages: of the list, in front of it
 */
struct place {
	size_t run;
	u64 page;
	u64 pages;
};

/**
 * struct copies - pages that are copied.
 * @no_copy: a bit for each range whose module does not do that
 * @at: the next one
 * @asked: the next one whose source is to be asked for
 * @page: one that is copied
 */
struct copies {
	struct tarn_mem *mem;
	const struct same_list *list;
	const bool *cancel;
	u32 no_copy;
	struct place at;
	struct place asked;
	u8 page[PAGE] __attribute__((aligned(8)));
};

/**
 * struct piece - pages that follow each other, each of both within one range.
 * @to, @off: where the first is to be
 * @from, @from_off: where that is which it holds
 * @count: how many
 */
struct piece {
	const struct mem_range *to;
	u64 off;
	const struct mem_range *from;
	u64 from_off;
	u64 count;
};

static bool in_pool(const struct mem_range *range)
{
	return mem_backend_in_pool(range->backend);
}

static u64 pages_behind(const struct mem_range *range, u64 off)
{
	return (range->size - off) / PAGE;
}

/* From a place on, at most @most pages. False: there are no more. */
static bool piece_at(const struct copies *c, const struct place *at, u64 most,
		     struct piece *piece)
{
	const struct same_run *run;
	u64 gpa, source;

	if (at->run == c->list->nr)
		return false;
	run = &c->list->run[at->run];
	gpa = run->gpa + at->page * PAGE;
	source = run->source + at->page * PAGE;
	piece->to = tarn_mem_range(c->mem, gpa, PAGE);
	piece->from = tarn_mem_range(c->mem, source, PAGE);
	piece->off = gpa - piece->to->gpa;
	piece->from_off = source - piece->from->gpa;
	piece->count = min_t(u64, most, run->count - at->page);
	piece->count = min_t(u64, piece->count,
			     pages_behind(piece->to, piece->off));
	piece->count = min_t(u64, piece->count,
			     pages_behind(piece->from, piece->from_off));
	return true;
}

static void advance(const struct copies *c, struct place *at, u64 count)
{
	at->page += count;
	at->pages += count;
	if (at->page < c->list->run[at->run].count)
		return;
	at->run++;
	at->page = 0;
}

/* May pages share with others of the same pool? */
static bool may_share(const struct copies *c, const struct piece *piece)
{
	return in_pool(piece->to) && piece->to->backend == piece->from->backend &&
	       !(c->no_copy & 1U << (piece->to - c->mem->range));
}

/*
 * Sources that are in the file come while others are copied. Those for which there is no frame
 * to spare are brought by who copies them, and so are all of a file that is slow.
 */
static void ask_ahead(struct copies *c)
{
	struct piece piece;

	if (c->asked.pages < c->at.pages)
		c->asked = c->at;
	while (c->asked.pages < c->at.pages + AHEAD &&
	       piece_at(c, &c->asked, c->at.pages + AHEAD - c->asked.pages, &piece)) {
		if (may_share(c, &piece) &&
		    pool_page_in(piece.from, piece.from_off, piece.count, false) == -ETIME)
			return;
		advance(c, &c->asked, piece.count);
	}
}

/* Not through its mapping: touched, a page that can't be read would end us, or keep us. */
static int copy_page(struct copies *c, const struct piece *piece)
{
	u8 *to = piece->to->hva + piece->off, state;
	int n;

	if (!in_pool(piece->from)) {
		memcpy(to, piece->from->hva + piece->from_off, PAGE);
		return 0;
	}
	/* Of one that is empty nothing is written. */
	memset(c->page, 0, PAGE);
	n = pool_read(piece->from, piece->from_off, 1, c->page, &state);
	if (n <= 0)
		return pool_read_error(piece->from->gpa + piece->from_off, n ?: -EIO);
	memcpy(to, c->page, PAGE);
	return 0;
}

/* Return: how many from the first one on, or -errno, reported. */
static s64 copy_some(struct copies *c, const struct piece *piece)
{
	s64 done = 0;

	if (may_share(c, piece))
		done = pool_copy(piece->to, piece->off, piece->count,
				 piece->from->fd_offset + piece->from_off -
					 piece->to->fd_offset);
	if (done > 0)
		return done;
	if (done == -ENOTTY || done == -ENOENT || done == -ENODEV)
		c->no_copy |= 1U << (piece->to - c->mem->range);
	return copy_page(c, piece) ?: 1;
}

static int make_all(struct copies *c)
{
	struct piece piece;
	s64 n;

	while (piece_at(c, &c->at, STEP, &piece)) {
		if (c->cancel && READ_ONCE(*c->cancel))
			return -ECANCELED;
		ask_ahead(c);
		n = copy_some(c, &piece);
		if (n < 0)
			return n;
		advance(c, &c->at, n);
	}
	return 0;
}

int copies_make(struct tarn_mem *mem, const struct same_list *list,
		const bool *cancel)
{
	struct copies *c = calloc(1, sizeof(*c));
	int ret = -ENOMEM;

	if (!c)
		return ret;
	c->mem = mem;
	c->list = list;
	c->cancel = cancel;
	ret = make_all(c);
	free(c);
	return ret;
}
