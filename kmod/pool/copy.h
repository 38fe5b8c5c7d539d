/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copies: where a page's content is besides its frame, or instead of it. The entry of a page
 * that is stored has the cookie of its copy, a frame has a word that says the same of its page.
 * A cookie is the pager's, who chose it, or of a file that a saved guest is in, which has those
 * of the last devices (pager/import.h). This is the one place that tells them apart.
 */
#ifndef TARN_POOL_COPY_H
#define TARN_POOL_COPY_H

#include <linux/tarn_pager.h>
#include <linux/types.h>

#include "pool/entry.h"
#include "pool/pool.h"

/*
 * Of a frame, in one word: a kind in the upper bits and what says where in the lower ones.
 * Of the only kind so far that is the cookie; none at all is 0, which is no cookie.
 */
#define TARN_COPY_KIND_SHIFT	TARN_COOKIE_BITS
#define TARN_COPY_NONE		((u64)TARN_COOKIE_NONE)

enum tarn_copy_kind {
	TARN_COPY_COOKIE,
};

/* The first cookie of a file; all behind it are such. */
#define TARN_COOKIE_FILES	((u64)TARN_GRANT_MAX_DEVICES << TARN_COOKIE_SLOT_BITS)

/**
 * enum tarn_copy_where - where a copy is
 * @TARN_COPY_NOWHERE: there is none
 * @TARN_COPY_WITH_PAGER: with the pager. A store of its page replaces it, and it is read as
 *	long as one serves
 * @TARN_COPY_IN_FILE: in a file. It is forgotten when its page is going to differ, and read
 *	whoever serves
 */
enum tarn_copy_where {
	TARN_COPY_NOWHERE,
	TARN_COPY_WITH_PAGER,
	TARN_COPY_IN_FILE,
};

static inline u64 tarn_copy_make(u64 cookie)
{
	return cookie;
}

/* Its cookie; TARN_COOKIE_NONE if there is no copy, or it is of another kind. */
static inline u64 tarn_copy_cookie(u64 copy)
{
	return copy >> TARN_COPY_KIND_SHIFT == TARN_COPY_COOKIE ?
	       copy : TARN_COOKIE_NONE;
}

static inline enum tarn_copy_where tarn_cookie_where(u64 cookie)
{
	if (!cookie)
		return TARN_COPY_NOWHERE;
	return cookie < TARN_COOKIE_FILES ? TARN_COPY_WITH_PAGER : TARN_COPY_IN_FILE;
}

static inline enum tarn_copy_where tarn_copy_where(u64 copy)
{
	return tarn_cookie_where(tarn_copy_cookie(copy));
}

/* Of a page that is stored: is its copy in a file? */
static inline bool tarn_copy_is_in_file(u64 e)
{
	return tarn_cookie_where(tarn_entry_payload(e)) == TARN_COPY_IN_FILE;
}

/* Of a page that is stored: can its copy be read, as things are? */
static inline bool tarn_copy_reachable(struct tarn_pool *pool, u64 e)
{
	return tarn_copy_is_in_file(e) || tarn_pool_served(pool);
}

#endif
