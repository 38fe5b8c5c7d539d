// SPDX-License-Identifier: GPL-2.0-only
/*
 * An image that goes wrong on purpose, for tests; its serial number says how and when:
 * "fault-WAY-AT-TIMES": from the AT-th time on that it is entered to take requests, TIMES
 * times. It counts in the log of the last queue, which outlives it and which no device of
 * the tests has.
 */
#include "adjunct/image/image.h"

#define PREFIX "fault-"

static bool is(const char **at, const char *word)
{
	const char *p = *at;

	while (*word)
		if (*p++ != *word++)
			return false;
	*at = p;
	return true;
}

static u64 number(const char **at)
{
	u64 n = 0;

	if (**at == '-')
		(*at)++;
	for (; **at >= '0' && **at <= '9'; (*at)++)
		n = 10 * n + **at - '0';
	return n;
}

/* Deeper than any stack. */
static u64 deep(volatile u64 *n)
{
	volatile u64 room[64];

	room[0] = *n + 1;
	return room[0] < 1ULL << 40 ? deep(&room[0]) + room[0] : 0;
}

enum way { WAY_NONE, WAY_OPCODE, WAY_WILD, WAY_CONFIG, WAY_TEXT, WAY_LOOP, WAY_SLOW, WAY_STACK };

static enum way read_way(const char **at)
{
	if (!is(at, PREFIX))
		return WAY_NONE;
	if (is(at, "ud"))
		return WAY_OPCODE;
	if (is(at, "wild"))
		return WAY_WILD;
	if (is(at, "conf"))
		return WAY_CONFIG;
	if (is(at, "text"))
		return WAY_TEXT;
	if (is(at, "loop"))
		return WAY_LOOP;
	if (is(at, "slow"))
		return WAY_SLOW;
	return is(at, "deep") ? WAY_STACK : WAY_NONE;
}

static void spin(u64 cycles)
{
	u64 since = clock_cycles();

	while (!clock_past(since, cycles))
		clock_relax();
}

static void go_wrong(enum way way, const struct adjunct_config *config)
{
	volatile u64 zero = 0;

	switch (way) {
	case WAY_NONE:
		break;
	case WAY_OPCODE:
		asm volatile("ud2");
		break;
	case WAY_WILD:
		/* Behind the last register, in a page of 2 MiB that is mapped. */
		*(volatile u64 *)(config->bar + MIB(1)) = 1;
		break;
	case WAY_CONFIG:
		*(volatile u64 *)&config->magic = 1;
		break;
	case WAY_TEXT:
		*(volatile u8 *)(uintptr_t)image_run = 0x90;
		break;
	case WAY_LOOP:
		for (;;)
			clock_relax();
	case WAY_SLOW:
		/* Not wrong, but three seconds. */
		spin(config->tsc_khz * 3000);
		break;
	case WAY_STACK:
		deep(&zero);
		break;
	}
}

void image_fault(const struct adjunct_config *config, u32 queues)
{
	struct adjunct_log *count = (struct adjunct_log *)config->log + ADJUNCT_QUEUES - 1;
	const char *at = config->serial;
	enum way way = read_way(&at);
	u64 from = number(&at), times = number(&at);
	u64 n = __atomic_add_fetch(&count->seq, 1, __ATOMIC_SEQ_CST);

	if (n >= from && n < from + times)
		go_wrong(way, config);
}
