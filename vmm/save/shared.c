// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which pages share what they hold: each page that shares has a number in its pool, and
 * all with that number hold the same. The first page with a number is found by it in a
 * hash table; those that follow it become runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <linux/tarn.h>

#include "save/pool.h"
#include "save/same.h"

/* Pages of one call. */
#define LOOK_PAGES 4096
/* Looks, if pages cease to share meanwhile. */
#define TRIES 3

/**
 * struct content_at - a number and where it was first seen.
 * @id: 0: this place of the table is free
 * @pool: the device number of the pool; each has its own numbers
 */
struct content_at {
	u64 id;
	u64 pool;
	u64 gpa;
};

/**
 * struct collector - a look at all of memory.
 * @table: hashed, a power of two of places, of which at most half are taken
 * @left: of each range, how often pages had ceased to share when it began
 */
struct collector {
	const struct tarn_mem *mem;
	const bool *cancel;
	struct same_list *list;
	struct content_at *table;
	size_t places;
	size_t taken;
	u64 left[MEM_MAX_RANGES];
	bool shares[MEM_MAX_RANGES];
	u64 ids[LOOK_PAGES];
};

/* Where it is, or the place that it is to have. */
static struct content_at *find(struct content_at *table, size_t places, u64 id,
			       u64 pool)
{
	size_t i = (id ^ pool) * 0x9e3779b97f4a7c15ULL >> 20;

	while (table[i & (places - 1)].id &&
	       (table[i & (places - 1)].id != id ||
		table[i & (places - 1)].pool != pool))
		i++;
	return &table[i & (places - 1)];
}

static int grow_table(struct collector *c)
{
	size_t places = c->places ? 2 * c->places : 1024, i;
	struct content_at *table = calloc(places, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (i = 0; i < c->places; i++)
		if (c->table[i].id)
			*find(table, places, c->table[i].id,
			      c->table[i].pool) = c->table[i];
	free(c->table);
	c->table = table;
	c->places = places;
	return 0;
}

static int note(struct collector *c, u64 id, u64 pool, u64 gpa)
{
	struct content_at *at;
	int ret = 2 * c->taken < c->places ? 0 : grow_table(c);

	if (ret)
		return ret;
	at = find(c->table, c->places, id, pool);
	if (at->id)
		return same_add(c->list, gpa, at->gpa, 1);
	*at = (struct content_at){id, pool, gpa};
	c->taken++;
	return 0;
}

static int look_at_range(struct collector *c, const struct mem_range *range)
{
	u64 off, left;
	struct stat st;
	int n, i, ret;

	if (fstat(range->fd, &st))
		return 0;
	for (off = 0; off < range->size; off += (u64)n << TARN_PAGE_SHIFT) {
		if (c->cancel && READ_ONCE(*c->cancel))
			return -ECANCELED;
		n = pool_shared(range, off,
				min_t(u64, LOOK_PAGES, (range->size - off) >>
					      TARN_PAGE_SHIFT), c->ids, &left);
		/* A file that is too short is somebody else's to find. */
		if (n <= 0)
			return 0;
		for (i = 0; i < n; i++) {
			ret = c->ids[i] ? note(c, c->ids[i], st.st_dev,
					       range->gpa + off +
						((u64)i << TARN_PAGE_SHIFT)) : 0;
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* Those that can tell. */
static void begin(struct collector *c)
{
	unsigned int i;

	for (i = 0; i < c->mem->nr; i++)
		c->shares[i] = mem_backend_in_pool(c->mem->range[i].backend) &&
			       pool_shared(&c->mem->range[i], 0, 0, c->ids,
					   &c->left[i]) >= 0;
}

/* Whether numbers meant the same all the time. */
static bool stood_still(struct collector *c)
{
	unsigned int i;
	u64 left;

	for (i = 0; i < c->mem->nr; i++)
		if (c->shares[i] &&
		    (pool_shared(&c->mem->range[i], 0, 0, c->ids, &left) < 0 ||
		     left != c->left[i]))
			return false;
	return true;
}

static int look(struct collector *c)
{
	unsigned int i;
	int ret = 0;

	begin(c);
	for (i = 0; i < c->mem->nr && !ret; i++)
		if (c->shares[i])
			ret = look_at_range(c, &c->mem->range[i]);
	return ret;
}

static void forget(struct collector *c)
{
	same_free(c->list);
	free(c->table);
	c->table = NULL;
	c->places = c->taken = 0;
}

int same_collect(struct same_list *list, const struct tarn_mem *mem,
		 const bool *cancel)
{
	struct collector *c = calloc(1, sizeof(*c));
	bool right = false;
	int tries, ret = 0;

	if (!c)
		return -ENOMEM;
	c->mem = mem;
	c->cancel = cancel;
	c->list = list;
	for (tries = 0; tries < TRIES && !ret && !right; tries++) {
		forget(c);
		ret = look(c);
		right = !ret && stood_still(c);
	}
	free(c->table);
	free(c);
	if (!right)
		same_free(list);
	/* Each page by itself is a guest that is saved as well. */
	return ret == -ENOMEM ? 0 : ret;
}
