// SPDX-License-Identifier: GPL-2.0-only
/* Placement of RAM and the bounds of every access to it. */
#include "../../vmm/mem.c"
#include "fake_error.h"
#include "tap.h"

#define PAGE 4096

static struct tarn_mem mem;

/* Address space that is never touched unless a test makes it accessible. */
static struct mem_backend *backend(u64 size)
{
	struct mem_backend *b = calloc(1, sizeof(*b));

	b->size = size;
	b->fd = -1;
	b->id = (char *)"b";
	b->hva = mmap(NULL, size, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (b->hva == MAP_FAILED)
		abort();
	return b;
}

static void release(struct mem_backend *b)
{
	munmap(b->hva, b->size);
	free(b);
}

static void test_hole(void)
{
	struct mem_backend *b = backend(GIB(5));

	memset(&mem, 0, sizeof(mem));
	CHECK_EQ(tarn_mem_add(&mem, b, 1), 0);
	CHECK_EQ(mem.nr, 2);
	CHECK_EQ(mem.size, GIB(5));
	CHECK_EQ(mem.range[0].size, MEM_LOW_END);
	CHECK_EQ(mem.range[1].gpa, MEM_HIGH_START);
	CHECK_EQ(mem.range[1].size, GIB(5) - MEM_LOW_END);
	CHECK(mem.range[1].hva == (u8 *)b->hva + MEM_LOW_END);
	CHECK_EQ(mem.range[1].fd_offset, MEM_LOW_END);
	CHECK_EQ(mem.range[1].node, 1);
	CHECK(!tarn_mem_ptr(&mem, MEM_LOW_END, 1));
	CHECK(!tarn_mem_ptr(&mem, MEM_LOW_END - 1, 2));
	CHECK(!tarn_mem_ptr(&mem, MEM_HIGH_START - 1, 2));
	CHECK(tarn_mem_ptr(&mem, MEM_HIGH_START, 1) ==
	      (u8 *)b->hva + MEM_LOW_END);
	CHECK_EQ(tarn_mem_add(&mem, b, 0), -EBUSY);
	release(b);
}

static void test_order(void)
{
	struct mem_backend *a = backend(GIB(2)), *b = backend(GIB(2));
	struct mem_backend *c = backend(GIB(1));

	memset(&mem, 0, sizeof(mem));
	CHECK_EQ(tarn_mem_add(&mem, a, 0), 0);
	CHECK_EQ(tarn_mem_add(&mem, b, 1), 0);
	CHECK_EQ(tarn_mem_add(&mem, c, 2), 0);
	CHECK_EQ(mem.nr, 4);
	CHECK_EQ(mem.range[1].gpa, GIB(2));
	CHECK_EQ(mem.range[1].size, GIB(1));
	CHECK_EQ(mem.range[2].gpa, GIB(4));
	CHECK_EQ(mem.range[3].gpa, GIB(5));
	release(a);
	release(b);
	release(c);
}

static void test_exact_hole(void)
{
	struct mem_backend *a = backend(MEM_LOW_END), *b = backend(PAGE);

	memset(&mem, 0, sizeof(mem));
	CHECK_EQ(tarn_mem_add(&mem, a, 0), 0);
	CHECK_EQ(mem.nr, 1);
	CHECK_EQ(tarn_mem_add(&mem, b, 0), 0);
	CHECK_EQ(mem.range[1].gpa, MEM_HIGH_START);
	release(a);
	release(b);
}

static void test_bounds(void)
{
	struct mem_backend *b = backend(MIB(1));

	memset(&mem, 0, sizeof(mem));
	tarn_mem_add(&mem, b, 0);
	CHECK(tarn_mem_ptr(&mem, 0, 1) == b->hva);
	CHECK(tarn_mem_ptr(&mem, 0, MIB(1)) == b->hva);
	CHECK(!tarn_mem_ptr(&mem, 0, MIB(1) + 1));
	CHECK(!tarn_mem_ptr(&mem, 0, 0));
	CHECK(!tarn_mem_ptr(&mem, 1, MIB(1)));
	CHECK(tarn_mem_ptr(&mem, MIB(1) - 1, 1));
	CHECK(!tarn_mem_ptr(&mem, MIB(1), 1));
	CHECK(!tarn_mem_ptr(&mem, 8, ~0ULL));
	CHECK(!tarn_mem_ptr(&mem, 8, ~0ULL - 7));
	CHECK(!tarn_mem_ptr(&mem, ~0ULL, 1));
	CHECK(!tarn_mem_ptr(&mem, ~0ULL, 2));
	release(b);
}

static void test_copy(void)
{
	struct mem_backend *a = backend(2 * PAGE), *b = backend(2 * PAGE);
	u8 out[PAGE], in[PAGE];

	memset(&mem, 0, sizeof(mem));
	tarn_mem_add(&mem, a, 0);
	tarn_mem_add(&mem, b, 0);
	mprotect(a->hva, a->size, PROT_READ | PROT_WRITE);
	mprotect(b->hva, b->size, PROT_READ | PROT_WRITE);
	memset(out, 0x5a, sizeof(out));
	/* Over the seam of two backends, which are not neighbours in memory. */
	CHECK_EQ(tarn_mem_write(&mem, 2 * PAGE - 100, out, PAGE), 0);
	CHECK_EQ(tarn_mem_read(&mem, 2 * PAGE - 100, in, PAGE), 0);
	CHECK(!memcmp(in, out, PAGE));
	CHECK_EQ(((u8 *)b->hva)[0], 0x5a);
	CHECK(!tarn_mem_ptr(&mem, 2 * PAGE - 1, 2));
	CHECK_EQ(tarn_mem_write(&mem, 4 * PAGE - 1, out, 2), -EFAULT);
	CHECK_EQ(tarn_mem_read(&mem, 4 * PAGE, in, 1), -EFAULT);
	CHECK_EQ(tarn_mem_read(&mem, ~0ULL, in, 2), -EFAULT);
	release(a);
	release(b);
}

static void test_discard(void)
{
	struct mem_backend *b = backend(4 * PAGE);
	u8 *p = b->hva;

	memset(&mem, 0, sizeof(mem));
	tarn_mem_add(&mem, b, 0);
	mprotect(p, b->size, PROT_READ | PROT_WRITE);
	memset(p, 1, b->size);
	CHECK_EQ(tarn_mem_discard(&mem, PAGE, 2 * PAGE), 0);
	CHECK(p[PAGE - 1] == 1 && p[PAGE] == 0 && p[3 * PAGE - 1] == 0 &&
	      p[3 * PAGE] == 1);
	CHECK_EQ(tarn_mem_discard(&mem, 1, PAGE), -EINVAL);
	CHECK_EQ(tarn_mem_discard(&mem, 0, PAGE + 1), -EINVAL);
	CHECK_EQ(tarn_mem_discard(&mem, 0, 0), -EINVAL);
	CHECK_EQ(tarn_mem_discard(&mem, 3 * PAGE, 2 * PAGE), -EINVAL);
	release(b);
}

static const struct tap_test tests[] = {
	{"RAM around the hole below 4 GiB", test_hole},
	{"several backends in order", test_order},
	{"a backend that ends at the hole", test_exact_hole},
	{"bounds of a pointer", test_bounds},
	{"copies over a seam", test_copy},
	{"discarding", test_discard},
};

TAP_MAIN(tests)
