// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pager's slot allocator against a model, an array of flags: after each
 * random operation both must agree, and what is given out must be free, in one
 * piece and not barred.
 */
#include "tap.h"

#include <errno.h>

#include "vmm/pager/slots.c"

#define MODEL_MAX 5000

struct model {
	u64 first;
	u64 end;
	u64 used;
	bool taken[MODEL_MAX + 1];
};

static u64 seed = 88172645463325252ULL;

/* xorshift64: the same sequence in each run. */
static u64 random_below(u64 n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static bool model_has_free(const struct model *m, const struct slots *s)
{
	u64 i;

	for (i = m->first; i < m->end; i++)
		if (!m->taken[i] && (i < s->bar_first || i >= s->bar_end))
			return true;
	return false;
}

static void check_agree(const struct model *m, const struct slots *s)
{
	u64 i, word, next = m->first, expect;

	CHECK_EQ(s->used, m->used);
	for (i = 0; i <= m->end; i++)
		CHECK_EQ(slots_is_used(s, i), m->taken[i]);
	for (word = 0; word < s->words; word++)
		CHECK_EQ(bit_test(s->full, word), s->map[word] == ~0ULL);
	CHECK_EQ(slots_next_used(s, 0, m->end),
		 slots_next_used(s, m->first, m->end + 1));
	while (next < m->end) {
		for (expect = next; expect < m->end; expect++)
			if (m->taken[expect])
				break;
		CHECK_EQ(slots_next_used(s, next, m->end), expect);
		next = expect + 1 + random_below(20);
	}
}

static void model_alloc(struct model *m, struct slots *s)
{
	u32 want = 1 + random_below(64), got = 0, i;
	u64 slot = slots_alloc(s, want, &got);

	CHECK_EQ(!slot, !model_has_free(m, s));
	if (!slot)
		return;
	CHECK(got >= 1 && got <= want);
	CHECK(!slots_is_barred(s, slot, slot + got));
	for (i = 0; i < got; i++) {
		CHECK(slot + i >= m->first && slot + i < m->end);
		CHECK(!m->taken[slot + i]);
		m->taken[slot + i] = true;
	}
	m->used += got;
}

static void model_free(struct model *m, struct slots *s)
{
	u64 slot = random_below(m->end + 1);
	u64 last = slot + random_below(40);
	int expect;

	for (; slot <= last; slot++) {
		expect = slot < m->first || slot >= m->end ? -ERANGE :
			 m->taken[slot]		  ? 0 :
						    -ENOENT;
		CHECK_EQ(slots_free(s, slot), expect);
		if (!expect) {
			m->taken[slot] = false;
			m->used--;
		}
	}
}

static void model_take(struct model *m, struct slots *s)
{
	u64 slot = random_below(m->end + 1);
	int expect = slot < m->first || slot >= m->end ? -ERANGE :
		     m->taken[slot]	      ? -EEXIST :
						0;

	CHECK_EQ(slots_take(s, slot), expect);
	if (!expect) {
		m->taken[slot] = true;
		m->used++;
	}
}

static void random_steps(u64 first, u64 count, unsigned int steps)
{
	static struct model m;
	struct slots s;

	m = (struct model){ .first = first, .end = first + count };
	CHECK_EQ(slots_init(&s, m.first, m.end), 0);
	while (steps--) {
		switch (random_below(8)) {
		case 0 ... 3:
			model_alloc(&m, &s);
			break;
		case 4 ... 5:
			model_free(&m, &s);
			break;
		case 6:
			model_take(&m, &s);
			break;
		case 7:
			if (random_below(2)) {
				u64 from = random_below(m.end);

				slots_bar(&s, from,
					  from + random_below(count));
			} else {
				slots_bar(&s, 0, 0);
			}
			break;
		}
		if (steps % 16 == 0)
			check_agree(&m, &s);
	}
	slots_exit(&s);
}

static void test_random_small(void)
{
	u64 count;

	for (count = 1; count < 200; count++)
		random_steps(1 + random_below(130), count, 200);
}

static void test_random_large(void)
{
	random_steps(1, 4096, 4000);
	random_steps(1, 4095, 4000);
	random_steps(64, 4096, 4000);
	random_steps(1280, MODEL_MAX - 1280, 4000);
}

/* All slots can be had, each once, and not one more. */
static void test_exhaust(void)
{
	static const u64 counts[] = { 1, 62, 63, 64, 127, 4095, 4096, 4097 };
	struct slots s;
	size_t i;
	u64 sum;
	u32 got;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		CHECK_EQ(slots_init(&s, 1, counts[i] + 1), 0);
		for (sum = 0; slots_alloc(&s, 7, &got); sum += got)
			;
		CHECK_EQ(sum, counts[i]);
		CHECK_EQ(s.used, counts[i]);
		slots_reset(&s);
		CHECK_EQ(s.used, 0);
		CHECK_EQ(slots_alloc(&s, 1, &got), 1);
		slots_exit(&s);
	}
}

/* Requests that follow each other get slots that do. */
static void test_next_fit(void)
{
	struct slots s;
	u64 expect = 1;
	u32 got;
	int i;

	CHECK_EQ(slots_init(&s, 1, 1001), 0);
	for (i = 0; i < 15; i++) {
		CHECK_EQ(slots_alloc(&s, 64, &got), expect);
		CHECK_EQ(got, 64);
		expect += 64;
	}
	/* 40 are left at the end; the first run is free again. */
	for (i = 1; i <= 64; i++)
		CHECK_EQ(slots_free(&s, i), 0);
	CHECK_EQ(slots_alloc(&s, 64, &got), 1);
	CHECK_EQ(got, 64);
	CHECK_EQ(slots_alloc(&s, 64, &got), 961);
	CHECK_EQ(got, 40);
	CHECK_EQ(slots_alloc(&s, 1, &got), 0);
	slots_exit(&s);
}

/* A long run is found behind short ones, the longest if there is none. */
static void test_fragments(void)
{
	struct slots s;
	u32 got;
	u64 i;

	CHECK_EQ(slots_init(&s, 1, 641), 0);
	CHECK_EQ(slots_alloc(&s, 640, &got), 1);
	CHECK_EQ(got, 640);
	for (i = 10; i < 100; i += 10)
		CHECK_EQ(slots_free(&s, i), 0);
	for (i = 300; i < 320; i++)
		CHECK_EQ(slots_free(&s, i), 0);
	CHECK_EQ(slots_alloc(&s, 16, &got), 300);
	CHECK_EQ(got, 16);
	CHECK_EQ(slots_alloc(&s, 16, &got), 316);
	CHECK_EQ(got, 4);
	CHECK_EQ(slots_alloc(&s, 16, &got), 10);
	CHECK_EQ(got, 1);
	slots_exit(&s);
}

static void test_bar(void)
{
	struct slots s;
	u32 got;

	CHECK_EQ(slots_init(&s, 1, 301), 0);
	slots_bar(&s, 1, 257);
	CHECK_EQ(slots_alloc(&s, 300, &got), 257);
	CHECK_EQ(got, 44);
	CHECK_EQ(slots_alloc(&s, 1, &got), 0);
	slots_bar(&s, 100, 200);
	CHECK_EQ(slots_alloc(&s, 300, &got), 1);
	CHECK_EQ(got, 99);
	CHECK_EQ(slots_alloc(&s, 10, &got), 200);
	CHECK_EQ(got, 10);
	CHECK(slots_is_barred(&s, 199, 201));
	CHECK(!slots_is_barred(&s, 200, 201));
	CHECK(!slots_is_barred(&s, 90, 100));
	slots_bar(&s, 0, 0);
	CHECK(!slots_is_barred(&s, 0, 300));
	slots_exit(&s);
}

static const struct tap_test tests[] = {
	{ "random steps on small maps agree with a model", test_random_small },
	{ "random steps on large maps agree with a model", test_random_large },
	{ "each slot is given out once", test_exhaust },
	{ "runs follow each other", test_next_fit },
	{ "a run is found among fragments", test_fragments },
	{ "a barred range is left alone", test_bar },
};

TAP_MAIN(tests)
