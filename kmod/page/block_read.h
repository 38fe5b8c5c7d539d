/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a block by one wide request, if its copies follow each other: into a chunk that is
 * made whole before. What goes wrong with any of it is found out page by page
 * (block_load.h).
 */
#ifndef TARN_BLOCK_READ_H
#define TARN_BLOCK_READ_H

struct tarn_block_load;
struct tarn_leaf;

enum tarn_block_read {
	TARN_BLOCK_READ_BEGUN,	/* the load is not the caller's any more */
	TARN_BLOCK_READ_NOT,	/* it can't be read so; all is as it was */
	TARN_BLOCK_READ_LATE,	/* its pages are in others' hands; the chunk was given back */
};

enum tarn_block_read tarn_block_read(struct tarn_block_load *load,
				     struct tarn_leaf *leaf);

#endif
