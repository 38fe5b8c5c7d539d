// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a host sees of a guest from outside, for scripts:
 *
 *   outside attach PARTITION PID	attach the VM of a VMM whose guest has the
 *					partition at 0; nothing if it is attached
 *   outside show PARTITION		"resident N", "pinned N", a line "area TYPE
 *					ORIGIN FLAGS OFFSET BYTES" each, and fields
 *					of the page of metrics, if it is shared
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/tarn_para.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pool.h"

/* The descriptor that KVM_CREATE_VM gave to another process. */
static int vm_of(pid_t pid)
{
	char path[64], link[64];
	struct dirent *entry;
	int pidfd, fd = -1;
	ssize_t len;
	DIR *dir;

	pidfd = ASSERT_OK(syscall(SYS_pidfd_open, pid, 0));
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	ASSERT(dir);
	while (fd < 0 && (entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		link[len > 0 ? len : 0] = '\0';
		if (!strcmp(link, "anon_inode:kvm-vm"))
			fd = ASSERT_OK(syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name), 0));
	}
	closedir(dir);
	ASSERT_GE(fd, 0);
	return fd;
}

static void attach(int part, pid_t pid)
{
	struct tarn_vm_range range = { .bytes = part_info(part).logical_pages * PAGE_SIZE };
	struct tarn_partition_attach call = {
		.size = sizeof(call), .count = 1, .ranges = (u64)(uintptr_t)&range,
	};

	if (part_info(part).vms)
		return;
	call.vm_fd = vm_of(pid);
	tarn_op(part, TARN_PARTITION_ATTACH, &call);
}

/* As the interface says how: an odd or a changed sequence means again. */
static void read_metrics(const struct tarn_metrics *page, struct tarn_metrics *copy)
{
	u32 before, after;

	do {
		before = __atomic_load_n(&page->sequence, __ATOMIC_ACQUIRE);
		memcpy(copy, page, sizeof(*copy));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(&page->sequence, __ATOMIC_RELAXED);
	} while (before & 1 || before != after);
}

static void show_metrics(int part, u64 offset)
{
	struct tarn_metrics m;
	void *page;

	page = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, part, offset);
	ASSERT(page != MAP_FAILED);
	read_metrics(page, &m);
	ASSERT_EQ(m.magic, TARN_METRICS_MAGIC);
	ASSERT_EQ(m.version, TARN_METRICS_VERSION);
	printf("updates %u\ntotal_pages %llu\nfree_pages %llu\nactive_pages %llu\n", m.updates,
	       m.total_pages, m.free_pages, m.active_pages);
	printf("inactive_pages %llu\nfile_pages %llu\nswap_pages %llu\nrefaults %llu\n",
	       m.inactive_pages, m.file_pages, m.swap_pages, m.refaults);
	printf("scanned %llu\nswap_outs %llu\npsi_some_us %llu\npsi_full_us %llu\n",
	       m.scanned, m.swap_outs, m.psi_some_us, m.psi_full_us);
}

static void show(int part)
{
	static struct tarn_area area[4096];
	struct tarn_partition_areas list = {
		.size = sizeof(list), .count = ARRAY_SIZE(area),
		.areas = (u64)(uintptr_t)area,
	};
	u32 i;

	tarn_op(part, TARN_PARTITION_AREAS, &list);
	printf("resident %llu\npinned %llu\n", part_info(part).resident_pages,
	       list.pinned_pages);
	for (i = 0; i < list.count; i++)
		printf("area %u %u %u %#llx %llu\n", area[i].type, area[i].origin,
		       area[i].flags, area[i].offset, area[i].bytes);
	for (i = 0; i < list.count; i++)
		if (area[i].type == TARN_AREA_METRICS)
			show_metrics(part, area[i].offset);
}

int main(int argc, char **argv)
{
	int part;

	harness_init();
	if (argc < 3)
		return 2;
	part = ASSERT_OK(open(argv[2], O_RDWR | O_CLOEXEC));
	if (!strcmp(argv[1], "attach") && argc == 4)
		attach(part, atoi(argv[3]));
	else if (!strcmp(argv[1], "show"))
		show(part);
	else
		return 2;
	return 0;
}
