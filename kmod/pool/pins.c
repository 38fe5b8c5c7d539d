// SPDX-License-Identifier: GPL-2.0-only
/* See pins.h. */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "pool/partition.h"
#include "pool/pins.h"
#include "pool/use.h"

void tarn_pins_init(struct tarn_pins *pins)
{
	xa_init_flags(&pins->pages, XA_FLAGS_ACCOUNT);
}

/* Is a page to be pinned? */
bool tarn_pin_wanted(struct tarn_partition *part, u64 index)
{
	return xa_load(&part->pins.pages, index);
}

/* Is any page of a range? */
bool tarn_pin_any(struct tarn_partition *part, u64 first, u64 count)
{
	unsigned long at = first;

	return unlikely(READ_ONCE(part->pins.pinned)) &&
	       xa_find(&part->pins.pages, &at, first + count - 1, XA_PRESENT);
}

/* Has it a frame, and stays there? */
bool tarn_pin_holds(struct tarn_partition *part, u64 index)
{
	atomic64_t *entry = tarn_partition_entry(part, index);

	return entry && tarn_entry_pinned(atomic64_read(entry));
}

/**
 * tarn_pin_hint() - hint of a page that gets a frame
 * @part: partition
 * @index: page
 * @otherwise: if it is not pinned
 */
unsigned int tarn_pin_hint(struct tarn_partition *part, u64 index,
			   unsigned int otherwise)
{
	if (likely(!READ_ONCE(part->pins.pinned)))
		return otherwise;
	return tarn_pin_wanted(part, index) ? TARN_HINT_PINNED : otherwise;
}

static bool set_hint(struct tarn_partition *part, u64 index, atomic64_t *entry,
		     u64 frame)
{
	u64 e = atomic64_read(entry), to;

	do {
		if (!tarn_entry_is_frame(e, frame))
			return false;
		to = e;
		if (!tarn_pin_wanted(part, index)) {
			if (tarn_entry_pinned(e))
				to = tarn_entry_with_hint(e, TARN_USE_MAX);
		} else {
			to = tarn_entry_with_hint(e, TARN_HINT_PINNED);
			if (tarn_entry_mark(e) == TARN_MARK_OUT)
				to = tarn_entry_with_mark(to, TARN_MARK_RESCUED);
		}
	} while (to != e && !tarn_entry_change(part, index, entry, &e, to));
	return true;
}

/**
 * tarn_pin_update() - make the hint of a page that has a frame what pins say
 * @part: partition
 * @index: page
 *
 * Who pins and who unpins does this with the page lock held after he changed the pins,
 * so the last one is right.
 *
 * Context: process, without page locks.
 */
void tarn_pin_update(struct tarn_partition *part, u64 index)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	bool done = !entry;

	/*
	 * Pairs with the exchange by which a page gets its frame, before
	 * tarn_pin_recheck(): one of the two sees what the other did.
	 */
	smp_mb();

	while (!done) {
		u64 e = atomic64_read(entry);
		struct page *page;

		if (!tarn_entry_has_frame(e))
			return;
		page = tarn_frame_get(part->pool, tarn_entry_payload(e));
		if (!page)
			continue;
		if (tarn_entry_is_frame(atomic64_read(entry),
					tarn_entry_payload(e))) {
			lock_page(page);
			done = set_hint(part, index, entry,
					tarn_entry_payload(e));
			unlock_page(page);
		}
		put_page(page);
	}
}

/**
 * tarn_pin_recheck() - a page has got its frame
 * @part: partition
 * @index: page
 * @hint: what tarn_pin_hint() said before
 *
 * Areas may have come or gone in between. Context: process, without page locks.
 */
void tarn_pin_recheck(struct tarn_partition *part, u64 index, unsigned int hint)
{
	bool pinned = hint == TARN_HINT_PINNED;

	if (likely(!pinned && !READ_ONCE(part->pins.pinned)))
		return;
	if (tarn_pin_wanted(part, index) != pinned)
		tarn_pin_update(part, index);
}

/* One area more touches a page. 1: it is the first; or -ENOMEM. */
int tarn_pin_add(struct tarn_partition *part, u64 index)
{
	struct tarn_pins *pins = &part->pins;
	void *old = xa_load(&pins->pages, index);
	unsigned long n = old ? xa_to_value(old) : 0;
	int ret = xa_err(xa_store(&pins->pages, index, xa_mk_value(n + 1),
				  GFP_KERNEL_ACCOUNT));

	if (ret || n)
		return ret;
	WRITE_ONCE(pins->pinned, pins->pinned + 1);
	return 1;
}

/* One less. True: it was the last. */
bool tarn_pin_remove(struct tarn_partition *part, u64 index)
{
	struct tarn_pins *pins = &part->pins;
	unsigned long n = xa_to_value(xa_load(&pins->pages, index));

	if (n > 1) {
		/* In place of a value: needs no memory. */
		xa_store(&pins->pages, index, xa_mk_value(n - 1), GFP_KERNEL);
		return false;
	}
	xa_erase(&pins->pages, index);
	WRITE_ONCE(pins->pinned, pins->pinned - 1);
	tarn_pin_update(part, index);
	return true;
}
