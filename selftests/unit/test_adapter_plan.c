// SPDX-License-Identifier: GPL-2.0-only
/* tarn-adapter: who gets how much of an adapter. */
#include "../../tools/tarn-adapter/plan.c"
#include "tap.h"

#define GROUPS 8

static struct plan_adapter adapter;
static struct plan_group groups[GROUPS];
static size_t count;
static char why[PLAN_WHY_MAX];

static void begin(uint32_t queues, uint32_t interrupts)
{
	adapter = (struct plan_adapter){
		.pools[RESOURCE_QUEUES] = { .total = queues, .step = 1 },
		.pools[RESOURCE_INTERRUPTS] = { .total = interrupts, .step = 1 },
		.vfs = GROUPS,
	};
	memset(groups, 0, sizeof(groups));
	count = 0;
}

static struct plan_group *add(const char *name, enum plan_share share)
{
	groups[count] = (struct plan_group){ .name = name, .share = share, .weight = 1 };
	return &groups[count++];
}

static struct plan_group *relative(const char *name, uint32_t weight)
{
	struct plan_group *group = add(name, PLAN_RELATIVE);

	group->weight = weight;
	return group;
}

static struct plan_group *absolute(const char *name, uint32_t queues, uint32_t interrupts)
{
	struct plan_group *group = add(name, PLAN_ABSOLUTE);

	group->want.of[RESOURCE_QUEUES] = queues;
	group->want.of[RESOURCE_INTERRUPTS] = interrupts;
	return group;
}

static int make(void)
{
	why[0] = '\0';
	return plan(&adapter, groups, count, why);
}

#define GETS(group, queues, interrupts)                                                \
	do {                                                                           \
		CHECK_EQ((group)->gets.of[RESOURCE_QUEUES], queues);                   \
		CHECK_EQ((group)->gets.of[RESOURCE_INTERRUPTS], interrupts);           \
	} while (0)

#define REFUSED(text)                                                                  \
	do {                                                                           \
		CHECK_EQ(make(), -EINVAL);                                             \
		CHECK(strstr(why, text));                                              \
		if (!strstr(why, text))                                                \
			printf("# %s\n", why);                                         \
	} while (0)

/* ---- relative ----------------------------------------------------------------- */

static void test_relative(void)
{
	struct plan_group *a, *b;

	begin(12, 9);
	a = relative("a", 2);
	b = relative("b", 1);
	CHECK_EQ(make(), 0);
	GETS(a, 8, 6);
	GETS(b, 4, 3);
}

static void test_remainder(void)
{
	struct plan_group *a, *b, *c;

	begin(10, 11);
	a = relative("a", 1);
	b = relative("b", 1);
	c = relative("c", 1);
	/* What is left over goes to the first of those that lost as much. */
	CHECK_EQ(make(), 0);
	GETS(a, 4, 4);
	GETS(b, 3, 4);
	GETS(c, 3, 3);
	/* To who lost most: 10 * 5/9 = 5.56, 10 * 3/9 = 3.33, 10 / 9 = 1.1, which is too few. */
	begin(19, 19);
	a = relative("a", 5);
	b = relative("b", 3);
	c = relative("c", 1);
	CHECK_EQ(make(), 0);
	GETS(a, 11, 11);
	GETS(b, 6, 6);
	GETS(c, 2, 2);
}

/* Who would fall below the least has it, and others pay. */
static void test_least(void)
{
	struct plan_group *a, *b;

	begin(10, 10);
	a = relative("a", 10000);
	b = relative("b", 1);
	CHECK_EQ(make(), 0);
	GETS(a, 8, 8);
	GETS(b, 2, 2);
	begin(3, 10);
	relative("a", 1);
	relative("b", 1);
	REFUSED("need 4 queues at least; 3 of 3 are left");
}

static void test_most(void)
{
	struct plan_group *a, *b, *c;

	begin(20, 20);
	adapter.pools[RESOURCE_QUEUES].max = 8;
	a = relative("a", 8);
	b = relative("b", 1);
	c = relative("c", 1);
	CHECK_EQ(make(), 0);
	GETS(a, 8, 16);
	GETS(b, 6, 2);
	GETS(c, 6, 2);
	/* All have their most: some is left. */
	adapter.pools[RESOURCE_QUEUES].max = 5;
	CHECK_EQ(make(), 0);
	GETS(a, 5, 16);
	GETS(b, 5, 2);
	GETS(c, 5, 2);
}

/* A least on one side and a most on the other one must not both be settled at once. */
static void test_least_and_most(void)
{
	struct plan_group *a, *b, *c;

	begin(12, 12);
	adapter.pools[RESOURCE_QUEUES].max = 6;
	a = relative("a", 100);
	b = relative("b", 10);
	c = relative("c", 1);
	CHECK_EQ(make(), 0);
	CHECK_EQ(a->gets.of[RESOURCE_QUEUES], 6);
	CHECK_EQ(b->gets.of[RESOURCE_QUEUES] + c->gets.of[RESOURCE_QUEUES], 6);
	CHECK_EQ(c->gets.of[RESOURCE_QUEUES], 2);
}

static void test_step(void)
{
	struct plan_group *a, *b;

	begin(14, 13);
	adapter.pools[RESOURCE_QUEUES].step = 4;
	a = relative("a", 1);
	b = relative("b", 1);
	CHECK_EQ(make(), 0);
	CHECK_EQ(a->gets.of[RESOURCE_QUEUES], 8);
	CHECK_EQ(b->gets.of[RESOURCE_QUEUES], 4);
	/* One that is not told counts as 1. */
	adapter.pools[RESOURCE_QUEUES].step = 0;
	CHECK_EQ(make(), 0);
	CHECK_EQ(a->gets.of[RESOURCE_QUEUES], 7);
	adapter.pools[RESOURCE_QUEUES].step = 4;
	absolute("c", 6, 2);
	REFUSED("by 4: write 4 or 8");
}

static void test_single_vector(void)
{
	struct plan_group *a;

	begin(8, 2);
	adapter.pools[RESOURCE_INTERRUPTS].max = 1;
	a = relative("a", 1);
	relative("b", 1);
	CHECK_EQ(make(), 0);
	GETS(a, 4, 1);
}

/* ---- absolute ------------------------------------------------------------------- */

static void test_absolute(void)
{
	struct plan_group *a, *b, *c;

	begin(12, 12);
	a = absolute("a", 5, 3);
	b = absolute("b", 3, 0);
	c = relative("c", 1);
	CHECK_EQ(make(), 0);
	GETS(a, 5, 3);
	GETS(b, 3, 3);
	GETS(c, 4, 6);
	/* As many interrupts as queues, as far as one function can have them. */
	adapter.pools[RESOURCE_INTERRUPTS].max = 3;
	a->want.of[RESOURCE_INTERRUPTS] = 0;
	CHECK_EQ(make(), 0);
	GETS(a, 5, 3);
}

static void test_too_much(void)
{
	begin(12, 12);
	absolute("a", 8, 4);
	absolute("b", 6, 4);
	REFUSED("groups want 14 queues in all; this adapter has 12");
	begin(12, 12);
	adapter.pools[RESOURCE_QUEUES].max = 6;
	absolute("a", 8, 4);
	REFUSED("a virtual function of this adapter can have 6");
	begin(12, 12);
	absolute("a", 1, 2);
	REFUSED("needs 2 at least: one for its administration and one for I/O");
	begin(UINT32_MAX, 12);
	absolute("a", UINT32_MAX, 4);
	absolute("b", UINT32_MAX, 4);
	REFUSED("groups want 8589934590 queues");
}

static void test_too_many(void)
{
	begin(100, 100);
	adapter.vfs = 2;
	relative("a", 1);
	relative("b", 1);
	relative("c", 1);
	REFUSED("3 groups and 2 virtual functions");
	begin(100, 100);
	adapter.vfs = 0;
	CHECK_EQ(make(), 0);
}

/* ---- first come ------------------------------------------------------------------- */

static void test_first_come(void)
{
	struct plan_group *a, *f, *g;

	begin(12, 12);
	adapter.pools[RESOURCE_QUEUES].spare = 5;
	adapter.pools[RESOURCE_INTERRUPTS].spare = 6;
	a = relative("a", 1);
	f = add("f", PLAN_FIRST_COME);
	g = add("g", PLAN_FIRST_COME);
	f->want.of[RESOURCE_QUEUES] = 3;
	CHECK_EQ(make(), 0);
	GETS(a, 7, 6);
	GETS(f, 0, 0);
	CHECK_EQ(plan_first(&adapter, groups, count, f, why), 0);
	GETS(f, 3, 6);
	CHECK_EQ(plan_first(&adapter, groups, count, g, why), -EINVAL);
	CHECK(strstr(why, "group 'g' comes too late: 0 interrupts are left, and it needs 2"));
	GETS(g, 0, 0);
	f->want.of[RESOURCE_INTERRUPTS] = 3;
	CHECK_EQ(plan_first(&adapter, groups, count, f, why), 0);
	CHECK_EQ(plan_first(&adapter, groups, count, g, why), 0);
	GETS(g, 2, 3);
	/* What they have is of the spare: others are not asked for it. */
	f->held = g->held = true;
	CHECK_EQ(make(), 0);
	GETS(a, 7, 6);
	GETS(g, 2, 3);
}

/* ---- held ------------------------------------------------------------------------- */

static void test_held(void)
{
	struct plan_group *a, *b;

	begin(12, 12);
	a = relative("a", 2);
	b = relative("b", 1);
	a->held = true;
	a->gets = (struct amount){ .of = { 5, 7 } };
	CHECK_EQ(make(), 0);
	GETS(a, 5, 7);
	GETS(b, 7, 5);
	a->gets.of[RESOURCE_QUEUES] = 11;
	REFUSED("1 group with a relative share needs 2 queues at least; 1 of 12 are left");
}

static void test_whole(void)
{
	struct plan_group *a;

	begin(0, 0);
	adapter.whole = true;
	adapter.vfs = 2;
	a = relative("a", 1);
	relative("b", 7);
	CHECK_EQ(make(), 0);
	GETS(a, 0, 0);
	CHECK_EQ(plan_first(&adapter, groups, count, a, why), 0);
	absolute("c", 2, 2);
	REFUSED("can be had whole only");
}

/* ---- what holds for all ------------------------------------------------------------- */

static uint32_t random_below(uint32_t limit)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

static void check_all(enum resource r)
{
	const struct plan_pool *pool = &adapter.pools[r];
	uint64_t sum = 0;
	bool full = true;
	size_t i, j;

	for (i = 0; i < count; i++) {
		const struct plan_group *group = &groups[i];

		sum += group->gets.of[r];
		CHECK(group->gets.of[r] >= plan_least(pool));
		CHECK(group->gets.of[r] <= most_of(pool));
		CHECK_EQ(group->gets.of[r] % step_of(pool), 0);
		full = full && (group->share == PLAN_ABSOLUTE ||
				group->gets.of[r] == most_of(pool));
		for (j = 0; j < count; j++) {
			if (group->share == PLAN_RELATIVE && groups[j].share == PLAN_RELATIVE &&
			    group->weight > groups[j].weight)
				CHECK(group->gets.of[r] >= groups[j].gets.of[r]);
		}
	}
	CHECK(sum <= pool->total);
	/* Nothing is left that somebody could have. */
	if (groups[0].share == PLAN_RELATIVE)
		CHECK(full || pool->total - sum - pool->spare < step_of(pool));
}

static void test_random(void)
{
	unsigned int round, made = 0;
	enum resource r;
	size_t i, nr;

	for (round = 0; round < 20000; round++) {
		begin(random_below(200), random_below(200));
		for_each_resource(r) {
			adapter.pools[r].step = random_below(5);
			adapter.pools[r].max = random_below(2) ? 0 : 2 + random_below(60);
			adapter.pools[r].spare = random_below(4) ? 0 : random_below(20);
		}
		nr = 1 + random_below(GROUPS);
		for (i = 0; i < nr; i++) {
			if (i && !random_below(4))
				absolute("a", 2 + random_below(20), random_below(20));
			else
				relative("r", 1 + random_below(random_below(2) ? 4 : 10000));
		}
		if (make()) {
			CHECK(*why);
			continue;
		}
		made++;
		for_each_resource(r)
			check_all(r);
		if (tap_failed)
			return;
	}
	CHECK(made > 2000);
}

static const struct tap_test tests[] = {
	{ "relative shares are by weight", test_relative },
	{ "what rounding leaves goes to who lost most", test_remainder },
	{ "nobody has less than is of use", test_least },
	{ "nor more than a function can have", test_most },
	{ "nor both at once", test_least_and_most },
	{ "amounts are in steps", test_step },
	{ "a function may have a single vector", test_single_vector },
	{ "absolute shares come first", test_absolute },
	{ "what is more than all is refused", test_too_much },
	{ "each has a function of its own", test_too_many },
	{ "who comes first has what is spare", test_first_come },
	{ "what is held stays", test_held },
	{ "some adapters give whole functions only", test_whole },
	{ "a plan keeps all limits and leaves nothing", test_random },
};

TAP_MAIN(tests)
