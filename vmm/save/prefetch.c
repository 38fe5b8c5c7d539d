// SPDX-License-Identifier: GPL-2.0-only
/* Bringing pages from the file of a saved guest; see prefetch.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/tarn.h>

#include "lib/thread.h"
#include "sandbox.h"
#include "save/pool.h"
#include "save/prefetch.h"

/* Pages of a call, after each of which it may be over: that are read, or mostly are there. */
#define STEP 32
#define STEP_OWN 1024
/* So long a guest waits for what it uses most, ns. */
#define HOT_NS 1000000000ULL
/*
 * How long until there may be frames to spare again, or what was begun is there, s; and until
 * what was given up again, or was in somebody's hand, is looked at once more, at most.
 */
#define PAUSE 1
#define PAUSE_MOST 60

/* In place of its heat: the page was brought, and has a copy in the file still. */
#define BROUGHT 0x80

/**
 * struct prefetch - what is to be brought.
 * @left: pages in the file that are none of it; the caller's until @go
 * @lock: over @go, @stop and the end of @heat
 * @wake: one of the first two has changed
 * @heat: a byte a page of each range: enum tarn_activity, 0: it was never in the file;
 *	  the caller's until @go, then the thread's. Others may look at the bytes
 */
struct prefetch {
	const struct tarn_mem *mem;
	u64 left;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool go;
	bool stop;
	u8 *heat[MEM_MAX_RANGES];
};

/** struct place - how far it is with a class of pages. */
struct place {
	unsigned int range;
	u64 page;
};

static u64 pages_of(const struct mem_range *range)
{
	return range->size >> TARN_PAGE_SHIFT;
}

/* The next run of pages of a class, which is not too long, from @at on; 0: there is none. */
static u64 next_run(const struct prefetch *p, struct place *at, u8 class)
{
	const u64 most = class == BROUGHT ? STEP_OWN : STEP;

	for (; at->range < p->mem->nr; at->range++, at->page = 0) {
		u64 end = pages_of(&p->mem->range[at->range]), n = 0;
		const u8 *heat = p->heat[at->range];

		if (!heat)
			continue;
		while (at->page < end && heat[at->page] != class)
			at->page++;
		while (n < most && at->page + n < end &&
		       heat[at->page + n] == class)
			n++;
		if (n)
			return n;
	}
	return 0;
}

static u64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void done_with(struct prefetch *p, struct place *at, u64 pages)
{
	for (; pages; pages--)
		p->heat[at->range][at->page++] = BROUGHT;
}

/*
 * Those that were brought have their copies forgotten.
 * @until: CLOCK_MONOTONIC, 0: for as long as it takes
 *
 * Return: 1 when all are done, 0 when there are no frames to spare, or -errno.
 */
static int bring(struct prefetch *p, struct place *at, u8 class,
		 const bool *end, u64 until)
{
	const bool own = class == BROUGHT;
	const struct mem_range *range;
	u64 n;
	s64 done;

	while ((n = next_run(p, at, class))) {
		if (end && READ_ONCE(*end))
			return -ECANCELED;
		if (until && now() >= until)
			return -ETIME;
		range = &p->mem->range[at->range];
		done = pool_page_in(range, at->page << TARN_PAGE_SHIFT, n, own);
		/* The file is slow: it may be over meanwhile. */
		if (done == -ETIME)
			continue;
		/* It was written to and went out by now, and there is no pager. */
		if (done == -EAGAIN)
			n = done = 1;
		if (done < 0)
			return done == -EINTR ? 0 : done;
		done_with(p, at, done);
		if ((u64)done < n)
			return 0;
	}
	return 1;
}

void prefetch_hot(struct prefetch *p, const bool *cancel)
{
	u64 until = now() + HOT_NS;
	struct place at;
	u8 class;
	int ret = 1;

	for (class = TARN_ACTIVITY_HOT; class >= TARN_ACTIVITY_WARM && ret > 0;
	     class--) {
		at = (struct place){0};
		ret = bring(p, &at, class, cancel, until);
	}
}

static void pause_until_stop(struct prefetch *p, unsigned int seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&p->lock);
	while (!p->stop &&
	       pthread_cond_timedwait(&p->wake, &p->lock, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&p->lock);
}

/* Return: 1, or why that is over. */
static int bring_class(struct prefetch *p, u8 class)
{
	struct place at = {0};
	int ret;

	while (!(ret = bring(p, &at, class, &p->stop, 0)))
		pause_until_stop(p, PAUSE);
	return ret;
}

/* How many pages the file has still, as far as is known. */
static u64 imported(const struct prefetch *p)
{
	const struct mem_range *range = p->mem->range;
	u64 sum = 0;
	unsigned int i, j;

	for (i = 0; i < p->mem->nr; i++) {
		/* It tells of all of a partition. */
		for (j = 0; j < i && range[j].fd != range[i].fd; j++)
			;
		if (j == i && mem_backend_in_pool(range[i].backend))
			sum += pool_imported(&range[i]);
	}
	return sum;
}

/*
 * When all is there it is the guest's alone: the file is let go, but for what was paged. A page
 * may be on its way, or have been given up again, or be in somebody's hand: so more than once.
 *
 * Return: 1, or why that is over.
 */
static int own_all(struct prefetch *p)
{
	unsigned int seconds = PAUSE;
	int ret = 1;

	while (ret > 0 && imported(p) > p->left) {
		pause_until_stop(p, seconds);
		ret = bring_class(p, BROUGHT);
		seconds = min_t(unsigned int, 2 * seconds, PAUSE_MOST);
	}
	return ret;
}

/* Return: 1, or why that is over. */
static int bring_all(struct prefetch *p)
{
	u8 class;
	int ret = 1;

	for (class = TARN_ACTIVITY_HOT; class >= TARN_ACTIVITY_COLD && ret > 0;
	     class--)
		ret = bring_class(p, class);
	return ret > 0 ? own_all(p) : ret;
}

static void forget(struct prefetch *p)
{
	unsigned int i;

	pthread_mutex_lock(&p->lock);
	for (i = 0; i < MEM_MAX_RANGES; i++) {
		free(p->heat[i]);
		p->heat[i] = NULL;
	}
	pthread_mutex_unlock(&p->lock);
}

static void *prefetch_main(void *arg)
{
	struct prefetch *p = arg;
	int ret = sandbox_enter(SANDBOX_TRANSFER);
	bool go;

	pthread_mutex_lock(&p->lock);
	while (!p->go && !p->stop)
		pthread_cond_wait(&p->wake, &p->lock);
	go = p->go;
	pthread_mutex_unlock(&p->lock);
	if (!go)
		return NULL;
	/* What was not brought is known for the next save. */
	if (!ret && bring_all(p) > 0)
		forget(p);
	return NULL;
}

struct prefetch *prefetch_create(const struct tarn_mem *mem)
{
	struct prefetch *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;

	if (!p)
		return NULL;
	p->mem = mem;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (!thread_create(&p->thread, "prefetch", prefetch_main, p))
		return p;
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}

void prefetch_destroy(struct prefetch *p)
{
	if (!p)
		return;
	prefetch_stop(p);
	/* It may wait in the kernel for memory. */
	thread_end(p->thread, "guest memory was being brought");
	forget(p);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void prefetch_add(struct prefetch *p, const struct mem_range *range, u64 off,
		  u8 heat)
{
	u8 **map = &p->heat[range - p->mem->range];

	if (!*map)
		*map = calloc(pages_of(range), 1);
	/* What nobody knows of comes when it is touched, or last. */
	if (*map)
		(*map)[off >> TARN_PAGE_SHIFT] = heat ?: TARN_ACTIVITY_COLD;
}

void prefetch_leave(struct prefetch *p)
{
	p->left++;
}

void prefetch_wanted(struct prefetch *p, const struct mem_range *range, u64 off,
		     u32 count, u8 *heat)
{
	const u8 *map;
	u32 i;

	memset(heat, 0, count);
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	map = p->heat[range - p->mem->range];
	if (map)
		memcpy(heat, map + (off >> TARN_PAGE_SHIFT), count);
	pthread_mutex_unlock(&p->lock);
	for (i = 0; i < count; i++)
		if (heat[i] == BROUGHT)
			heat[i] = 0;
}

static void set(struct prefetch *p, bool *what)
{
	pthread_mutex_lock(&p->lock);
	WRITE_ONCE(*what, true);
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

void prefetch_begin(struct prefetch *p)
{
	set(p, &p->go);
}

void prefetch_stop(struct prefetch *p)
{
	set(p, &p->stop);
}
