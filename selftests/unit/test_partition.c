// SPDX-License-Identifier: GPL-2.0-only
/* Attaching guest memory to its partitions, against a module that is made up. */
#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/tarn.h>
#include <linux/tarn_para.h>

#include "fake_error.h"
#include "tap.h"

static int fake_ioctl(int fd, unsigned long request, ...);
static int fake_fstatfs(int fd, struct statfs *fs);

static int fake_usleep(useconds_t us);

#define usleep fake_usleep
#define ioctl fake_ioctl
#define fstatfs fake_fstatfs
#include "mem.c"
#include "partition.c"
#undef usleep
#undef ioctl
#undef fstatfs

/* Descriptors of files in pools, of others, and of the VM. */
#define POOL_FD 10
#define POOL2_FD 11
#define OTHER_FD 20
#define VM_FD 30

/* Handles from here on are of areas that nobody here registered. */
#define STALE 1000000

static struct {
	u64 features;
	int attach_error;
	int register_error;
	unsigned int busy; /* looks until the VM before is gone */
	unsigned int stale_first;
	unsigned int stale; /* areas of a VMM that was killed */
	unsigned int interrupts; /* calls that a signal ends first */
	unsigned int attaches;
	unsigned int detaches;
	bool attached[2];
	u32 nr[2];
	struct tarn_vm_range range[2][MEM_MAX_RANGES];
	unsigned int areas;
	unsigned int registers;
	struct tarn_partition_register last;
	int last_fd;
} module;

static u64 now;
static struct vm_config config;
static struct vm vm;
static struct mem_backend backends[3];

u64 loop_now(void)
{
	return now;
}

static int fake_usleep(useconds_t us)
{
	now += us * 1000ULL;
	if (module.busy && !--module.busy)
		module.attach_error = 0;
	return 0;
}

static int fake_fstatfs(int fd, struct statfs *fs)
{
	memset(fs, 0, sizeof(*fs));
	fs->f_type = fd < OTHER_FD ? TARN_SUPER_MAGIC : 0x1021994;
	return 0;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

static int fake_attach(int i, struct tarn_partition_attach *attach)
{
	CHECK_EQ(attach->size, sizeof(*attach));
	CHECK_EQ(attach->flags, 0);
	if (!attach->count) {
		CHECK_EQ(attach->vm_fd, -1);
		module.detaches++;
		module.attached[i] = false;
		return 0;
	}
	CHECK_EQ(attach->vm_fd, VM_FD);
	module.attaches++;
	if (module.attach_error)
		return fail(module.attach_error);
	module.attached[i] = true;
	module.nr[i] = attach->count;
	memcpy(module.range[i], (void *)(uintptr_t)attach->ranges,
	       attach->count * sizeof(struct tarn_vm_range));
	return 0;
}

static int fake_register(int fd, struct tarn_partition_register *reg)
{
	CHECK_EQ(reg->size, sizeof(*reg));
	module.registers++;
	if (module.register_error)
		return fail(module.register_error);
	module.areas++;
	reg->handle = module.registers;
	module.last = *reg;
	module.last_fd = fd;
	return 0;
}

/* Every second area is the VMM's, the others are KVM's and stay. */
static int fake_list(struct tarn_partition_areas *list)
{
	struct tarn_area *areas = (void *)(uintptr_t)list->areas;
	u32 n = 0;

	while (n < list->count && list->cursor < 2 * module.stale_first) {
		areas[n++] = (struct tarn_area){
			.handle = STALE + list->cursor,
			.origin = list->cursor % 2 ? TARN_AREA_BY_VMM
						   : TARN_AREA_BY_KVM};
		list->cursor++;
	}
	list->count = n;
	return 0;
}

static int fake_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	CHECK(fd == POOL_FD || fd == POOL2_FD);
	if (module.interrupts) {
		module.interrupts--;
		return fail(EINTR);
	}
	switch (request) {
	case TARN_GET_FEATURES:
		((struct tarn_features *)arg)->features = module.features;
		return 0;
	case TARN_PARTITION_ATTACH:
		return fake_attach(fd - POOL_FD, arg);
	case TARN_PARTITION_REGISTER:
		return fake_register(fd, arg);
	case TARN_PARTITION_AREAS:
		return fake_list(arg);
	case TARN_PARTITION_UNREGISTER:
		if (((struct tarn_partition_register *)arg)->handle >= STALE) {
			module.stale--;
			return 0;
		}
		CHECK_EQ(((struct tarn_partition_register *)arg)->handle,
			 module.last.handle);
		module.areas--;
		return 0;
	}
	return fail(ENOTTY);
}

static void backend_init(unsigned int i, int fd, u64 size)
{
	static char *ids[] = {"ram0", "ram1", "ram2"};

	backends[i] = (struct mem_backend){.id = ids[i],
					   .fd = fd,
					   .size = size,
					   .hva = (void *)0x7000000000,
					   .share = true};
	CHECK_EQ(tarn_mem_add(&vm.mem, &backends[i], 0), 0);
}

static void setup(u64 features)
{
	memset(&module, 0, sizeof(module));
	memset(&vm, 0, sizeof(vm));
	memset(&config, 0, sizeof(config));
	module.features = features;
	vm.config = &config;
	vm.fd = VM_FD;
	fake_error[0] = 0;
	fake_guest_warnings = 0;
}

#define ALL_FEATURES                                                           \
	(TARN_FEATURE_PAGING | TARN_FEATURE_VM | TARN_FEATURE_PINS |           \
	 TARN_FEATURE_FAULTS)

static void check_range(const struct tarn_vm_range *r, u64 gpa, u64 bytes,
			u64 offset)
{
	CHECK_EQ(r->gpa, gpa);
	CHECK_EQ(r->bytes, bytes);
	CHECK_EQ(r->offset, offset);
}

static void test_ranges(void)
{
	setup(ALL_FEATURES);
	backend_init(0, POOL_FD, GIB(4));
	CHECK_EQ(partitions_attach(&vm), 0);
	CHECK(module.attached[0]);
	CHECK_EQ(module.nr[0], 2);
	check_range(&module.range[0][0], 0, GIB(3), 0);
	check_range(&module.range[0][1], GIB(4), GIB(1), GIB(3));
	CHECK_EQ(partitions_features(&vm),
		 TARN_PARA_AREAS | TARN_PARA_METRICS | TARN_PARA_HINTS |
			 TARN_PARA_FAULTS);
	partitions_detach(&vm);
	CHECK(!module.attached[0]);
	CHECK(!vm.partitions);
}

static void test_several(void)
{
	setup(ALL_FEATURES);
	backend_init(0, POOL_FD, GIB(2));
	backend_init(1, OTHER_FD, MIB(512));
	backend_init(2, POOL2_FD, GIB(1));
	CHECK_EQ(partitions_attach(&vm), 0);
	CHECK_EQ(module.attaches, 2);
	CHECK_EQ(module.nr[0], 1);
	check_range(&module.range[0][0], 0, GIB(2), 0);
	CHECK_EQ(module.nr[1], 2);
	check_range(&module.range[1][0], GIB(2) + MIB(512), MIB(512), 0);
	check_range(&module.range[1][1], GIB(4), MIB(512), MIB(512));
	partitions_detach(&vm);
	CHECK_EQ(module.detaches, 2);
}

static void test_no_pool(void)
{
	setup(ALL_FEATURES);
	backend_init(0, OTHER_FD, GIB(1));
	CHECK_EQ(partitions_attach(&vm), 0);
	CHECK_EQ(partitions_features(&vm), 0);
	CHECK_EQ(module.attaches, 0);
	CHECK_STR(fake_error, "");
	partitions_detach(&vm);

	setup(ALL_FEATURES);
	config.tarn = CONFIG_TARN_ON;
	backend_init(0, OTHER_FD, GIB(1));
	CHECK_EQ(partitions_attach(&vm), -EINVAL);
	CHECK(strstr(fake_error, "tarn=on"));

	setup(ALL_FEATURES);
	config.tarn = CONFIG_TARN_OFF;
	backend_init(0, POOL_FD, GIB(1));
	CHECK_EQ(partitions_attach(&vm), 0);
	CHECK_EQ(module.attaches, 0);
	partitions_reset(&vm);
	partitions_detach(&vm);
}

static void test_old_module(void)
{
	setup(TARN_FEATURE_PAGING);
	backend_init(0, POOL_FD, GIB(1));
	CHECK_EQ(partitions_attach(&vm), 0);
	CHECK_EQ(module.attaches, 0);
	CHECK(strstr(fake_error, "ram0"));
	CHECK_EQ(partitions_features(&vm), 0);
	partitions_detach(&vm);
	CHECK_EQ(module.detaches, 0);

	/* A kernel whose KVM the module does not know. */
	setup(ALL_FEATURES);
	module.attach_error = EOPNOTSUPP;
	backend_init(0, POOL_FD, GIB(1));
	CHECK_EQ(partitions_attach(&vm), 0);
	CHECK(fake_error[0]);
	partitions_detach(&vm);

	config.tarn = CONFIG_TARN_ON;
	CHECK_EQ(partitions_attach(&vm), -EOPNOTSUPP);
	CHECK(strstr(fake_error, "tarn=on"));
}

static void test_refused(void)
{
	setup(ALL_FEATURES);
	backend_init(0, POOL_FD, GIB(1));
	module.attach_error = EBUSY;
	CHECK_EQ(partitions_attach(&vm), -EBUSY);
	CHECK(strstr(fake_error, "another guest"));
	CHECK(!vm.partitions);
	module.attach_error = EFAULT;
	CHECK_EQ(partitions_attach(&vm), -EFAULT);
	CHECK(strstr(fake_error, "ram0"));
}

/* Another guest had the memory and was killed just now. */
static void test_successor(void)
{
	setup(ALL_FEATURES);
	backend_init(0, POOL_FD, GIB(1));
	module.attach_error = EBUSY;
	module.busy = 5;
	module.stale = 100;
	module.stale_first = 100;
	CHECK_EQ(partitions_attach(&vm), 0);
	CHECK_EQ(module.attaches, 6);
	CHECK_EQ(module.stale, 0);
	partitions_detach(&vm);
}

static void test_reset(void)
{
	setup(ALL_FEATURES);
	backend_init(0, POOL_FD, GIB(1));
	CHECK_EQ(partitions_attach(&vm), 0);
	partitions_reset(&vm);
	CHECK_EQ(module.detaches, 0);
	partitions_reset(&vm);
	CHECK_EQ(module.detaches, 1);
	CHECK_EQ(module.attaches, 2);
	CHECK(module.attached[0]);
	/* What cannot be attached again runs on, once and for all. */
	module.attach_error = ENOMEM;
	partitions_reset(&vm);
	CHECK(strstr(fake_error, "again"));
	module.attach_error = 0;
	partitions_reset(&vm);
	CHECK_EQ(module.attaches, 3);
	partitions_detach(&vm);
}

static void test_areas(void)
{
	struct partition_area area = {0}, second = {0};

	setup(ALL_FEATURES);
	backend_init(0, POOL_FD, GIB(4));
	CHECK_EQ(partitions_attach(&vm), 0);
	/* It may cross pages, and lie in the piece above 4 GiB. */
	partition_area_add(&vm, &area, TARN_AREA_RING, GIB(4) + 0xff8, 0x1010);
	CHECK(area.part);
	CHECK_EQ(module.last.type, TARN_AREA_RING);
	CHECK_EQ(module.last.offset, GIB(3) + 0xff8);
	CHECK_EQ(module.last.bytes, 0x1010);
	CHECK_EQ(module.last_fd, POOL_FD);
	partition_area_remove(&area);
	partition_area_remove(&area);
	CHECK_EQ(module.areas, 0);
	/* Outside of RAM, and across the hole below 4 GiB. */
	partition_area_add(&vm, &area, TARN_AREA_RING, GIB(6), 16);
	partition_area_add(&vm, &second, TARN_AREA_RING, GIB(3) - 8, 16);
	CHECK(!area.part && !second.part);
	CHECK_EQ(module.registers, 1);
	/* The quota is used up. */
	module.register_error = ENOSPC;
	partition_area_add(&vm, &area, TARN_AREA_RING, 0x1000, 16);
	CHECK(!area.part);
	CHECK_EQ(fake_guest_warnings, 1);
	partition_area_remove(&area);
	partitions_detach(&vm);

	/* No pins in this module. */
	setup(TARN_FEATURE_VM);
	backend_init(0, POOL_FD, GIB(1));
	CHECK_EQ(partitions_attach(&vm), 0);
	partition_area_add(&vm, &area, TARN_AREA_RING, 0x1000, 16);
	CHECK(!area.part);
	CHECK_EQ(module.registers, 0);
	partitions_detach(&vm);
	/* No partitions at all. */
	partition_area_add(&vm, &area, TARN_AREA_RING, 0x1000, 16);
	CHECK(!area.part);
}

/* A driver that sets up and resets a queue for ever. */
static void test_storm(void)
{
	struct partition_area area = {0};
	unsigned int i;

	setup(ALL_FEATURES);
	backend_init(0, POOL_FD, GIB(1));
	CHECK_EQ(partitions_attach(&vm), 0);
	for (i = 0; i < 1000000; i++) {
		partition_area_add(&vm, &area, TARN_AREA_RING, 0x1000, 16);
		partition_area_remove(&area);
	}
	CHECK_EQ(module.registers, AREAS_BURST);
	CHECK_EQ(module.areas, 0);
	CHECK(fake_guest_warnings > 0);
	/* A second later some more go. */
	now += 1000000000;
	for (i = 0; i < 1000; i++) {
		partition_area_add(&vm, &area, TARN_AREA_RING, 0x1000, 16);
		partition_area_remove(&area);
	}
	CHECK_EQ(module.registers, AREAS_BURST + AREAS_PER_SECOND);
	/* And after a pause as many as at first, not more. */
	now += 3600 * 1000000000ULL;
	for (i = 0; i < 10000; i++) {
		partition_area_add(&vm, &area, TARN_AREA_RING, 0x1000, 16);
		partition_area_remove(&area);
	}
	CHECK_EQ(module.registers, 2 * AREAS_BURST + AREAS_PER_SECOND);
	partitions_detach(&vm);
}

static void test_signals(void)
{
	struct partition_area area = {0};

	setup(ALL_FEATURES);
	backend_init(0, POOL_FD, GIB(1));
	CHECK_EQ(partitions_attach(&vm), 0);
	module.interrupts = 3;
	partition_area_add(&vm, &area, TARN_AREA_RING, 0x1000, 16);
	CHECK(area.part);
	module.interrupts = 3;
	partition_area_remove(&area);
	CHECK_EQ(module.areas, 0);
	module.interrupts = 1000;
	partition_area_add(&vm, &area, TARN_AREA_RING, 0x1000, 16);
	CHECK(!area.part);
	CHECK(module.interrupts > 900);
	module.interrupts = 0;
	partitions_detach(&vm);
}

static const struct tap_test tests[] = {
	{"ranges below and above 4 GiB", test_ranges},
	{"several memory backends", test_several},
	{"memory that is in no pool", test_no_pool},
	{"a module that cannot", test_old_module},
	{"a module that refuses", test_refused},
	{"memory of a guest that was killed", test_successor},
	{"a reset of the guest", test_reset},
	{"areas", test_areas},
	{"a storm of areas", test_storm},
	{"signals", test_signals},
};

TAP_MAIN(tests)
