// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory to a stream; see memory.h. Workers read chunks and find out what is in
 * them; the thread of the stream writes them in their order. So many chunks are in hand
 * at a time as keep the workers busy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/tarn.h>

#include "error.h"
#include "save/content.h"
#include "save/memory.h"
#include "save/pool.h"
#include "save/prefetch.h"
#include "save/same.h"
#include "save/workers.h"

#define CHUNK STREAM_PAGES_MAX
#define CHUNKS (2 * WORKERS_MAX + 2)

/**
 * struct run - pages that go into one record.
 * @kind: enum stream_pages_kind, 0 for none
 * @flags: STREAM_PAGES_PAGED
 * @word: of a pattern; SAME: where the same is
 */
struct run {
	u64 gpa;
	u32 count;
	u16 kind;
	u16 flags;
	u64 word;
};

/**
 * struct page - what a page is: as of struct run.
 * @kind: STREAM_PAGES_DATA is in the chunk's content
 */
struct page {
	u16 kind;
	u16 flags;
	u64 word;
};

struct saver;

/**
 * struct chunk - pages that are in hand.
 * @range, @off, @count: where they are; no more than CHUNK, and aligned to that
 * @ret: 0, or why the page at @failed cannot be read
 * @head, @entry: of its content
 * @data: the pages, then those with content alone
 * @packed: these compressed, NULL: they are not to be
 * @body: one of these
 */
struct chunk {
	struct work work;
	struct saver *sv;
	const struct mem_range *range;
	u64 off;
	u32 count;
	int ret;
	u64 failed;
	u8 states[CHUNK];
	u8 heat[CHUNK];
	struct page page[CHUNK];
	struct stream_content head;
	struct stream_entry entry[CHUNK];
	u8 *data;
	u8 *packed;
	const u8 *body;
};

/**
 * struct saver - memory that is being written.
 * @codec: of each worker
 * @in_pool: the range is in a pool that can be looked into
 * @range, @off: the next chunk's
 * @posted, @taken: chunks so far
 */
struct saver {
	struct stream *s;
	const struct tarn_mem *mem;
	struct memory_progress *progress;
	struct workers *workers;
	struct prefetch *prefetch;
	struct same_list same;
	struct content_codec *codec[WORKERS_MAX];
	bool in_pool[MEM_MAX_RANGES];
	unsigned int range;
	u64 off;
	struct run run;
	unsigned int chunks;
	u64 posted;
	u64 taken;
	struct chunk chunk[CHUNKS];
};

/* What is in a chunk: workers */

static u64 gpa_of(const struct chunk *c, u32 page)
{
	return c->range->gpa + c->off + (u64)page * STREAM_PAGE_SIZE;
}

/* What others hold is not read. */
static void mark_same(struct chunk *c)
{
	const struct same_list *same = &c->sv->same;
	u64 start = gpa_of(c, 0), end = gpa_of(c, c->count), gpa;
	size_t i;

	memset(c->page, 0, sizeof(c->page));
	for (i = same_find(same, start); i < same->nr; i++) {
		const struct same_run *run = &same->run[i];
		u64 run_end = run->gpa + run->count * STREAM_PAGE_SIZE;

		for (gpa = max_t(u64, start, run->gpa);
		     gpa < min_t(u64, end, run_end); gpa += STREAM_PAGE_SIZE)
			c->page[(gpa - start) >> STREAM_PAGE_SHIFT] =
				(struct page){.kind = STREAM_PAGES_SAME,
					      .word = run->source + gpa -
						      run->gpa};
		if (run_end >= end)
			return;
	}
}

static bool is_same(const struct chunk *c, u32 page)
{
	return c->page[page].kind == STREAM_PAGES_SAME;
}

/* From @page to @end. Content and states by the module. */
static int read_pool(struct chunk *c, u32 page, u32 end)
{
	int n;

	for (; page < end; page += n) {
		n = pool_read(c->range,
			      c->off + (u64)page * STREAM_PAGE_SIZE, end - page,
			      c->data + page * STREAM_PAGE_SIZE,
			      c->states + page);
		if (n <= 0) {
			c->failed = gpa_of(c, page);
			return n ?: -EIO;
		}
	}
	return 0;
}

/* What is on its way into memory counts as there, and as used as it was. */
static void mark_wanted(struct chunk *c, const u8 *wanted)
{
	u32 i;

	for (i = 0; i < c->count; i++) {
		if (!wanted[i] || c->states[i] != TARN_PAGE_PAGED)
			continue;
		c->states[i] = TARN_PAGE_RESIDENT;
		c->heat[i] = wanted[i];
	}
}

static int look_into_pool(struct chunk *c)
{
	u8 wanted[CHUNK];
	u32 page = 0, end;
	int ret = 0;

	/* Before they are looked at: one may come in between. */
	prefetch_wanted(c->sv->prefetch, c->range, c->off, c->count, wanted);
	mark_same(c);
	while (page < c->count && !ret) {
		end = page;
		while (end < c->count && !is_same(c, end))
			end++;
		ret = read_pool(c, page, end);
		for (page = end; page < c->count && is_same(c, page);)
			page++;
	}
	if (ret)
		return ret;
	pool_heat(c->range, c->off, c->count, c->heat);
	mark_wanted(c, wanted);
	return 0;
}

/*
 * A hole of a file would get pages by being read. Other memory does not: what
 * was never touched is read as the kernel's page of zeroes.
 */
static void find_holes(struct chunk *c)
{
	const struct mem_range *range = c->range;
	off_t start = range->fd_offset + c->off, pos = start, data;
	off_t end = start + (off_t)c->count * STREAM_PAGE_SIZE;

	memset(c->states, TARN_PAGE_RESIDENT, c->count);
	if (range->fd < 0 || !range->backend->share)
		return;
	while (pos < end) {
		data = lseek(range->fd, pos, SEEK_DATA);
		/* ENXIO: holes up to the end. Any other: nobody knows. */
		if (data < 0 && errno != ENXIO)
			return;
		data = data < 0 ? end : min_t(off_t, data, end);
		data = ALIGN_DOWN(data, (off_t)STREAM_PAGE_SIZE);
		if (data > pos)
			memset(c->states + ((pos - start) >> STREAM_PAGE_SHIFT),
			       TARN_PAGE_EMPTY,
			       (data - pos) >> STREAM_PAGE_SHIFT);
		if (data == end)
			return;
		pos = lseek(range->fd, data, SEEK_HOLE);
		if (pos < 0)
			return;
		pos = ALIGN_UP(pos, (off_t)STREAM_PAGE_SIZE);
	}
}

static void look_into_plain(struct chunk *c)
{
	memset(c->page, 0, sizeof(c->page));
	memset(c->heat, TARN_ACTIVITY_NONE, sizeof(c->heat));
	find_holes(c);
}

static bool same_words(const u8 *data)
{
	return !memcmp(data, data + sizeof(u64),
		       STREAM_PAGE_SIZE - sizeof(u64));
}

static struct page page_of(const u8 *data, u8 state)
{
	struct page page = {0};

	if (state == TARN_PAGE_EMPTY)
		return page;
	if (state == TARN_PAGE_BALLOON) {
		page.kind = STREAM_PAGES_BALLOON;
		return page;
	}
	if (state == TARN_PAGE_PAGED)
		page.flags = STREAM_PAGES_PAGED;
	if (!same_words(data)) {
		page.kind = STREAM_PAGES_DATA;
		return page;
	}
	memcpy(&page.word, data, sizeof(page.word));
	page.word = le64toh(page.word);
	page.kind = page.word ? STREAM_PAGES_PATTERN : STREAM_PAGES_ZERO;
	/* Zeroes have nothing to be paged. */
	if (page.kind == STREAM_PAGES_ZERO)
		page.flags = 0;
	return page;
}

/* Content goes together, behind that of the pages before. */
static void add_content(struct chunk *c, u32 page, const u8 *data)
{
	u8 *to = c->data + c->head.count * STREAM_PAGE_SIZE;

	if (to != data)
		memmove(to, data, STREAM_PAGE_SIZE);
	c->entry[c->head.count++] = (struct stream_entry){
		.page = gpa_of(c, page) >> STREAM_PAGE_SHIFT,
		.flags = c->page[page].flags,
		.heat = c->heat[page],
	};
}

static void sort(struct chunk *c, bool in_pool)
{
	const u8 *data = in_pool ? c->data : c->range->hva + c->off;
	u32 i;

	c->head = (struct stream_content){
		.gpa = ALIGN_DOWN(gpa_of(c, 0), (u64)CONTENT_MAX),
	};
	for (i = 0; i < c->count; i++, data += STREAM_PAGE_SIZE) {
		if (is_same(c, i))
			continue;
		c->page[i] = page_of(data, c->states[i]);
		if (c->page[i].kind == STREAM_PAGES_DATA)
			add_content(c, i, data);
	}
}

static void pack(struct chunk *c, struct content_codec *codec)
{
	u32 plain = c->head.count << STREAM_PAGE_SHIFT, n = 0;

	content_sum(c->entry, c->head.count, c->data);
	if (c->packed && plain)
		n = content_compress(codec, c->data, plain, c->packed);
	c->head.encoding = n ? STREAM_ZSTD : STREAM_PLAIN;
	c->head.bytes = n ?: plain;
	c->body = n ? c->packed : c->data;
}

static void chunk_run(struct work *work, unsigned int worker)
{
	struct chunk *c = container_of(work, struct chunk, work);
	struct saver *sv = c->sv;
	bool in_pool = sv->in_pool[c->range - sv->mem->range];

	c->ret = 0;
	if (in_pool)
		c->ret = look_into_pool(c);
	else
		look_into_plain(c);
	if (c->ret)
		return;
	sort(c, in_pool);
	pack(c, sv->codec[worker]);
}

/* Writing: the thread of the stream */

static int flush(struct saver *sv)
{
	struct run *run = &sv->run;
	struct {
		struct stream_pages pages;
		u64 word;
	} __attribute__((packed)) head = {
		.pages = {
			.gpa = htole64(run->gpa),
			.count = htole32(run->count),
			.kind = htole16(run->kind),
			.flags = htole16(run->flags),
		},
		.word = htole64(run->word),
	};
	bool word = run->kind == STREAM_PAGES_PATTERN ||
		    run->kind == STREAM_PAGES_SAME;
	u32 type = run->kind == STREAM_PAGES_BALLOON ? STREAM_BALLOON
						     : STREAM_PAGES;

	if (!run->kind)
		return 0;
	run->kind = 0;
	return stream_put(sv->s, type, &head,
			  word ? sizeof(head) : sizeof(head.pages), NULL, 0);
}

static bool goes_on(const struct run *run, const struct run *next)
{
	u64 bytes = (u64)run->count << STREAM_PAGE_SHIFT;
	u64 word = run->word;

	if (run->kind == STREAM_PAGES_SAME)
		word += bytes;
	return run->kind == next->kind && run->flags == next->flags &&
	       word == next->word && run->count < UINT32_MAX &&
	       run->gpa + bytes == next->gpa;
}

static int add(struct saver *sv, const struct run *page)
{
	int ret;

	if (goes_on(&sv->run, page)) {
		sv->run.count++;
		return 0;
	}
	ret = flush(sv);
	sv->run = *page;
	return ret;
}

static void count_page(struct memory_progress *progress,
		       const struct page *page)
{
	if (page->kind == STREAM_PAGES_BALLOON)
		progress->balloon_pages++;
	else if (page->kind == STREAM_PAGES_DATA)
		progress->data_pages++;
	else if (page->kind)
		progress->same_pages++;
	if (page->flags & STREAM_PAGES_PAGED)
		progress->paged_pages++;
}

/* Content comes first: what is the same as a page of it refers to something that was. */
static int put_chunk(struct saver *sv, const struct chunk *c)
{
	int ret = 0;
	u32 i;

	if (c->head.count)
		ret = stream_put_content(sv->s, &c->head, c->entry, c->body);
	for (i = 0; i < c->count && !ret; i++) {
		const struct page *page = &c->page[i];
		const struct run run = {
			.gpa = gpa_of(c, i),
			.count = 1,
			.kind = page->kind,
			.flags = page->flags,
			.word = page->word,
		};

		count_page(sv->progress, page);
		if (page->kind && page->kind != STREAM_PAGES_DATA)
			ret = add(sv, &run);
	}
	/* A run lies in one range. */
	if (!ret && c->off + (u64)c->count * STREAM_PAGE_SIZE == c->range->size)
		ret = flush(sv);
	WRITE_ONCE(sv->progress->done,
		   sv->progress->done + ((u64)c->count << STREAM_PAGE_SHIFT));
	return ret;
}

/* The next one in hand, if there is one. */
static bool post_next(struct saver *sv)
{
	struct chunk *c = &sv->chunk[sv->posted % sv->chunks];
	const struct mem_range *range;
	u64 end;

	if (sv->range < sv->mem->nr &&
	    sv->off == sv->mem->range[sv->range].size) {
		sv->range++;
		sv->off = 0;
	}
	if (sv->range == sv->mem->nr)
		return false;
	range = &sv->mem->range[sv->range];
	end = ALIGN_DOWN(range->gpa + sv->off, (u64)CONTENT_MAX) + CONTENT_MAX;
	end = min_t(u64, end - range->gpa, range->size);
	c->range = range;
	c->off = sv->off;
	c->count = (end - sv->off) >> STREAM_PAGE_SHIFT;
	sv->off = end;
	sv->posted++;
	workers_post(sv->workers, &c->work);
	return true;
}

static int save_all(struct saver *sv)
{
	struct work *work;
	struct chunk *c;
	int ret;

	do {
		while (sv->posted - sv->taken < sv->chunks && post_next(sv))
			;
		ret = workers_take(sv->workers, sv->s->ch.cancel, &work);
		if (ret <= 0)
			break;
		sv->taken++;
		c = container_of(work, struct chunk, work);
		ret = c->ret ? pool_read_error(c->failed, c->ret) : put_chunk(sv, c);
	} while (!ret);
	workers_drop(sv->workers);
	return ret;
}

static int prepare(struct saver *sv, bool compress)
{
	const struct tarn_mem *mem = sv->mem;
	unsigned int i;

	sv->chunks = 2 * workers_nr(sv->workers) + 2;
	for (i = 0; i < sv->chunks; i++) {
		struct chunk *c = &sv->chunk[i];

		c->sv = sv;
		c->work.run = chunk_run;
		c->data = aligned_alloc(STREAM_PAGE_SIZE, CONTENT_MAX);
		c->packed = compress ? malloc(CONTENT_MAX) : NULL;
		if (!c->data || (compress && !c->packed))
			return -ENOMEM;
	}
	for (i = 0; i < workers_nr(sv->workers); i++) {
		sv->codec[i] = content_codec_create();
		if (!sv->codec[i])
			return -ENOMEM;
	}
	for (i = 0; i < mem->nr; i++)
		sv->in_pool[i] = mem_backend_in_pool(mem->range[i].backend) &&
				 pool_read(&mem->range[i], 0, 0, sv->chunk->data,
					   sv->chunk->states) >= 0;
	return same_collect(&sv->same, mem, sv->s->ch.cancel);
}

static void saver_destroy(struct saver *sv)
{
	unsigned int i;

	for (i = 0; i < sv->chunks; i++) {
		free(sv->chunk[i].data);
		free(sv->chunk[i].packed);
	}
	for (i = 0; i < WORKERS_MAX; i++)
		content_codec_destroy(sv->codec[i]);
	same_free(&sv->same);
	free(sv);
}

int memory_save(struct stream *s, const struct tarn_mem *mem,
		struct workers *workers, struct prefetch *prefetch,
		bool compress, struct memory_progress *progress)
{
	struct saver *sv = calloc(1, sizeof(*sv));
	int ret;

	if (!sv)
		return -ENOMEM;
	sv->s = s;
	sv->mem = mem;
	sv->workers = workers;
	sv->prefetch = prefetch;
	sv->progress = progress;
	progress->total = mem->size;
	ret = prepare(sv, compress);
	ret = ret ?: save_all(sv);
	saver_destroy(sv);
	return ret;
}
