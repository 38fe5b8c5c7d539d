/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The entry of a logical page: one 64-bit word that holds its state, what is
 * under way with it and where its content is. entry.c holds the table of legal
 * transitions; Documentation/design/state-machine.rst draws it.
 *
 *	63            16 15      8 7   6    4 3     0
 *	+---------------+---------+---+------+-------+
 *	|    payload    |  hint   | f | mark | state |
 *	+---------------+---------+---+------+-------+
 *
 * state	enum tarn_page_state of the UAPI
 * mark		enum tarn_mark: who has the page in hand. Marks exclude each
 *		other; only the holder of a mark ends it. A fault may turn OUT
 *		into RESCUED, and a truncation may take a page away from IN, OUT
 *		and RESCUED: their holders find out when they end the mark.
 * f		TARN_ENTRY_FLAG: of a page that is empty, a pattern, shared or in the
 *		balloon, a mapping to read it may exist; of a resident page, it has not been
 *		looked at since it came in; of a paged one, its last load failed
 * hint		use.h: how much the page is used, a shared one too; of a paged one, when it went; of
 *		a pattern, looks since its mapping was used
 * payload	resident: frame number; paged: the cookie of its copy (copy.h); pattern: the upper
 *		half of its word (pattern.h); shared: what it shares (canon.h); in the
 *		balloon: of which one (balloon.h); locked: id of the child that it was
 *		donated to (donation.h)
 *
 * Every change is a compare-and-exchange of the whole word. Whoever waits for
 * a mark to end sleeps on the address of the entry (wait_var_event()).
 */
#ifndef TARN_ENTRY_H
#define TARN_ENTRY_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/types.h>
#include <linux/wait_bit.h>
#include <linux/tarn.h>

/**
 * enum tarn_mark - what is under way with a logical page
 * @TARN_MARK_NONE: nothing
 * @TARN_MARK_FILL: without a frame of its own, it gets that, or a mapping to be read,
 *	or loses it
 * @TARN_MARK_IN: being read into a frame that the request owns
 * @TARN_MARK_OUT: being given up; unmapped, content stable
 * @TARN_MARK_RESCUED: as OUT, but mapped again meanwhile: what is being
 *	written may be torn and is worth nothing
 * @TARN_MARK_MOVE: moves to another frame
 */
enum tarn_mark {
	TARN_MARK_NONE,
	TARN_MARK_FILL,
	TARN_MARK_IN,
	TARN_MARK_OUT,
	TARN_MARK_RESCUED,
	TARN_MARK_MOVE,
	TARN_MARK_COUNT,
};

#define TARN_ENTRY_STATE	GENMASK_ULL(3, 0)
#define TARN_ENTRY_MARK_SHIFT	4
#define TARN_ENTRY_MARK		GENMASK_ULL(6, 4)
#define TARN_ENTRY_FLAG		BIT_ULL(7)
#define TARN_ENTRY_HINT_SHIFT	8
#define TARN_ENTRY_HINT		GENMASK_ULL(15, 8)
#define TARN_ENTRY_PAYLOAD_SHIFT 16
#define TARN_ENTRY_PAYLOAD_BITS	(64 - TARN_ENTRY_PAYLOAD_SHIFT)

/* The flag by the state that it belongs to. */
#define TARN_ENTRY_MAPPED	TARN_ENTRY_FLAG
#define TARN_ENTRY_NEW		TARN_ENTRY_FLAG
#define TARN_ENTRY_FAILED	TARN_ENTRY_FLAG

static inline enum tarn_page_state tarn_entry_state(u64 e)
{
	return e & TARN_ENTRY_STATE;
}

static inline enum tarn_mark tarn_entry_mark(u64 e)
{
	return (e & TARN_ENTRY_MARK) >> TARN_ENTRY_MARK_SHIFT;
}

static inline u64 tarn_entry_payload(u64 e)
{
	return e >> TARN_ENTRY_PAYLOAD_SHIFT;
}

static inline unsigned int tarn_entry_hint(u64 e)
{
	return (e & TARN_ENTRY_HINT) >> TARN_ENTRY_HINT_SHIFT;
}

static inline u64 tarn_entry_make(enum tarn_page_state state, u64 payload)
{
	return payload << TARN_ENTRY_PAYLOAD_SHIFT | state;
}

static inline u64 tarn_entry_with_mark(u64 e, enum tarn_mark mark)
{
	return (e & ~TARN_ENTRY_MARK) | (u64)mark << TARN_ENTRY_MARK_SHIFT;
}

static inline u64 tarn_entry_with_hint(u64 e, unsigned int hint)
{
	return (e & ~TARN_ENTRY_HINT) | (u64)hint << TARN_ENTRY_HINT_SHIFT;
}

/* Has somebody the page in hand for a moment, so that he is waited for? */
static inline bool tarn_entry_is_brief(u64 e)
{
	enum tarn_mark mark = tarn_entry_mark(e);

	return mark == TARN_MARK_FILL || mark == TARN_MARK_MOVE;
}

/* Is the page in a frame of its own, which the payload says? */
static inline bool tarn_entry_has_frame(u64 e)
{
	return tarn_entry_state(e) == TARN_PAGE_RESIDENT;
}

/* Is the page somewhere outside of memory, which the payload says? */
static inline bool tarn_entry_is_stored(u64 e)
{
	return tarn_entry_state(e) == TARN_PAGE_PAGED;
}

static inline bool tarn_entry_is_empty(u64 e)
{
	return tarn_entry_state(e) == TARN_PAGE_EMPTY;
}

/* Is all of the page one word over and over, which is not 0? */
static inline bool tarn_entry_is_pattern(u64 e)
{
	return tarn_entry_state(e) == TARN_PAGE_PATTERN;
}

/* Does the page share what it holds, which is where the payload says? */
static inline bool tarn_entry_is_shared(u64 e)
{
	return tarn_entry_state(e) == TARN_PAGE_SHARED;
}

/* Has the guest given the page to its balloon? It is all zeroes then. */
static inline bool tarn_entry_is_ballooned(u64 e)
{
	return tarn_entry_state(e) == TARN_PAGE_BALLOON;
}

/*
 * And it says so before it uses the page again. Of a balloon of which only holes are known
 * nobody does (balloon.h): its pages are as empty ones.
 */
static inline bool tarn_entry_is_withheld(u64 e)
{
	return tarn_entry_is_ballooned(e) && tarn_entry_payload(e);
}

/* Was the page donated? Then nobody has anything there (donation.h). */
static inline bool tarn_entry_is_locked(u64 e)
{
	return tarn_entry_state(e) == TARN_PAGE_LOCKED;
}

/* Is it known what the page holds, with no frame, here or elsewhere, that has it? */
static inline bool tarn_entry_is_known(u64 e)
{
	return tarn_entry_is_empty(e) || tarn_entry_is_pattern(e) ||
	       tarn_entry_is_ballooned(e);
}

/* In @frame, whatever hint and flag say. */
static inline bool tarn_entry_is_frame(u64 e, u64 frame)
{
	return tarn_entry_has_frame(e) && tarn_entry_payload(e) == frame;
}

struct tarn_partition;

bool tarn_entry_change(struct tarn_partition *part, u64 index,
		       atomic64_t *entry, u64 *old, u64 new);
void tarn_entry_settle(struct tarn_partition *part, u64 index,
		       atomic64_t *entry, u64 to);

/*
 * Wake those who wait for the mark of @entry to end. The full barrier of the
 * compare-and-exchange that ended it pairs with the one in wait_var_event().
 */
static inline void tarn_entry_wake(atomic64_t *entry)
{
	wake_up_var(entry);
}

#endif
