// SPDX-License-Identifier: GPL-2.0-only
/* What is done with all guest memory before it is restored and after that. */
#include <sys/mman.h>

#include "error.h"
#include "save/memory.h"

/*
 * What a page that comes back touches first must not be 2 MiB: those of a guest of which
 * much was paged would all be there. Advice, as when it was mapped.
 */
static void advise(const struct tarn_mem *mem, int advice)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++)
		if (mem_backend_in_pool(mem->range[i].backend))
			madvise(mem->range[i].hva, mem->range[i].size, advice);
}

int memory_clear(struct tarn_mem *mem)
{
	unsigned int i;
	int ret;

	advise(mem, MADV_NOHUGEPAGE);

	for (i = 0; i < mem->nr; i++) {
		ret = tarn_mem_discard(mem, mem->range[i].gpa,
				       mem->range[i].size);
		if (ret)
			return err_errno(ret, "guest memory at %#llx cannot be emptied to restore a guest into it",
					 (unsigned long long)mem->range[i].gpa);
	}
	return 0;
}

/*
 * Not only when all that a file has was brought: a block that has a page there is none of
 * which nothing was touched, so it gets no frame of 2 MiB by this.
 */
void memory_loaded(const struct tarn_mem *mem)
{
	advise(mem, MADV_HUGEPAGE);
}
