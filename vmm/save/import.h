/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that stay in the file of the saved guest: the module is told where they are, and
 * reads them when they are touched. Not every pool takes that, nor of every file.
 */
#ifndef TARN_SAVE_IMPORT_H
#define TARN_SAVE_IMPORT_H

#include "mem.h"
#include "save/channel.h"

/**
 * struct import - from one file; zeroed but for @ch.
 * @ch: what the stream is read from
 * @refused: a bit for each range that takes none
 * @pages: how many there are
 */
struct import {
	const struct channel *ch;
	u32 refused;
	u64 pages;
};

/** import_fits() - whether range @which may take what lies in the file. */
bool import_fits(const struct import *im, unsigned int which);

/**
 * import_pages() - leave pages in the file, where they fit.
 * @which: of the ranges of memory
 * @off: in bytes, of the first page
 * @pos: of the file
 * @sums: tarn_page_sum() of each
 *
 * Return: how many, from the first one on; 0: that one has to be read, @refused tells
 * whether the others do, too.
 */
u64 import_pages(struct import *im, const struct mem_range *range,
		 unsigned int which, u64 off, u64 count, u64 pos,
		 const u32 *sums);

#endif
