// SPDX-License-Identifier: GPL-2.0-only
/*
 * See metrics.h. The guest writes the page while it is read, so a copy counts only
 * if the sequence is even and the same before and after. Of what it says nothing
 * is checked but the head: it is the guest's word about itself.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/string.h>
#include <linux/tarn_para.h>

#include "kvm/metrics.h"
#include "page/pagein.h"
#include "policy/area.h"
#include "pool/partition.h"
#include "pool/poison.h"

#define TRIES	16

/* What the page begins with, in a copy. False: it can't be read. */
static bool look(struct page *page, struct tarn_metrics *to, size_t bytes)
{
	const void *seen = tarn_poison_look(page, bytes);

	if (!seen)
		return false;
	memcpy(to, seen, bytes);
	tarn_poison_looked(seen);
	return true;
}

static int copy_metrics(struct page *page, struct tarn_metrics *to)
{
	const size_t head = offsetofend(struct tarn_metrics, sequence);
	struct tarn_metrics before = {}, after = {};
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		if (!look(page, &before, head))
			return -EIO;
		/* Pairs with the guest's release when it has written. */
		smp_rmb();
		if (!look(page, to, sizeof(*to)))
			return -EIO;
		/* The copy first, then the look whether it was disturbed. */
		smp_rmb();
		if (!look(page, &after, head))
			return -EIO;
		if (!(before.sequence & 1) && before.sequence == after.sequence)
			break;
		cpu_relax();
	}
	if (i == TRIES)
		return -EAGAIN;
	if (to->magic != TARN_METRICS_MAGIC ||
	    to->version != TARN_METRICS_VERSION)
		return -EPROTO;
	return 0;
}

/**
 * tarn_metrics_read() - what a guest tells of itself
 * @part: its partition; the caller has its inode
 * @to: where to
 *
 * Context: process; does not wait for I/O, killable.
 * Return: 0; -ENODATA it shares no page; -EAGAIN the page is not in memory, as
 * policy does not pin it, or is being written all the time; -EPROTO it is not
 * what it should be; -EIO its frame has a memory error; -EINTR.
 */
int tarn_metrics_read(struct tarn_partition *part, struct tarn_metrics *to)
{
	s64 index = tarn_area_metrics_page(part);
	struct page *page;
	int ret;

	if (index < 0)
		return -ENODATA;
	page = tarn_page_lock(part, index, 0);
	if (!page)
		return -EAGAIN;
	if (IS_ERR(page))
		return PTR_ERR(page) == -EHWPOISON ? -EIO : PTR_ERR(page);
	ret = copy_metrics(page, to);
	unlock_page(page);
	put_page(page);
	return ret;
}
