// SPDX-License-Identifier: GPL-2.0-only
/*
 * TARN_PARTITION_READ: the content of a range, with the states kept.
 *
 * A resident page is copied out of its frame, a pattern is made where it goes, what a page
 * shares is looked at where it is. For a paged one a load is begun like any other, so its
 * page is marked IN meanwhile and others wait for it; but it ends with the page paged as
 * before, and the frame goes to whoever looks (load.c, peek_settle()). No counter of page-ins
 * moves and no age changes.
 */
#include <linux/completion.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "page/load.h"
#include "page/pagein.h"
#include "page/peek.h"
#include "page/share.h"
#include "pool/canon.h"
#include "pool/copy.h"
#include "pool/frame.h"
#include "pool/partition.h"
#include "pool/pattern.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/wait.h"
#include "pool/waiter.h"

/* Loads that are under way at once. */
#define PEEK_WINDOW	32

#define PEEK_MAX_PAGES	(1U << 20)

/**
 * struct tarn_peek - a look at one paged page
 * @ref: of the looker and of the request; who is last gives the frame back
 * @done: completed by the request
 * @frame: with the content, or TARN_FRAME_NONE
 * @result: 0 or an errno, -EAGAIN: look again
 */
struct tarn_peek {
	refcount_t ref;
	struct completion done;
	u64 frame;
	int result;
};

static void peek_put(struct tarn_peek *peek, struct tarn_pool *pool)
{
	if (!refcount_dec_and_test(&peek->ref))
		return;
	if (peek->frame != TARN_FRAME_NONE)
		tarn_frame_release(pool, peek->frame);
	kfree(peek);
}

/**
 * tarn_peek_end() - the request of a look has ended
 * @peek: the look; the request's reference goes
 * @pool: where its frame is from
 * @frame: with the content, or TARN_FRAME_NONE
 * @result: 0 or an errno
 *
 * Context: process.
 */
void tarn_peek_end(struct tarn_peek *peek, struct tarn_pool *pool, u64 frame,
		   int result)
{
	peek->frame = frame;
	peek->result = result;
	complete(&peek->done);
	peek_put(peek, pool);
}

/* The frame is taken. NULL: the page is not paged any more, or no memory. */
static struct tarn_peek *peek_begin(struct tarn_partition *part, u64 index,
				    u64 frame)
{
	struct tarn_peek *peek = kzalloc(sizeof(*peek), GFP_KERNEL);

	if (!peek)
		goto err_frame;
	refcount_set(&peek->ref, 2);
	init_completion(&peek->done);
	peek->frame = TARN_FRAME_NONE;
	if (!tarn_load_peek(part, index, frame, peek))
		return peek;
	kfree(peek);
err_frame:
	tarn_frame_free(part->pool, frame);
	return NULL;
}

/* Begin what can be begun with frames that nobody else wants. */
static void look_ahead(struct tarn_partition *part, u64 start, u64 count,
		       struct tarn_peek **peeks)
{
	u64 i, frame;

	for (i = 0; i < count; i++) {
		atomic64_t *entry = tarn_partition_entry(part, start + i);
		u64 e = entry ? atomic64_read(entry) : 0;

		peeks[i] = NULL;
		if (!tarn_entry_is_stored(e) ||
		    tarn_entry_mark(e) || tarn_pool_is_low(part->pool))
			continue;
		frame = tarn_frame_alloc(part->pool, numa_node_id());
		if (frame != TARN_FRAME_NONE)
			peeks[i] = peek_begin(part, start + i, frame);
	}
}

/* -EIO: a memory error; -EFAULT: the caller's memory is not at hand. */
static int copy_frame(struct page *page, u8 __user *to)
{
	struct iov_iter iter;
	size_t copied;
	void *p;

	if (tarn_poisoned(page))
		return -EIO;
	iov_iter_ubuf(&iter, ITER_DEST, to, PAGE_SIZE);
	p = kmap_local_page(page);
	pagefault_disable();
	copied = _copy_mc_to_iter(p, PAGE_SIZE, &iter);
	pagefault_enable();
	kunmap_local(p);
	if (copied == PAGE_SIZE)
		return 0;
	return tarn_poison_found(page) ? -EIO : -EFAULT;
}

static int tell_state(u8 state, u8 __user *to)
{
	int ret;

	pagefault_disable();
	ret = put_user(state, to);
	pagefault_enable();
	return ret;
}

/* The frame has a memory error. -EAGAIN: perhaps the pager has the page. */
static int without_frame(struct tarn_partition *part, u64 index)
{
	struct page *page = tarn_page_lock(part, index, 0);

	if (page == ERR_PTR(-EHWPOISON))
		return -EIO;
	if (IS_ERR(page))
		return PTR_ERR(page);
	if (page) {
		unlock_page(page);
		put_page(page);
	}
	return -EAGAIN;
}

/* -EAGAIN: the page is somewhere else now. */
static int copy_resident(struct tarn_partition *part, u64 index,
			 atomic64_t *entry, u64 e, u8 __user *to)
{
	u64 frame = tarn_entry_payload(e);
	struct page *page = tarn_frame_get(part->pool, frame);
	int ret = -EAGAIN;

	if (!page)
		return ret;
	/* Given up from here on, the frame is nobody's until put_page(). */
	if (tarn_entry_is_frame(atomic64_read(entry), frame))
		ret = copy_frame(page, to);
	put_page(page);
	return ret == -EIO ? without_frame(part, index) : ret;
}

#define SPAN	(256 / sizeof(u64))

/* -EAGAIN: the page is something else now. */
static int make_pattern(atomic64_t *entry, u64 e, u8 __user *to)
{
	unsigned long left = 0;
	unsigned int at;
	u64 span[SPAN];
	u64 word;

	if (!tarn_pattern_see(entry, e, &word))
		return -EAGAIN;
	memset64(span, word, SPAN);
	pagefault_disable();
	for (at = 0; at < PAGE_SIZE && !left; at += sizeof(span))
		left = copy_to_user(to + at, span, sizeof(span));
	pagefault_enable();
	return left ? -EFAULT : 0;
}

/* A memory error is the frame's; the page is with the pager as before. */
static int look_in_frame(struct tarn_pool *pool, u64 frame, u8 __user *to)
{
	int ret = copy_frame(tarn_frame_page(pool, frame), to);

	return ret == -EIO ? -EAGAIN : ret;
}

static int peek_finish(struct tarn_partition *part, struct tarn_peek *peek,
		       u8 __user *to)
{
	int ret = wait_for_completion_interruptible(&peek->done);

	if (!ret)
		ret = peek->result ? peek->result :
		      look_in_frame(part->pool, peek->frame, to);
	peek_put(peek, part->pool);
	return ret;
}

static int look_at_paged(struct tarn_partition *part, u64 index, u64 e,
			 u8 __user *to)
{
	struct tarn_wait wait = { .end = TARN_WAIT_SIGNAL };
	struct tarn_peek *peek;
	u64 frame;

	if (!tarn_copy_reachable(part->pool, e))
		return -ENOTCONN;
	frame = tarn_frame_wait(part, index, NULL, TARN_WANT_RETURN, &wait);
	if (frame == TARN_FRAME_NONE)
		return -ERESTARTSYS;
	peek = peek_begin(part, index, frame);
	return peek ? peek_finish(part, peek, to) : -EAGAIN;
}

static int look_once(struct tarn_partition *part, u64 index, u8 __user *to);

/* In a frame: nobody leaves it while that is held. */
static int look_at_canon(struct page *page, u8 __user *to)
{
	int ret;

	if (IS_ERR(page))
		return page == ERR_PTR(-EHWPOISON) ? -EIO : PTR_ERR(page);
	ret = copy_frame(page, to);
	put_page(page);
	return ret;
}

/*
 * What was read is that of the page if that shares the same afterwards: a canon never
 * changes, and its place is another one's only when it has no sharers. -EAGAIN: it does not.
 */
static int look_at_shared(struct tarn_partition *part, atomic64_t *entry, u64 e,
			  u8 __user *to)
{
	struct page *page = tarn_share_grab(part, entry, e);
	struct tarn_partition *store;
	u64 now;
	int ret;

	if (page)
		return look_at_canon(page, to);
	store = tarn_canon_store(part->pool, e);
	if (!store)
		return -EAGAIN;
	ret = look_once(store, tarn_canon_of(e), to);
	tarn_partition_put(store);
	if (ret < 0)
		return ret;
	now = atomic64_read(entry);
	return ret != TARN_PAGE_EMPTY && tarn_entry_is_shared(now) &&
	       tarn_entry_payload(now) == tarn_entry_payload(e) ? 0 : -EAGAIN;
}

static bool is_busy(atomic64_t *entry)
{
	u64 e = atomic64_read(entry);

	return tarn_entry_is_brief(e) || tarn_entry_mark(e) == TARN_MARK_IN;
}

/* One try. Returns the state, or an errno; -EAGAIN: try again. */
static int look_once(struct tarn_partition *part, u64 index, u8 __user *to)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	struct tarn_wait wait = { .end = TARN_WAIT_SIGNAL };
	u64 e;
	int ret;

	if (!entry)
		return TARN_PAGE_EMPTY;
	ret = tarn_wait_var(entry, !is_busy(entry), &wait);
	if (ret)
		return ret;
	e = atomic64_read(entry);
	switch (tarn_entry_state(e)) {
	case TARN_PAGE_RESIDENT:
		ret = copy_resident(part, index, entry, e, to);
		break;
	case TARN_PAGE_PATTERN:
		ret = make_pattern(entry, e, to);
		break;
	case TARN_PAGE_PAGED:
		ret = look_at_paged(part, index, e, to);
		break;
	case TARN_PAGE_SHARED:
		ret = look_at_shared(part, entry, e, to);
		break;
	case TARN_PAGE_BALLOON:
		return tarn_entry_is_withheld(e) &&
				!tarn_partition_left_balloon(part, e) ?
			TARN_PAGE_BALLOON : TARN_PAGE_EMPTY;
	case TARN_PAGE_LOCKED:
		return -EACCES;
	default:
		break;
	}
	return ret ?: tarn_entry_state(e);
}

/* Returns the state that the page was in, or an errno. */
static int look_at(struct tarn_partition *part, u64 index,
		   struct tarn_peek *peek, u8 __user *to)
{
	int ret = -EAGAIN;

	if (peek)
		ret = peek_finish(part, peek, to) ?: TARN_PAGE_PAGED;
	while (ret == -EAGAIN) {
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = look_once(part, index, to);
	}
	return ret == -ENOTCONN ? -EAGAIN : ret;
}

/*
 * Returns the number of pages looked at, or the errno of the first one. With the
 * frames of a window in hand nobody waits for the caller's memory: to bring that
 * a frame may be needed.
 */
static long look_at_window(struct tarn_partition *part, u64 start, u64 count,
			   u8 __user *data, u8 __user *states)
{
	struct tarn_peek *peeks[PEEK_WINDOW];
	long done = 0;
	int ret = 0;
	u64 i;

	look_ahead(part, start, count, peeks);
	for (i = 0; i < count; i++) {
		if (ret < 0) {
			if (peeks[i])
				peek_put(peeks[i], part->pool);
			continue;
		}
		ret = look_at(part, start + i, peeks[i], data + i * PAGE_SIZE);
		if (ret >= 0 && tell_state(ret, states + i))
			ret = -EFAULT;
		if (ret >= 0)
			done++;
	}
	return done ?: ret;
}

/* The caller's memory for one page. */
static int bring_buffers(u8 __user *data, u8 __user *state)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	return fault_in_writeable(data, PAGE_SIZE) ||
	       fault_in_writeable(state, 1) ? -EFAULT : 0;
}

/**
 * tarn_peek_range() - TARN_PARTITION_READ
 * @part: partition; the caller has its inode
 * @r: what is wanted, cut to the file; count is set to what was read
 *
 * Context: process, may sleep for long; any signal ends it.
 * Return: 0 or an errno, see struct tarn_partition_read.
 */
long tarn_peek_range(struct tarn_partition *part,
		     struct tarn_partition_read *r)
{
	u64 pages = atomic64_read(&part->pages), count = 0, done = 0;
	u8 __user *states = u64_to_user_ptr(r->states);
	u8 __user *data = u64_to_user_ptr(r->data);
	long ret = 0;

	if (r->flags || r->count > PEEK_MAX_PAGES)
		return -EINVAL;
	if (r->start < pages)
		count = min(r->count, pages - r->start);
	while (done < count) {
		u64 n = min_t(u64, count - done, PEEK_WINDOW);

		ret = look_at_window(part, r->start + done, n,
				     data + done * PAGE_SIZE, states + done);
		if (ret > 0)
			done += ret;
		if (ret == -EFAULT)
			ret = bring_buffers(data + done * PAGE_SIZE,
					    states + done);
		if (ret < 0)
			break;
		cond_resched();
	}
	r->count = done;
	return done || ret > 0 ? 0 : ret;
}
