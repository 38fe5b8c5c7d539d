// SPDX-License-Identifier: GPL-2.0-only
/* Taking samples of a pool, and the rates between two of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "error.h"
#include "latency.h"
#include "sample.h"

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

	memset(sample, 0, sizeof(*sample));
	sample->pool = *pool;
	sample->pool.mount = strdup(pool->mount);
	if (!sample->pool.mount)
		return err_nomem();
	sample->time = sample_clock();
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
