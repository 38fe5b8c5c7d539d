// SPDX-License-Identifier: GPL-2.0-only
/* 6.10 to 6.14: a large folio counts its mappings, and has its order among its flags. */
#include <linux/mm.h>
#include <linux/module.h>

void probe(struct folio *folio);
void probe(struct folio *folio)
{
	folio->_flags_1 = 9;
	folio->_folio_nr_pages = 512;
	atomic_set(&folio->_large_mapcount, -1);
}

MODULE_LICENSE("GPL");
