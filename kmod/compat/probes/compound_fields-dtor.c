// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.5: a compound page has a destructor, and its order in bytes of its second page. */
#include <linux/mm.h>
#include <linux/module.h>

void probe(struct page *head);
void probe(struct page *head)
{
	set_compound_page_dtor(head, COMPOUND_PAGE_DTOR);
	set_compound_order(head, 9);
	atomic_set(compound_mapcount_ptr(head), -1);
	atomic_set(compound_pincount_ptr(head), 0);
}

MODULE_LICENSE("GPL");
