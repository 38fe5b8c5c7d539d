/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A request to the paging service on its way: a load or a store. Who makes it says
 * who is told of its end; how it reaches the pager is queue.c's.
 */
#ifndef TARN_IO_H
#define TARN_IO_H

#include <linux/list.h>
#include <linux/tarn_pager.h>
#include <linux/types.h>

struct tarn_partition;
struct tarn_peek;
struct tarn_read;

/* How a request ends whose pager went: nothing is known of it. */
#define TARN_IO_ABORTED	1

/**
 * struct tarn_io - a load or a store under way
 * @link: a queue's list of what waits for a tag or is read, or a batch
 * @part: of the page, referenced
 * @index: page
 * @frame: being filled (LOAD; the request owns it) or written (STORE; the
 *	request owns it if the page was truncated meanwhile)
 * @cookie: LOAD: of the copy; STORE: of the outdated one, or none
 * @run: see struct tarn_request; of a wide one it counts pages
 * @op: enum tarn_op
 * @flags: TARN_REQ_*
 * @asked: LOAD: somebody wants this page
 * @pinned: LOAD, that is settled: it was thought to be pinned
 * @sum: LOAD: what the copy's checksum has to be
 * @end: told of the end, in process context, when no queue has the request any more:
 *	0, an errno, or TARN_IO_ABORTED; of a store that went well the cookie, checked.
 *	It destroys the request, or submits it again
 * @block: LOAD: of a block that comes back as a whole; or NULL
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
	bool asked;
	bool pinned;
	u32 sum;
	void (*end)(struct tarn_io *io, int result, u64 cookie);
	struct tarn_block_load *block;
	struct tarn_peek *peek;
	struct tarn_read *read;
};

struct tarn_io *tarn_io_create(struct tarn_partition *part, u64 index, u64 frame,
			       enum tarn_op op,
			       void (*end)(struct tarn_io *io, int result,
					   u64 cookie));
void tarn_io_destroy(struct tarn_io *io);

/* Pages that it is about, from @index, @frame and @cookie on. */
static inline unsigned int tarn_io_pages(const struct tarn_io *io)
{
	return io->flags & TARN_REQ_WIDE ? io->run + 1 : 1;
}

void tarn_io_end(struct tarn_io *io, int result, u64 cookie);

int tarn_io_init(void);
void tarn_io_exit(void);

#endif
