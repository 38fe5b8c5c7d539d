// SPDX-License-Identifier: GPL-2.0-only
/*
 * How hypercalls come to the module: kprobes of others at the same function, armed
 * before and after, functions that are not to be traced, and that nothing stays.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bare.h"

#define PAGES 64UL
#define NONE (-TARN_HC_ENOSYS)
#define TRACING "/sys/kernel/tracing/"
#define ENABLED "/proc/sys/kernel/ftrace_enabled"

static struct pool pool;
static struct bare b;

static long put(const char *path, const char *text)
{
	int fd = ASSERT_OK(open(path, O_WRONLY | O_CLOEXEC | O_APPEND));
	long ret = SYS(write(fd, text, strlen(text)));

	close(fd);
	return ret < 0 ? ret : 0;
}

static bool has_line(const char *path, const char *what)
{
	char line[512];
	bool found = false;
	FILE *f = fopen(path, "re");

	ASSERT(f);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, what);
	fclose(f);
	return found;
}

/* In a kernel that was booted just now nobody else traces it. */
static bool is_hooked(void)
{
	return has_line(TRACING "enabled_functions", "kvm_emulate_hypercall");
}

static void arm(void)
{
	ASSERT_EQ(put(TRACING "kprobe_events", "p:tarntest/foreign kvm_emulate_hypercall"), 0);
	ASSERT_EQ(put(TRACING "events/tarntest/foreign/enable", "1"), 0);
}

static void disarm(void)
{
	ASSERT_EQ(put(TRACING "events/tarntest/foreign/enable", "0"), 0);
	ASSERT_EQ(put(TRACING "kprobe_events", "-:tarntest/foreign"), 0);
}

/* How often the foreign probe was hit. */
static u64 hits(void)
{
	unsigned long long n = 0;
	char name[64];
	FILE *f = fopen(TRACING "kprobe_profile", "re");

	ASSERT(f);
	while (fscanf(f, "%63s %llu %*u", name, &n) == 2 && strcmp(name, "foreign"))
		;
	fclose(f);
	return n;
}

static void begin(void)
{
	TEST_REQUIRE(!access(TRACING "kprobe_events", W_OK), "no kprobes");
	pool_mount(&pool, "size=16M,paging=none");
	bare_require(&pool, TARN_FEATURE_VM);
	bare_create(&b, &pool, "a", PAGES);
	/* What a test before has left goes soon. */
	WAIT_FOR(!is_hooked());
}

static void end(void)
{
	bare_destroy(&b);
	part_unlink(&pool, "a");
	pool_umount(&pool);
}

static void assert_answered(bool answered)
{
	ASSERT_EQ(part_info(b.part).hypercalls, answered);
	if (answered)
		ASSERT_GT(bare_ask(&b, TARN_HC_QUERY, 0, 0, 0), 0);
	else
		ASSERT_EQ(bare_call(&b, TARN_HC_QUERY, 0, 0, 0), NONE);
}

static void nothing_stays(void)
{
	begin();
	bare_attach(&b);
	ASSERT(is_hooked());
	assert_answered(true);
	bare_detach(&b);
	WAIT_FOR(!is_hooked());
	assert_answered(false);
	bare_attach(&b);
	assert_answered(true);
	end();
	WAIT_FOR(!is_hooked());
}

static void foreign_before(void)
{
	u64 before;

	begin();
	arm();
	bare_attach(&b);
	before = hits();
	assert_answered(true);
	ASSERT_GT(hits(), before);
	bare_detach(&b);
	assert_answered(false);
	before = hits();
	bare_call(&b, TARN_HC_QUERY, 0, 0, 0);
	ASSERT_GT(hits(), before);
	disarm();
	WAIT_FOR(!is_hooked());
	end();
}

static void foreign_after(void)
{
	u64 before;

	begin();
	bare_attach(&b);
	arm();
	before = hits();
	assert_answered(true);
	ASSERT_GT(hits(), before);
	disarm();
	assert_answered(true);
	arm();
	bare_detach(&b);
	assert_answered(false);
	disarm();
	end();
}

/* The module goes, and the probe of others, that was there before, stays. */
static void unloaded_under_foreign(void)
{
	const char *ko = getenv("TARN_KO");
	u64 i, before;
	long ret;
	int fd;

	TEST_REQUIRE(ko, "no TARN_KO");
	begin();
	arm();
	bare_attach(&b);
	assert_answered(true);
	bare_unmap(&b);
	close(b.part);
	b.part = -1;
	part_unlink(&pool, "a");
	pool_umount(&pool);
	WAIT_FOR((ret = SYS(syscall(SYS_delete_module, "tarn", O_NONBLOCK))) != -EAGAIN &&
		 ret != -EBUSY);
	ASSERT_EQ(ret, 0);
	before = hits();
	for (i = 0; i < 100; i++)
		ASSERT_EQ(bare_call(&b, TARN_HC_QUERY, 0, 0, 0), NONE);
	ASSERT_GE(hits(), before + 100);
	fd = ASSERT_OK(open(ko, O_RDONLY | O_CLOEXEC));
	ASSERT_OK(syscall(SYS_finit_module, fd, "", 0));
	close(fd);
	disarm();
	ASSERT_EQ(bare_call(&b, TARN_HC_QUERY, 0, 0, 0), NONE);
	bare_destroy(&b);
}

/*
 * An attachment without hypercalls is one, and says what it lacks. Newer kernels have
 * tracing stay on.
 */
static void tracing_off(void)
{
	struct tarn_partition_attach attach = {
		.size = sizeof(attach), .count = 1,
	};
	long ret;

	begin();
	attach.vm_fd = b.vm;
	attach.ranges = (u64)(uintptr_t)b.range;
	ret = put(ENABLED, "0");
	if (ret == -EOPNOTSUPP) {
		bare_attach(&b);
		assert_answered(true);
		end();
		return;
	}
	ASSERT_EQ(ret, 0);
	tarn_op(b.part, TARN_PARTITION_ATTACH, &attach);
	ASSERT_EQ(attach.hypercalls, 0);
	ASSERT_EQ(part_info(b.part).vms, 1);
	assert_answered(false);
	bare_detach(&b);
	ASSERT_EQ(put(ENABLED, "1"), 0);
	tarn_op(b.part, TARN_PARTITION_ATTACH, &attach);
	ASSERT_EQ(attach.hypercalls, 1);
	assert_answered(true);
	attach.hypercalls = 0;
	attach.reserved = 1;
	bare_detach(&b);
	ASSERT_ERR(__tarn_op(b.part, TARN_PARTITION_ATTACH, &attach), EINVAL);
	end();
}

/* Nobody takes them away from a guest that has them. */
static void tracing_stays_on(void)
{
	long ret;

	begin();
	bare_attach(&b);
	ret = put(ENABLED, "0");
	ASSERT(ret == -EBUSY || ret == -EOPNOTSUPP);
	assert_answered(true);
	bare_detach(&b);
	WAIT_FOR(!is_hooked());
	ASSERT_EQ(put(ENABLED, "0"), ret == -EBUSY ? 0 : ret);
	ASSERT_EQ(put(ENABLED, "1"), 0);
	end();
}

static const struct tarn_test tests[] = {
	TEST(nothing_stays), TEST(foreign_before), TEST(foreign_after),
	TEST(unloaded_under_foreign), TEST(tracing_off), TEST(tracing_stays_on),
};

TESTS_MAIN(tests)
