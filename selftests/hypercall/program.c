// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program of the bare guest: no kernel, no library, no data of its own. The
 * VMM starts it at its first byte, in 64-bit mode with pages mapped as they are, with
 * the address of the box as argument. It makes calls by itself, as one exit a call
 * is what many of them can cost.
 */
#include <linux/tarn_para.h>

#include "box.h"

typedef __u64 u64;
typedef __s64 s64;

static void program(struct bare_box *box);

/* First in the file and so in the program. */
__attribute__((section(".text.start"), noreturn, used))
void start(struct bare_box *box);

void start(struct bare_box *box)
{
	program(box);
	for (;;)
		asm volatile("outb %%al, %0" : : "i"(BARE_PORT_DONE) : "memory");
}

static inline s64 call(struct bare_box *box, u64 nr, u64 a, u64 b, u64 c)
{
	s64 ret;

	if (box->intel)
		asm volatile("vmcall" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c)
			     : "memory");
	else
		asm volatile("vmmcall" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c)
			     : "memory");
	return ret;
}

static inline u64 next(u64 *state)
{
	u64 x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x * 0x2545f4914f6cdd1dULL;
}

static u64 below(u64 *state, u64 limit)
{
	return (next(state) >> 20) % limit;
}

/* Mostly Tarn's, some beside them; KVM's own (below 256) are not the subject. */
static u64 random_number(u64 *state)
{
	u64 kind = below(state, 16);

	if (kind < 12)
		return TARN_HC_BASE + below(state, TARN_HC_COUNT);
	if (kind == 12)
		return TARN_HC_BASE + TARN_HC_COUNT + below(state, 4);
	if (kind == 13)
		return TARN_HC_BASE - 1 - below(state, 4);
	if (kind == 14)
		return (TARN_HC_BASE + below(state, TARN_HC_COUNT)) | next(state) << 32;
	return next(state) | 256;
}

static u64 random_address(struct bare_box *box, u64 *state)
{
	u64 end = box->base + box->bytes;

	switch (below(state, 12)) {
	case 0:
		return box->base + below(state, box->bytes);
	case 1:
		return end - below(state, 3 * 4096);
	case 2:
		return box->base - below(state, 3 * 4096);
	case 3:
		return below(state, BARE_FIRMWARE_BYTES);
	case 4:
		return next(state);
	case 5:
		return ~0ULL - below(state, 2 * 4096);
	case 6:
		return box->base ^ (1ULL << below(state, 64));
	default:
		return (box->base + below(state, box->bytes)) & ~4095ULL;
	}
}

static u64 random_length(u64 *state)
{
	switch (below(state, 10)) {
	case 0:
		return 0;
	case 1:
		return next(state);
	case 2:
		return TARN_AREA_MAX_BYTES + 2 - below(state, 4);
	case 3:
		return 1ULL << below(state, 64);
	case 4:
		return -below(state, 4 * 4096);
	case 5:
		return below(state, 2 * TARN_HINT_MAX_PAGES);
	default:
		return 1 + below(state, 8 * 4096);
	}
}

static u64 random_type(u64 *state)
{
	return below(state, 16) ? below(state, TARN_AREA_TYPES + 2) : next(state);
}

static u64 random_handle(struct bare_box *box, u64 *state)
{
	switch (below(state, 8)) {
	case 0:
		return below(state, 1 << 16);
	case 1:
		return next(state);
	default:
		return box->handle[below(state, BARE_HANDLES)];
	}
}

static void random_arguments(struct bare_box *box, u64 *state, u64 nr, u64 *arg)
{
	arg[0] = below(state, 4) ? random_address(box, state) : next(state);
	arg[1] = next(state);
	arg[2] = next(state);
	switch (nr) {
	case TARN_HC_QUERY:
		arg[0] = below(state, 3);
		break;
	case TARN_HC_REGISTER:
		arg[0] = random_type(state);
		arg[1] = random_address(box, state);
		arg[2] = random_length(state);
		break;
	case TARN_HC_UNREGISTER:
	case TARN_HC_QUERY_AREA:
		arg[0] = random_handle(box, state);
		break;
	case TARN_HC_METRICS:
		if (!below(state, 4))
			arg[0] = TARN_METRICS_OFF;
		break;
	case TARN_HC_HINT:
		arg[0] = below(state, 8) ? below(state, 5) : next(state);
		arg[1] = random_address(box, state);
		arg[2] = random_length(state);
		break;
	}
}

static enum bare_outcome outcome_of(s64 ret)
{
	if (ret >= 0)
		return BARE_GOOD;
	/* No switch: a table of jumps would be data. */
	if (ret == -TARN_HC_EPERM)
		return BARE_EPERM;
	if (ret == -TARN_HC_ENOENT)
		return BARE_ENOENT;
	if (ret == -TARN_HC_E2BIG)
		return BARE_E2BIG;
	if (ret == -TARN_HC_EAGAIN)
		return BARE_EAGAIN;
	if (ret == -TARN_HC_ENOMEM)
		return BARE_ENOMEM;
	if (ret == -TARN_HC_EFAULT)
		return BARE_EFAULT;
	if (ret == -TARN_HC_EINVAL)
		return BARE_EINVAL;
	if (ret == -TARN_HC_ENOSPC)
		return BARE_ENOSPC;
	if (ret == -TARN_HC_ENOSYS)
		return BARE_ENOSYS;
	return BARE_OTHER;
}

static void count(struct bare_box *box, u64 nr, const u64 *arg, s64 ret)
{
	u64 row = nr - TARN_HC_BASE;
	enum bare_outcome outcome = outcome_of(ret);

	if (row >= TARN_HC_COUNT)
		row = BARE_CALLS - 1;
	if (outcome == BARE_OTHER && !box->outcome[row][outcome]) {
		box->odd_call[0] = nr;
		box->odd_call[1] = arg[0];
		box->odd_call[2] = arg[1];
		box->odd_call[3] = arg[2];
		box->odd_result = ret;
	}
	box->outcome[row][outcome]++;
}

static void fuzz(struct bare_box *box)
{
	u64 state = box->seed, nr, arg[3];
	s64 ret;

	while (box->done < box->count && !box->stop) {
		nr = random_number(&state);
		random_arguments(box, &state, nr, arg);
		box->last[0] = nr;
		box->last[1] = arg[0];
		box->last[2] = arg[1];
		box->last[3] = arg[2];
		ret = call(box, nr, arg[0], arg[1], arg[2]);
		if (nr == TARN_HC_REGISTER && ret > 0)
			box->handle[below(&state, BARE_HANDLES)] = ret;
		count(box, nr, arg, ret);
		box->done++;
	}
	box->seed = state;
}

static void repeat(struct bare_box *box)
{
	while (box->done < box->count && !box->stop) {
		count(box, box->nr, box->arg,
		      call(box, box->nr, box->arg[0], box->arg[1], box->arg[2]));
		box->done++;
	}
}

static void touch(struct bare_box *box)
{
	u64 at;

	while (box->done < box->count && !box->stop) {
		for (at = 0; at < box->bytes; at += 4096)
			*(volatile u64 *)(box->base + at) = box->seed + at;
		box->done++;
	}
}

static void read(struct bare_box *box)
{
	u64 at;

	box->sum = 0;
	while (box->done < box->count && !box->stop) {
		for (at = 0; at < box->bytes; at += 4096)
			box->sum += *(volatile u64 *)(box->base + at);
		box->done++;
	}
}

/* False: a word is not what was written before. The first time none is known. */
static int verify_once(struct bare_box *box)
{
	u64 at, end = box->base + box->bytes, was = box->seed + box->done;

	for (at = box->base; at < end; at += 8) {
		volatile u64 *word = (volatile u64 *)at;

		if (box->done && *word != (at ^ was)) {
			box->bad = at;
			return 0;
		}
		*word = at ^ (was + 1);
	}
	return 1;
}

static void verify(struct bare_box *box)
{
	while (box->done < box->count && !box->stop && verify_once(box))
		box->done++;
}

static void program(struct bare_box *box)
{
	if (box->job == BARE_JOB_REPEAT)
		repeat(box);
	else if (box->job == BARE_JOB_FUZZ)
		fuzz(box);
	else if (box->job == BARE_JOB_TOUCH)
		touch(box);
	else if (box->job == BARE_JOB_READ)
		read(box);
	else if (box->job == BARE_JOB_VERIFY)
		verify(box);
}
