// SPDX-License-Identifier: GPL-2.0-only
/*
 * The judgement on a pool. Each check fills it in if it finds something, from the worst
 * on; what is worst is said.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "fault.h"
#include "size.h"
#include "status.h"

/* A page-in takes milliseconds, on a bad day a second. */
#define STUCK_NS	10000000000ULL
/* Of the paging space, from where on it is soon used up, in per cent. */
#define NEARLY_FULL	90
/* Without paging: all is used but this part, and nearly all but that. */
#define ALL_USED	1024
#define NEARLY_ALL_USED	50
/* A second; a guest that is started or stopped has some, too. */
#define REFAULTS_MANY	100

const char *status_word(enum status_word word)
{
	static const char *const words[] = {
		[STATUS_HEALTHY] = "healthy",
		[STATUS_PRESSED] = "pressed",
		[STATUS_DEGRADED] = "degraded",
		[STATUS_FULL] = "full",
		[STATUS_UNSERVED] = "unserved",
		[STATUS_STUCK] = "stuck",
	};

	return words[word];
}

static void found(struct status *status, enum status_word word,
		  const char *fmt, ...) __printf(3, 4);
static void found(struct status *status, enum status_word word,
		  const char *fmt, ...)
{
	va_list args;

	status->word = word;
	status->advice[0] = '\0';
	va_start(args, fmt);
	vsnprintf(status->reason, sizeof(status->reason), fmt, args);
	va_end(args);
}

static void advise(struct status *status, const char *fmt, ...) __printf(2, 3);
static void advise(struct status *status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(status->advice, sizeof(status->advice), fmt, args);
	va_end(args);
}

static bool is_unserved(struct status *status, const struct status_facts *facts)
{
	char paged[SIZE_TEXT_MAX];

	if (!(facts->info->flags & TARN_POOL_PAGING) ||
	    facts->info->flags & TARN_POOL_SERVED)
		return false;
	size_format_pages(paged, facts->info->paged_pages, false);
	if (facts->faults > 0)
		found(status, STATUS_UNSERVED,
		      "no pager serves it: %d page-ins wait for one, %s is paged",
		      facts->faults, paged);
	else
		found(status, STATUS_UNSERVED,
		      "no pager serves it: guests stop at what is paged (%s)",
		      paged);
	/* Units are for those that are mounted at /run/tarn/NAME. */
	if (strchr(facts->name, '/'))
		advise(status,
		       "start tarn-pager --pool %s with all its devices; 'tarnctl doctor' says what else is amiss",
		       facts->name);
	else
		advise(status,
		       "start it: systemctl start tarn-pager@%s, or tarn-pager by hand with all its devices; 'tarnctl doctor' says what else is amiss",
		       facts->name);
	return true;
}

/* Others than these two end by themselves. */
static void advise_move(struct status *status, const struct status_facts *facts)
{
	const char *who = facts->who ? facts->who : "PARTITION";

	advise(status,
	       "somebody holds the page (DMA?): tarnctl partition pins %s. A relocation: tarnctl partition relocate %s --cancel; a node being drained: tarnctl pool drain-node %s --cancel",
	       who, who, facts->name);
}

static void advise_stuck(struct status *status, const struct status_facts *facts)
{
	switch (facts->oldest.state) {
	case TARN_FAULT_FRAME:
		advise(status,
		       "give it memory: tarnctl pool resize %s SIZE, or room to page to: tarnctl pager add %s DEVICE",
		       facts->name, facts->name);
		return;
	case TARN_FAULT_READ:
		advise(status,
		       "see if a device hangs: tarnctl pager show %s, dmesg; a pager that cannot be killed: tarnctl pager detach %s --force",
		       facts->name, facts->name);
		return;
	case TARN_FAULT_MOVE:
		advise_move(status, facts);
		return;
	}
	advise(status, "see 'tarnctl pool faults %s'", facts->name);
}

static bool is_stuck(struct status *status, const struct status_facts *facts)
{
	char age[SIZE_TEXT_MAX];

	if (facts->faults <= 0 || facts->oldest.age_ns < STUCK_NS)
		return false;
	found(status, STATUS_STUCK,
	      "%s has been waiting %s for %s, %d page-in%s under way",
	      facts->who ? facts->who : "a guest",
	      time_format(age, facts->oldest.age_ns),
	      fault_state_text(facts->oldest.state), facts->faults,
	      facts->faults == 1 ? " is" : "s are");
	advise_stuck(status, facts);
	return true;
}

static bool is_full(struct status *status, const struct status_facts *facts)
{
	const struct tarn_pool_info *info = facts->info;
	char used[SIZE_TEXT_MAX], all[SIZE_TEXT_MAX];

	if (!(info->flags & TARN_POOL_PAGING)) {
		if (!info->frames || info->free_frames > info->frames / ALL_USED)
			return false;
		found(status, STATUS_FULL,
		      "it has no free frames and no paging: a guest that needs one gets an error");
		advise(status, "make it larger: tarnctl pool resize %s SIZE",
		       facts->name);
		return true;
	}
	if (!(info->flags & TARN_POOL_FULL))
		return false;
	found(status, STATUS_FULL,
	      "the paging space is used up, %s of %s: what has no copy stays in memory",
	      size_format_pages(used, info->paging_used, false),
	      size_format_pages(all, info->paging_capacity, false));
	advise(status, "add a device: tarnctl pager add %s DEVICE", facts->name);
	return true;
}

static bool any_errors(struct status *status, const struct status_facts *facts)
{
	const struct tarn_pool_info *now = facts->info, *old = facts->before;
	unsigned long long loads = now->load_errors - old->load_errors;
	unsigned long long sums = now->checksum_errors - old->checksum_errors;
	unsigned long long stores = now->store_errors - old->store_errors;

	if (!loads && !sums && !stores)
		return false;
	found(status, STATUS_DEGRADED,
	      "pages fail just now: %llu could not be read, %llu were not what had been stored, %llu could not be written",
	      loads, sums, stores);
	advise(status,
	       "see which device it is: tarnctl pager show %s, and put another in its place",
	       facts->name);
	return true;
}

/* Of saved guests: no paging device is to blame. */
static bool any_imports_lost(struct status *status,
			     const struct status_facts *facts)
{
	unsigned long long lost = facts->info->import_errors -
				  facts->before->import_errors;

	if (!lost)
		return false;
	found(status, STATUS_DEGRADED,
	      "pages fail just now: %llu could not be read from the file that a guest was restored from",
	      lost);
	advise(status,
	       "'dmesg' has the partition; end its guest and start it anew from its disks, and do not restore the file again");
	return true;
}

static bool is_degraded(struct status *status, const struct status_facts *facts)
{
	if (any_errors(status, facts) || any_imports_lost(status, facts))
		return true;
	if (facts->info->flags & TARN_POOL_DEGRADED) {
		found(status, STATUS_DEGRADED,
		      "its pager works without one of its devices");
		advise(status,
		       "see which: tarnctl pager show %s; of a mirror: tarnctl pager resilver %s --device N --replace DEVICE",
		       facts->name, facts->name);
		return true;
	}
	if (!facts->info->poisoned_frames)
		return false;
	found(status, STATUS_DEGRADED, "%llu of its frames have a memory error",
	      facts->info->poisoned_frames);
	advise(status,
	       "they are not used again; see which module of memory it is (rasdaemon, ras-mc-ctl) and change it");
	return true;
}

/* So much was used that the rest is soon used as well. */
static bool is_nearly_full(struct status *status,
			   const struct status_facts *facts)
{
	const struct tarn_pool_info *info = facts->info;
	char used[SIZE_TEXT_MAX], all[SIZE_TEXT_MAX];

	if (!(info->flags & TARN_POOL_PAGING)) {
		if (!info->frames ||
		    info->free_frames > info->frames / NEARLY_ALL_USED)
			return false;
		found(status, STATUS_PRESSED,
		      "it has %s of %s free and no paging: a guest that needs more gets an error",
		      size_format_pages(used, info->free_frames, false),
		      size_format_pages(all, info->frames, false));
		advise(status, "make it larger: tarnctl pool resize %s SIZE",
		       facts->name);
		return true;
	}
	if (!info->paging_capacity ||
	    info->paging_used < info->paging_capacity / 100.0 * NEARLY_FULL)
		return false;
	found(status, STATUS_PRESSED,
	      "the paging space is nearly used up, %s of %s",
	      size_format_pages(used, info->paging_used, false),
	      size_format_pages(all, info->paging_capacity, false));
	advise(status, "add a device: tarnctl pager add %s DEVICE", facts->name);
	return true;
}

static bool is_pressed(struct status *status, const struct status_facts *facts)
{
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];

	if (facts->rates.waits > 0)
		found(status, STATUS_PRESSED,
		      "guests wait for free frames, %s times a second",
		      rate_format(a, facts->rates.waits));
	else if (facts->rates.refaults >= REFAULTS_MANY)
		found(status, STATUS_PRESSED,
		      "%s pages a second are read that were given up just before",
		      rate_format(a, facts->rates.refaults));
	else if (facts->working_set > facts->info->frames)
		found(status, STATUS_PRESSED,
		      "guests use %s time and again, and it has %s",
		      size_format_pages(a, facts->working_set, false),
		      size_format_pages(b, facts->info->frames, false));
	else
		return is_nearly_full(status, facts);
	advise(status,
	       "make it larger (tarnctl pool resize %s SIZE), move a guest elsewhere, or see who it is: tarnctl top %s",
	       facts->name, facts->name);
	return true;
}

static void be_healthy(struct status *status, const struct status_facts *facts)
{
	const struct tarn_pool_info *info = facts->info;
	char left[SIZE_TEXT_MAX], all[SIZE_TEXT_MAX], paged[SIZE_TEXT_MAX];

	size_format_pages(left, info->free_frames, false);
	size_format_pages(all, info->frames, false);
	size_format_pages(paged, info->paged_pages, false);
	if (info->flags & TARN_POOL_PAGING)
		found(status, STATUS_HEALTHY, "%s of %s free, %s paged", left,
		      all, paged);
	else
		found(status, STATUS_HEALTHY, "%s of %s free, no paging", left,
		      all);
}

void status_judge(struct status *status, const struct status_facts *facts)
{
	if (!is_unserved(status, facts) && !is_stuck(status, facts) &&
	    !is_full(status, facts) && !is_degraded(status, facts) &&
	    !is_pressed(status, facts))
		be_healthy(status, facts);
}
