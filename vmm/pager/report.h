/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module is told of our state, and when we count as full. */
#ifndef TARN_PAGER_REPORT_H
#define TARN_PAGER_REPORT_H

#include "types.h"

struct device_totals;

/**
 * struct status_report - what is sent
 * @full: no room
 * @degraded: a leg or a device is lost
 * @capacity: pages
 * @used: pages
 */
struct status_report {
	bool full;
	bool degraded;
	u64 capacity;
	u64 used;
};

void report_decide(const struct device_totals *totals, bool was_full,
		   bool refused, struct status_report *report);

#endif
