// SPDX-License-Identifier: GPL-2.0-only
/* See rates.h. */
#include <errno.h>

#include "rates.h"

void rates_csv(FILE *f, const struct sample_rates *rates)
{
	fprintf(f, "%.1f,%.1f,%.1f,%.1f,%.1f,%llu,%llu,%.1f", rates->page_ins,
		rates->page_outs, rates->drops, rates->refaults, rates->waits,
		(unsigned long long)rates->p50, (unsigned long long)rates->p99,
		rates->breaks);
}

int rates_json(json_t *object, const struct sample_rates *rates)
{
	json_t *more = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I}",
				 "page_ins_per_s", rates->page_ins,
				 "page_outs_per_s", rates->page_outs,
				 "drops_per_s", rates->drops,
				 "refaults_per_s", rates->refaults,
				 "waits_per_s", rates->waits,
				 "breaks_per_s", rates->breaks,
				 "interval_p50_ns", (json_int_t)rates->p50,
				 "interval_p99_ns", (json_int_t)rates->p99);
	int ret = more ? json_object_update(object, more) : -1;

	json_decref(more);
	return ret ? -ENOMEM : 0;
}
