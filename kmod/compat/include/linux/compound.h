/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadows nothing: the kernel has these for itself.
 *
 * What the first pages of a compound page say of it is in other places with each
 * series, and nothing is exported that makes one of pages, or pages of one. Here is
 * what the kernel's own prep_compound_page() writes, and the reverse of it.
 */
#ifndef TARN_COMPAT_COMPOUND_H
#define TARN_COMPAT_COMPOUND_H

#include <linux/mm.h>

/* The word itself: of a page that may become another part of a compound one meanwhile. */
static inline unsigned long *page_flags(struct page *page)
{
#ifdef HAVE_PAGE_FLAGS_WORD
	return &page->flags;
#else
	return &page->flags.f;
#endif
}

/* Of a page that nobody has a reference of; but a memory error may mark it. */
static inline void page_flags_clear(struct page *page, unsigned long flags)
{
	set_mask_bits(page_flags(page), flags, 0UL);
}

static inline void compound_set_tail(struct page *tail, struct page *head,
				     unsigned int order)
{
#ifdef HAVE_COMPOUND_TAIL_HEAD
	set_compound_head(tail, head);
#else
	set_compound_head(tail, head, order);
#endif
}

/*
 * The head of pages that are tails by now. Some of what it says is in the first
 * tails' other fields, so these come before.
 */
static inline void compound_set_head(struct page *head, unsigned int order)
{
	__SetPageHead(head);
#ifdef HAVE_COMPOUND_FIELDS_DTOR
	set_compound_page_dtor(head, COMPOUND_PAGE_DTOR);
	set_compound_order(head, order);
	atomic_set(compound_mapcount_ptr(head), -1);
	atomic_set(compound_pincount_ptr(head), 0);
#else
	struct folio *folio = (struct folio *)head;

	folio->_flags_1 = (folio->_flags_1 & ~0xffUL) | order;
	atomic_set(&folio->_large_mapcount, -1);
	atomic_set(&folio->_entire_mapcount, -1);
	atomic_set(&folio->_nr_pages_mapped, 0);
	atomic_set(&folio->_pincount, 0);
	INIT_LIST_HEAD(&folio->_deferred_list);
#ifdef HAVE_COMPOUND_FIELDS_NR_PAGES
	folio->_nr_pages = 1U << order;
	folio->_mm_ids = 0;
	folio->_mm_id_mapcount[0] = -1;
	folio->_mm_id_mapcount[1] = -1;
#else
	folio->_folio_nr_pages = 1U << order;
#endif
#endif
}

/* No head any more. What its tails' fields say is for the caller to write. */
static inline void compound_clear_head(struct page *head)
{
	ClearPageHead(head);
#ifdef HAVE_COMPOUND_FIELDS_DTOR
	set_compound_page_dtor(head, NULL_COMPOUND_DTOR);
	set_compound_order(head, 0);
#else
	struct folio *folio = (struct folio *)head;

	folio->_flags_1 &= ~0xffUL;
#ifdef HAVE_COMPOUND_FIELDS_NR_PAGES
	folio->_nr_pages = 0;
#else
	folio->_folio_nr_pages = 0;
#endif
#endif
}

/* Mappings of a page, or of a compound page and any part of it: each has a reference. */
static inline unsigned int folio_mappings(struct folio *folio)
{
#ifdef HAVE_COMPOUND_FIELDS_DTOR
	struct page *head = &folio->page;
	unsigned int whole, all, i;

	if (!folio_test_large(folio))
		return atomic_read(&head->_mapcount) + 1;
	/* An entry for all of a file's compound page counts in each of its pages, too. */
	whole = atomic_read(compound_mapcount_ptr(head)) + 1;
	all = whole;
	for (i = 0; i < folio_nr_pages(folio); i++)
		all += atomic_read(&head[i]._mapcount) + 1 - whole;
	return all;
#else
	return folio_test_large(folio) ?
	       atomic_read(&folio->_large_mapcount) + 1 :
	       atomic_read(&folio->_mapcount) + 1;
#endif
}

#endif
