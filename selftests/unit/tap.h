/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TAP output for the native unit tests.
 *
 * A test program is a list of functions run by TAP_MAIN(); CHECK() inside them
 * reports expression and place. A function is one TAP result: it fails when one
 * of its checks did, and goes on, so that one run shows all that is wrong. One that
 * cannot run here says TAP_SKIP() and returns.
 */
#ifndef TARN_UNIT_TAP_H
#define TARN_UNIT_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tap_test {
	const char *name;
	void (*fn)(void);
};

static int tap_failed;
static const char *tap_skipped;

#define TAP_SKIP(reason) (tap_skipped = (reason))

#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond)) {                                                 \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);    \
			tap_failed++;                                          \
		}                                                              \
	} while (0)

#define CHECK_EQ(a, b)                                                         \
	do {                                                                   \
		long long a_ = (long long)(a), b_ = (long long)(b);            \
		if (a_ != b_) {                                                \
			printf("# %s:%d: %s is %lld, not %s = %lld\n",         \
			       __FILE__, __LINE__, #a, a_, #b, b_);            \
			tap_failed++;                                          \
		}                                                              \
	} while (0)

#define CHECK_STR(a, b)                                                        \
	do {                                                                   \
		const char *a_ = (a), *b_ = (b);                               \
		if (!a_ || strcmp(a_, b_)) {                                   \
			printf("# %s:%d: %s is '%s', not '%s'\n", __FILE__,    \
			       __LINE__, #a, a_ ? a_ : "(null)", b_);          \
			tap_failed++;                                          \
		}                                                              \
	} while (0)

static inline int tap_run(const struct tap_test *tests, size_t n)
{
	int bad = 0;
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%zu\n", n);
	for (i = 0; i < n; i++) {
		tap_failed = 0;
		tap_skipped = NULL;
		tests[i].fn();
		printf("%s %zu %s%s%s\n", tap_failed ? "not ok" : "ok", i + 1,
		       tests[i].name, tap_skipped ? " # SKIP " : "",
		       tap_skipped ? tap_skipped : "");
		bad += !!tap_failed;
	}
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define TAP_MAIN(tests)                                                        \
	int main(void)                                                         \
	{                                                                      \
		return tap_run(tests, sizeof(tests) / sizeof((tests)[0]));     \
	}

#endif
