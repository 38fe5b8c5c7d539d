// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory from a stream; see memory.h. Content stays in the file where that can be;
 * if not, the thread of the stream reads it, and workers put it where it belongs. Pages
 * that hold what others do come when all those are there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "save/content.h"
#include "save/copies.h"
#include "save/import.h"
#include "save/memory.h"
#include "save/pool.h"
#include "save/prefetch.h"
#include "save/same.h"
#include "save/workers.h"

#define CHUNK STREAM_PAGES_MAX
#define CHUNKS (2 * WORKERS_MAX + 2)
#define PAGE ((u64)STREAM_PAGE_SIZE)

/* Pages of one word that are filled at a time, after which it may be cancelled. */
#define FILL_STEP 65536

/**
 * struct chunk - content that is to be put into memory.
 * @ret: 0, or why that at @failed is wrong
 * @head, @entry: of its record; what stays in the file is left out
 * @frame: what was read, if it is compressed
 * @data: pages
 */
struct chunk {
	struct work work;
	struct memory_loader *l;
	int ret;
	u64 failed;
	struct stream_content head;
	struct stream_entry entry[CHUNK];
	u8 *frame;
	u8 *data;
};

/**
 * struct memory_loader - memory that is being read.
 * @codec: of each worker
 * @in_pool: the range is in a pool
 * @no_fill: a bit for each range whose module does not do that
 * @same: pages that come last
 * @posted, @taken: chunks so far
 */
struct memory_loader {
	struct stream *s;
	struct tarn_mem *mem;
	struct workers *workers;
	struct prefetch *prefetch;
	struct memory_progress *progress;
	struct import import;
	struct same_list same;
	struct content_codec *codec[WORKERS_MAX];
	bool in_pool[MEM_MAX_RANGES];
	u32 no_fill;
	unsigned int chunks;
	u64 posted;
	u64 taken;
	struct chunk chunk[CHUNKS];
};

static unsigned int which(const struct memory_loader *l,
			  const struct mem_range *range)
{
	return range - l->mem->range;
}

static int not_there(u64 gpa)
{
	err("the saved guest is damaged: it has memory at %#llx, this machine has none there",
	    (unsigned long long)gpa);
	return -EINVAL;
}

/* What is passed over was never written, or comes behind. */
static void pass(struct memory_loader *l, u64 pages)
{
	WRITE_ONCE(l->progress->done,
		   min_t(u64, l->progress->done + pages * PAGE,
			 l->progress->total));
}

/* Where it cannot be done the page just stays; nothing of it is content. */
static void page_out(const struct memory_loader *l,
		     const struct mem_range *range, u64 off, u64 count)
{
	int ret = l->in_pool[which(l, range)] ?
			  pool_page_out(range, off, count) : 0;

	if (ret)
		info("pages that were paged stay in memory: %s", strerror(-ret));
}

/* Content: workers */

static u64 gpa_of(const struct chunk *c, u32 entry)
{
	return c->head.gpa + c->entry[entry].page * PAGE;
}

/* How many entries from @first on follow each other, and lie in one range. */
static u32 run_of(const struct chunk *c, u32 first, struct mem_range **range)
{
	u32 n = 1;

	*range = tarn_mem_range(c->l->mem, gpa_of(c, first), PAGE);
	while (*range && first + n < c->head.count &&
	       gpa_of(c, first + n) == gpa_of(c, first) + n * PAGE &&
	       gpa_of(c, first + n) - (*range)->gpa < (*range)->size)
		n++;
	return n;
}

/* Of @n entries from @first on, as above, those that were paged. */
static void page_out_again(const struct chunk *c, const struct mem_range *range,
			   u32 first, u32 n)
{
	u32 i, end = first + n, nr;

	for (i = first; i < end; i += nr) {
		u8 flags = c->entry[i].flags;

		for (nr = 1; i + nr < end && c->entry[i + nr].flags == flags;)
			nr++;
		if (flags & STREAM_PAGES_PAGED)
			page_out(c->l, range, gpa_of(c, i) - range->gpa, nr);
	}
}

static void put_pages(const struct chunk *c)
{
	struct mem_range *range;
	u32 i, n;

	for (i = 0; i < c->head.count; i += n) {
		n = run_of(c, i, &range);
		memcpy(range->hva + (gpa_of(c, i) - range->gpa),
		       c->data + i * PAGE, n * PAGE);
		page_out_again(c, range, i, n);
	}
}

static void chunk_run(struct work *work, unsigned int worker)
{
	struct chunk *c = container_of(work, struct chunk, work);
	u32 bad;

	c->ret = 0;
	c->failed = c->head.gpa;
	if (c->head.encoding == STREAM_ZSTD)
		c->ret = content_decompress(c->l->codec[worker], &c->head,
					    c->frame, c->data);
	if (c->ret)
		return;
	bad = content_check(c->entry, c->head.count, c->data);
	if (bad < c->head.count) {
		c->ret = -EILSEQ;
		c->failed = gpa_of(c, bad);
		return;
	}
	put_pages(c);
}

/* Content: the thread of the stream */

static int chunk_result(const struct chunk *c)
{
	if (c->ret == -EILSEQ)
		err("the saved guest is damaged: the page at %#llx has a wrong checksum",
		    (unsigned long long)c->failed);
	if (c->ret == -EBADMSG)
		err("the saved guest is damaged: what is compressed at %#llx makes no sense",
		    (unsigned long long)c->failed);
	return c->ret;
}

/* Return: 1, 0 when there is none in hand, or why it failed. */
static int take_one(struct memory_loader *l)
{
	struct work *work;
	int ret = workers_take(l->workers, l->s->ch.cancel, &work);

	if (ret <= 0)
		return ret;
	l->taken++;
	return chunk_result(container_of(work, struct chunk, work)) ?: 1;
}

static int check_entries(const struct chunk *c)
{
	struct mem_range *range;
	u32 i;

	for (i = 0; i < c->head.count; i += run_of(c, i, &range)) {
		run_of(c, i, &range);
		if (!range)
			return not_there(gpa_of(c, i));
	}
	return 0;
}

static void count_entries(struct memory_loader *l, const struct chunk *c)
{
	u32 i;

	for (i = 0; i < c->head.count; i++)
		if (c->entry[i].flags & STREAM_PAGES_PAGED)
			l->progress->paged_pages++;
	l->progress->data_pages += c->head.count;
	pass(l, c->head.count);
}

/* What is paged stays there; all else comes, sooner or later. */
static void note_imported(struct memory_loader *l, const struct chunk *c,
			  const struct mem_range *range, u32 first, u64 n)
{
	for (; n--; first++)
		if (c->entry[first].flags & STREAM_PAGES_PAGED)
			prefetch_leave(l->prefetch);
		else
			prefetch_add(l->prefetch, range,
				     gpa_of(c, first) - range->gpa,
				     c->entry[first].heat);
}

/*
 * Leave what can be in the file.
 * @pos: of its content
 * @at: becomes the place in it of each entry that is left
 */
static void import_content(struct memory_loader *l, struct chunk *c, u64 pos,
			   u32 *at)
{
	u32 sums[CHUNK], left = 0, i, j, n;
	struct mem_range *range;
	u64 done;

	for (i = 0; i < c->head.count; i++)
		sums[i] = c->entry[i].sum;
	for (i = 0; i < c->head.count; i += n) {
		n = run_of(c, i, &range);
		done = import_pages(&l->import, range, which(l, range),
				    gpa_of(c, i) - range->gpa, n,
				    pos + i * PAGE, sums + i);
		note_imported(l, c, range, i, done);
		if (done) {
			n = done;
			continue;
		}
		/* That page alone, if the others may do. */
		n = import_fits(&l->import, which(l, range)) ? 1 : n;
		for (j = i; j < i + n; j++) {
			at[left] = j;
			c->entry[left++] = c->entry[j];
		}
	}
	c->head.count = left;
	l->progress->imported_pages = l->import.pages;
}

static int read_left(struct memory_loader *l, struct chunk *c, u64 pos,
		     const u32 *at)
{
	u32 i, n;
	int ret = 0;

	for (i = 0; i < c->head.count && !ret; i += n) {
		for (n = 1; i + n < c->head.count && at[i + n] == at[i] + n;)
			n++;
		ret = stream_content_read_at(l->s, c->data + i * PAGE, n * PAGE,
					     pos + at[i] * PAGE);
	}
	return ret;
}

static int read_content(struct memory_loader *l, struct chunk *c)
{
	const bool plain = c->head.encoding == STREAM_PLAIN;
	const u64 pos = channel_tell(&l->s->ch);
	const u32 count = c->head.count;
	u32 at[CHUNK];

	if (plain)
		import_content(l, c, pos, at);
	/* Where content is passed over nothing of it is read with the records. */
	l->s->ch.ahead = c->head.count == count ? CHANNEL_FAR : CHANNEL_NEAR;
	if (c->head.count == count)
		return stream_content_read(l->s, plain ? c->data : c->frame);
	return read_left(l, c, pos, at);
}

static int load_content(struct memory_loader *l,
			const struct stream_record *rec)
{
	struct chunk *c = &l->chunk[l->posted % l->chunks];
	int ret = l->posted - l->taken < l->chunks ? 1 : take_one(l);

	if (ret <= 0)
		return ret;
	ret = stream_content_get(rec, &c->head, c->entry);
	ret = ret ?: check_entries(c);
	if (ret)
		return ret;
	count_entries(l, c);
	ret = read_content(l, c);
	if (ret || !c->head.count)
		return ret;
	l->posted++;
	workers_post(l->workers, &c->work);
	return 0;
}

/* Pages of one word */

static void write_words(const struct mem_range *range, u64 off, u64 count,
			u64 word)
{
	u64 i;

	word = htole64(word);
	for (i = 0; i < count * PAGE; i += sizeof(word))
		memcpy(range->hva + off + i, &word, sizeof(word));
}

/*
 * Without frames, or as content that is given up again: a chunk at a time, so that no
 * more of it has frames at once.
 */
static u64 fill_some(struct memory_loader *l, const struct mem_range *range,
		     u64 off, u64 count, const struct stream_pages *head,
		     u64 word)
{
	const u32 bit = 1U << which(l, range);
	s64 done = -ENOTTY;

	if (l->in_pool[which(l, range)] && !(l->no_fill & bit))
		done = pool_fill(range, off, min_t(u64, count, FILL_STEP), word);
	if (done > 0)
		return done;
	if (pool_is_of_one_page(done))
		count = 1;
	else
		l->no_fill |= bit;
	count = min_t(u64, count, CHUNK);
	write_words(range, off, count, word);
	if (l->in_pool[which(l, range)])
		pool_patterns(range, off, count);
	if (head->flags & STREAM_PAGES_PAGED)
		page_out(l, range, off, count);
	return count;
}

static int fill(struct memory_loader *l, const struct mem_range *range,
		const struct stream_pages *head, const u8 *body)
{
	u64 off = head->gpa - range->gpa, end = off + head->count * PAGE, word;

	memcpy(&word, body, sizeof(word));
	word = le64toh(word);
	/* Zeroes are what cleared memory has. */
	while (word && off < end) {
		if (l->s->ch.cancel && READ_ONCE(*l->s->ch.cancel))
			return -ECANCELED;
		off += PAGE * fill_some(l, range, off, (end - off) / PAGE, head,
					word);
	}
	return 0;
}

/* Pages that hold what others do */

static int add_same(struct memory_loader *l, const struct stream_pages *head,
		    const u8 *body)
{
	u64 source, pages = l->mem->size / PAGE, off;
	const struct mem_range *range;

	memcpy(&source, body, sizeof(source));
	source = le64toh(source);
	if (head->count > pages - l->same.pages) {
		err("the saved guest is damaged: more pages are the same than there are");
		return -EINVAL;
	}
	for (off = 0; off < head->count * PAGE;) {
		range = tarn_mem_range(l->mem, source + off, PAGE);
		if (!range)
			return not_there(source + off);
		off += range->size - (source + off - range->gpa);
	}
	return same_add(&l->same, head->gpa, source, head->count);
}

/* Records of pages */

/* Cleared memory is as the guest left it, too: it just counts as what it may use. */
static void give_to_balloon(struct memory_loader *l,
			    const struct stream_pages *head)
{
	int ret = tarn_mem_inflate(l->mem, head->gpa, head->count * PAGE);

	if (ret)
		info("pages of the balloon are not told apart: %s", strerror(-ret));
}

static void put_data(struct memory_loader *l, const struct mem_range *range,
		     const struct stream_pages *head, const u8 *body)
{
	u64 off = head->gpa - range->gpa;

	memcpy(range->hva + off, body, head->count * PAGE);
	if (head->flags & STREAM_PAGES_PAGED)
		page_out(l, range, off, head->count);
}

static int load_kind(struct memory_loader *l, const struct mem_range *range,
		     const struct stream_pages *head, const u8 *body)
{
	switch (head->kind) {
	case STREAM_PAGES_DATA:
		put_data(l, range, head, body);
		l->progress->data_pages += head->count;
		return 0;
	case STREAM_PAGES_BALLOON:
		give_to_balloon(l, head);
		l->progress->balloon_pages += head->count;
		return 0;
	case STREAM_PAGES_PATTERN:
		l->progress->same_pages += head->count;
		return fill(l, range, head, body);
	case STREAM_PAGES_SAME:
		l->progress->same_pages += head->count;
		return add_same(l, head, body);
	}
	l->progress->same_pages += head->count;
	return 0;
}

static int load_pages(struct memory_loader *l, const struct stream_record *rec)
{
	struct stream_pages head;
	struct mem_range *range;
	const u8 *body;
	int ret = stream_pages_get(rec, &head, &body);

	if (ret)
		return ret;
	range = tarn_mem_range(l->mem, head.gpa, head.count * PAGE);
	if (!range)
		return not_there(head.gpa);
	ret = load_kind(l, range, &head, body);
	if (!ret && head.flags & STREAM_PAGES_PAGED)
		l->progress->paged_pages += head.count;
	pass(l, head.count);
	return ret;
}

int memory_load(struct memory_loader *l, const struct stream_record *rec)
{
	return rec->type == STREAM_CONTENT ? load_content(l, rec)
					   : load_pages(l, rec);
}

int memory_load_end(struct memory_loader *l)
{
	int ret;

	while ((ret = take_one(l)) > 0)
		;
	ret = ret ?: copies_make(l->mem, &l->same, l->s->ch.cancel);
	if (ret)
		return ret;
	prefetch_hot(l->prefetch, l->s->ch.cancel);
	return l->s->ch.cancel && READ_ONCE(*l->s->ch.cancel) ? -ECANCELED : 0;
}

/* The beginning and the end */

static int prepare(struct memory_loader *l)
{
	unsigned int i;

	l->chunks = 2 * workers_nr(l->workers) + 2;
	for (i = 0; i < l->chunks; i++) {
		struct chunk *c = &l->chunk[i];

		c->l = l;
		c->work.run = chunk_run;
		c->frame = malloc(CONTENT_MAX);
		c->data = aligned_alloc(STREAM_PAGE_SIZE, CONTENT_MAX);
		if (!c->frame || !c->data)
			return -ENOMEM;
	}
	for (i = 0; i < workers_nr(l->workers); i++) {
		l->codec[i] = content_codec_create();
		if (!l->codec[i])
			return -ENOMEM;
	}
	for (i = 0; i < l->mem->nr; i++) {
		l->in_pool[i] = mem_backend_in_pool(l->mem->range[i].backend);
		if (!l->in_pool[i])
			l->import.refused |= 1U << i;
	}
	return 0;
}

struct memory_loader *memory_loader_create(struct stream *s,
					   struct tarn_mem *mem,
					   struct workers *workers,
					   struct prefetch *prefetch,
					   struct memory_progress *progress)
{
	struct memory_loader *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->s = s;
	l->mem = mem;
	l->workers = workers;
	l->prefetch = prefetch;
	l->progress = progress;
	l->import.ch = &s->ch;
	if (!prepare(l))
		return l;
	memory_loader_destroy(l);
	return NULL;
}

void memory_loader_destroy(struct memory_loader *l)
{
	unsigned int i;

	if (!l)
		return;
	workers_drop(l->workers);
	for (i = 0; i < l->chunks; i++) {
		free(l->chunk[i].frame);
		free(l->chunk[i].data);
	}
	for (i = 0; i < WORKERS_MAX; i++)
		content_codec_destroy(l->codec[i]);
	same_free(&l->same);
	free(l);
}
