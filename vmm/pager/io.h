/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From requests to reads and writes and back: where a page goes, what is
 * merged, which leg or device is next when one fails.
 *
 * Pages of neighbouring slots are one READV or WRITEV: that takes some 40 %
 * less of the pager's time a stored page than single writes, which the block
 * layer would merge below us (null_blk, instructions counted in L1).
 */
#ifndef TARN_PAGER_IO_H
#define TARN_PAGER_IO_H

#include "queue.h"

void io_load(struct queue *q, struct task *tasks, u32 nr);
void io_store(struct queue *q, struct task *tasks, u32 nr);
void io_load_wide(struct queue *q, struct task *task);
void io_store_wide(struct queue *q, struct task *task);
/* Of io.c, for io_wide.c and the other way round. */
void io_begin(struct queue *q, struct task *tasks, const struct extent *ext,
	      bool write);
void io_answer(struct queue *q, struct task *tasks, s32 result);
bool io_is_rewrite(const struct io *io);
bool io_is_stored(const struct io *io);
void io_store_commit(struct queue *q, struct io *io);
void io_put(struct queue *q, struct io *io);
void io_wide_done(struct queue *q, struct io *io);

void io_done(struct queue *q, struct io *io, unsigned int leg, s32 result);

#endif
