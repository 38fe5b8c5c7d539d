// SPDX-License-Identifier: GPL-2.0-only
/* The numbers of pools, partitions and guests, in the order in which they are shown. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <linux/tarn.h>

#include "field.h"
#include "huge.h"
#include "placement.h"
#include "size.h"

#define FIELD(type, member, unit_, label_)                                     \
	{ .name = #member, .label = label_, .unit = FIELD_##unit_,             \
	  .offset = offsetof(struct type, member),                             \
	  .size = sizeof(((struct type *)0)->member) }

#define POOL(member, unit, label) FIELD(tarn_pool_info, member, unit, label)
#define PART(member, unit, label)                                              \
	FIELD(tarn_partition_info, member, unit, label)
#define GUEST(member, unit, label) FIELD(tarn_metrics, member, unit, label)

const struct field pool_fields[] = {
	POOL(frames, PAGES, "size"),
	POOL(free_frames, PAGES, "free"),
	POOL(free_block_frames, PAGES, "of it in whole 2 MiB"),
	POOL(limbo_frames, PAGES, "given up, still held"),
	POOL(poisoned_frames, NUMBER, "frames with a memory error"),
	POOL(partitions, NUMBER, "partitions"),
	POOL(logical_pages, PAGES, "logical"),
	POOL(resident_pages, PAGES, "resident"),
	POOL(block_pages, PAGES, "of it in 2 MiB frames"),
	POOL(paged_pages, PAGES, "paged"),
	POOL(pattern_pages, PAGES, "patterns"),
	POOL(shared_pages, PAGES, "shared"),
	POOL(shared_contents, PAGES, "all of that is"),
	POOL(shared_frames, PAGES, "of it in frames"),
	POOL(saved_pages, PAGES, "frames saved"),
	POOL(balloon_pages, PAGES, "in balloons"),
	POOL(pinned_pages, PAGES, "pinned"),
	POOL(paging_capacity, PAGES, "paging space"),
	POOL(paging_used, PAGES, "paging space used"),
	POOL(low_frames, PAGES, "low watermark"),
	POOL(high_frames, PAGES, "high watermark"),
	POOL(readahead_pages, PAGES, "read-ahead"),
	POOL(page_ins, NUMBER, "page-ins"),
	POOL(page_outs, NUMBER, "page-outs"),
	POOL(clean_drops, NUMBER, "clean drops"),
	POOL(zero_drops, NUMBER, "zero drops"),
	POOL(pattern_drops, NUMBER, "pattern drops"),
	POOL(share_merges, NUMBER, "pages merged"),
	POOL(share_breaks, NUMBER, "of these broken"),
	POOL(refaults, NUMBER, "refaults"),
	POOL(frame_waits, NUMBER, "waits for frames"),
	POOL(faults_pending, NUMBER, "page-ins under way"),
	POOL(load_errors, NUMBER, "load errors"),
	POOL(checksum_errors, NUMBER, "checksum errors"),
	POOL(store_errors, NUMBER, "store errors"),
	POOL(import_errors, NUMBER, "errors of saved files"),
	POOL(metadata_bytes, BYTES, "metadata"),
	POOL(scan_permille, PERMILLE, "scanner's CPU"),
	POOL(scanned_pages, NUMBER, "pages scanned"),
	POOL(scan_ns, NS, "scanner's time"),
	POOL(searched_pages, NUMBER, "searched for patterns"),
	POOL(search_ns, NS, "time for that"),
	POOL(hashed_pages, NUMBER, "hashed to be shared"),
	POOL(match_ns, NS, "time for this"),
	POOL(domains, NUMBER, "sharing domains"),
	POOL(balloons_gone, NUMBER, "balloons found gone"),
	POOL(huge, HUGE, "huge"),
	POOL(block_fills, NUMBER, "2 MiB frames given"),
	POOL(block_promotions, NUMBER, "of these by promotion"),
	POOL(block_splits, NUMBER, "split since"),
	POOL(promote_permille, PERMILLE, "promotion's CPU"),
	POOL(promote_ns, NS, "promotion's time"),
	POOL(placement, PLACEMENT, "placement"),
	{ 0 },
};

const struct field partition_fields[] = {
	PART(id, NUMBER, "id"),
	PART(weight, NUMBER, "weight"),
	PART(fair_frames, PAGES, "fair share"),
	PART(min_frames, PAGES, "minimum"),
	PART(desired_frames, PAGES, "desired"),
	PART(working_set, PAGES, "working set"),
	PART(logical_pages, PAGES, "logical"),
	PART(resident_pages, PAGES, "resident"),
	PART(block_pages, PAGES, "of it in 2 MiB frames"),
	PART(paged_pages, PAGES, "paged"),
	PART(pattern_pages, PAGES, "patterns"),
	PART(pattern_frames, PAGES, "frames to read them"),
	PART(shared_pages, PAGES, "shared"),
	PART(shared_charge, PAGES, "its part of the frames"),
	PART(saved_pages, PAGES, "frames saved"),
	PART(balloon_pages, PAGES, "in the balloon"),
	PART(imported_pages, PAGES, "in its saved file"),
	PART(pinned_pages, PAGES, "pinned"),
	PART(locked_pages, PAGES, "donated, and locked"),
	PART(lent_pages, PAGES, "frames of its children"),
	PART(donor, NUMBER, "child of partition"),
	PART(vms, NUMBER, "VMs attached"),
	PART(hypercalls, NUMBER, "of these with hypercalls"),
	PART(page_ins, NUMBER, "page-ins"),
	PART(readahead, NUMBER, "of these read ahead"),
	PART(page_outs, NUMBER, "page-outs"),
	PART(clean_drops, NUMBER, "clean drops"),
	PART(zero_drops, NUMBER, "zero drops"),
	PART(pattern_drops, NUMBER, "pattern drops"),
	PART(share_merges, NUMBER, "pages merged"),
	PART(share_breaks, NUMBER, "of these broken"),
	PART(refaults, NUMBER, "refaults"),
	PART(frame_waits, NUMBER, "waits for frames"),
	PART(page_waits, NUMBER, "waits for pages"),
	PART(errors, NUMBER, "errors"),
	PART(searched_pages, NUMBER, "searched for patterns"),
	PART(search_ns, NS, "time for that"),
	PART(hashed_pages, NUMBER, "hashed to be shared"),
	PART(match_ns, NS, "time for this"),
	PART(balloons_gone, NUMBER, "balloons found gone"),
	PART(huge, HUGE, "huge"),
	PART(block_fills, NUMBER, "2 MiB frames given"),
	PART(block_promotions, NUMBER, "of these by promotion"),
	PART(block_splits, NUMBER, "split since"),
	{ 0 },
};

const struct field metrics_fields[] = {
	GUEST(updates, NUMBER, "updates"),
	GUEST(time_ns, NUMBER, "guest's clock in ns"),
	GUEST(total_pages, PAGES, "total"),
	GUEST(free_pages, PAGES, "free"),
	GUEST(active_pages, PAGES, "active"),
	GUEST(inactive_pages, PAGES, "inactive"),
	GUEST(file_pages, PAGES, "page cache"),
	GUEST(dirty_pages, PAGES, "of it dirty"),
	GUEST(swap_pages, PAGES, "swap in use"),
	GUEST(refaults, NUMBER, "refaults"),
	GUEST(scanned, NUMBER, "pages scanned"),
	GUEST(swap_ins, NUMBER, "swap-ins"),
	GUEST(swap_outs, NUMBER, "swap-outs"),
	GUEST(psi_some_us, NUMBER, "stalled, some, us"),
	GUEST(psi_full_us, NUMBER, "stalled, all, us"),
	{ 0 },
};

uint64_t field_get(const struct field *field, const void *base)
{
	const char *at = (const char *)base + field->offset;
	__u32 small;
	__u64 large;

	if (field->size == sizeof(small)) {
		memcpy(&small, at, sizeof(small));
		return small;
	}
	memcpy(&large, at, sizeof(large));
	return large;
}

void field_set(const struct field *field, void *base, uint64_t val)
{
	char *at = (char *)base + field->offset;
	__u32 small = val;
	__u64 large = val;

	if (field->size == sizeof(small))
		memcpy(at, &small, sizeof(small));
	else
		memcpy(at, &large, sizeof(large));
}

const char *field_format(const struct field *field, const void *base, char *buf,
			 bool exact)
{
	uint64_t val = field_get(field, base);

	switch (field->unit) {
	case FIELD_PAGES:
		return size_format_pages(buf, val, exact);
	case FIELD_BYTES:
		return size_format(buf, val, exact);
	case FIELD_NS:
		return time_format(buf, val);
	case FIELD_PERMILLE:
		snprintf(buf, SIZE_TEXT_MAX, "%.1f%%", val / 10.0);
		return buf;
	case FIELD_HUGE:
		return huge_name(val);
	case FIELD_PLACEMENT:
		snprintf(buf, SIZE_TEXT_MAX, "%s", placement_name(val));
		return buf;
	case FIELD_NUMBER:
		break;
	}
	snprintf(buf, SIZE_TEXT_MAX, "%llu", (unsigned long long)val);
	return buf;
}

void field_print_all(const struct field *table, const void *base, bool exact)
{
	char buf[SIZE_TEXT_MAX];

	for (; table->name; table++)
		printf("  " FIELD_LABEL " %s\n", table->label,
		       field_format(table, base, buf, exact));
}
