// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests whose pages are patterns: found where the guest says that they are cold, read
 * without a frame each, and written to while others give them up.
 */
#include <stdlib.h>
#include <unistd.h>

#include "bare.h"

#define PAGES 512UL
#define BYTES (PAGES * PAGE_SIZE)
#define WORDS (PAGE_SIZE / sizeof(u64))
#define SEED 0x1234567800000001UL

static struct pool pool;
static struct pager pg;
static struct bare b;

/* All of a page is what the guest writes to the first word of it. */
static u64 word_of(u64 index)
{
	return SEED + index * PAGE_SIZE;
}

static u64 *words_of(u64 index)
{
	return (u64 *)(b.memory + index * PAGE_SIZE);
}

static void fill(u64 words)
{
	u64 i, j;

	for (i = 0; i < PAGES; i++)
		for (j = 0; j < WORDS; j++)
			words_of(i)[j] = word_of(i % words);
}

static void begin(u64 words)
{
	pool_mount(&pool, "size=16M");
	bare_require(&pool, TARN_FEATURE_VM | TARN_FEATURE_PATTERN);
	pager_start(&pg, &pool);
	bare_create(&b, &pool, "a", PAGES);
	bare_attach(&b);
	fill(words);
}

static void end(void)
{
	bare_destroy(&b);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pager_stop(&pg);
	pool_umount(&pool);
}

/* Said again where a processor has had enough of calls. */
static void say_cold(void)
{
	u64 at = 0;

	while (at < PAGES) {
		s64 done = bare_ask(&b, TARN_HC_HINT, TARN_HINT_COLD,
				    BARE_BASE + at * PAGE_SIZE, PAGES - at);

		ASSERT_GT(done, 0);
		at += done;
	}
}

static u64 read_all(void)
{
	bare_job(&b, BARE_JOB_READ, 1);
	bare_run(&b);
	return b.box->sum;
}

static void a_guest_says_and_reads(void)
{
	u64 i, sum = 0;

	begin(4);
	for (i = 0; i < PAGES; i++)
		sum += word_of(i % 4);
	ASSERT_EQ(read_all(), (s64)sum);
	say_cold();
	ASSERT_EQ(part_info(b.part).pattern_pages, PAGES);
	ASSERT_EQ(part_info(b.part).resident_pages, 0);
	ASSERT_EQ(read_all(), (s64)sum);
	ASSERT_EQ(part_info(b.part).pattern_pages, PAGES);
	ASSERT_EQ(part_info(b.part).pattern_frames, 4);
	ASSERT_EQ(part_info(b.part).resident_pages, 0);
	ASSERT_EQ(pg.ctl->stores, 0);
	end();
}

static void a_guest_writes(void)
{
	u64 i, j;

	begin(1);
	say_cold();
	/* Half of them are mapped for reading before. */
	for (i = 0; i < PAGES; i += 2)
		ASSERT_EQ(words_of(i)[7], (s64)word_of(0));
	read_all();
	bare_job(&b, BARE_JOB_TOUCH, 1)->seed = SEED;
	bare_run(&b);
	ASSERT_EQ(part_info(b.part).pattern_pages, 0);
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(words_of(i)[0], (s64)word_of(i));
		for (j = 1; j < WORDS; j++)
			ASSERT_EQ(words_of(i)[j], (s64)word_of(0));
	}
	end();
}

/* It writes what is there: each page is a pattern again at once. */
static void it_writes_while_others_take(void)
{
	struct tarn_partition_range r = { .size = sizeof(r) };
	u64 i, j, rounds, taken = 0;

	begin(PAGES);
	bare_job(&b, BARE_JOB_TOUCH, ~0ULL)->seed = SEED;
	bare_start(&b);
	/* Until it has written to all once, at least. */
	for (rounds = 0; rounds < 200 / test_slow() || !b.box->done; rounds++) {
		r.start = rounds % 7 * (PAGES / 8);
		r.count = PAGES / 8 + rounds % 5;
		tarn_op(b.part, TARN_PARTITION_PATTERNS, &r);
		taken += r.done;
	}
	b.box->stop = 1;
	bare_stop(&b);
	ASSERT_GT(taken, 0);
	ASSERT_GT(b.box->done, 0);
	for (i = 0; i < PAGES; i++)
		for (j = 0; j < WORDS; j++)
			ASSERT_EQ(words_of(i)[j], (s64)word_of(i));
	diag("%llu pages taken while the guest wrote to all %llu times",
	     (unsigned long long)taken, (unsigned long long)b.box->done);
	end();
}

static const struct tarn_test tests[] = {
	TEST(a_guest_says_and_reads),
	TEST(a_guest_writes),
	TEST(it_writes_while_others_take),
};

TESTS_MAIN(tests)
