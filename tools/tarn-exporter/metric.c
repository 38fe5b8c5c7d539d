// SPDX-License-Identifier: GPL-2.0-only
/* See metric.h. Units are base units: bytes and seconds; pages are counted as pages. */
#include <stddef.h>

#include "history.h"
#include "metric.h"

#define PAGE_BYTES (1 << TARN_PAGE_SHIFT)
#define NS 1e-9

#define AT(type, member)                                                       \
	{ .offset = offsetof(struct type, member),                             \
	  .size = sizeof(((struct type *)0)->member) }

#define POOL(name_, member) .name = "tarn_pool_" name_,                        \
	.field = AT(tarn_pool_info, member)
#define PART(name_, member) .name = "tarn_partition_" name_,                   \
	.field = AT(history_partition, part.info.member)
#define HELD(name_, member) .name = "tarn_partition_" name_,                   \
	.field = AT(history_partition, member)

#define PAGES .unit = "bytes", .scale = PAGE_BYTES
#define BYTES .unit = "bytes", .scale = 1
#define NUMBER .scale = 1
#define COUNTER .counter = true, .scale = 1
#define SECONDS .counter = true, .unit = "seconds", .scale = NS

const struct metric pool_metrics[] = {
	{ POOL("size_bytes", frames), PAGES, .help =
	  "Memory that the pool owns." },
	{ POOL("free_bytes", free_frames), PAGES, .help =
	  "Of the pool, free." },
	{ POOL("free_huge_bytes", free_block_frames), PAGES, .help =
	  "Of what is free, in whole frames of 2 MiB." },
	{ POOL("limbo_bytes", limbo_frames), PAGES, .help =
	  "Given up by its partition but held by somebody." },
	{ POOL("poisoned_bytes", poisoned_frames), PAGES, .help =
	  "Memory in which the hardware has found an error." },
	{ POOL("partitions", partitions), NUMBER, .help =
	  "Partitions of the pool." },
	{ POOL("logical_bytes", logical_pages), PAGES, .help =
	  "Sizes of all partitions added up." },
	{ POOL("resident_bytes", resident_pages), PAGES, .help =
	  "Logical memory that is in frames." },
	{ POOL("huge_bytes", block_pages), PAGES, .help =
	  "Of what is resident, in frames of 2 MiB." },
	{ POOL("paged_bytes", paged_pages), PAGES, .help =
	  "Logical memory that only the pager holds." },
	{ POOL("pattern_bytes", pattern_pages), PAGES, .help =
	  "Logical memory that is the same word all over, and has no frame." },
	{ POOL("shared_bytes", shared_pages), PAGES, .help =
	  "Logical memory that shares what it holds with other memory of its sharing domain." },
	{ POOL("shared_contents_bytes", shared_contents), PAGES, .help =
	  "What all of that is, once each." },
	{ POOL("shared_frames_bytes", shared_frames), PAGES, .help =
	  "Of this, in frames." },
	{ POOL("saved_bytes", saved_pages), PAGES, .help =
	  "Frames that are not needed, as of patterns and of what is shared." },
	{ POOL("balloon_bytes", balloon_pages), PAGES, .help =
	  "Logical memory that guests have given to their balloons." },
	{ POOL("balloons_gone", balloons_gone), COUNTER, .help =
	  "Balloons that a guest had no more, as another kernel wrote to them." },
	{ POOL("domains", domains), NUMBER, .help =
	  "Sharing domains that partitions are in." },
	{ POOL("pinned_bytes", pinned_pages), PAGES, .help =
	  "Of what is resident, pinned." },
	{ POOL("low_watermark_bytes", low_frames), PAGES, .help =
	  "Free memory below which reclaim begins." },
	{ POOL("high_watermark_bytes", high_frames), PAGES, .help =
	  "Free memory at which reclaim ends." },
	{ POOL("paging_capacity_bytes", paging_capacity), PAGES, .help =
	  "Room of the paging devices." },
	{ POOL("paging_used_bytes", paging_used), PAGES, .help =
	  "Of it, used; copies of resident pages as well." },
	{ POOL("metadata_bytes", metadata_bytes), BYTES, .help =
	  "Memory of the kernel for the pool's tables." },
	{ POOL("faults_pending", faults_pending), NUMBER, .help =
	  "Page-ins under way." },
	{ POOL("page_ins", page_ins), COUNTER, .help =
	  "Pages read from the pager." },
	{ POOL("page_outs", page_outs), COUNTER, .help =
	  "Pages written to the pager." },
	{ POOL("clean_drops", clean_drops), COUNTER, .help =
	  "Pages given up without I/O, as their copy was valid." },
	{ POOL("zero_drops", zero_drops), COUNTER, .help =
	  "Pages found to be zero and given up without I/O." },
	{ POOL("pattern_drops", pattern_drops), COUNTER, .help =
	  "Pages found to be a pattern and given up without I/O." },
	{ POOL("share_merges", share_merges), COUNTER, .help =
	  "Pages that gave up their frame to share another one." },
	{ POOL("share_breaks", share_breaks), COUNTER, .help =
	  "Of these, pages that got a frame of their own again." },
	{ POOL("refaults", refaults), COUNTER, .help =
	  "Pages read that had been given up a short while before." },
	{ POOL("frame_waits", frame_waits), COUNTER, .help =
	  "Times that a thread waited for a free frame." },
	{ POOL("load_errors", load_errors), COUNTER, .help =
	  "Pages that the pager could not read." },
	{ POOL("checksum_errors", checksum_errors), COUNTER, .help =
	  "Pages whose content was not what had been stored." },
	{ POOL("store_errors", store_errors), COUNTER, .help =
	  "Pages that the pager could not write." },
	{ POOL("import_errors", import_errors), COUNTER, .help =
	  "Pages of saved guests that their files did not give back as they were." },
	{ POOL("scanned_pages", scanned_pages), COUNTER, .help =
	  "Pages that the scanner looked at." },
	{ POOL("scan_seconds", scan_ns), SECONDS, .help =
	  "Processor time that the scanner took." },
	{ POOL("searched_pages", searched_pages), COUNTER, .help =
	  "Pages that the scanner looked at for patterns." },
	{ POOL("search_seconds", search_ns), SECONDS, .help =
	  "Processor time that this took, most of it part of the scanner's." },
	{ POOL("hashed_pages", hashed_pages), COUNTER, .help =
	  "Pages that were hashed to find equal ones." },
	{ POOL("match_seconds", match_ns), SECONDS, .help =
	  "Time that this and comparing took, most of it part of the scanner's." },
	{ POOL("huge_fills", block_fills), COUNTER, .help =
	  "Frames of 2 MiB given to blocks." },
	{ POOL("huge_promotions", block_promotions), COUNTER, .help =
	  "Of these frames, given to blocks that had small ones before." },
	{ POOL("huge_splits", block_splits), COUNTER, .help =
	  "Of these frames, split since." },
	{ POOL("promote_seconds", promote_ns), SECONDS, .help =
	  "Processor time that promotion took." },
	{ POOL("promote_ratio", promote_permille), .scale = 1e-3, .help =
	  "Share of a processor that promotion may take." },
	{ POOL("scan_ratio", scan_permille), .scale = 1e-3, .help =
	  "Share of a processor that the scanner may take." },
	{ 0 },
};

const struct metric partition_metrics[] = {
	{ PART("weight", weight), NUMBER, .help =
	  "Its part in the pool when frames are short." },
	{ PART("fair_bytes", fair_frames), PAGES, .help =
	  "What the weight entitles it to." },
	{ PART("min_bytes", min_frames), PAGES, .help =
	  "What is guaranteed to it." },
	{ PART("desired_bytes", desired_frames), PAGES, .help =
	  "Beyond it, it is above its share; 0: none was set." },
	{ PART("logical_bytes", logical_pages), PAGES, .help =
	  "Size of the partition." },
	{ PART("resident_bytes", resident_pages), PAGES, .help =
	  "Of it, in frames." },
	{ PART("huge_bytes", block_pages), PAGES, .help =
	  "Of what is resident, in frames of 2 MiB." },
	{ PART("paged_bytes", paged_pages), PAGES, .help =
	  "Of it, what only the pager holds." },
	{ PART("pattern_bytes", pattern_pages), PAGES, .help =
	  "Of it, the same word all over a page, which has no frame." },
	{ PART("pattern_frames_bytes", pattern_frames), PAGES, .help =
	  "Frames that reads of these pages share." },
	{ PART("shared_bytes", shared_pages), PAGES, .help =
	  "Of it, what it shares with other memory of its sharing domain." },
	{ PART("shared_charge_bytes", shared_charge), PAGES, .help =
	  "Frames of what is shared that count as its own." },
	{ PART("saved_bytes", saved_pages), PAGES, .help =
	  "Frames that it does not need, as of patterns and of what it shares." },
	{ PART("balloon_bytes", balloon_pages), PAGES, .help =
	  "Of it, what the guest has given to its balloon." },
	{ PART("balloons_gone", balloons_gone), COUNTER, .help =
	  "Balloons that it had no more, as another kernel wrote to them." },
	{ PART("imported_bytes", imported_pages), PAGES, .help =
	  "Of what is paged or clean, in the file that the guest was saved to." },
	{ PART("pinned_bytes", pinned_pages), PAGES, .help =
	  "Of what is resident, pinned." },
	{ PART("locked_bytes", locked_pages), PAGES, .help =
	  "Of it, what was donated and is not its own." },
	{ PART("lent_bytes", lent_pages), PAGES, .help =
	  "Frames of its children that count as its own." },
	{ PART("working_set_bytes", working_set), PAGES, .help =
	  "What it uses time and again, as the scanner estimates." },
	{ HELD("misplaced_bytes", misplaced), PAGES, .help =
	  "Resident, but on no home node." },
	{ PART("vms", vms), NUMBER, .help =
	  "VMs that are attached." },
	{ PART("hypercalls", hypercalls), NUMBER, .help =
	  "Of these, those whose hypercalls are answered." },
	{ PART("page_ins", page_ins), COUNTER, .help =
	  "Pages read from the pager." },
	{ PART("readahead", readahead), COUNTER, .help =
	  "Of these, read ahead." },
	{ PART("page_outs", page_outs), COUNTER, .help =
	  "Pages written to the pager." },
	{ PART("clean_drops", clean_drops), COUNTER, .help =
	  "Pages given up without I/O, as their copy was valid." },
	{ PART("zero_drops", zero_drops), COUNTER, .help =
	  "Pages found to be zero and given up without I/O." },
	{ PART("pattern_drops", pattern_drops), COUNTER, .help =
	  "Pages found to be a pattern and given up without I/O." },
	{ PART("share_merges", share_merges), COUNTER, .help =
	  "Pages that gave up their frame to share another one." },
	{ PART("share_breaks", share_breaks), COUNTER, .help =
	  "Of these, pages that got a frame of their own again." },
	{ PART("refaults", refaults), COUNTER, .help =
	  "Pages read that had been given up a short while before." },
	{ PART("frame_waits", frame_waits), COUNTER, .help =
	  "Times that a thread waited for a free frame." },
	{ PART("page_waits", page_waits), COUNTER, .help =
	  "Times that a thread waited for a page to be read." },
	{ PART("searched_pages", searched_pages), COUNTER, .help =
	  "Pages that the scanner looked at for patterns." },
	{ PART("search_seconds", search_ns), SECONDS, .help =
	  "Processor time that this took, most of it part of the scanner's." },
	{ PART("hashed_pages", hashed_pages), COUNTER, .help =
	  "Pages that were hashed to find equal ones." },
	{ PART("match_seconds", match_ns), SECONDS, .help =
	  "Time that this and comparing took, most of it part of the scanner's." },
	{ PART("errors", errors), COUNTER, .help =
	  "Pages that gave SIGBUS." },
	{ HELD("moved_pages", moved), COUNTER, .help =
	  "Pages that were moved to a home node." },
	{ PART("huge_fills", block_fills), COUNTER, .help =
	  "Frames of 2 MiB given to blocks." },
	{ PART("huge_promotions", block_promotions), COUNTER, .help =
	  "Of these frames, given to blocks that had small ones before." },
	{ PART("huge_splits", block_splits), COUNTER, .help =
	  "Of these frames, split since." },
	{ 0 },
};
