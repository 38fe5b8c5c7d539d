// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that touch what is paged: pages that cannot be read any more, and waits for
 * a pager that is gone. With an APIC and without, as KVM faults in two ways.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "bare.h"

#define PAGES 16UL
#define BAD 5

static struct pool pool;
static struct pager pg;
static struct bare b;
static volatile sig_atomic_t signals, machine_checks;
static void *volatile bad_address;

static void begin(bool async)
{
	u64 i;

	pool_mount(&pool, "size=8M");
	bare_require(&pool, 0);
	pager_start(&pg, &pool);
	pool_readahead(&pool, 0);
	if (async)
		bare_create_async(&b, &pool, "a", PAGES);
	else
		bare_create(&b, &pool, "a", PAGES);
	for (i = 0; i < PAGES; i++)
		page_fill(b.memory + i * PAGE_SIZE, 9, i, 1);
	ASSERT_EQ(part_page_out(b.part, 0, PAGES), PAGES);
	bare_job(&b, BARE_JOB_TOUCH, 1);
}

static void end(void)
{
	bare_destroy(&b);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pager_stop(&pg);
	pool_umount(&pool);
}

/* What QEMU makes a machine check of. Then the device is well again. */
static void on_bus_error(int sig, siginfo_t *info, void *context)
{
	bad_address = info->si_addr;
	machine_checks += info->si_code == BUS_MCEERR_AR ? 1 : 1000;
	pg.ctl->load_error = 0;
}

static void lost_page(bool async)
{
	struct sigaction sa = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };

	begin(async);
	ASSERT_OK(sigaction(SIGBUS, &sa, NULL));
	pg.ctl->match_index = BAD;
	pg.ctl->load_error = EIO;
	bare_run(&b);
	ASSERT_EQ(machine_checks, 1);
	ASSERT(bad_address == b.memory + BAD * PAGE_SIZE);
	ASSERT_EQ(pool_info(&pool).load_errors, 1);
	ASSERT_EQ(part_info(b.part).resident_pages, PAGES);
	end();
}

/* KVM's worker sees the error first, where nobody looks at it. */
static void lost_page_async(void)
{
	lost_page(true);
}

static void lost_page_sync(void)
{
	lost_page(false);
}

static void on_signal(int sig)
{
	signals++;
}

static bool kvm_waits_interruptibly(void)
{
	struct utsname u;
	int major = 0, minor = 0, got;

	ASSERT_OK(uname(&u));
	got = sscanf(u.release, "%d.%d", &major, &minor);
	ASSERT_EQ(got, 2);
	return major > 6 || (major == 6 && minor >= 2);
}

/* A VMM stops a guest by a signal to the thread of its processor. */
static void signal_without_a_pager(bool async)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int i;

	TEST_REQUIRE(kvm_waits_interruptibly(),
		     "KVM of this kernel has a page waited for until it is there");
	begin(async);
	ASSERT_OK(sigaction(SIGUSR1, &sa, NULL));
	pager_kill(&pg);
	bare_start(&b);
	for (i = 1; i <= 3; i++) {
		WAIT_FOR(pool_info(&pool).faults_pending == 1);
		/* it may not wait yet: then it does after the handler */
		ASSERT_EQ(pthread_kill(b.thread, SIGUSR1), 0);
		WAIT_FOR(signals == i);
	}
	pager_launch(&pg);
	ASSERT_EQ(pthread_join(b.thread, NULL), 0);
	ASSERT_EQ(part_info(b.part).resident_pages, PAGES);
	end();
}

static void signal_without_a_pager_async(void)
{
	signal_without_a_pager(true);
}

static void signal_without_a_pager_sync(void)
{
	signal_without_a_pager(false);
}

static const struct tarn_test tests[] = {
	TEST(lost_page_async),
	TEST(lost_page_sync),
	TEST(signal_without_a_pager_async),
	TEST(signal_without_a_pager_sync),
};

TESTS_MAIN(tests)
