// SPDX-License-Identifier: GPL-2.0-only
/* tarn-balanced: which homes partitions get, in many situations. */
#include "../../tools/tarn-balanced/cost.c"
#include "../../tools/tarn-balanced/plan.c"
#include "../../tools/tarn-balanced/decide.c"
#include "tap.h"

#define MIB 256ULL
#define GIB (1024 * MIB)
#define PARTS 8

static struct decide d;
static struct decide_part parts[PARTS];

/* Nodes of 4 GiB and 4 processors, all as far from each other. */
static void host(size_t nodes)
{
	size_t i, j;

	memset(&d, 0, sizeof(d));
	memset(parts, 0, sizeof(parts));
	d.nr_nodes = nodes;
	d.parts = parts;
	for (i = 0; i < nodes; i++) {
		d.nodes[i] = (struct decide_node){
			.nid = i,
			.frames = 4 * GIB,
			.free = 4 * GIB,
			.cpus = 4,
		};
		for (j = 0; j < nodes; j++)
			d.distance[i][j] = i == j ? 10 : 20;
	}
}

/* Two sockets of two nodes each. */
static void host_of_sockets(void)
{
	size_t i, j;

	host(4);
	for (i = 0; i < 4; i++) {
		for (j = 0; j < 4; j++) {
			if (i != j)
				d.distance[i][j] = i / 2 == j / 2 ? 12 : 32;
		}
	}
}

/* One that may have as much as it has, half of it hot, on @node. */
static struct decide_part *add(uint64_t pages, size_t node)
{
	struct decide_part *part = &parts[d.nr_parts++];

	part->automatic = true;
	part->logical = pages;
	part->resident[node] = pages;
	part->hot = pages / 2;
	part->age = 100;
	d.nodes[node].free -= pages;
	return part;
}

/* A guest: its vCPUs go where its homes are. They run on @node. */
static struct decide_part *guest(uint64_t pages, size_t node, double load)
{
	struct decide_part *part = add(pages, node);

	part->ran[node] = load;
	return part;
}

/* It has its home where it is. */
static struct decide_part *settled(struct decide_part *part)
{
	size_t i;

	for (i = 0; i < d.nr_nodes; i++) {
		if (!part->resident[i])
			continue;
		part->now.homes |= 1ULL << i;
		part->now.frames[i] = part->resident[i];
	}
	return part;
}

/* What was decided is done: homes are set, pages are moved, vCPUs have followed. */
static void obey(void)
{
	size_t i, j;

	for (i = 0; i < d.nr_parts; i++) {
		struct decide_part *part = &parts[i];
		double run[DECIDE_NODES];

		part->age++;
		if (!decide_changes(part))
			continue;
		part->age = 0;
		part->now = part->then;
		run_at(&d, part, &part->now, run);
		memcpy(part->ran, run, sizeof(run));
		for (j = 0; j < d.nr_nodes; j++) {
			d.nodes[j].free += part->resident[j];
			part->resident[j] = part->now.frames[j];
			d.nodes[j].free -= part->resident[j];
		}
	}
}

/* Whether nothing is promised twice; others than automatic ones count. */
static bool promises_hold(void)
{
	uint64_t sum;
	size_t i, j;

	for (i = 0; i < d.nr_nodes; i++) {
		for (sum = j = 0; j < d.nr_parts; j++) {
			const struct decide_part *part = &parts[j];

			if (part->automatic)
				sum += part->then.frames[i];
			else
				sum += part->now.homes ? part->now.frames[i] :
							 part->resident[i];
		}
		if (sum > d.nodes[i].frames - d.nodes[i].reserve)
			return false;
	}
	return true;
}

static unsigned int homes_of(const struct decide_part *part)
{
	return part->then.homes;
}

static unsigned int changes(void)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < d.nr_parts; i++)
		n += decide_changes(&parts[i]);
	return n;
}

/* ---- those that are new ------------------------------------------------- */

static void test_one(void)
{
	struct decide_part *part;

	host(2);
	part = guest(GIB, 1, 1);
	decide(&d);
	CHECK_EQ(homes_of(part), 1 << 1);
	CHECK_EQ(part->then.frames[1], GIB);
	CHECK_EQ(part->reason, DECIDE_NEW);
	CHECK_EQ(part->moves, 0);
	CHECK(decide_changes(part));
	obey();
	decide(&d);
	CHECK_EQ(changes(), 0);
	CHECK_EQ(part->reason, DECIDE_GOOD);
}

/* Memory comes to threads that do not follow it. */
static void test_program(void)
{
	struct decide_part *part;

	host(2);
	part = add(GIB, 0);
	part->fixed[1] = 1;
	decide(&d);
	CHECK_EQ(homes_of(part), 1 << 1);
	CHECK_EQ(part->moves, GIB);
	CHECK(part->cost > 0);
	CHECK(part->cost_then == 0);
	/* And one that is cold, or does not run, stays. */
	part->then = part->now = (struct decide_place){ 0 };
	part->hot = 0;
	decide(&d);
	CHECK_EQ(homes_of(part), 1 << 0);
	part->hot = GIB / 2;
	part->fixed[1] = 0;
	decide(&d);
	CHECK_EQ(homes_of(part), 1 << 0);
}

static void test_spread(void)
{
	size_t i;

	host(4);
	for (i = 0; i < 4; i++)
		guest(2 * GIB, 0, 3);
	decide(&d);
	CHECK_EQ(parts[0].then.homes | parts[1].then.homes |
		 parts[2].then.homes | parts[3].then.homes, 15);
	CHECK(promises_hold());
}

/* Small and empty ones do not all come to lie where they began. */
static void test_growth(void)
{
	struct decide_part *a, *b;

	host(2);
	a = guest(MIB, 0, 0);
	b = guest(MIB, 0, 0);
	a->logical = b->logical = 4 * GIB;
	decide(&d);
	CHECK_EQ(a->then.homes | b->then.homes, 3);
	CHECK_EQ(a->then.frames[0] + a->then.frames[1], 4 * GIB);
	CHECK(promises_hold());
	/* What is desired is the limit. */
	a->desired = GIB;
	decide(&d);
	CHECK_EQ(a->then.frames[0] + a->then.frames[1], GIB);
}

/* ---- those that are large ----------------------------------------------- */

static void test_large(void)
{
	struct decide_part *part;

	host_of_sockets();
	part = guest(6 * GIB, 2, 2);
	decide(&d);
	CHECK(homes_of(part) == 3 || homes_of(part) == 12);
	CHECK_EQ(place_frames(&d, &part->then), 6 * GIB);
	CHECK(promises_hold());
	obey();
	decide(&d);
	CHECK_EQ(changes(), 0);
	/* Two of its size have a socket each. */
	host_of_sockets();
	guest(6 * GIB, 0, 2);
	guest(6 * GIB, 1, 2);
	decide(&d);
	CHECK_EQ(parts[0].then.homes | parts[1].then.homes, 15);
	CHECK(!(parts[0].then.homes & parts[1].then.homes));
}

static void test_larger_than_all(void)
{
	struct decide_part *part;

	host(2);
	part = guest(4 * GIB, 0, 1);
	part->logical = 64 * GIB;
	part->working_set = 20 * GIB;
	d.nodes[0].reserve = d.nodes[1].reserve = 16 * MIB;
	decide(&d);
	CHECK_EQ(homes_of(part), 3);
	CHECK_EQ(place_frames(&d, &part->then), 8 * GIB - 32 * MIB);
	obey();
	decide(&d);
	CHECK_EQ(changes(), 0);
}

static void test_shrinks(void)
{
	struct decide_part *part;

	host(2);
	part = guest(6 * GIB, 0, 2);
	decide(&d);
	obey();
	CHECK_EQ(part->now.homes, 3);
	/* It was truncated, and fits on one. */
	part->logical = GIB;
	part->resident[0] = part->resident[1] = GIB / 2;
	part->hot = GIB / 2;
	part->age = 100;
	d.nodes[0].free = d.nodes[1].free = 3 * GIB;
	decide(&d);
	CHECK(place_is_single(part->then.homes));
	CHECK_EQ(part->reason, DECIDE_NEARER);
	CHECK_EQ(place_frames(&d, &part->then), GIB);
}

static void test_grows(void)
{
	struct decide_part *a, *b;

	host(2);
	a = settled(guest(2 * GIB, 0, 0));
	b = settled(guest(GIB, 0, 0));
	decide(&d);
	CHECK_EQ(changes(), 0);
	/* In its place, as far as there is room. */
	a->logical = 3 * GIB;
	a->resident[0] += GIB / 2;
	decide(&d);
	CHECK_EQ(a->reason, DECIDE_SIZE);
	CHECK_EQ(homes_of(a), 1);
	CHECK_EQ(a->then.frames[0], 3 * GIB);
	CHECK_EQ(changes(), 1);
	obey();
	/* One has to go. */
	b->logical = 3 * GIB;
	b->resident[0] = GIB;
	b->working_set = 3 * GIB;
	b->age = 100;
	decide(&d);
	CHECK_EQ(a->then.homes, 1);
	CHECK_EQ(b->then.homes, 2);
	CHECK_EQ(b->reason, DECIDE_ROOM);
	CHECK(promises_hold());
}

/* ---- those that were placed by others ----------------------------------- */

static void test_others(void)
{
	struct decide_part *other, *part;

	host(2);
	other = add(MIB, 0);
	other->automatic = false;
	other->logical = 4 * GIB;
	other->now.homes = 1;
	other->now.frames[0] = 3 * GIB;
	part = guest(2 * GIB, 0, 1);
	decide(&d);
	CHECK_EQ(homes_of(part), 2);
	CHECK(promises_hold());
	CHECK(!decide_changes(other));
	/* It has no number: what it needs counts. */
	other->now.frames[0] = 0;
	decide(&d);
	CHECK_EQ(homes_of(part), 1);
	/* It has no homes: what it has. */
	other->now.homes = 0;
	other->resident[0] = 3 * GIB;
	decide(&d);
	CHECK_EQ(homes_of(part), 2);
	CHECK(promises_hold());
}

static void test_full(void)
{
	struct decide_part *part;

	host(2);
	add(4 * GIB, 0)->automatic = false;
	add(4 * GIB, 1)->automatic = false;
	part = guest(0, 0, 1);
	part->logical = GIB;
	decide(&d);
	CHECK_EQ(homes_of(part), 0);
	CHECK_EQ(part->reason, DECIDE_FULL);
	CHECK(!decide_changes(part));
}

static void test_odd_nodes(void)
{
	struct decide_part *part;

	/* One without frames of the pool, and one without processors. */
	host(4);
	d.nodes[0].frames = d.nodes[0].free = 0;
	d.nodes[1].cpus = 0;
	d.distance[0][2] = d.distance[2][0] = 15;
	part = add(0, 0);
	part->logical = GIB;
	part->hot = GIB;
	part->ran[0] = 1;
	decide(&d);
	CHECK(homes_of(part) == 1 << 2 || homes_of(part) == 1 << 3);
	/* Memory alone is better than none. */
	d.nodes[2].frames = d.nodes[3].frames = 0;
	part->then = (struct decide_place){ 0 };
	decide(&d);
	CHECK_EQ(homes_of(part), 1 << 1);
	CHECK(part->cost_then > 0);
}

/* ---- moves -------------------------------------------------------------- */

/* Three on a node that can take two: the one that is moved most cheaply goes. */
static void test_load(void)
{
	struct decide_part *large, *small, *idle;

	host(2);
	large = settled(guest(2 * GIB, 0, 2));
	small = settled(guest(GIB / 2, 0, 2));
	idle = settled(guest(GIB / 4, 0, 0));
	decide(&d);
	CHECK_EQ(changes(), 1);
	CHECK_EQ(homes_of(large), 1);
	CHECK_EQ(homes_of(small), 2);
	CHECK_EQ(homes_of(idle), 1);
	CHECK_EQ(small->reason, DECIDE_LOAD);
	obey();
	decide(&d);
	CHECK_EQ(changes(), 0);
	/* The small one rests, and the idle one has something to do now. */
	memset(small->ran, 0, sizeof(small->ran));
	idle->ran[0] = 2;
	small->age = 100;
	decide(&d);
	CHECK_EQ(changes(), 1);
	CHECK_EQ(homes_of(idle), 2);
	CHECK_EQ(homes_of(small), 2);
}

/* Threads of a program went to another node. */
static void test_nearer(void)
{
	struct decide_part *moved, *stays;

	host_of_sockets();
	moved = settled(add(GIB, 0));
	stays = settled(add(GIB, 0));
	moved->fixed[0] = stays->fixed[0] = 1;
	decide(&d);
	CHECK_EQ(changes(), 0);
	moved->fixed[0] = 0;
	moved->fixed[3] = 1;
	decide(&d);
	CHECK_EQ(changes(), 1);
	CHECK_EQ(homes_of(moved), 1 << 3);
	CHECK_EQ(moved->reason, DECIDE_NEARER);
	/* Where that is full, next to it. */
	d.nodes[3].frames = 0;
	decide(&d);
	CHECK_EQ(homes_of(moved), 1 << 2);
	CHECK(moved->cost_then > 0);
	CHECK(moved->cost_then < moved->cost);
}

static void test_rest(void)
{
	struct decide_part *part;

	host(2);
	part = settled(add(GIB, 0));
	part->fixed[1] = 1;
	part->age = DECIDE_REST - 1;
	decide(&d);
	CHECK_EQ(changes(), 0);
	CHECK_EQ(part->reason, DECIDE_RESTS);
	part->age = DECIDE_REST;
	decide(&d);
	CHECK_EQ(changes(), 1);
}

/* A large one that is hardly used is not worth the way. */
static void test_price(void)
{
	struct decide_part *part;

	host(2);
	part = settled(add(3 * GIB, 0));
	part->fixed[1] = 1;
	part->hot = 3 * GIB / 1000.0;
	decide(&d);
	CHECK_EQ(changes(), 0);
	part->hot = 3 * GIB / 100.0;
	decide(&d);
	CHECK_EQ(changes(), 1);
	/* By the pager it costs more. */
	part->then = part->now;
	d.nodes[1].free = 0;
	decide(&d);
	CHECK_EQ(changes(), 0);
	part->fixed[1] = 4;
	part->hot = 3 * GIB;
	decide(&d);
	CHECK_EQ(changes(), 1);
}

/* Two in each other's place, on nodes that are full of others. */
static void test_swap(void)
{
	struct decide_part *a, *b;

	host(2);
	add(2 * GIB, 0)->automatic = false;
	add(2 * GIB, 1)->automatic = false;
	a = settled(add(3 * GIB / 2, 0));
	b = settled(add(3 * GIB / 2, 1));
	a->fixed[1] = b->fixed[0] = 1;
	decide(&d);
	CHECK_EQ(homes_of(a), 2);
	CHECK_EQ(homes_of(b), 1);
	CHECK(a->reason == DECIDE_SWAP || b->reason == DECIDE_SWAP);
	CHECK(promises_hold());
	obey();
	parts[2].age = parts[3].age = 100;
	decide(&d);
	CHECK_EQ(changes(), 0);
	/* One that gains nothing by it does not make room at any price. */
	a->now = a->then;
	b->fixed[0] = 0;
	b->fixed[1] = 1;
	a->fixed[1] = 1;
	a->hot = b->hot;
	decide(&d);
	CHECK_EQ(changes(), 0);
}

/* vCPUs that are pinned draw memory, whatever else. */
static void test_pinned(void)
{
	struct decide_part *part;

	host(2);
	part = settled(guest(GIB, 0, 2));
	memset(part->ran, 0, sizeof(part->ran));
	part->ran[1] = 2;
	part->may = 1 << 1;
	decide(&d);
	CHECK_EQ(homes_of(part), 1 << 1);
	part->may = 3;
	part->then = part->now;
	decide(&d);
	CHECK_EQ(homes_of(part), 1 << 0);
}

/* Other programs keep the processors of a node busy. */
static void test_busy(void)
{
	struct decide_part *part;

	host(2);
	part = settled(guest(GIB, 0, 2));
	d.nodes[0].busy = 4;
	decide(&d);
	CHECK_EQ(homes_of(part), 2);
	CHECK_EQ(part->reason, DECIDE_LOAD);
	d.nodes[1].busy = 4;
	part->then = part->now;
	decide(&d);
	CHECK_EQ(homes_of(part), 1);
}

/* ---- noise -------------------------------------------------------------- */

static uint64_t seed = 1;

/* From 0.9 to 1.1. */
static double noise(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return 0.9 + (seed >> 40) * 0.2 / (1 << 24);
}

/* Rounds with all that is measured off by up to a tenth. Return: homes that were set. */
static unsigned int rounds(unsigned int count)
{
	struct decide_part exact[PARTS];
	unsigned int set = 0, n, i, j;

	for (n = 0; n < count; n++) {
		memcpy(exact, parts, sizeof(parts));
		for (i = 0; i < d.nr_parts; i++) {
			parts[i].hot *= noise();
			for (j = 0; j < d.nr_nodes; j++) {
				parts[i].ran[j] *= noise();
				parts[i].fixed[j] *= noise();
				parts[i].resident[j] *= noise();
			}
		}
		decide(&d);
		set += changes();
		if (!promises_hold())
			tap_failed++;
		for (i = 0; i < d.nr_parts; i++) {
			exact[i].then = parts[i].then;
			exact[i].reason = parts[i].reason;
		}
		memcpy(parts, exact, sizeof(parts));
		obey();
	}
	return set;
}

static void test_noise_load(void)
{
	unsigned int i;

	/* Three on two nodes: somebody has to share. */
	host(2);
	for (i = 0; i < 3; i++)
		guest(GIB, 0, 2.4);
	rounds(20);
	CHECK_EQ(rounds(500), 0);
	/* Five of different load and size on four. */
	host_of_sockets();
	for (i = 0; i < 5; i++)
		guest((i + 1) * GIB / 2, i % 2, 1 + 0.7 * i);
	rounds(20);
	CHECK_EQ(rounds(500), 0);
}

static void test_noise_memory(void)
{
	struct decide_part *part;

	/* Used from two nodes as much. */
	host(2);
	part = add(GIB, 0);
	part->fixed[0] = part->fixed[1] = 1;
	rounds(20);
	CHECK_EQ(rounds(500), 0);
	/* Fits just about on one. */
	host_of_sockets();
	guest(7 * GIB / 2, 1, 2);
	guest(7 * GIB / 2, 1, 2);
	guest(5 * GIB, 1, 2);
	rounds(20);
	CHECK_EQ(rounds(500), 0);
}

/* All frames are wanted by somebody, and more. */
static void test_noise_full(void)
{
	unsigned int i;

	host(2);
	for (i = 0; i < 4; i++) {
		struct decide_part *part = guest(2 * GIB - 64 * MIB, i % 2, 1);

		part->logical = 6 * GIB;
		part->working_set = 3 * GIB;
	}
	d.nodes[0].reserve = d.nodes[1].reserve = 64 * MIB;
	rounds(20);
	CHECK_EQ(rounds(500), 0);
}

static const struct tap_test tests[] = {
	{ "one is at home where it is", test_one },
	{ "memory comes to a program", test_program },
	{ "load is spread", test_spread },
	{ "room to grow is promised once", test_growth },
	{ "a large one has few near nodes", test_large },
	{ "one larger than the pool", test_larger_than_all },
	{ "one that fits again", test_shrinks },
	{ "one that grows, and one that has no room then", test_grows },
	{ "homes by hand, and none, count first", test_others },
	{ "nothing is left", test_full },
	{ "nodes without frames, without processors", test_odd_nodes },
	{ "a change of load moves the right one", test_load },
	{ "a program that goes elsewhere", test_nearer },
	{ "one that was moved rests", test_rest },
	{ "a move has to pay", test_price },
	{ "two change places", test_swap },
	{ "vCPUs that are pinned", test_pinned },
	{ "processors that others use", test_busy },
	{ "no flapping: load", test_noise_load },
	{ "no flapping: memory", test_noise_memory },
	{ "no flapping: a pool that is full", test_noise_full },
};

TAP_MAIN(tests)
