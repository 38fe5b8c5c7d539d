/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small kselftest harness: KTAP on stdout, one process a test.
 *
 * Each test runs in its own process group and mount namespace, so whatever it
 * leaves behind (mounts, processes, mappings) is gone before the next begins.
 * A failed assertion ends the process that made it; a test passes when its
 * first process returns from the test's function. A watchdog, not a test,
 * bounds the time: no assertion here depends on a clock.
 */
#ifndef SELFTESTS_LIB_HARNESS_H
#define SELFTESTS_LIB_HARNESS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_SIZE 4096UL

struct tarn_test {
	const char *name;
	void (*fn)(void);
};

#define TEST(f) { .name = #f, .fn = f }

/**
 * tests_main() - run a table of tests
 * @argc: as given to main()
 * @argv: [-l] [-o KEY=VALUE]... [NAME...]: names pick tests, -l lists them
 * @tests: the table
 * @count: entries in it
 *
 * Return: what main() returns: 0 when all passed or were skipped, 1 if one
 * failed, 4 if all were skipped.
 */
int tests_main(int argc, char **argv, const struct tarn_test *tests,
	       size_t count);

/** For programs that use the library without a table of tests. */
void harness_init(void);

#define TESTS_MAIN(tests)                                                      \
	int main(int argc, char **argv)                                        \
	{                                                                      \
		return tests_main(argc, argv, tests, ARRAY_SIZE(tests));       \
	}

/** Value of -o KEY=VALUE, else of the environment's TARN_KEY, else @def. */
u64 test_param(const char *key, u64 def);

/** A line of diagnostics, one write. */
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));
void test_skip(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

#define TEST_REQUIRE(cond, ...)                                                \
	do {                                                                   \
		if (!(cond))                                                   \
			test_skip(__VA_ARGS__);                                \
	} while (0)

#define ASSERT(cond)                                                           \
	do {                                                                   \
		if (!(cond))                                                   \
			FAIL("%s (errno %d, %s)", #cond, errno,                \
			     strerror(errno));                                 \
	} while (0)

#define __ASSERT_OP(a, op, b)                                                  \
	do {                                                                   \
		long long __a = (long long)(a), __b = (long long)(b);          \
									       \
		if (!(__a op __b))                                             \
			FAIL("%s %s %s: %lld and %lld", #a, #op, #b, __a,      \
			     __b);                                             \
	} while (0)

#define ASSERT_EQ(a, b) __ASSERT_OP(a, ==, b)
#define ASSERT_NE(a, b) __ASSERT_OP(a, !=, b)
#define ASSERT_LE(a, b) __ASSERT_OP(a, <=, b)
#define ASSERT_GE(a, b) __ASSERT_OP(a, >=, b)
#define ASSERT_LT(a, b) __ASSERT_OP(a, <, b)
#define ASSERT_GT(a, b) __ASSERT_OP(a, >, b)

/** For system calls: -1 and errno become -errno, anything else stays. */
#define SYS(call)                                                              \
	({                                                                     \
		long __r = (long)(call);                                       \
		__r == -1 ? (long)-errno : __r;                                \
	})

#define ASSERT_OK(call)                                                        \
	({                                                                     \
		long __ok = SYS(call);                                         \
									       \
		if (__ok < 0 && __ok > -4096)                                  \
			FAIL("%s: %s", #call, strerror((int)-__ok));           \
		__ok;                                                          \
	})

#define ASSERT_ERR(call, err)                                                  \
	do {                                                                   \
		long __e = SYS(call);                                          \
									       \
		if (__e != -(long)(err))                                       \
			FAIL("%s: %ld (%s), expected %s", #call, __e,          \
			     __e < 0 ? strerror((int)-__e) : "success",        \
			     strerror(err));                                   \
	} while (0)

/** Wait for a condition; only the watchdog ends a wait that never does. */
#define WAIT_FOR(cond)                                                         \
	do {                                                                   \
		wait_note(__FILE__, __LINE__, #cond);                          \
		while (!(cond))                                                \
			msleep(2);                                             \
		wait_note(NULL, 0, NULL);                                      \
	} while (0)

/** What the watchdog tells if it ends the test. */
void wait_note(const char *file, int line, const char *what);
void msleep(unsigned int ms);
/**
 * Accessed bits are cleared without a flush of the TLB, and on an idle processor a process
 * keeps its TLB: an access that goes through that is not seen. This flushes it.
 */
void flush_tlb(void);
/** How many times slower than others the kernel is: 1, or more with all checks on. */
unsigned int test_slow(void);

/** Fork @fn(@arg); its return is the exit status. */
pid_t spawn(int (*fn)(void *arg), void *arg);
/** Wait for a process; 0 to 255 its exit status, 256 + n a signal. */
int reap(pid_t pid);
/** State letter of a process in /proc, 0 if there is none. */
char proc_state(pid_t pid);

/** A word of shared memory that processes of a test steer each other with. */
void *shared_alloc(size_t bytes);

struct rng {
	u64 state;
};

static inline u64 rng_next(struct rng *r)
{
	u64 x = r->state ? r->state : 0x9e3779b97f4a7c15ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	r->state = x;
	return x;
}

static inline u64 rng_below(struct rng *r, u64 n)
{
	return (rng_next(r) >> 16) % n;
}

#endif /* SELFTESTS_LIB_HARNESS_H */
