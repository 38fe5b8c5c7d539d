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
void io_done(struct queue *q, struct io *io, unsigned int leg, s32 result);

#endif
