// SPDX-License-Identifier: GPL-2.0-only
/* See pattern.h. */
#include <linux/align.h>
#include <linux/cache.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "pool/partition.h"
#include "pool/pattern.h"
#include "pool/poison.h"
#include "pool/pool.h"

/* ---- content ------------------------------------------------------------ */

/* Words that are compared before one looks whether any differs. */
#define STRIDE	8

static bool all_are(const u64 *p, size_t words, u64 word)
{
	const u64 *end = p + words;

	for (; p < end; p += STRIDE)
		if ((p[0] ^ word) | (p[1] ^ word) | (p[2] ^ word) |
		    (p[3] ^ word) | (p[4] ^ word) | (p[5] ^ word) |
		    (p[6] ^ word) | (p[7] ^ word))
			return false;
	return true;
}

/* Most pages show at once that they are none, most others soon: it is read up to here, and on. */
static const u16 steps[] = { SMP_CACHE_BYTES, 512, PAGE_SIZE };

/* Is it one word from byte @at to @end? At its beginning that is found. False also: it can't be read. */
static bool goes_on(struct page *page, size_t at, size_t end, u64 *word)
{
	const u64 *seen = tarn_poison_look_at(page, at, end - at);
	bool all;

	if (!seen)
		return false;
	if (!at)
		*word = READ_ONCE(seen[0]);
	all = all_are(seen, (end - at) / sizeof(*seen), *word);
	tarn_poison_looked(seen);
	return all;
}

/**
 * tarn_pattern_find() - is all of a frame one word over and over?
 * @page: of the frame; while somebody may write to it the answer is a guess
 * @word: that word, if it is
 *
 * Context: process. Reads no more than it takes to see that it is none, nothing twice, and
 * stops at a memory error.
 */
bool tarn_pattern_find(struct page *page, u64 *word)
{
	unsigned int i;
	size_t at = 0;

	BUILD_BUG_ON(SMP_CACHE_BYTES % (STRIDE * sizeof(u64)));
	for (i = 0; i < ARRAY_SIZE(steps); at = steps[i++])
		if (!goes_on(page, at, steps[i], word))
			return false;
	return true;
}

/* Nobody else writes to it. */
void tarn_pattern_fill(struct page *page, u64 word)
{
	u64 *p = kmap_local_page(page);

	memset64(p, word, PAGE_SIZE / sizeof(*p));
	kunmap_local(p);
}

/* ---- where the word is -------------------------------------------------- */

static u32 *lower_half(atomic64_t *entry)
{
	struct tarn_leaf *leaf = tarn_leaf_of(entry);

	return &leaf->sum[entry - leaf->entry];
}

/* The entry of a page that is a pattern. */
u64 tarn_pattern_entry(u64 word)
{
	return tarn_entry_make(TARN_PAGE_PATTERN, upper_32_bits(word));
}

/**
 * tarn_pattern_keep() - the half of a word that the entry has no room for
 * @part: partition
 * @entry: of the page, which the caller has in hand; it does not say pattern yet
 * @word: the word
 *
 * Context: process.
 * Return: false without memory.
 */
bool tarn_pattern_keep(struct tarn_partition *part, atomic64_t *entry, u64 word)
{
	if (!tarn_leaf_sums(part, tarn_leaf_of(entry)))
		return false;
	/* Before the full barrier of the entry's change. */
	WRITE_ONCE(*lower_half(entry), lower_32_bits(word));
	return true;
}

/* The word of a page that is known, by an entry that can't change. */
u64 tarn_pattern_word(atomic64_t *entry, u64 e)
{
	if (!tarn_entry_is_pattern(e))
		return 0;
	return tarn_entry_payload(e) << 32 | READ_ONCE(*lower_half(entry));
}

/**
 * tarn_pattern_see() - the word of a page that nobody has in hand
 * @entry: its entry
 * @e: what that was, of a known page
 * @word: where to put it
 *
 * Context: any.
 * Return: false if the entry is another one by now.
 */
bool tarn_pattern_see(atomic64_t *entry, u64 e, u64 *word)
{
	/* With the full barrier of the entry's change: if that is as it was, so was the half. */
	smp_rmb();
	*word = tarn_pattern_word(entry, e);
	/* The same the other way round: the half was read before the entry is. */
	smp_rmb();
	return atomic64_read(entry) == e;
}

/* ---- what is read ------------------------------------------------------- */

/**
 * struct tarn_pattern_frames - what reads of a partition's patterns get
 * @lock: protects the rest
 * @count: how many there are
 * @frame: by no order; each has one reference that is ours
 */
struct tarn_pattern_frames {
	spinlock_t lock;
	unsigned int count;
	struct {
		u64 word;
		struct page *page;
	} frame[TARN_PATTERN_FRAMES_MOST];
};

static struct tarn_pattern_frames *frames_of(struct tarn_partition *part)
{
	struct tarn_pattern_frames *f = READ_ONCE(part->patterns), *other;

	if (f)
		return f;
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return NULL;
	spin_lock_init(&f->lock);
	other = cmpxchg(&part->patterns, NULL, f);
	if (!other)
		return f;
	kfree(f);
	return other;
}

/* One of @f->count. */
static struct page *take_out(struct tarn_pattern_frames *f, unsigned int i)
{
	struct page *page = f->frame[i].page;

	lockdep_assert_held(&f->lock);
	f->frame[i] = f->frame[--f->count];
	return page;
}

/* Nobody gets a reference but under the lock, so nobody will if there is none but ours. */
static bool is_unused(const struct page *page)
{
	return page_ref_count(page) == 1;
}

/* The number of the frame of a word; @f->count: there is none. */
static unsigned int find(const struct tarn_pattern_frames *f, u64 word)
{
	unsigned int i;

	lockdep_assert_held(&f->lock);
	for (i = 0; i < f->count; i++)
		if (f->frame[i].word == word)
			break;
	return i;
}

/* With a memory error it is replaced: what it held is known. */
static struct page *look_up(struct tarn_partition *part,
			    struct tarn_pattern_frames *f, u64 word)
{
	struct page *page = NULL;
	bool bad = false;
	unsigned int i;

	spin_lock(&f->lock);
	i = find(f, word);
	if (i < f->count) {
		bad = tarn_poisoned(f->frame[i].page);
		page = bad ? take_out(f, i) : f->frame[i].page;
		if (!bad)
			get_page(page);
	}
	spin_unlock(&f->lock);
	if (!bad)
		return page;
	atomic64_sub(PAGE_SIZE, &part->pool->metadata);
	/* Wherever it is mapped. */
	tarn_partition_unmap(part, 0, atomic64_read(&part->pages));
	put_page(page);
	return NULL;
}

/* The number of one that is unused; @f->count: there is none. */
static unsigned int find_unused(const struct tarn_pattern_frames *f)
{
	unsigned int i;

	lockdep_assert_held(&f->lock);
	for (i = 0; i < f->count; i++)
		if (is_unused(f->frame[i].page))
			break;
	return i;
}

/* Place for one more, from one that is unused if need be, which goes to @old. */
static bool make_place(struct tarn_pattern_frames *f, struct page **old)
{
	unsigned int i;

	lockdep_assert_held(&f->lock);
	if (f->count < TARN_PATTERN_FRAMES_MOST)
		return true;
	i = find_unused(f);
	if (i == f->count)
		return false;
	*old = take_out(f, i);
	return true;
}

/* A hint, before a frame is made that would have no place. */
static bool has_place(struct tarn_pattern_frames *f)
{
	bool has;

	spin_lock(&f->lock);
	has = f->count < TARN_PATTERN_FRAMES_MOST || find_unused(f) < f->count;
	spin_unlock(&f->lock);
	return has;
}

/* The frame of a word that had none a moment ago, referenced: @page, unless there is another. */
static struct page *add(struct tarn_pattern_frames *f, u64 word,
			struct page *page, struct page **old)
{
	unsigned int i = find(f, word);

	if (i == f->count) {
		if (!make_place(f, old))
			return NULL;
		i = f->count++;
		f->frame[i].word = word;
		f->frame[i].page = page;
	}
	get_page(f->frame[i].page);
	return f->frame[i].page;
}

/**
 * tarn_pattern_get() - the frame that reads of a pattern get
 * @part: partition; the caller has its inode
 * @word: the pattern, not 0
 *
 * Context: process.
 * Return: its page, referenced; NULL if there can be none: the page that is read needs a
 * frame of its own.
 */
struct page *tarn_pattern_get(struct tarn_partition *part, u64 word)
{
	struct tarn_pattern_frames *f = frames_of(part);
	struct page *page, *fresh, *old = NULL;

	if (!f)
		return NULL;
	page = look_up(part, f, word);
	if (page)
		return page;
	fresh = has_place(f) ? alloc_page(GFP_KERNEL_ACCOUNT) : NULL;
	if (!fresh)
		return NULL;
	tarn_pattern_fill(fresh, word);
	spin_lock(&f->lock);
	page = add(f, word, fresh, &old);
	spin_unlock(&f->lock);
	if (page != fresh)
		put_page(fresh);
	else if (!old)
		atomic64_add(PAGE_SIZE, &part->pool->metadata);
	if (old)
		put_page(old);
	return page;
}

/* Give back what nobody uses. Context: process. */
void tarn_pattern_trim(struct tarn_partition *part)
{
	struct tarn_pattern_frames *f = READ_ONCE(part->patterns);
	unsigned int i, n = 0;

	if (!f)
		return;
	spin_lock(&f->lock);
	while ((i = find_unused(f)) < f->count) {
		put_page(take_out(f, i));
		n++;
	}
	spin_unlock(&f->lock);
	atomic64_sub(n * PAGE_SIZE, &part->pool->metadata);
}

/* How many there are; a hint. */
u64 tarn_pattern_frames(struct tarn_partition *part)
{
	struct tarn_pattern_frames *f = READ_ONCE(part->patterns);

	return f ? READ_ONCE(f->count) : 0;
}

/* The partition ends; what somebody holds ends with his reference. */
void tarn_pattern_free(struct tarn_partition *part)
{
	struct tarn_pattern_frames *f = part->patterns;

	if (!f)
		return;
	atomic64_sub(f->count * PAGE_SIZE, &part->pool->metadata);
	while (f->count)
		put_page(f->frame[--f->count].page);
	kfree(f);
}
