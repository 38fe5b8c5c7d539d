// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module is unloaded while a guest makes calls, and while VMs die that were
 * attached. It is loaded again, from $TARN_KO, in the end. -o rounds=N for more.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bare.h"

#define PAGES 256UL

static struct pool pool;
static struct bare b;
static _Atomic u64 *calls;

static void module_load(void)
{
	int fd = ASSERT_OK(open(getenv("TARN_KO"), O_RDONLY | O_CLOEXEC));

	ASSERT_OK(syscall(SYS_finit_module, fd, "", 0));
	close(fd);
}

static void module_unload(void)
{
	long ret;

	/* Who was killed may still be giving it back. */
	WAIT_FOR((ret = SYS(syscall(SYS_delete_module, "tarn", O_NONBLOCK))) != -EAGAIN &&
		 ret != -EBUSY);
	ASSERT_EQ(ret, 0);
}

static void begin(void)
{
	TEST_REQUIRE(getenv("TARN_KO"), "no TARN_KO");
	pool_mount(&pool, "size=16M,paging=none");
	bare_require(&pool, TARN_FEATURE_VM);
}

/* The VM lives on, without its partition, its pool and the module. */
static void under_calls(void)
{
	u64 i, before;

	for (i = 0; i < test_param("rounds", 6); i++) {
		begin();
		bare_create(&b, &pool, "a", PAGES);
		bare_attach(&b);
		bare_job(&b, BARE_JOB_FUZZ, ~0ULL);
		bare_start(&b);
		WAIT_FOR(b.box->done > 50);
		bare_unmap(&b);
		close(b.part);
		b.part = -1;
		part_unlink(&pool, "a");
		pool_umount(&pool);
		module_unload();
		before = b.box->done;
		WAIT_FOR(b.box->done > before + 50);
		module_load();
		bare_stop(&b);
		ASSERT_CALL(&b, TARN_HC_QUERY, 0, 0, 0, -TARN_HC_ENOSYS);
		bare_destroy(&b);
	}
}

static int vmm(void *arg)
{
	bare_create(&b, &pool, "a", PAGES);
	bare_attach(&b);
	bare_job(&b, BARE_JOB_FUZZ, ~0ULL);
	bare_start(&b);
	for (;;) {
		*calls = b.box->done;
		msleep(1);
	}
	return 0;
}

static void while_dying(void)
{
	pid_t pid;
	u64 i;

	calls = shared_alloc(sizeof(*calls));
	for (i = 0; i < test_param("rounds", 6); i++) {
		begin();
		*calls = 0;
		pid = spawn(vmm, NULL);
		WAIT_FOR(*calls > 20);
		kill(pid, SIGKILL);
		close(pool.fd);
		WAIT_FOR(__pool_umount(&pool) != -EBUSY);
		module_unload();
		reap(pid);
		module_load();
	}
}

static const struct tarn_test tests[] = {
	TEST(under_calls), TEST(while_dying),
};

TESTS_MAIN(tests)
