// SPDX-License-Identifier: GPL-2.0-only
/* See sparse.h. */
#include <sys/mman.h>

#include "lib/sparse.h"

void *sparse_alloc(size_t bytes)
{
	void *table = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (table == MAP_FAILED)
		return NULL;
	/* A kernel without huge pages refuses, and is right. */
	madvise(table, bytes, MADV_NOHUGEPAGE);
	return table;
}

void sparse_free(void *table, size_t bytes)
{
	if (table)
		munmap(table, bytes);
}
