// SPDX-License-Identifier: GPL-2.0-only
/* See source.h. */
#include "save/pool.h"
#include "save/source.h"

void source_set(struct source *source, int fd)
{
	struct stat st;

	source->known = !fstat(fd, &st);
	if (!source->known)
		return;
	source->block = S_ISBLK(st.st_mode);
	source->dev = source->block ? st.st_rdev : st.st_dev;
	source->ino = source->block ? 0 : st.st_ino;
}

static bool is_same(const struct source *source, const struct stat *st)
{
	if (!source->known || source->block != S_ISBLK(st->st_mode))
		return false;
	if (source->block)
		return source->dev == st->st_rdev;
	return source->dev == st->st_dev && source->ino == st->st_ino;
}

bool source_is(const struct source *source, const struct stat *st,
	       const struct tarn_mem *mem)
{
	unsigned int i;

	if (!is_same(source, st))
		return false;
	for (i = 0; i < mem->nr; i++)
		if (mem_backend_in_pool(mem->range[i].backend) &&
		    pool_imported(&mem->range[i]))
			return true;
	return false;
}
