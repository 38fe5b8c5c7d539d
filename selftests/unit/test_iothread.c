// SPDX-License-Identifier: GPL-2.0-only
/* Threads of devices: they are there when they are handed out, until nobody has them. */
#include "error.h"
#include "iothread.h"
#include "lib/opts.h"
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#define ROUNDS 200

static void note_thread(void *arg)
{
	*(pthread_t *)arg = pthread_self();
}

/* A call runs in the thread itself, not beside it in ours. */
static void test_start(enum iothread_common which)
{
	pthread_t self = pthread_self(), ran;
	unsigned int i, here = 0;
	struct loop *loop;

	for (i = 0; i < ROUNDS; i++) {
		loop = iothread_common_get(which);
		CHECK(loop);
		loop_call(loop, note_thread, &ran);
		here += pthread_equal(ran, self);
		iothread_common_put(which);
	}
	CHECK_EQ(here, 0);
}

static void test_disks(void)
{
	test_start(IOTHREAD_DISKS);
}

static void test_devices(void)
{
	test_start(IOTHREAD_DEVICES);
}

static void count(const char *id, pid_t tid, struct loop *loop, void *arg)
{
	CHECK_STR(id, "io0");
	CHECK(tid != gettid());
	++*(unsigned int *)arg;
}

/* Each kind has one for all its devices; who asks for those that have ids sees none. */
static void test_users(void)
{
	struct loop *disks = iothread_common_get(IOTHREAD_DISKS);
	struct loop *devices = iothread_common_get(IOTHREAD_DEVICES);
	unsigned int nr = 0;
	struct opts *opts;

	CHECK(disks != devices);
	CHECK(iothread_common_get(IOTHREAD_DISKS) == disks);
	CHECK_EQ(opts_parse(&opts, "object", "iothread,id=io0", "qom-type"), 0);
	CHECK_EQ(iothread_create(opts), 0);
	CHECK_EQ(iothread_create(opts), -EEXIST);
	opts_destroy(opts);
	iothread_for_each(count, &nr);
	CHECK_EQ(nr, 1);
	CHECK(iothread_get("io0") != disks);
	CHECK(!iothread_get("io1"));
	CHECK_EQ(iothread_destroy("io0"), -EBUSY);
	iothread_put(iothread_get("io0"));
	CHECK_EQ(iothread_destroy("io0"), -EBUSY);
	iothread_put(iothread_get("io0"));
	iothread_put(iothread_get("io0"));
	iothread_common_put(IOTHREAD_DISKS);
	iothread_common_put(IOTHREAD_DEVICES);
	iothread_common_put(IOTHREAD_DISKS);
	iothread_destroy_all();
	CHECK_EQ(iothread_destroy("io0"), -ENOENT);
}

static const struct tap_test tests[] = {
	{ "that of disks runs when it is handed out", test_disks },
	{ "that of devices, too", test_devices },
	{ "users", test_users },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
