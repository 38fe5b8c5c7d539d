// SPDX-License-Identifier: GPL-2.0-only
/* VFIO: addresses that the IOMMU has, and mappings that never reach the kernel. */
#include <stdarg.h>
#include <sys/ioctl.h>

#include "fake_error.h"
#include "tap.h"

#define ioctl fake_ioctl
static int fake_ioctl(int fd, unsigned long request, ...);

#include "vfio/container.c"

#define PAGE 4096ULL
#define HVA ((void *)0x40000000)

/* What the kernel says to the next mapping or unmapping. */
static int fake_errno;
static u64 fake_unmapped;
static unsigned int calls;
static struct vfio_iommu_type1_dma_map last_map;

static int fake_ioctl(int fd, unsigned long request, ...)
{
	struct vfio_iommu_type1_dma_unmap *unmap;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	calls++;
	if (request == VFIO_IOMMU_MAP_DMA)
		last_map = *(struct vfio_iommu_type1_dma_map *)arg;
	if (request == VFIO_IOMMU_UNMAP_DMA) {
		unmap = arg;
		unmap->size = min_t(u64, unmap->size, fake_unmapped);
	}
	errno = fake_errno;
	return fake_errno ? -1 : 0;
}

static struct vfio_range ranges[] = {
	{0, 0xfedfffff},
	{0xfef00000, 0x7fffffffff},
};

static struct vfio_container container = {.range = ranges, .nr_ranges = ARRAY_SIZE(ranges)};

static void test_usable(void)
{
	struct vfio_range most[] = {{PAGE, UINT64_MAX}};
	struct vfio_container all = {.range = most, .nr_ranges = 1}, none = {.fd = -1};

	CHECK(vfio_container_usable(&container, 0, 0xfee00000));
	CHECK(!vfio_container_usable(&container, 0, 0xfee00001));
	CHECK(!vfio_container_usable(&container, 0xfee00000, 1));
	/* Nothing goes across what is not there, though both its ends are. */
	CHECK(!vfio_container_usable(&container, 0, 0x100000000));
	CHECK(vfio_container_usable(&container, 0x7ffffff000, PAGE));
	CHECK(!vfio_container_usable(&container, 0x7ffffff000, 2 * PAGE));
	CHECK(!vfio_container_usable(&container, 0, 0));
	CHECK(!vfio_container_usable(&container, -PAGE, 2 * PAGE));
	CHECK(!vfio_container_usable(&container, -PAGE, PAGE));
	CHECK(vfio_container_usable(&all, -PAGE, PAGE));
	CHECK(!vfio_container_usable(&all, 0, PAGE));
	CHECK(!vfio_container_usable(&all, PAGE, UINT64_MAX));
	CHECK(!vfio_container_usable(&none, 0, PAGE));
	CHECK(vfio_container_end(&container) == 0x8000000000);
	CHECK(vfio_container_end(&all) == UINT64_MAX);
	CHECK_EQ(vfio_container_end(&none), 0);
}

static void test_refused(void)
{
	calls = 0;
	CHECK_EQ(vfio_container_map(&container, 0, HVA, 0, true), -EINVAL);
	CHECK_EQ(vfio_container_map(&container, 0, HVA, PAGE - 1, true), -EINVAL);
	CHECK_EQ(vfio_container_map(&container, 512, HVA, PAGE, true), -EINVAL);
	CHECK_EQ(vfio_container_map(&container, 0, (u8 *)HVA + 1, PAGE, true), -EINVAL);
	CHECK_EQ(vfio_container_map(&container, 0xfee00000, HVA, PAGE, true), -EINVAL);
	CHECK(strstr(fake_error, "end at 8000000000"));
	CHECK_EQ(vfio_container_unmap(&container, 0, -PAGE), -EINVAL);
	CHECK_EQ(calls, 0);
}

static void test_map(void)
{
	fake_errno = 0;
	CHECK_EQ(vfio_container_map(&container, PAGE, HVA, 3 * PAGE, false), 0);
	CHECK_EQ(last_map.flags, VFIO_DMA_MAP_FLAG_READ);
	CHECK_EQ(last_map.iova, PAGE);
	CHECK_EQ(last_map.size, 3 * PAGE);
	CHECK_EQ(last_map.vaddr, 0x40000000);
	CHECK_EQ(vfio_container_map(&container, PAGE, HVA, 3 * PAGE, true), 0);
	CHECK_EQ(last_map.flags, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
}

static void test_sentences(void)
{
	static const struct {
		int errnum;
		const char *words;
	} failures[] = {
		{EFAULT, "a memfd can"},
		{ENOMEM, "RLIMIT_MEMLOCK is 64 KiB"},
		{EEXIST, "where something is mapped"},
		{ENOSPC, "dma_entry_limit"},
		{EIO, "cannot map 4 KiB for DMA at 1000"},
	};
	size_t i;

	container.lock_limit = 65536;
	for (i = 0; i < ARRAY_SIZE(failures); i++) {
		fake_errno = failures[i].errnum;
		CHECK_EQ(vfio_container_map(&container, PAGE, HVA, PAGE, true),
			 -failures[i].errnum);
		CHECK(strstr(fake_error, failures[i].words));
	}
	fake_errno = 0;
}

static void test_unmap(void)
{
	fake_unmapped = 2 * PAGE;
	CHECK_EQ(vfio_container_unmap(&container, PAGE, 2 * PAGE), 0);
	CHECK_EQ(vfio_container_unmap(&container, PAGE, 3 * PAGE), -ENOENT);
	fake_errno = EINVAL;
	CHECK_EQ(vfio_container_unmap(&container, PAGE, 2 * PAGE), -EINVAL);
	fake_errno = 0;
}

static const struct tap_test tests[] = {
	{"addresses that the IOMMU has", test_usable},
	{"what cannot be mapped is not tried", test_refused},
	{"what may be read, and what written", test_map},
	{"why the kernel does not map", test_sentences},
	{"unmapping less than it was meant", test_unmap},
};

TAP_MAIN(tests)
