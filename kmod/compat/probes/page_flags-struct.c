// SPDX-License-Identifier: GPL-2.0-only
/* 6.18 and later: they are in a structure. */
#include <linux/mm.h>
#include <linux/module.h>

unsigned long probe(struct page *page);
unsigned long probe(struct page *page)
{
	return set_mask_bits(&page->flags.f, 1UL, 0UL);
}

MODULE_LICENSE("GPL");
