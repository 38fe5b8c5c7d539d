// SPDX-License-Identifier: GPL-2.0-only
/* 6.15 and later: and which address spaces map it. */
#include <linux/mm.h>
#include <linux/module.h>

void probe(struct folio *folio);
void probe(struct folio *folio)
{
	folio->_flags_1 = 9;
	folio->_nr_pages = 512;
	folio->_mm_ids = 0;
	atomic_set(&folio->_large_mapcount, -1);
}

MODULE_LICENSE("GPL");
