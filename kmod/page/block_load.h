/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bringing a block that was given up back as a whole, into a 2 MiB frame: 512 loads into
 * the frames of a chunk. Those that have ended wait for the last one; then the chunk is
 * made whole, if nothing failed and no page was cut away meanwhile, and all pages are
 * there at once.
 */
#ifndef TARN_BLOCK_LOAD_H
#define TARN_BLOCK_LOAD_H

#include <linux/types.h>

struct tarn_block_load;
struct tarn_io;
struct tarn_leaf;
struct tarn_partition;

bool tarn_block_load(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 index);
void tarn_block_load_ended(struct tarn_block_load *load, struct tarn_io *io);

#endif
