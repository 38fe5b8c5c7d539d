/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loads: a stored page is read into a frame, to stay there or to be looked at.
 */
#ifndef TARN_LOAD_H
#define TARN_LOAD_H

#include <linux/types.h>

struct tarn_block_load;
struct tarn_io;
struct tarn_partition;
struct tarn_peek;

int tarn_load_start(struct tarn_partition *part, u64 index, u64 frame,
		    bool readahead);
struct tarn_io *tarn_load_create(struct tarn_partition *part, u64 index,
				 u64 frame, bool asked,
				 struct tarn_block_load *block);
bool tarn_load_is_wanted(const struct tarn_io *io);
bool tarn_load_claim(struct tarn_io *io);
void tarn_load_submit(struct tarn_io *io);
void tarn_load_abort(struct tarn_io *io);
bool tarn_load_settle(struct tarn_io *io);
void tarn_load_recheck(struct tarn_io *io);
void tarn_load_orphan(struct tarn_io *io);
int tarn_load_peek(struct tarn_partition *part, u64 index, u64 frame,
		   struct tarn_peek *peek);

#endif
