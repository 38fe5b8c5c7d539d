// SPDX-License-Identifier: GPL-2.0-only
/* See poison.h. */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/percpu.h>
#include <linux/tarn_pager.h>
#include <linux/uaccess.h>

#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "pool/chunk.h"
#include "pool/event.h"
#include "pool/frame.h"
#include "pool/partition.h"
#include "pool/poison.h"
#include "pool/pool.h"

/**
 * tarn_poison_page() - a page turns out to be in a frame with a memory error
 * @part: partition; the caller has its inode
 * @index: page
 * @frame: its frame, whose page is locked
 *
 * The first time it is counted, told, and unmapped: who touches the page shall
 * come to the module and not to a machine check.
 *
 * Context: process.
 */
void tarn_poison_page(struct tarn_partition *part, u64 index, u64 frame)
{
	struct tarn_chunk *chunk = tarn_chunk_of(part->pool, frame);

	if (!tarn_frame_mark_poisoned(part->pool, frame))
		return;
	if (PageHead(chunk->page) && tarn_chunk_break(chunk))
		tarn_stats_add(part, TARN_STAT_BLOCK_SPLITS, 1);
	tarn_partition_unmap(part, index, 1);
	tarn_event(part->pool, TARN_EVENT_MEMORY_ERROR, part->id, index, frame);
}

/* The same of a frame that no page is in. May be under pool->wait_lock. */
void tarn_poison_frame(struct tarn_pool *pool, u64 frame)
{
	if (tarn_frame_mark_poisoned(pool, frame))
		tarn_event(pool, TARN_EVENT_MEMORY_ERROR, TARN_PARTITION_NONE,
			   0, frame);
}

/*
 * To read memory that has an error the kernel does not know of yet stops the machine,
 * but for copies that say so. Where they are more than plain ones the processor has ERMS, or
 * is one of Intel's for servers, or the kernel was started with mce=recovery, which cannot
 * be seen from here. Elsewhere to look at a copy guards nothing.
 */
static bool copies_guard(void)
{
#ifdef TARN_DEBUG
	return true;
#else
	return cpu_feature_enabled(X86_FEATURE_ERMS) ||
	       boot_cpu_data.x86_vendor == X86_VENDOR_INTEL;
#endif
}

/* False: it can't be read, and is marked if it was not yet. */
static bool copy_from(void *to, struct page *from, size_t at, size_t bytes)
{
	void *src = kmap_local_page(from);
	bool bad = tarn_poisoned(from) ||
		   copy_mc_to_kernel(to, src + at, bytes);

	kunmap_local(src);
	if (bad && !tarn_poisoned(from))
		memory_failure_queue(page_to_pfn(from), 0);
	return !bad;
}

/* Copy a frame. False: it can't be read. */
bool tarn_poison_copy(struct page *to, struct page *from)
{
	void *dst = kmap_local_page(to);
	bool copied = copy_from(dst, from, 0, PAGE_SIZE);

	kunmap_local(dst);
	return copied;
}

/* A page a processor, for what is looked at. */
static void __percpu *looks;

/**
 * tarn_poison_look_at() - what a frame holds, to look at
 * @page: of the frame; if somebody changes it, that may be seen, or not
 * @at: from this byte on
 * @bytes: as many
 *
 * Context: process; does not sleep before tarn_poison_looked().
 * Return: the bytes, or a copy of them; NULL: they can't be read, and
 * tarn_poison_looked() is not due.
 */
const void *tarn_poison_look_at(struct page *page, size_t at, size_t bytes)
{
	void *copy;

	if (!copies_guard())
		return tarn_poisoned(page) ? NULL : kmap_local_page(page) + at;
	copy = get_cpu_ptr(looks);
	if (copy_from(copy, page, at, bytes))
		return copy;
	put_cpu_ptr(looks);
	return NULL;
}

void tarn_poison_looked(const void *seen)
{
	if (copies_guard())
		put_cpu_ptr(looks);
	else
		kunmap_local(seen);
}

/* The checksum of a frame that nobody changes. False: it can't be read. */
bool tarn_poison_sum(struct page *page, u32 *sum)
{
	const void *seen = tarn_poison_look(page, PAGE_SIZE);

	if (!seen)
		return false;
	*sum = tarn_page_sum(seen);
	tarn_poison_looked(seen);
	return true;
}

/* Of a page or a part of it, a multiple of 64 bytes. The kernel's own looks at each word. */
static bool equal_words(const u64 *a, const u64 *b, size_t bytes)
{
	const u64 *end = a + bytes / sizeof(*a);

	for (; a < end; a += 8, b += 8)
		if ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) |
		    (a[3] ^ b[3]) | (a[4] ^ b[4]) | (a[5] ^ b[5]) |
		    (a[6] ^ b[6]) | (a[7] ^ b[7]))
			return false;
	return true;
}

static bool equal_in_place(struct page *a, struct page *b)
{
	void *left = kmap_local_page(a), *right = kmap_local_page(b);
	bool equal = !tarn_poisoned(a) && !tarn_poisoned(b) &&
		     equal_words(left, right, PAGE_SIZE);

	kunmap_local(right);
	kunmap_local(left);
	return equal;
}

/**
 * tarn_poison_equal() - do two frames hold the same?
 * @a: page of one
 * @b: page of the other; while somebody may write to either the answer is a guess
 *
 * Context: process.
 * Return: false also if either can't be read.
 */
bool tarn_poison_equal(struct page *a, struct page *b)
{
	const size_t half = PAGE_SIZE / 2;
	bool equal = true;
	void *copy;
	size_t at;

	if (!copies_guard())
		return equal_in_place(a, b);
	copy = get_cpu_ptr(looks);
	for (at = 0; at < PAGE_SIZE && equal; at += half)
		equal = copy_from(copy, a, at, half) &&
			copy_from(copy + half, b, at, half) &&
			equal_words(copy, copy + half, half);
	put_cpu_ptr(looks);
	return equal;
}

/**
 * tarn_poison_found() - was it a memory error that ended a copy to user space?
 * @page: the page that was copied from
 *
 * Looks at the page once more and not at the user's memory, which may be there by
 * now without having been there then.
 *
 * Context: process.
 */
bool tarn_poison_found(struct page *page)
{
	struct page *scratch;
	bool found;

	if (tarn_poisoned(page))
		return true;
	scratch = alloc_page(GFP_KERNEL);
	if (!scratch)
		return false;
	found = !tarn_poison_copy(scratch, page);
	__free_page(scratch);
	return found;
}

int tarn_poison_init(void)
{
	looks = __alloc_percpu(PAGE_SIZE, SMP_CACHE_BYTES);
	return looks ? 0 : -ENOMEM;
}

void tarn_poison_exit(void)
{
	free_percpu(looks);
}
