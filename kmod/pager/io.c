// SPDX-License-Identifier: GPL-2.0-only
/* See io.h. A request is found by the pager's completion, never by its page. */
#include <linux/slab.h>

#include "pager/io.h"
#include "pool/partition.h"
#include "trace.h"

static struct kmem_cache *io_cache;

/**
 * tarn_io_create() - a request to be sent
 * @part: partition
 * @index: page
 * @frame: of the page, see struct tarn_io
 * @op: TARN_OP_LOAD or TARN_OP_STORE
 * @end: told of the end
 *
 * Context: process.
 * Return: it, or NULL without memory.
 */
struct tarn_io *tarn_io_create(struct tarn_partition *part, u64 index, u64 frame,
			       enum tarn_op op,
			       void (*end)(struct tarn_io *io, int result,
					   u64 cookie))
{
	struct tarn_io *io = kmem_cache_zalloc(io_cache, GFP_KERNEL);

	if (!io)
		return NULL;
	INIT_LIST_HEAD(&io->link);
	io->part = tarn_partition_get(part);
	io->index = index;
	io->frame = frame;
	io->op = op;
	io->end = end;
	return io;
}

void tarn_io_destroy(struct tarn_io *io)
{
	tarn_partition_put(io->part);
	kmem_cache_free(io_cache, io);
}

/**
 * tarn_io_end() - a request has ended
 * @io: no queue has it any more; it is not the caller's any more
 * @result: see struct tarn_io
 * @cookie: likewise
 *
 * Context: process, in a section of cookies, or where no pager can come.
 */
void tarn_io_end(struct tarn_io *io, int result, u64 cookie)
{
	if (result != TARN_IO_ABORTED)
		trace_tarn_io_done(io, result);
	io->end(io, result, cookie);
}

int tarn_io_init(void)
{
	io_cache = kmem_cache_create("tarn_io", sizeof(struct tarn_io), 0,
				     SLAB_HWCACHE_ALIGN, NULL);
	return io_cache ? 0 : -ENOMEM;
}

void tarn_io_exit(void)
{
	kmem_cache_destroy(io_cache);
}
