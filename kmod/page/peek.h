/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looking at the content of pages without a change of where it is: a paged page
 * is read into a frame that is given back at once. For who saves a guest.
 */
#ifndef TARN_PEEK_H
#define TARN_PEEK_H

#include <linux/types.h>

struct tarn_partition;
struct tarn_partition_read;
struct tarn_peek;
struct tarn_pool;

void tarn_peek_end(struct tarn_peek *peek, struct tarn_pool *pool, u64 frame,
		   int result);
long tarn_peek_range(struct tarn_partition *part,
		     struct tarn_partition_read *r);

#endif
