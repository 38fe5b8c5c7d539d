/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests of sharing have in common: partitions in domains, and what is in them. */
#ifndef SELFTESTS_KMOD_SHARE_H
#define SELFTESTS_KMOD_SHARE_H

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 64
#define SEED 9

static struct pool pool;
static struct pager pg;

/** A partition that is mapped. */
struct guest {
	int fd;
	u64 pages;
	u8 *map;
	char name[8];
};

static inline long __set_domain(int fd, const char *name)
{
	struct tarn_partition_domain d = {
		.size = sizeof(d), .flags = TARN_DOMAIN_SET,
	};

	memcpy(d.name, name, strnlen(name, sizeof(d.name)));
	return __tarn_op(fd, TARN_PARTITION_DOMAIN, &d);
}

static inline void set_domain(int fd, const char *name)
{
	ASSERT_OK(__set_domain(fd, name));
}

static inline struct tarn_partition_domain domain_of(int fd)
{
	struct tarn_partition_domain d = { .size = sizeof(d) };

	tarn_op(fd, TARN_PARTITION_DOMAIN, &d);
	return d;
}

static inline void begin(const char *options)
{
	pool_mount(&pool, options);
	pager_start(&pg, &pool);
}

static inline void end(void)
{
	struct tarn_pool_info info;

	pool_assert_idle(&pool);
	info = pool_info(&pool);
	ASSERT_EQ(info.shared_pages, 0);
	ASSERT_EQ(info.shared_contents, 0);
	ASSERT_EQ(info.shared_frames, 0);
	ASSERT_EQ(info.domains, 0);
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	pool_umount(&pool);
}

static inline void guest_begin(struct guest *g, const char *name, const char *domain,
			u64 pages)
{
	g->pages = pages;
	strcpy(g->name, name);
	g->fd = part_create(&pool, name, pages);
	g->map = part_map(g->fd, pages);
	if (domain)
		set_domain(g->fd, domain);
}

static inline void guest_end(struct guest *g)
{
	munmap(g->map, g->pages * PAGE_SIZE);
	close(g->fd);
	part_unlink(&pool, g->name);
}

static inline u8 *page_of(struct guest *g, u64 index)
{
	return g->map + index * PAGE_SIZE;
}

/** Page n is what page n of everybody else is who has the same version. */
static inline void fill(struct guest *g, u64 first, u64 count, u64 version)
{
	u64 i;

	for (i = first; i < first + count; i++)
		page_fill(page_of(g, i), SEED, i, version);
}

static inline void check(struct guest *g, u64 first, u64 count, u64 version)
{
	u64 i;

	for (i = first; i < first + count; i++)
		ASSERT_PAGE(page_of(g, i), SEED, i, version);
}

/** One look. */
static inline u64 look(struct guest *g, u64 start, u64 count)
{
	struct tarn_partition_range r = {
		.size = sizeof(r), .start = start, .count = count,
	};

	tarn_op(g->fd, TARN_PARTITION_SHARE, &r);
	return r.done;
}

/**
 * As many as it takes for everything of two that is equal. A page that the scanner looks at
 * just then is held for that moment, and stays.
 */
static inline void share(struct guest *a, struct guest *b)
{
	u32 vain = 0;

	look(a, 0, a->pages);
	look(b, 0, b->pages);
	while (vain < 2) {
		u64 merged = look(a, 0, a->pages) + look(b, 0, b->pages);

		vain = merged ? 0 : vain + 1;
	}
}

static inline u64 shared(struct guest *g)
{
	struct tarn_partition_info info = part_info(g->fd);

	ASSERT_EQ(part_count(g->fd, 0, info.logical_pages, TARN_PAGE_STATE_MASK,
			     TARN_PAGE_SHARED), info.shared_pages);
	return info.shared_pages;
}

static inline u64 used_frames(void)
{
	struct tarn_pool_info info = pool_info(&pool);

	return info.frames - info.free_frames;
}

#endif
