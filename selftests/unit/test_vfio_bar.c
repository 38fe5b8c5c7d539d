// SPDX-License-Identifier: GPL-2.0-only
/* VFIO: which pieces of a BAR are mapped, and answers of the kernel with capabilities. */
#include <sys/ioctl.h>

#include "fake_error.h"
#include "tap.h"

#define ioctl fake_ioctl
static int fake_ioctl(int fd, unsigned long request, ...);

#include "vfio/bar.c"
#include "vfio/info.c"

#define PAGE 4096ULL

/* What the kernel would answer: this many bytes, with capabilities. */
static u8 answer[4096];
static u32 answer_size;
static unsigned int questions;

static int fake_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	u32 *info;

	va_start(ap, request);
	info = va_arg(ap, void *);
	va_end(ap);
	questions++;
	if (fd < 0) {
		errno = EBADF;
		return -1;
	}
	if (*info >= answer_size)
		memcpy(info, answer, answer_size);
	*info = answer_size;
	return 0;
}

static struct vfio_bar layout(u64 size, u64 msix_off, u64 msix_len, unsigned int nr,
			      const struct vfio_extent *extent)
{
	struct vfio_bar bar = {.size = size, .msix_off = msix_off, .msix_len = msix_len};
	/* Memory of its own, whose ends are watched. */
	struct vfio_extent *copy = calloc(nr + 1, sizeof(*copy));
	unsigned int i;

	memcpy(copy, extent, nr * sizeof(*copy));
	vfio_bar_layout(&bar, copy, nr);
	for (i = 0; i < bar.nr; i++)
		bar.piece[i].hva = (void *)(0x10000000 + bar.piece[i].off);
	free(copy);
	return bar;
}

static const struct vfio_extent all[] = {{0, UINT64_MAX}};

static void check_piece(const struct vfio_bar *bar, unsigned int i, u64 off, u64 size)
{
	CHECK(i < bar->nr);
	CHECK_EQ(bar->piece[i].off, off);
	CHECK_EQ(bar->piece[i].size, size);
}

static void test_whole(void)
{
	struct vfio_bar bar = layout(4 * PAGE, 0, 0, 1, all);

	CHECK_EQ(bar.nr, 1);
	check_piece(&bar, 0, 0, 4 * PAGE);
	/* Of a small one the kernel keeps the page. */
	bar = layout(256, 0, 0, 1, all);
	CHECK_EQ(bar.nr, 1);
	check_piece(&bar, 0, 0, PAGE);
	CHECK(vfio_bar_ptr(&bar, 252, 4));
	CHECK(!vfio_bar_ptr(&bar, 256, 4));
	bar = layout(4 * PAGE, 0, 0, 0, all);
	CHECK_EQ(bar.nr, 0);
}

static void test_table(void)
{
	/* In the middle, across pages. */
	struct vfio_bar bar = layout(8 * PAGE, 3 * PAGE - 16, 32, 1, all);

	CHECK_EQ(bar.nr, 2);
	check_piece(&bar, 0, 0, 2 * PAGE);
	check_piece(&bar, 1, 4 * PAGE, 4 * PAGE);
	bar = layout(2 * PAGE, 0, 16, 1, all);
	CHECK_EQ(bar.nr, 1);
	check_piece(&bar, 0, PAGE, PAGE);
	bar = layout(2 * PAGE, PAGE + 2048, 2048, 1, all);
	CHECK_EQ(bar.nr, 1);
	check_piece(&bar, 0, 0, PAGE);
	bar = layout(PAGE, 512, 16, 1, all);
	CHECK_EQ(bar.nr, 0);
	/* A device that says nonsense. */
	bar = layout(2 * PAGE, 100 * PAGE, 16, 1, all);
	CHECK_EQ(bar.nr, 1);
	check_piece(&bar, 0, 0, 2 * PAGE);
}

static void test_sparse(void)
{
	const struct vfio_extent some[] = {
		{6 * PAGE, 7 * PAGE}, {PAGE, 3 * PAGE}, {3 * PAGE, 4 * PAGE}, {5 * PAGE, 5 * PAGE},
		{2 * PAGE, 3 * PAGE}, {8 * PAGE + 1, 10 * PAGE - 1}, {12 * PAGE, 400 * PAGE},
		{PAGE, 0},
	};
	struct vfio_bar bar = layout(16 * PAGE, 2 * PAGE, 16, ARRAY_SIZE(some), some);

	CHECK_EQ(bar.nr, 4);
	check_piece(&bar, 0, PAGE, PAGE);
	check_piece(&bar, 1, 3 * PAGE, PAGE);
	check_piece(&bar, 2, 6 * PAGE, PAGE);
	check_piece(&bar, 3, 12 * PAGE, 4 * PAGE);
}

static void test_many(void)
{
	struct vfio_extent many[2 * VFIO_BAR_PIECES];
	struct vfio_bar bar;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct vfio_extent){2 * i * PAGE, (2 * i + 1) * PAGE};
	bar = layout(100 * PAGE, 0, 0, ARRAY_SIZE(many), many);
	CHECK_EQ(bar.nr, VFIO_BAR_PIECES);
	check_piece(&bar, VFIO_BAR_PIECES - 1, 2 * (VFIO_BAR_PIECES - 1) * PAGE, PAGE);
}

static void test_ptr(void)
{
	struct vfio_bar bar = layout(4 * PAGE, 2 * PAGE, 16, 1, all);

	CHECK(vfio_bar_ptr(&bar, 0, 4) == bar.piece[0].hva);
	CHECK(vfio_bar_ptr(&bar, 0, 2 * PAGE) == bar.piece[0].hva);
	CHECK(vfio_bar_ptr(&bar, 3 * PAGE + 8, 8) == (char *)bar.piece[1].hva + 8);
	CHECK(!vfio_bar_ptr(&bar, 0, 2 * PAGE + 1));
	CHECK(!vfio_bar_ptr(&bar, 2 * PAGE, 4));
	CHECK(!vfio_bar_ptr(&bar, 3 * PAGE - 4, 8));
	CHECK(!vfio_bar_ptr(&bar, 4 * PAGE - 4, 8));
	CHECK(!vfio_bar_ptr(&bar, UINT64_MAX - 3, 8));
	CHECK(!vfio_bar_ptr(&bar, 8, UINT64_MAX));
	CHECK(!vfio_bar_ptr(&bar, 8, 0));
}

static struct vfio_info_cap_header *cap_at(u32 off)
{
	return (struct vfio_info_cap_header *)(answer + off);
}

/* A region whose answer is longer than its structure, by a capability. */
static void test_info(void)
{
	const struct vfio_region_info question = {.index = 3};
	void *info;

	memset(answer, 0, sizeof(answer));
	answer_size = 200;
	*cap_at(64) = (struct vfio_info_cap_header){.id = 5, .next = 100};
	*cap_at(100) = (struct vfio_info_cap_header){.id = 1, .next = 0};
	questions = 0;
	CHECK_EQ(vfio_info_get(0, 0, &question, sizeof(question), &info), 0);
	CHECK_EQ(questions, 2);
	CHECK(vfio_info_cap(info, 64, 1, 100) == (u8 *)info + 100);
	CHECK(!vfio_info_cap(info, 64, 1, 101));
	CHECK(!vfio_info_cap(info, 64, 2, 8));
	CHECK(!vfio_info_cap(info, 0, 1, 8));
	CHECK_EQ(vfio_info_room(info, (u8 *)info + 108), 92);
	free(info);
	CHECK_EQ(vfio_info_get(-1, 0, &question, sizeof(question), &info), -EBADF);
	answer_size = INFO_MAX + 1;
	CHECK_EQ(vfio_info_get(0, 0, &question, sizeof(question), &info), -E2BIG);
}

/* Chains that lead nowhere, or round. */
static void test_chain(void)
{
	const struct vfio_region_info question = {.index = 3};
	void *info;

	memset(answer, 0, sizeof(answer));
	answer_size = 200;
	*cap_at(64) = (struct vfio_info_cap_header){.id = 5, .next = 64};
	*cap_at(80) = (struct vfio_info_cap_header){.id = 6, .next = 196};
	*cap_at(88) = (struct vfio_info_cap_header){.id = 7, .next = UINT32_MAX};
	*cap_at(96) = (struct vfio_info_cap_header){.id = 8, .next = 98};
	CHECK_EQ(vfio_info_get(0, 0, &question, sizeof(question), &info), 0);
	CHECK(!vfio_info_cap(info, 64, 9, 8));
	CHECK(!vfio_info_cap(info, 80, 9, 8));
	CHECK(!vfio_info_cap(info, 88, 9, 8));
	CHECK(!vfio_info_cap(info, 96, 9, 8));
	CHECK(!vfio_info_cap(info, 4000, 9, 8));
	free(info);
}

static const struct tap_test tests[] = {
	{"a BAR is one piece", test_whole},
	{"the MSI-X table's pages are a hole", test_table},
	{"a BAR of which parts can be mapped", test_sparse},
	{"more pieces than there is room for", test_many},
	{"registers are in a piece or nowhere", test_ptr},
	{"an answer takes the room that it takes", test_info},
	{"chains of capabilities end", test_chain},
};

TAP_MAIN(tests)
