// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a page-out costs where one page in N is cold: reclaim_cost N [busy|vm].
 * Prints the processor time of the reclaimers and the passes of unmapping a page
 * (with a VM, each is an invalidation for KVM), and how many of the other pages
 * lost their mappings. With busy, the others are used all the time; with vm, a VM
 * is attached. Under l1 --icount the nanoseconds are instructions.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pager.h"

#define PAGES	7168
#define MORE	1600
#define TRACING	"/sys/kernel/tracing/"

static struct pool pool;
static struct pager pg;
static u8 *map, *other;
static u64 spacing = 8;

static void write_file(const char *path, const char *text)
{
	int fd = ASSERT_OK(open(path, O_WRONLY | O_CLOEXEC));

	ASSERT_EQ(SYS(write(fd, text, strlen(text))), strlen(text));
	close(fd);
}

static u64 unmap_passes(void)
{
	unsigned long long hits = 0;
	char line[256];
	FILE *f = fopen(TRACING "kprobe_profile", "r");

	ASSERT(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, " tarn_unmap %llu", &hits);
	fclose(f);
	return hits;
}

static u64 reclaim_ns(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	u64 sum = 0;

	ASSERT(dir);
	while ((d = readdir(dir))) {
		unsigned long long ns = 0;
		char path[300], comm[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/comm", d->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%31s", comm) != 1)
			comm[0] = 0;
		fclose(f);
		if (strncmp(comm, "tarn_reclaim", 12))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/schedstat", d->d_name);
		f = fopen(path, "r");
		if (f && fscanf(f, "%llu", &ns) == 1)
			sum += ns;
		if (f)
			fclose(f);
	}
	closedir(dir);
	return sum;
}

static u64 touch_warm(void)
{
	struct rusage before, after;
	u64 i;

	getrusage(RUSAGE_SELF, &before);
	for (i = 0; i < PAGES; i++)
		if (i % spacing)
			(void)*(volatile u8 *)(map + i * PAGE_SIZE);
	getrusage(RUSAGE_SELF, &after);
	return after.ru_minflt - before.ru_minflt;
}

static void scan_share(u32 permille)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_SCAN,
		.scan_permille = permille,
	};

	tarn_op(pool.fd, TARN_POOL_SET, &set);
}

static void make_warm(int fd)
{
	struct tarn_partition_heat h = {
		.size = sizeof(h),
	};

	do {
		touch_warm();
		msleep(20);
		tarn_op(fd, TARN_PARTITION_HEAT, &h);
	} while (h.by_class[TARN_ACTIVITY_WARM] +
		 h.by_class[TARN_ACTIVITY_HOT] < PAGES / spacing * (spacing - 1));
}

static void attach_vm(int part)
{
	int kvm = ASSERT_OK(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	struct kvm_userspace_memory_region slot = {
		.memory_size = PAGES * PAGE_SIZE,
		.userspace_addr = (uintptr_t)map,
	};
	struct tarn_vm_range range = { .bytes = PAGES * PAGE_SIZE };
	struct tarn_partition_attach a = {
		.size = sizeof(a),
		.vm_fd = ASSERT_OK(ioctl(kvm, KVM_CREATE_VM, 0)),
		.count = 1,
		.ranges = (uintptr_t)&range,
	};

	ASSERT_OK(ioctl(a.vm_fd, KVM_SET_USER_MEMORY_REGION, &slot));
	tarn_op(part, TARN_PARTITION_ATTACH, &a);
}

static void measure(bool busy)
{
	u64 passes = unmap_passes(), ns = reclaim_ns(), i, lost = 0;
	struct tarn_pool_info info;

	for (i = 0; i < MORE; i++) {
		page_fill(other + i * PAGE_SIZE, 2, i, 1);
		if (busy && !(i % 64))
			lost += touch_warm();
	}
	msleep(1000);
	lost += touch_warm();
	info = pool_info(&pool);
	passes = unmap_passes() - passes;
	ns = reclaim_ns() - ns;
	printf("page_outs %llu\n", info.page_outs);
	printf("ns_a_page %.0f\n", (double)ns / info.page_outs);
	printf("passes_a_page %.3f\n", (double)passes / info.page_outs);
	printf("lost_mappings %llu\n", (unsigned long long)lost);
}

int main(int argc, char **argv)
{
	bool busy = argc == 3 && !strcmp(argv[2], "busy");
	bool vm = argc == 3 && !strcmp(argv[2], "vm");
	int a, b;
	u64 i;

	if (argc == 3 && !strcmp(argv[1], PAGER_ARG))
		return pager_main(atoi(argv[2]));
	if (argc > 1)
		spacing = strtoul(argv[1], NULL, 0);
	if (spacing < 2)
		return 2;
	harness_init();
	pool_mount(&pool, "size=32M");
	pager_start(&pg, &pool);
	write_file(TRACING "kprobe_events", "p:tarn_unmap unmap_mapping_pages");
	write_file(TRACING "events/kprobes/tarn_unmap/enable", "1");
	a = part_create(&pool, "a", PAGES);
	map = part_map(a, PAGES);
	b = part_create(&pool, "b", MORE);
	other = part_map(b, MORE);
	scan_share(1000);
	for (i = 0; i < PAGES; i++)
		page_fill(map + i * PAGE_SIZE, 1, i, 1);
	make_warm(a);
	scan_share(0);
	if (vm)
		attach_vm(a);
	measure(busy);
	munmap(map, PAGES * PAGE_SIZE);
	munmap(other, MORE * PAGE_SIZE);
	close(a);
	close(b);
	pager_stop(&pg);
	pool_umount(&pool);
	write_file(TRACING "events/kprobes/tarn_unmap/enable", "0");
	write_file(TRACING "kprobe_events", "-:tarn_unmap");
	return 0;
}
