// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.17: flags of a page are a word. */
#include <linux/mm.h>
#include <linux/module.h>

unsigned long probe(struct page *page);
unsigned long probe(struct page *page)
{
	return set_mask_bits(&page->flags, 1UL, 0UL);
}

MODULE_LICENSE("GPL");
