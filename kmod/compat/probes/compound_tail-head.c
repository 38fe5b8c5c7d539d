// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.19: a tail page knows its head. */
#include <linux/mm.h>
#include <linux/module.h>

void probe(struct page *tail, struct page *head);
void probe(struct page *tail, struct page *head)
{
	set_compound_head(tail, head);
}

MODULE_LICENSE("GPL");
