// SPDX-License-Identifier: GPL-2.0-only
/* Taking samples of pools, and the rates between two of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "home_mark.h"
#include "latency.h"
#include "sample.h"

/* Who started meanwhile is not missed for longer. */
#define GUESTS_AGE_NS 10000000000ULL

/* Where samples come from, if not from pools. */
static sample_maker *played;

void sample_play(sample_maker *maker)
{
	played = maker;
}

uint64_t sample_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void sample_sleep(uint64_t since, double seconds)
{
	uint64_t until = since + seconds * 1e9;
	struct timespec ts = {
		.tv_sec = until / 1000000000,
		.tv_nsec = until % 1000000000,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	       EINTR)
		;
}

/* Counters are read without a lock, so one may seem to go back a little. */
static double rate(uint64_t now, uint64_t before, double seconds)
{
	return now > before ? (now - before) / seconds : 0;
}

static void interval_latency(struct sample_rates *rates, const __u64 *now,
			     const __u64 *before)
{
	__u64 diff[TARN_LATENCY_BUCKETS];
	int i;

	for (i = 0; i < TARN_LATENCY_BUCKETS; i++)
		diff[i] = now[i] > before[i] ? now[i] - before[i] : 0;
	rates->p50 = latency_percentile(diff, 50);
	rates->p99 = latency_percentile(diff, 99);
}

#define RATE(field) rate(now->field, before->field, seconds)

void sample_partition_rates(struct sample_rates *rates,
			    const struct tarn_partition_info *now,
			    const struct tarn_partition_info *before,
			    double seconds)
{
	rates->page_ins = RATE(page_ins);
	rates->page_outs = RATE(page_outs);
	rates->drops = RATE(clean_drops) + RATE(zero_drops) +
		       RATE(pattern_drops);
	rates->refaults = RATE(refaults);
	rates->waits = RATE(frame_waits) + RATE(page_waits);
	rates->breaks = RATE(share_breaks);
	interval_latency(rates, now->latency, before->latency);
}

void sample_pool_rates(struct sample_rates *rates,
		       const struct tarn_pool_info *now,
		       const struct tarn_pool_info *before, double seconds)
{
	rates->page_ins = RATE(page_ins);
	rates->page_outs = RATE(page_outs);
	rates->drops = RATE(clean_drops) + RATE(zero_drops) +
		       RATE(pattern_drops);
	rates->refaults = RATE(refaults);
	rates->waits = RATE(frame_waits);
	rates->breaks = RATE(share_breaks);
	interval_latency(rates, now->latency, before->latency);
}

/* Numbers of nodes as far as there is room, and "+" for others. */
void sample_homes_format(char *text, const struct homes *homes, bool automatic)
{
	size_t len = 0;
	unsigned int i;

	if (automatic)
		len = sprintf(text, "auto:");
	for (i = 0; i < homes->count; i++) {
		if (!(homes->items[i].flags & TARN_NODE_IS_HOME))
			continue;
		/* A comma, four digits, "+" and the end. */
		if (len + 7 > SAMPLE_HOMES_MAX) {
			strcpy(text + len, "+");
			return;
		}
		len += sprintf(text + len, "%s%u",
			       len && text[len - 1] != ':' ? "," : "",
			       homes->items[i].node);
	}
	if (!len || text[len - 1] == ':')
		strcpy(text + len, "-");
}

/* What nobody has, or was removed meanwhile, tells nothing of its nodes. */
static void read_homes(const struct sample *sample, struct sample_row *row,
		       int dirfd)
{
	struct homes homes = { 0 };
	struct home_mark mark;
	int fd = guests_reach(&sample->guests, row->in->pool.dev, dirfd,
			      row->part);

	if (fd >= 0) {
		homes_read(fd, &homes);
		close(fd);
	}
	mark = home_mark_read(row->in->pool.uuid, row->part->info.id);
	sample_homes_format(row->homes, &homes, mark.automatic);
	row->misplaced = homes.misplaced_pages;
	homes_free(&homes);
}

static int read_pool(struct sample_pool *to, const struct pool *pool)
{
	int ret;

	to->pool = *pool;
	to->pool.mount = strdup(pool->mount);
	if (!to->pool.mount)
		return err_nomem();
	ret = pool_refresh(&to->pool);
	return ret ? ret : partition_list_read(&to->list, &to->pool);
}

/* ---- guests -------------------------------------------------------------- */

/* A partition that was not there may be of a guest that was not there. */
static bool any_new(const struct sample *now, const struct sample *before)
{
	size_t i, j;

	for (i = 0; i < now->nr_pools; i++) {
		const struct partition_list *list = &now->pools[i].list;

		for (j = 0; j < list->count; j++) {
			if (!partition_list_find(&before->pools[i].list,
						 list->items[j].info.id))
				return true;
		}
	}
	return false;
}

/* They are taken over from the sample before while they are not old. */
static int find_guests(struct sample *sample, struct sample *before)
{
	struct pool_list pools = { 0 };
	size_t i;
	int ret;

	if (before && sample->time - before->guests_time < GUESTS_AGE_NS &&
	    !any_new(sample, before)) {
		sample->guests = before->guests;
		sample->guests_time = before->guests_time;
		before->guests = (struct guests){ 0 };
		return 0;
	}
	pools.items = calloc(sample->nr_pools, sizeof(*pools.items));
	if (!pools.items)
		return err_nomem();
	for (i = 0; i < sample->nr_pools; i++)
		pools.items[pools.count++] = sample->pools[i].pool;
	ret = guests_read(&sample->guests, &pools);
	free(pools.items);
	sample->guests_time = sample->time;
	return ret;
}

/* ---- rows ---------------------------------------------------------------- */

bool sample_passes(const struct partition *part, const char *filter)
{
	return !filter || !*filter ||
	       (part->name && strcasestr(part->name, filter)) ||
	       (part->path && strcasestr(part->path, filter));
}

static int add_row(struct sample *sample, const struct sample_pool *in,
		   const struct partition *part, int dirfd)
{
	struct sample_row *row = &sample->rows[sample->nr_rows];

	*row = (struct sample_row){ .in = in, .part = part };
	row->name = partition_name(part);
	if (!row->name)
		return err_nomem();
	sample->nr_rows++;
	row->guest = guests_find(&sample->guests, in->pool.dev, part, NULL);
	read_homes(sample, row, dirfd);
	return 0;
}

static int add_rows(struct sample *sample, struct sample_pool *in,
		    const char *filter)
{
	int dirfd = pool_open(&in->pool), ret;
	size_t i;

	if (dirfd < 0)
		return dirfd;
	ret = guests_name(&sample->guests, &in->pool, &in->list);
	for (i = 0; !ret && i < in->list.count; i++) {
		if (sample_passes(&in->list.items[i], filter))
			ret = add_row(sample, in, &in->list.items[i], dirfd);
	}
	close(dirfd);
	return ret;
}

static int fill_rows(struct sample *sample, const char *filter)
{
	size_t count = 0, i;
	int ret = 0;

	for (i = 0; i < sample->nr_pools; i++) {
		count += sample->pools[i].list.count;
		sample->hidden += sample->pools[i].list.hidden;
	}
	sample->rows = calloc(count + 1, sizeof(*sample->rows));
	if (!sample->rows)
		return err_nomem();
	for (i = 0; !ret && i < sample->nr_pools; i++)
		ret = add_rows(sample, &sample->pools[i], filter);
	return ret;
}

/* ---- rates --------------------------------------------------------------- */

/* Both have the same pools in the same order. */
static void fill_rates(struct sample *sample, const struct sample *before)
{
	/* A partition made since then started from nothing. */
	static const struct tarn_partition_info nothing;
	double seconds = (sample->time - before->time) / 1e9;
	size_t i;

	if (seconds <= 0)
		return;
	for (i = 0; i < sample->nr_pools; i++)
		sample_pool_rates(&sample->pools[i].rates,
				  &sample->pools[i].pool.info,
				  &before->pools[i].pool.info, seconds);
	for (i = 0; i < sample->nr_rows; i++) {
		struct sample_row *row = &sample->rows[i];
		const struct partition_list *list =
			&before->pools[row->in - sample->pools].list;
		const struct partition *old =
			partition_list_find(list, row->part->info.id);

		sample_partition_rates(&row->rates, &row->part->info,
				       old ? &old->info : &nothing, seconds);
	}
}

/* ---- the sample ---------------------------------------------------------- */

static const struct pool *pool_at(const struct pool_list *pools,
				  const struct sample *before, size_t i)
{
	return before ? &before->pools[i].pool : &pools->items[i];
}

/* Of the pools of @before, if it is not NULL. */
static int take(struct sample *sample, const struct pool_list *pools,
		struct sample *before, const char *filter)
{
	size_t count = before ? before->nr_pools : pools->count;
	int ret = 0;

	memset(sample, 0, sizeof(*sample));
	sample->pools = calloc(count + 1, sizeof(*sample->pools));
	if (!sample->pools)
		return err_nomem();
	sample->time = sample_clock();
	sample->wall = time(NULL);
	while (!ret && sample->nr_pools < count) {
		ret = read_pool(&sample->pools[sample->nr_pools],
				pool_at(pools, before, sample->nr_pools));
		sample->nr_pools++;
	}
	if (!ret)
		ret = find_guests(sample, before);
	if (!ret)
		ret = fill_rows(sample, filter);
	if (ret)
		sample_free(sample);
	else if (before)
		fill_rates(sample, before);
	return ret;
}

int sample_begin(struct sample *sample, const struct pool_list *pools,
		 const char *filter)
{
	return played ? played(sample, NULL, filter) :
			take(sample, pools, NULL, filter);
}

int sample_next(struct sample *sample, const char *filter)
{
	struct sample now;
	int ret;

	ret = played ? played(&now, sample, filter) :
		       take(&now, NULL, sample, filter);
	if (ret)
		return ret;
	sample_free(sample);
	*sample = now;
	return 0;
}

void sample_free(struct sample *sample)
{
	size_t i;

	for (i = 0; i < sample->nr_rows; i++)
		free(sample->rows[i].name);
	free(sample->rows);
	for (i = 0; i < sample->nr_pools; i++) {
		partition_list_free(&sample->pools[i].list);
		pool_put(&sample->pools[i].pool);
	}
	free(sample->pools);
	guests_free(&sample->guests);
	memset(sample, 0, sizeof(*sample));
}
