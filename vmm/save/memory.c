// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory to and from a stream; see memory.h. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/tarn.h>

#include "error.h"
#include "save/memory.h"

#define CHUNK STREAM_PAGES_MAX
#define WORDS (STREAM_PAGE_SIZE / sizeof(u64))

/**
 * struct run - pages that go into one record.
 * @kind: enum stream_pages_kind, 0 for none
 * @word: of a pattern
 */
struct run {
	u64 gpa;
	u32 count;
	u16 kind;
	u16 flags;
	u64 word;
	const u8 *data;
};

/**
 * struct saver - memory that is being written.
 * @buf: a chunk of content
 * @states: enum tarn_page_state of its pages
 * @pool: the range is in a pool that can be looked into
 */
struct saver {
	struct stream *s;
	struct memory_progress *progress;
	u8 *buf;
	u8 states[CHUNK];
	struct run run;
	bool pool;
};

/* Writing */

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
	u32 len = sizeof(head.pages), body = 0;
	int ret;

	if (!run->kind)
		return 0;
	if (run->kind == STREAM_PAGES_PATTERN)
		len = sizeof(head);
	if (run->kind == STREAM_PAGES_DATA)
		body = run->count << STREAM_PAGE_SHIFT;
	ret = stream_put(sv->s, run->kind == STREAM_PAGES_BALLOON ?
					STREAM_BALLOON : STREAM_PAGES,
			 &head, len, run->data, body);
	run->kind = 0;
	return ret;
}

/* Runs of content end with their chunk, whose buffer is used again. */
static bool goes_on(const struct run *run, const struct run *next)
{
	return run->kind == next->kind && run->flags == next->flags &&
	       run->word == next->word && run->count < UINT32_MAX &&
	       run->gpa + ((u64)run->count << STREAM_PAGE_SHIFT) == next->gpa;
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

static bool same_words(const u8 *data)
{
	return !memcmp(data, data + sizeof(u64),
		       STREAM_PAGE_SIZE - sizeof(u64));
}

static int add_page(struct saver *sv, u64 gpa, const u8 *data, u8 state)
{
	struct run page = {.gpa = gpa, .count = 1};

	if (state == TARN_PAGE_EMPTY)
		return 0;
	if (state == TARN_PAGE_BALLOON) {
		page.kind = STREAM_PAGES_BALLOON;
		sv->progress->balloon_pages++;
		return add(sv, &page);
	}
	if (state == TARN_PAGE_PAGED)
		page.flags = STREAM_PAGES_PAGED;
	if (same_words(data)) {
		memcpy(&page.word, data, sizeof(page.word));
		page.word = le64toh(page.word);
		page.kind = page.word ? STREAM_PAGES_PATTERN
				      : STREAM_PAGES_ZERO;
		sv->progress->same_pages++;
	} else {
		page.kind = STREAM_PAGES_DATA;
		page.data = data;
		sv->progress->data_pages++;
	}
	/* Zeroes have nothing to be paged. */
	if (page.kind == STREAM_PAGES_ZERO)
		page.flags = 0;
	if (page.flags)
		sv->progress->paged_pages++;
	return add(sv, &page);
}

/* Content and states by the module. Returns the pages read or -errno. */
static int read_pool(struct saver *sv, const struct mem_range *range, u64 off,
		     u32 count)
{
	struct tarn_partition_read r = {
		.size = sizeof(r),
		.start = (range->fd_offset + off) >> STREAM_PAGE_SHIFT,
		.count = count,
		.data = (uintptr_t)sv->buf,
		.states = (uintptr_t)sv->states,
	};

	if (ioctl(range->fd, TARN_PARTITION_READ, &r))
		return -errno;
	return r.count;
}

/*
 * A hole of a file would get pages by being read. Other memory does not: what
 * was never touched is read as the kernel's page of zeroes.
 */
static void find_holes(struct saver *sv, const struct mem_range *range, u64 off,
		       u32 count)
{
	off_t start = range->fd_offset + off, pos = start, data;
	off_t end = start + (off_t)count * STREAM_PAGE_SIZE;

	memset(sv->states, TARN_PAGE_RESIDENT, count);
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
			memset(sv->states + ((pos - start) >> STREAM_PAGE_SHIFT),
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

static int save_pool(struct saver *sv, const struct mem_range *range, u64 off,
		     u32 count)
{
	int n = read_pool(sv, range, off, count);
	int i, ret = 0;

	if (n <= 0) {
		err("guest memory at %#llx cannot be read: %s",
		    (unsigned long long)(range->gpa + off),
		    n == -EAGAIN ? "it is paged and the pool has no pager; start tarn-pager"
				 : strerror(n ? -n : EIO));
		return n ?: -EIO;
	}
	for (i = 0; i < n && !ret; i++)
		ret = add_page(sv, range->gpa + off + i * STREAM_PAGE_SIZE,
			       sv->buf + i * STREAM_PAGE_SIZE, sv->states[i]);
	return ret ?: n;
}

static int save_plain(struct saver *sv, const struct mem_range *range, u64 off,
		      u32 count)
{
	u32 i;
	int ret = 0;

	find_holes(sv, range, off, count);
	for (i = 0; i < count && !ret; i++)
		ret = add_page(sv, range->gpa + off + i * STREAM_PAGE_SIZE,
			       range->hva + off + i * STREAM_PAGE_SIZE,
			       sv->states[i]);
	return ret ?: (int)count;
}

static int save_range(struct saver *sv, const struct mem_range *range)
{
	u64 off = 0;
	int ret;

	sv->pool = mem_backend_in_pool(range->backend) &&
		   read_pool(sv, range, 0, 0) >= 0;
	while (off < range->size) {
		u32 count = min_t(u64, (range->size - off) >> STREAM_PAGE_SHIFT,
				  CHUNK);

		ret = sv->pool ? save_pool(sv, range, off, count)
			       : save_plain(sv, range, off, count);
		if (ret < 0)
			return ret;
		if (sv->run.kind == STREAM_PAGES_DATA) {
			int bad = flush(sv);

			if (bad)
				return bad;
		}
		off += (u64)ret << STREAM_PAGE_SHIFT;
		WRITE_ONCE(sv->progress->done,
			   sv->progress->done +
				   ((u64)ret << STREAM_PAGE_SHIFT));
	}
	return flush(sv);
}

int memory_save(struct stream *s, const struct tarn_mem *mem,
		struct memory_progress *progress)
{
	struct saver *sv = calloc(1, sizeof(*sv));
	unsigned int i;
	int ret = -ENOMEM;

	if (!sv)
		return ret;
	sv->buf = malloc(CHUNK * STREAM_PAGE_SIZE);
	if (!sv->buf)
		goto out;
	sv->s = s;
	sv->progress = progress;
	progress->total = mem->size;
	for (i = 0, ret = 0; i < mem->nr && !ret; i++)
		ret = save_range(sv, &mem->range[i]);
out:
	free(sv->buf);
	free(sv);
	return ret;
}

/* Reading */

/*
 * What a page that comes back touches first must not be 2 MiB: those of a guest of which
 * much was paged would all be there. Advice, as when it was mapped.
 */
static void advise(const struct tarn_mem *mem, int advice)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++)
		if (mem_backend_in_pool(mem->range[i].backend))
			madvise(mem->range[i].hva, mem->range[i].size, advice);
}

int memory_clear(struct tarn_mem *mem)
{
	unsigned int i;
	int ret;

	advise(mem, MADV_NOHUGEPAGE);

	for (i = 0; i < mem->nr; i++) {
		ret = tarn_mem_discard(mem, mem->range[i].gpa,
				       mem->range[i].size);
		if (ret)
			return err_errno(ret, "guest memory at %#llx cannot be emptied to restore a guest into it",
					 (unsigned long long)mem->range[i].gpa);
	}
	return 0;
}

/* Where it cannot be done the page just stays; nothing of it is content. */
static void page_out(const struct mem_range *range, u64 gpa, u64 len)
{
	struct tarn_partition_range r = {
		.size = sizeof(r),
		.start = (range->fd_offset + (gpa - range->gpa)) >>
			 STREAM_PAGE_SHIFT,
		.count = len >> STREAM_PAGE_SHIFT,
	};

	if (mem_backend_in_pool(range->backend) &&
	    ioctl(range->fd, TARN_PARTITION_PAGE_OUT, &r))
		info("pages that were paged stay in memory: %s",
		     strerror(errno));
}

/* What a page holds is known: it needs no frame. Where it can't be told it has one. */
static void give_up(const struct mem_range *range, u64 off, u64 len)
{
	struct tarn_partition_range r = {
		.size = sizeof(r),
		.start = (range->fd_offset + off) >> STREAM_PAGE_SHIFT,
		.count = len >> STREAM_PAGE_SHIFT,
	};

	if (mem_backend_in_pool(range->backend))
		ioctl(range->fd, TARN_PARTITION_PATTERNS, &r);
}

/* A chunk at a time, so that no more of it has frames at once. */
static void fill(const struct mem_range *range, u64 off, u64 len, const u8 *word)
{
	u64 end = off + len, n, i;

	for (; off < end; off += n) {
		n = min_t(u64, end - off, (u64)CHUNK << STREAM_PAGE_SHIFT);
		for (i = 0; i < n; i += sizeof(u64))
			memcpy(range->hva + off + i, word, sizeof(u64));
		give_up(range, off, n);
	}
}

/* Cleared memory is as the guest left it, too: it just counts as what it may use. */
static void give_to_balloon(struct tarn_mem *mem, const struct stream_pages *head)
{
	int ret = tarn_mem_inflate(mem, head->gpa,
				   (u64)head->count << STREAM_PAGE_SHIFT);

	if (ret)
		info("pages of the balloon are not told apart: %s", strerror(-ret));
}

void memory_loaded(const struct tarn_mem *mem)
{
	advise(mem, MADV_HUGEPAGE);
}

int memory_load(struct tarn_mem *mem, const struct stream_record *rec,
		struct memory_progress *progress)
{
	struct stream_pages head;
	struct mem_range *range;
	const u8 *body;
	u64 len, off;
	int ret = stream_pages_get(rec, &head, &body);

	if (ret)
		return ret;
	len = (u64)head.count << STREAM_PAGE_SHIFT;
	range = tarn_mem_range(mem, head.gpa, len);
	if (!range) {
		err("the saved guest is damaged: it has memory at %#llx, this machine has none there",
		    (unsigned long long)head.gpa);
		return -EINVAL;
	}
	off = head.gpa - range->gpa;
	if (head.kind == STREAM_PAGES_DATA) {
		memcpy(range->hva + off, body, len);
		progress->data_pages += head.count;
	} else if (head.kind == STREAM_PAGES_BALLOON) {
		give_to_balloon(mem, &head);
		progress->balloon_pages += head.count;
	} else {
		/* Zeroes are what cleared memory has. */
		if (head.kind == STREAM_PAGES_PATTERN)
			fill(range, off, len, body);
		progress->same_pages += head.count;
	}
	if (head.flags & STREAM_PAGES_PAGED) {
		page_out(range, head.gpa, len);
		progress->paged_pages += head.count;
	}
	/* What is passed over was never written, or comes behind. */
	WRITE_ONCE(progress->done,
		   min_t(u64, progress->done + len, progress->total));
	return 0;
}
