// SPDX-License-Identifier: GPL-2.0-only
/* See report.h. */
#include "report.h"
#include "devices.h"

/* Room for this part of all pages, at most ROOM_MAX, ends being full. */
#define ROOM_PART 128
#define ROOM_MAX 256

/**
 * report_decide() - whether we are full
 * @was_full: as last reported
 * @refused: a store was refused since
 *
 * Full begins with the last slot, or a refusal, and ends only when there is
 * some room: each time it ends, the module sends what it has.
 */
void report_decide(const struct device_totals *totals, bool was_full,
		   bool refused, struct status_report *report)
{
	u64 room = totals->capacity > totals->used ?
			   totals->capacity - totals->used :
			   0;
	u64 enough = min_t(u64, totals->capacity / ROOM_PART, ROOM_MAX);

	report->capacity = totals->capacity;
	report->used = totals->used;
	report->degraded = totals->degraded;
	report->full = !room || ((was_full || refused) && room < enough);
}
