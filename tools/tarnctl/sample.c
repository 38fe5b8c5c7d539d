// SPDX-License-Identifier: GPL-2.0-only
/* Taking samples of a pool, and the rates between two of them. */
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

/* Where samples come from, if not from pools. */
static int (*played)(struct sample *sample, const struct sample *before);

void sample_play(int (*take)(struct sample *sample, const struct sample *before))
{
	played = take;
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
	rates->drops = RATE(clean_drops) + RATE(zero_drops);
	rates->refaults = RATE(refaults);
	rates->waits = RATE(frame_waits) + RATE(page_waits);
	interval_latency(rates, now->latency, before->latency);
}

void sample_pool_rates(struct sample_rates *rates,
		       const struct tarn_pool_info *now,
		       const struct tarn_pool_info *before, double seconds)
{
	rates->page_ins = RATE(page_ins);
	rates->page_outs = RATE(page_outs);
	rates->drops = RATE(clean_drops) + RATE(zero_drops);
	rates->refaults = RATE(refaults);
	rates->waits = RATE(frame_waits);
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

/* What has no file, or was removed meanwhile, tells nothing of its nodes. */
static void read_homes(struct sample *sample, struct sample_row *row, int dirfd)
{
	struct homes homes = { 0 };
	struct home_mark mark;
	int fd = partition_reopen(dirfd, row->part);

	if (fd >= 0) {
		homes_read(fd, &homes);
		close(fd);
	}
	mark = home_mark_read(sample->pool.uuid, row->part->info.id);
	sample_homes_format(row->homes, &homes, mark.automatic);
	row->misplaced = homes.misplaced_pages;
	homes_free(&homes);
}

static int fill_homes(struct sample *sample)
{
	int dirfd = pool_open(&sample->pool);
	size_t i;

	if (dirfd < 0)
		return dirfd;
	for (i = 0; i < sample->list.count; i++)
		read_homes(sample, &sample->rows[i], dirfd);
	close(dirfd);
	return 0;
}

static void fill_rates(struct sample *sample, const struct sample *before)
{
	/* A partition made since then started from nothing. */
	static const struct tarn_partition_info nothing;
	double seconds = (sample->time - before->time) / 1e9;
	size_t i;

	if (seconds <= 0)
		return;
	sample_pool_rates(&sample->rates, &sample->pool.info,
			  &before->pool.info, seconds);
	for (i = 0; i < sample->list.count; i++) {
		const struct tarn_partition_info *now =
			&sample->list.items[i].info;
		const struct partition *old =
			partition_list_find(&before->list, now->id);

		sample_partition_rates(&sample->rows[i].rates, now,
				       old ? &old->info : &nothing, seconds);
	}
}

int sample_take(struct sample *sample, const struct pool *pool,
		const struct sample *before)
{
	size_t i;
	int ret;

	if (played)
		return played(sample, before);
	memset(sample, 0, sizeof(*sample));
	sample->pool = *pool;
	sample->pool.mount = strdup(pool->mount);
	if (!sample->pool.mount)
		return err_nomem();
	sample->time = sample_clock();
	sample->wall = time(NULL);
	ret = pool_refresh(&sample->pool);
	if (!ret)
		ret = partition_list_read(&sample->list, &sample->pool);
	if (ret)
		goto err_free;
	sample->rows = calloc(sample->list.count + 1, sizeof(*sample->rows));
	if (!sample->rows)
		goto err_nomem;
	for (i = 0; i < sample->list.count; i++) {
		sample->rows[i].part = &sample->list.items[i];
		sample->rows[i].name = partition_name(&sample->list.items[i]);
		if (!sample->rows[i].name)
			goto err_nomem;
	}
	ret = fill_homes(sample);
	if (ret)
		goto err_free;
	if (before)
		fill_rates(sample, before);
	return 0;

err_nomem:
	ret = err_nomem();
err_free:
	sample_free(sample);
	return ret;
}

void sample_free(struct sample *sample)
{
	size_t i;

	for (i = 0; sample->rows && i < sample->list.count; i++)
		free(sample->rows[i].name);
	free(sample->rows);
	partition_list_free(&sample->list);
	pool_put(&sample->pool);
	memset(sample, 0, sizeof(*sample));
}
