// SPDX-License-Identifier: GPL-2.0-only
/* 7.0 and later: or how large its compound page is. */
#include <linux/mm.h>
#include <linux/module.h>

void probe(struct page *tail, struct page *head);
void probe(struct page *tail, struct page *head)
{
	set_compound_head(tail, head, 9);
}

MODULE_LICENSE("GPL");
