// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checks that every extensible call has to pass, driven by a table entry.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uapi.h"

union arg {
	struct {
		u32 size;
		u32 flags;
	};
	u8 bytes[UAPI_MAX_SIZE];
};

static void set_arg(const struct uapi_call *c, union arg *arg)
{
	memset(arg, 0, sizeof(*arg));
	arg->size = c->size;
	if (c->fill)
		c->fill(arg);
}

/* Make the call on a descriptor of its own. */
static long send(const struct uapi_call *c, void *arg)
{
	int fd = c->open();
	long ret;

	ASSERT(fd >= 0);
	ret = __tarn_op(fd, c->cmd, arg);
	c->close(fd);
	return ret;
}

#define EXPECT(c, arg, err, fmt, ...)                                          \
	do {                                                                   \
		long __r = send(c, arg);                                       \
									       \
		if (__r != -(err))                                             \
			FAIL("%s, " fmt ": %ld, expected %d", (c)->name,       \
			     ##__VA_ARGS__, __r, -(err));                      \
	} while (0)

static void check_sizes(const struct uapi_call *c)
{
	const size_t least = c->min_size ? c->min_size : c->size;
	const size_t bad[] = { 0, 1, 4, 7, least - 8, least - 1 };
	union arg arg;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (bad[i] >= least)
			continue;
		set_arg(c, &arg);
		arg.size = bad[i];
		EXPECT(c, &arg, EINVAL, "size %zu", bad[i]);
	}
	set_arg(c, &arg);
	EXPECT(c, &arg, 0, "exact");
	set_arg(c, &arg);
	arg.size = least;
	EXPECT(c, &arg, 0, "as first published");
	set_arg(c, &arg);
	arg.size = c->size + 64;
	EXPECT(c, &arg, 0, "long, zero tail");
	for (i = c->size; i < c->size + 64; i += 21) {
		set_arg(c, &arg);
		arg.size = c->size + 64;
		arg.bytes[i] = 1;
		EXPECT(c, &arg, E2BIG, "long, byte %zu set", i);
	}
	/* what lies behind the stated size is nobody's business */
	set_arg(c, &arg);
	memset(arg.bytes + c->size, 0xff, 64);
	EXPECT(c, &arg, 0, "garbage behind it");
	ASSERT_EQ(arg.bytes[c->size], 0xff);
}

static void check_fields(const struct uapi_call *c)
{
	union arg arg;
	size_t i;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		if (c->flags & (1U << bit))
			continue;
		set_arg(c, &arg);
		arg.flags |= 1U << bit;
		EXPECT(c, &arg, EINVAL, "flag %d", bit);
	}
	for (i = 0; i < ARRAY_SIZE(c->reserved) && c->reserved[i]; i++) {
		for (bit = 0; bit < 32; bit += 31) {
			set_arg(c, &arg);
			arg.bytes[c->reserved[i] + bit / 8] |= 1 << (bit % 8);
			EXPECT(c, &arg, EINVAL, "reserved at %u bit %d",
			       c->reserved[i], bit);
		}
	}
}

static void check_addresses(const struct uapi_call *c)
{
	u8 *page = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	union arg arg, *edge;

	ASSERT(page != MAP_FAILED);
	ASSERT_OK(mprotect(page + PAGE_SIZE, PAGE_SIZE, PROT_NONE));
	EXPECT(c, NULL, EFAULT, "NULL");
	EXPECT(c, (void *)-4096L, EFAULT, "kernel address");
	EXPECT(c, (void *)0xffff888000000000UL, EFAULT, "kernel memory");
	EXPECT(c, (void *)0x800000000000UL, EFAULT, "no address");
	EXPECT(c, page + PAGE_SIZE, EFAULT, "unreadable");
	set_arg(c, &arg);
	edge = (void *)(page + PAGE_SIZE - c->size);
	memcpy(edge, &arg, c->size);
	EXPECT(c, edge, 0, "at the end of a page");
	memcpy(edge, &arg, c->size);
	edge->size = c->size + 8;
	EXPECT(c, edge, EFAULT, "tail unreadable");
	edge = (void *)(page + PAGE_SIZE - c->size + 8);
	memcpy(edge, &arg, c->size - 8);
	EXPECT(c, edge, EFAULT, "end unreadable");
	munmap(page, 2 * PAGE_SIZE);
}

void uapi_check(const struct uapi_call *c, const int *wrong, int nr_wrong)
{
	union arg arg;
	long ret;
	int i;

	ASSERT(c->size + 64 <= UAPI_MAX_SIZE);
	check_sizes(c);
	check_fields(c);
	check_addresses(c);
	for (i = 0; i < nr_wrong; i++) {
		set_arg(c, &arg);
		ret = __tarn_op(wrong[i], c->cmd, &arg);
		if (ret != -ENOTTY)
			FAIL("%s on wrong file %d: %ld", c->name, i, ret);
	}
}

static int without_caps(void *data)
{
	const struct uapi_call *c = data;
	union arg arg;
	int fd = c->open();
	long ret;

	drop_caps();
	set_arg(c, &arg);
	ret = __tarn_op(fd, c->cmd, &arg);
	if (ret != (c->admin ? -EPERM : 0))
		FAIL("%s without capabilities: %ld", c->name, ret);
	return 0;
}

void uapi_check_admin(const struct uapi_call *c)
{
	ASSERT_EQ(reap(spawn(without_caps, (void *)c)), 0);
}
