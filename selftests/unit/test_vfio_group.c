// SPDX-License-Identifier: GPL-2.0-only
/* VFIO: which functions can be taken, by what sysfs says of them. */
#include <sys/stat.h>

#include "fake_error.h"
#include "tap.h"
#include "vfio/group.c"

static char root[] = "/tmp/test_vfio.XXXXXX";

static void shell(const char *fmt, ...) __printf(1, 2);

/* With the root as $r, its devices as $d. */
static void shell(const char *fmt, ...)
{
	char command[1000];
	size_t len;
	va_list ap;

	len = snprintf(command, sizeof(command), "set -e; r=%s; d=$r/bus/pci/devices; ", root);
	va_start(ap, fmt);
	vsnprintf(command + len, sizeof(command) - len, fmt, ap);
	va_end(ap);
	CHECK_EQ(system(command), 0);
}

static void add(const char *bdf, const char *class, const char *driver, const char *group)
{
	shell("mkdir -p $d/%s; echo %s >$d/%s/class", bdf, class, bdf);
	if (driver)
		shell("ln -s ../../drivers/%s $d/%s/driver", driver, bdf);
	if (group)
		shell("g=$r/kernel/iommu_groups/%s; mkdir -p $g/devices; touch $g/devices/%s; ln -s $g $d/%s/iommu_group",
		      group, bdf, bdf);
}

static int find(const char *bdf)
{
	unsigned int group = 0;
	int ret;

	fake_error[0] = '\0';
	ret = vfio_group_find(root, bdf, &group);
	return ret ? ret : (int)group;
}

static bool said(const char *words)
{
	return strstr(fake_error, words);
}

static void test_address(void)
{
	static const char *const bad[] = {
		"", "01:00.0", "0000:01:00.8", "0000:01:00", "0000:01:00.0 ", "000:01:00.0",
		"0000:1:00.0", "0000:01:0.0", "0000:01:00.00", "0000:01:00.0/..", "../../x",
		"123456789:01:00.0", "0000:g1:00.0", "0000;01:00.0",
	};
	char bdf[VFIO_BDF_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(vfio_bdf_parse(bdf, bad[i]), -EINVAL);
	CHECK_EQ(vfio_bdf_parse(bdf, "0000:AB:1f.7"), 0);
	CHECK_STR(bdf, "0000:ab:1f.7");
	CHECK_EQ(vfio_bdf_parse(bdf, "12345678:00:00.0"), 0);
	CHECK_STR(bdf, "12345678:00:00.0");
}

static void test_found(void)
{
	add("0000:01:00.0", "0x010802", "vfio-pci", "7");
	CHECK_EQ(find("0000:01:00.0"), 7);
	/* One that a vendor made of it. */
	add("0000:02:00.0", "0x020000", "mlx5_vfio_pci", "8");
	CHECK_EQ(find("0000:02:00.0"), 8);
}

static void test_absent(void)
{
	CHECK_EQ(find("0000:77:00.0"), -ENODEV);
	CHECK(said("no PCI function 0000:77:00.0"));
}

static void test_no_iommu(void)
{
	add("0000:03:00.0", "0x010802", "vfio-pci", NULL);
	CHECK_EQ(find("0000:03:00.0"), -ENODEV);
	CHECK(said("intel_iommu=on"));
	/* What is no number is no group. */
	add("0000:03:00.1", "0x010802", "vfio-pci", "7x");
	CHECK_EQ(find("0000:03:00.1"), -ENODEV);
}

static void test_driver(void)
{
	add("0000:04:00.0", "0x010802", "nvme", "10");
	CHECK_EQ(find("0000:04:00.0"), -ENXIO);
	CHECK(said("has nvme, not vfio-pci"));
	CHECK(said("echo 0000:04:00.0 >driver/unbind && "));
	add("0000:05:00.0", "0x010802", NULL, "11");
	CHECK_EQ(find("0000:05:00.0"), -ENXIO);
	CHECK(said("has nothing, not vfio-pci"));
	CHECK(!said("unbind"));
	CHECK(said(">driver_override && echo 0000:05:00.0 >/sys/bus/pci/drivers_probe"));
}

/* A bridge above it is no way round the IOMMU; any other function is, with a driver or not. */
static void test_shared(void)
{
	add("0000:06:00.0", "0x010802", "vfio-pci", "12");
	add("0000:00:1c.0", "0x060400", "pcieport", "12");
	CHECK_EQ(find("0000:06:00.0"), 12);
	add("0000:06:00.1", "0x020000", NULL, "12");
	CHECK_EQ(find("0000:06:00.0"), -EXDEV);
	CHECK(said("shares IOMMU group 12 with 0000:06:00.1"));
	CHECK_EQ(find("0000:06:00.1"), -EXDEV);
	/* Of a function that is going, nothing is known. */
	shell("rm -r $d/0000:06:00.1");
	CHECK_EQ(find("0000:06:00.0"), -EXDEV);
}

static void test_clean_up(void)
{
	shell("rm -r $r");
}

static const struct tap_test tests[] = {
	{"addresses as sysfs has them", test_address},
	{"a function that can be taken", test_found},
	{"one that is not there", test_absent},
	{"one without an IOMMU", test_no_iommu},
	{"one with another driver, and what to do", test_driver},
	{"one that is not alone in its group", test_shared},
	{"what was made goes away", test_clean_up},
};

int main(void)
{
	if (!mkdtemp(root))
		return 1;
	return tap_run(tests, ARRAY_SIZE(tests));
}
