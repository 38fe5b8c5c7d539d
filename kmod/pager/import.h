/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Imports (S14): files that pages of a partition are in, as those of a saved guest are in what
 * it was saved to. Such a page is a paged one, and a copy of it in a file is one like any: its
 * cookie is of the devices that no pager has, and says which import and which of its pages.
 * Who reads it asks the file instead of the pager (page/load.c), who drops it tells the import
 * instead of the pager (drop.c), and no pager is told of it. To write to a file is not the
 * module's: a page that is written to forgets the file's copy (page/outdate.h).
 *
 *	47   44 43          32 31                 0
 *	+------+--------------+--------------------+
 *	|  15  |    import    | page of the import |
 *	+------+--------------+--------------------+
 *
 * The pages of an import follow each other in the file, from less than a page behind its
 * beginning on: what is in front of them is as long as it is.
 *
 * Unlike a pager's such a cookie may be used again at once, when the page that had it is cut
 * away while it is read, and imported once more.
 */
#ifndef TARN_IMPORT_H
#define TARN_IMPORT_H

#include <linux/bits.h>
#include <linux/types.h>

#include "pool/copy.h"
#include "pool/partition.h"

struct tarn_import;
struct tarn_io;
struct tarn_pool;

#define TARN_IMPORT_ID_SHIFT	32
/* Of all partitions of a pool, together. */
#define TARN_IMPORTS_MOST	((BIT_ULL(TARN_COOKIE_BITS) - TARN_COOKIE_FILES) >> \
				 TARN_IMPORT_ID_SHIFT)

/* Are two copies in files of the same import? */
static inline bool tarn_import_same(u64 a, u64 b)
{
	return a >> TARN_IMPORT_ID_SHIFT == b >> TARN_IMPORT_ID_SHIFT;
}

/* Which page of its import a copy is of. */
static inline u32 tarn_import_page(u64 cookie)
{
	return (u32)cookie;
}

/* May a page of the partition have a copy in a file? If the caller has one that has, it may. */
static inline bool tarn_import_any(const struct tarn_partition *part)
{
	unsigned int i;

	for (i = 0; i < TARN_IMPORT_FILES; i++)
		if (rcu_access_pointer(part->imports[i]))
			return true;
	return false;
}

struct tarn_import *tarn_import_get(struct tarn_partition *part, int fd,
				    unsigned int shift);
void tarn_import_put(struct tarn_import *import, u64 copies);
u64 tarn_import_add(struct tarn_import *import, u64 page);
void tarn_import_drop(struct tarn_pool *pool, u64 cookie);
u64 tarn_import_count(struct tarn_partition *part);
void tarn_import_read(struct tarn_io *io);
void tarn_import_want(struct tarn_partition *part, u64 index, u64 cookie);
int tarn_import_wait(struct tarn_partition *part, u64 cookie);

void tarn_imports_end(struct tarn_pool *pool);

int tarn_import_init(void);
void tarn_import_exit(void);

#endif
