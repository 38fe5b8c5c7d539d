// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl partition attach, detach: names the VM of a guest to the partitions
 * that are its memory, for VMMs that do not do it by themselves. The attachment
 * outlives this program.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "guest_range.h"
#include "json.h"
#include "layout.h"
#include "partition.h"
#include "process.h"
#include "size.h"

/* Sums of the sizes of pieces that may lie before another one. */
#define MAX_SUMS 256

/**
 * struct attachment - the guest and its memory
 * @proc: its process
 * @vm: its VM
 * @parts: the partitions that it has mapped
 * @only: index of the one that is meant, or -1
 * @given: ranges by the command line, of that one
 * @nr_given: 0: they are to be found
 */
struct attachment {
	struct process proc;
	int vm;
	struct process_parts parts;
	ssize_t only;
	struct tarn_vm_range given[TARN_VM_MAX_RANGES];
	int nr_given;
};

/* What was attached, for the report. */
struct result {
	const struct process_part *part;
	unsigned int count;
	struct tarn_vm_range ranges[TARN_VM_MAX_RANGES];
};

/* ---- calls --------------------------------------------------------------- */

static int call_attach(int fd, int vm, const struct tarn_vm_range *ranges,
		       unsigned int count)
{
	struct tarn_partition_attach attach = {
		.size = sizeof(attach),
		.vm_fd = vm,
		.count = count,
		.ranges = (uintptr_t)ranges,
	};

	return ioctl(fd, TARN_PARTITION_ATTACH, &attach) ? -errno : 0;
}

static bool module_can(int fd, __u64 feature)
{
	struct tarn_features features = { .size = sizeof(features) };

	return !ioctl(fd, TARN_GET_FEATURES, &features) &&
	       features.features & feature;
}

/*
 * A VMM that does not attach by itself tells nothing of its balloon either: holes that
 * it punches are it. Where the module can't tell them apart they are holes.
 */
static void count_holes(int fd, bool on)
{
	struct tarn_partition_balloon b = {
		.size = sizeof(b),
		.op = TARN_BALLOON_HOLES,
		.count = on,
	};

	if (module_can(fd, TARN_FEATURE_BALLOON))
		ioctl(fd, TARN_PARTITION_BALLOON, &b);
}

static int attach_fail(const struct attachment *att,
		       const struct process_part *part, int ret)
{
	const char *path = part->file.path;

	switch (-ret) {
	case EBUSY:
		err("%s: it has a VM already; if that is to go: tarnctl partition detach %s",
		    path, path);
		return ret;
	case EFAULT:
		if (att->nr_given)
			err("%s: not all of these ranges are memory of the guest that is this file at that offset ('info mtree -f' in the monitor of QEMU shows where it is)",
			    path);
		else
			err("%s: it is not where the machines of QEMU have their memory; say where it is, as 'info mtree -f' in the monitor of QEMU shows it: --range GPA:BYTES:OFFSET",
			    path);
		return ret;
	case EINVAL:
		err("%s: a range ends beyond the end of the file",
		    path);
		return ret;
	case EOPNOTSUPP:
		err("%s: the module was not built for the KVM of this kernel (there is no tarn_kvm.ko for it)",
		    path);
		return ret;
	case EBADF:
		err("%s: the descriptor of process %d is no VM of a KVM that the module was built for (Documentation/admin/hosts.rst names the kernels)",
		    path, att->proc.pid);
		return ret;
	}
	return partition_fail(path, ret, "attach");
}

/* ---- trying -------------------------------------------------------------- */

/*
 * Several pieces of memory lie one behind the other, in an order that is not
 * known: what may be before this one are all sums of others.
 */
static unsigned int sums_before(const struct process_parts *parts, size_t self,
				uint64_t *sums)
{
	unsigned int count = 1, end, i, j;
	size_t k;

	sums[0] = 0;
	for (k = 0; k < parts->count; k++) {
		end = count;
		for (i = 0; i < end && k != self; i++) {
			uint64_t sum = sums[i] + parts->items[k].file.bytes;

			for (j = 0; j < count && sums[j] != sum; j++)
				;
			if (j == count && count < MAX_SUMS)
				sums[count++] = sum;
		}
	}
	return count;
}

/* Return: 0, -EFAULT if it is none of the layouts, or another errno. */
static int try_layouts(const struct attachment *att, size_t self,
		       struct layout *layout)
{
	const struct process_part *part = &att->parts.items[self];
	struct layout_memory mem = { .bytes = part->file.bytes,
				     .offset = part->file.offset };
	unsigned int nr_sums, n, i;
	uint64_t sums[MAX_SUMS];
	int ret;
	size_t k;

	for (k = 0; k < att->parts.count; k++)
		mem.total += att->parts.items[k].file.bytes;
	nr_sums = sums_before(&att->parts, self, sums);
	for (n = 0; layout_get(n, &mem, layout); n++) {
		for (i = 0; i < nr_sums; i++) {
			mem.at = sums[i];
			layout_get(n, &mem, layout);
			if (!layout->count)
				continue;
			ret = call_attach(part->fd, att->vm, layout->ranges,
					  layout->count);
			if (ret != -EFAULT)
				return ret;
		}
	}
	return -EFAULT;
}

static int attach_one(const struct attachment *att, size_t self,
		      struct result *result)
{
	const struct process_part *part = &att->parts.items[self];
	struct layout layout;
	int ret;

	if (!module_can(part->fd, TARN_FEATURE_VM)) {
		err("%s: the loaded module cannot attach VMs, load the one that came with this tarnctl",
		    part->file.path);
		return -EOPNOTSUPP;
	}
	result->part = part;
	if (att->nr_given) {
		result->count = att->nr_given;
		memcpy(result->ranges, att->given, sizeof(att->given));
		ret = call_attach(part->fd, att->vm, result->ranges,
				  result->count);
	} else {
		ret = try_layouts(att, self, &layout);
		result->count = layout.count;
		memcpy(result->ranges, layout.ranges, sizeof(layout.ranges));
	}
	if (ret)
		return attach_fail(att, part, ret);
	count_holes(part->fd, true);
	return 0;
}

enum report { REPORT_NONE, REPORT_TEXT, REPORT_JSON };

/* ---- the report ----------------------------------------------------------- */

static json_t *json_result(const struct attachment *att,
			   const struct result *result)
{
	json_t *ranges = json_array();
	unsigned int i;

	for (i = 0; i < result->count; i++)
		json_array_append_new(ranges, json_pack(
			"{s:I, s:I, s:I}",
			"gpa", (json_int_t)result->ranges[i].gpa,
			"bytes", (json_int_t)result->ranges[i].bytes,
			"offset", (json_int_t)result->ranges[i].offset));
	return json_pack("{s:o, s:i, s:o}",
			 "path", json_text(result->part->file.path),
			 "pid", att->proc.pid, "ranges", ranges);
}

static void print_result(const struct attachment *att,
			 const struct result *result)
{
	char size[SIZE_TEXT_MAX];
	unsigned int i;

	printf("%s: attached to the VM of process %d (%s)\n",
	       result->part->file.path, att->proc.pid, att->proc.name);
	for (i = 0; i < result->count; i++)
		printf("  guest %#llx-%#llx (%s) at %#llx of the file\n",
		       result->ranges[i].gpa,
		       result->ranges[i].gpa + result->ranges[i].bytes - 1,
		       size_format(size, result->ranges[i].bytes, false),
		       result->ranges[i].offset);
}

static int report(const struct attachment *att, const struct result *results,
		  size_t count, enum report how)
{
	json_t *array = how == REPORT_JSON ? json_array() : NULL;
	size_t i;

	for (i = 0; i < count && how != REPORT_NONE; i++) {
		if (array)
			json_array_append_new(array,
					      json_result(att, &results[i]));
		else
			print_result(att, &results[i]);
	}
	return array ? json_print(array, JSON_INDENT(2)) : 0;
}

/* All or none: what was attached before a failure is detached. */
static int attach_all(const struct attachment *att, enum report how)
{
	struct result *results = calloc(att->parts.count, sizeof(*results));
	size_t done = 0, i;
	int ret = 0;

	if (!results)
		return err_nomem();
	for (i = 0; i < att->parts.count && !ret; i++) {
		if (att->only >= 0 && (size_t)att->only != i)
			continue;
		ret = attach_one(att, i, &results[done]);
		done += !ret;
	}
	if (!ret)
		ret = report(att, results, done, how);
	else
		while (done--)
			call_attach(results[done].part->fd, -1, NULL, 0);
	free(results);
	return ret;
}

/* ---- the command line ------------------------------------------------------ */

/* Find what was named among what the process has mapped. */
static int select_part(struct attachment *att, const char *path)
{
	struct stat st;
	size_t i;
	int fd;

	att->only = -1;
	if (!att->parts.count) {
		err("process %d (%s) has no memory in a pool, which QEMU has by -object memory-backend-file,share=on,mem-path=...; if QEMU was just started, wait and repeat",
		    att->proc.pid, att->proc.name);
		return -ENOENT;
	}
	if (!path) {
		if (!att->nr_given || att->parts.count == 1)
			return 0;
		err("process %d (%s) has several partitions: name the one that --range is about",
		    att->proc.pid, att->proc.name);
		return -EINVAL;
	}
	fd = partition_open(path, O_RDONLY);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		memset(&st, 0, sizeof(st));
	close(fd);
	for (i = 0; i < att->parts.count; i++) {
		const struct mapped_file *file = &att->parts.items[i].file;

		if (file->dev == st.st_dev && file->ino == st.st_ino) {
			att->only = i;
			return 0;
		}
	}
	err("%s: process %d (%s) has not mapped it", path, att->proc.pid,
	    att->proc.name);
	return -ENOENT;
}

/* @att has the ranges that were given. Return: as of a subcommand. */
static int attach_process(struct attachment *att, const char *pid,
			  const char *path, const char *vm, enum report how)
{
	int ret;

	att->vm = -1;
	ret = process_open(&att->proc, pid);
	if (ret)
		return ret == -EINVAL ? EXIT_USAGE : ret;
	ret = process_parts_read(&att->proc, &att->parts);
	if (!ret)
		ret = select_part(att, path);
	if (!ret) {
		att->vm = process_vm(&att->proc, vm);
		ret = att->vm < 0 ? att->vm : attach_all(att, how);
	}
	if (att->vm >= 0)
		close(att->vm);
	process_parts_free(&att->parts);
	process_close(&att->proc);
	return ret;
}

int partition_attach(const char *pid)
{
	struct attachment att = { 0 };

	return attach_process(&att, pid, NULL, NULL, REPORT_NONE);
}

int partition_attach_main(int argc, char **argv, const struct options *opts)
{
	struct attachment att = { 0 };

	att.nr_given = guest_ranges_parse(&opts->ranges, att.given);
	if (att.nr_given < 0)
		return EXIT_USAGE;
	return attach_process(&att, argv[0], argc > 1 ? argv[1] : NULL,
			      opts->vm, opts->json ? REPORT_JSON : REPORT_TEXT);
}

int partition_detach(int fd)
{
	return call_attach(fd, -1, NULL, 0);
}

static int say_detach(int fd, const char *name)
{
	struct tarn_partition_info info;
	int ret = partition_info(fd, &info);

	if (ret)
		return partition_fail(name, ret, "read the counters of");
	printf("%s: %s\n", name, info.vms ?
	       "its VM would be detached, and what is pinned for it would not be" :
	       "no VM is attached, so nothing would be done");
	return 0;
}

int partition_detach_main(int argc, char **argv, const struct options *opts)
{
	int fd, ret;

	fd = partition_open(argv[0], opts->dry_run ? O_RDONLY : O_RDWR);
	if (fd < 0)
		return fd;
	if (opts->dry_run) {
		ret = say_detach(fd, argv[0]);
	} else if (module_can(fd, TARN_FEATURE_VM)) {
		count_holes(fd, false);
		ret = partition_detach(fd);
		if (ret)
			partition_fail(argv[0], ret, "detach the VM of");
	} else {
		err("%s: the loaded module cannot attach VMs, so there is none",
		    argv[0]);
		ret = -EOPNOTSUPP;
	}
	close(fd);
	return ret;
}
