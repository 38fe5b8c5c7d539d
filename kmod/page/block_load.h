/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bringing a block that was given up back as a whole, into a 2 MiB frame: by one load if
 * its copies follow each other (block_read.c), else by 512 loads into the frames of a
 * chunk. Those that have ended wait for the last one; then the chunk is made whole, if
 * nothing failed and no page was cut away meanwhile, and all pages are there at once.
 */
#ifndef TARN_BLOCK_LOAD_H
#define TARN_BLOCK_LOAD_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct tarn_chunk;
struct tarn_io;
struct tarn_leaf;
struct tarn_partition;

/**
 * struct tarn_block_load - the loads of a block
 * @part: the partition, referenced
 * @chunk: into whose frames
 * @first: first page
 * @index: the page that is wanted
 * @left: loads that have not ended, and who begins them
 * @timer: ends the patience
 * @lock: protects those after it
 * @late: it has ended: each page is settled by itself
 * @nr_read: how many @read has
 * @read: loads that ended well, whose pages are settled together
 */
struct tarn_block_load {
	struct tarn_partition *part;
	struct tarn_chunk *chunk;
	u64 first;
	u64 index;
	atomic_t left;
	struct delayed_work timer;
	spinlock_t lock;
	bool late;
	unsigned int nr_read;
	struct list_head read;
};

bool tarn_block_load(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 index);
void tarn_block_load_ended(struct tarn_block_load *load, struct tarn_io *io);
void tarn_block_load_free(struct tarn_block_load *load);
bool tarn_block_load_singly(struct tarn_block_load *load,
			    const struct tarn_leaf *leaf, u64 cookie);
void tarn_block_load_part(struct tarn_block_load *load);

#endif
