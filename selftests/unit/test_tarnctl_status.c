// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: how a pool is, in one word. */
#include <errno.h>

#include "../../tools/tarnctl/status.c"
#include "tap.h"

static struct tarn_pool_info info, before;
static struct status_facts facts;
static struct status status;

/* A pool of 16 MiB with a pager of 64 MiB, and nothing amiss. */
static void make_good(void)
{
	info = (struct tarn_pool_info){
		.flags = TARN_POOL_PAGING | TARN_POOL_SERVED,
		.frames = 4096,
		.free_frames = 1000,
		.paging_capacity = 16384,
		.paging_used = 100,
		.load_errors = 3,
		.store_errors = 2,
	};
	before = info;
	facts = (struct status_facts){
		.name = "pool0",
		.info = &info,
		.before = &before,
		.who = "web",
	};
}

static void check_word(const char *word, const char *reason, const char *advice)
{
	status_judge(&status, &facts);
	CHECK_STR(status_word(status.word), word);
	CHECK(strstr(status.reason, reason) != NULL);
	if (advice)
		CHECK(strstr(status.advice, advice) != NULL);
	else
		CHECK_STR(status.advice, "");
}

static void test_healthy(void)
{
	make_good();
	/* Errors of long ago do not count. */
	check_word("healthy", "3.9M of 16M free, 0 paged", NULL);
	info.flags = 0;
	check_word("healthy", "no paging", NULL);
	/* Nobody but root knows of page-ins. */
	make_good();
	facts.faults = -EPERM;
	check_word("healthy", "free", NULL);
	/* Page-ins that are young are business as usual. */
	facts.faults = 100;
	facts.oldest.age_ns = STUCK_NS - 1;
	check_word("healthy", "free", NULL);
	/* An empty pool has no working set. */
	memset(&info, 0, sizeof(info));
	before = info;
	facts.faults = 0;
	check_word("healthy", "0 of 0 free", NULL);
}

static void test_pressed(void)
{
	make_good();
	facts.rates.waits = 12;
	check_word("pressed", "wait for free frames, 12 times", "pool resize pool0");
	make_good();
	facts.rates.refaults = REFAULTS_MANY;
	check_word("pressed", "100 pages a second", "tarnctl top pool0");
	facts.rates.refaults = REFAULTS_MANY - 1;
	check_word("healthy", "free", NULL);
	facts.working_set = 4097;
	check_word("pressed", "it has 16M", "pool resize");
	facts.working_set = 4096;
	check_word("healthy", "free", NULL);
	info.paging_used = 16384 * 9 / 10 + 1;
	check_word("pressed", "nearly used up", "tarnctl pager add pool0");
	info.paging_used = 16384 * 9 / 10 - 1;
	check_word("healthy", "free", NULL);
}

static void test_degraded(void)
{
	make_good();
	info.import_errors = 2;
	check_word("degraded", "2 could not be read from the file", "anew from its disks");
	info.load_errors++;
	check_word("degraded", "1 could not be read, 0", "pager show pool0");
	make_good();
	info.import_errors = before.import_errors = 7;
	check_word("healthy", "free", NULL);
	info.flags |= TARN_POOL_DEGRADED;
	check_word("degraded", "without one of its devices", "resilver pool0");
	make_good();
	info.store_errors++;
	check_word("degraded", "1 could not be written", "pager show pool0");
	make_good();
	info.poisoned_frames = 5;
	check_word("degraded", "5 of its frames", "memory");
	/* It goes before pressure. */
	facts.rates.waits = 1;
	check_word("degraded", "5 of its frames", "memory");
}

static void test_full(void)
{
	make_good();
	info.flags |= TARN_POOL_FULL | TARN_POOL_DEGRADED;
	info.paging_used = 16384;
	check_word("full", "64M of 64M", "tarnctl pager add pool0");
	make_good();
	info.flags = 0;
	info.free_frames = 0;
	check_word("full", "no paging", "tarnctl pool resize pool0");
	info.free_frames = 4096 / ALL_USED;
	check_word("full", "no paging", "tarnctl pool resize pool0");
	info.free_frames = 4096 / NEARLY_ALL_USED;
	check_word("pressed", "no paging", "tarnctl pool resize pool0");
	info.free_frames++;
	check_word("healthy", "no paging", NULL);
	info.free_frames = 0;
	/* With paging that is what a pool is there for. */
	info.flags = TARN_POOL_PAGING | TARN_POOL_SERVED;
	check_word("healthy", "0 of 16M free", NULL);
}

static void test_unserved(void)
{
	make_good();
	info.flags = TARN_POOL_PAGING | TARN_POOL_FULL;
	check_word("unserved", "guests stop", "tarn-pager@pool0");
	facts.faults = 3;
	facts.oldest.age_ns = STUCK_NS * 2;
	check_word("unserved", "3 page-ins wait", "tarn-pager@pool0");
	/* No unit is of one that is elsewhere. */
	facts.name = "/mnt/pool";
	check_word("unserved", "3 page-ins wait", "tarn-pager --pool /mnt/pool with");
	CHECK(strstr(status.advice, "systemctl") == NULL);
}

static void test_stuck(void)
{
	make_good();
	info.flags |= TARN_POOL_FULL;
	facts.faults = 1;
	facts.oldest = (struct tarn_fault){ .age_ns = STUCK_NS,
					    .state = TARN_FAULT_READ };
	check_word("stuck", "web has been waiting 10s for the read, 1 page-in is",
		   "tarnctl pager detach pool0");
	facts.faults = 2;
	facts.oldest.state = TARN_FAULT_FRAME;
	check_word("stuck", "2 page-ins are", "tarnctl pool resize pool0");
	facts.oldest.state = TARN_FAULT_MOVE;
	check_word("stuck", "web has been waiting 10s for a move",
		   "partition relocate web --cancel");
	CHECK(strstr(status.advice, "pool drain-node pool0 --cancel") != NULL);
	facts.who = NULL;
	check_word("stuck", "a guest has been waiting 10s for a move",
		   "partition relocate PARTITION --cancel");
	facts.oldest.state = 99;
	check_word("stuck", "for ?", "pool faults pool0");
}

static const struct tap_test tests[] = {
	{ "healthy", test_healthy },
	{ "pressed", test_pressed },
	{ "degraded", test_degraded },
	{ "full", test_full },
	{ "unserved", test_unserved },
	{ "stuck", test_stuck },
};

TAP_MAIN(tests)
