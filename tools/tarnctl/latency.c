// SPDX-License-Identifier: GPL-2.0-only
/* Percentiles and a drawing of logarithmic latency histograms. */
#include <math.h>
#include <sys/ioctl.h>

#include "field.h"
#include "latency.h"
#include "size.h"

/* "[ 65us, 131us)  123456  99.9% " stands before the bar. */
#define LEGEND_WIDTH 38
#define BAR_MIN 10

uint64_t latency_total(const __u64 *buckets)
{
	uint64_t total = 0;
	int i;

	for (i = 0; i < TARN_LATENCY_BUCKETS; i++)
		total += buckets[i];
	return total;
}

uint64_t latency_percentile(const __u64 *buckets, double percent)
{
	uint64_t total = latency_total(buckets), below = 0;
	double rank = ceil(total * percent / 100);
	int i;

	if (!total)
		return 0;
	if (rank < 1)
		rank = 1;
	for (i = 0; i < TARN_LATENCY_BUCKETS; i++) {
		double base = ldexp(1, i);

		if (below + buckets[i] >= rank)
			return base + base * (rank - below) / buckets[i];
		below += buckets[i];
	}
	return 0;
}

static void print_bar(FILE *f, uint64_t part, uint64_t max, unsigned int width)
{
	unsigned int len = ceil((double)part * width / max);

	while (len--)
		fputc('#', f);
}

void latency_print(FILE *f, const __u64 *buckets, unsigned int width)
{
	int first = TARN_LATENCY_BUCKETS, last = -1, i;
	uint64_t total = latency_total(buckets), max = 0;
	unsigned int bar = width > LEGEND_WIDTH + BAR_MIN ?
				   width - LEGEND_WIDTH : BAR_MIN;

	for (i = 0; i < TARN_LATENCY_BUCKETS; i++) {
		if (!buckets[i])
			continue;
		if (first > i)
			first = i;
		last = i;
		if (buckets[i] > max)
			max = buckets[i];
	}
	for (i = first; i <= last; i++) {
		char from[SIZE_TEXT_MAX], to[SIZE_TEXT_MAX];

		fprintf(f, "  [%5s, %5s) %10llu %5.1f%%  ",
			time_format(from, 1ULL << i),
			time_format(to, 2ULL << i),
			(unsigned long long)buckets[i],
			100.0 * buckets[i] / total);
		print_bar(f, buckets[i], max, bar);
		fputc('\n', f);
	}
}

static unsigned int terminal_width(FILE *f)
{
	struct winsize size;

	if (ioctl(fileno(f), TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

void latency_summary(FILE *f, const __u64 *buckets)
{
	char p50[SIZE_TEXT_MAX], p99[SIZE_TEXT_MAX];

	if (!latency_total(buckets)) {
		fprintf(f, "  " FIELD_LABEL " none so far\n", "page-in latency");
		return;
	}
	fprintf(f, "  " FIELD_LABEL " 50%% within %s, 99%% within %s\n",
		"page-in latency",
		time_format(p50, latency_percentile(buckets, 50)),
		time_format(p99, latency_percentile(buckets, 99)));
	latency_print(f, buckets, terminal_width(f));
}
