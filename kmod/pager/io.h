/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests to the paging service: loads, stores and drops, from the moment that
 * a page is marked for one until its entry is settled. How they reach the pager
 * is queue.c's.
 */
#ifndef TARN_IO_H
#define TARN_IO_H

#include <linux/list.h>
#include <linux/tarn_pager.h>
#include <linux/types.h>

struct tarn_partition;
struct tarn_peek;
struct tarn_pool;
struct tarn_read;

/**
 * struct tarn_io - a load or a store under way
 * @link: a queue's list of what waits for a tag or is read, or a batch
 * @part: of the page, referenced
 * @index: page
 * @frame: being filled (LOAD; the request owns it) or written (STORE; the
 *	request owns it if the page was truncated meanwhile)
 * @cookie: LOAD: of the copy; STORE: of the outdated one, or none
 * @run: see struct tarn_request
 * @op: enum tarn_op
 * @flags: TARN_REQ_*
 * @sum: LOAD: what the copy's checksum has to be
 * @peek: LOAD: the page stays paged, who looks gets the frame; or NULL
 * @read: LOAD: of a granted device, while it is on a queue's list of reads (grant.c)
 */
struct tarn_io {
	struct list_head link;
	struct tarn_partition *part;
	u64 index;
	u64 frame;
	u64 cookie;
	u16 run;
	u8 op;
	u8 flags;
	u32 sum;
	struct tarn_peek *peek;
	struct tarn_read *read;
};

int tarn_io_init(void);
void tarn_io_exit(void);

int tarn_load_start(struct tarn_partition *part, u64 index, u64 frame,
		    bool readahead);
int tarn_peek_start(struct tarn_partition *part, u64 index, u64 frame,
		    struct tarn_peek *peek);
int tarn_store_add(struct list_head *batch, struct tarn_partition *part,
		   u64 index, u64 frame);
void tarn_store_submit(struct tarn_pool *pool, struct list_head *batch);
bool tarn_stores_hang(struct tarn_pool *pool);
bool tarn_stores_fail(struct tarn_pool *pool);
void tarn_stores_try(struct tarn_pool *pool);
u64 tarn_entry_gone(struct tarn_pool *pool, u64 e, u64 cookie);

void tarn_io_complete(struct tarn_io *io, int result, u64 cookie);
void tarn_io_read_done(struct tarn_io *io, int result);
void tarn_io_abort(struct tarn_io *io);

#endif
