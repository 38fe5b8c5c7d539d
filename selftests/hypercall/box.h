/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bare guest and its VMM share: one structure in the guest's firmware,
 * at BARE_BOX for the guest.
 */
#ifndef SELFTESTS_HYPERCALL_BOX_H
#define SELFTESTS_HYPERCALL_BOX_H

#include <linux/types.h>

/* Guest physical addresses in the firmware, memory that is of no partition. */
#define BARE_TABLES	0x1000
#define BARE_GDT	0x7000
#define BARE_STUB	0x8000
#define BARE_BOX	0x9000
#define BARE_STACK	0x10000
#define BARE_CODE	0x10000
#define BARE_FIRMWARE_BYTES	0x20000

/* Ports by which the guest gives the processor back. */
#define BARE_PORT_STUB	0x80
#define BARE_PORT_DONE	0x81

/* What the guest's program does. */
enum bare_job {
	/* @count times the call in @nr, @arg */
	BARE_JOB_REPEAT = 1,
	/* @count random calls, from @seed */
	BARE_JOB_FUZZ = 2,
	/* @count times a word into each page from @base on, @bytes */
	BARE_JOB_TOUCH = 3,
	/* @count times the first word of each of these pages, added up in @sum */
	BARE_JOB_READ = 4,
	/*
	 * @count times each word of them, another one each time, checked before it is
	 * written again; at the first that is wrong it ends, with the address in @bad
	 */
	BARE_JOB_VERIFY = 5,
};

/* How a call ended. */
enum bare_outcome {
	BARE_GOOD,
	BARE_EPERM,
	BARE_ENOENT,
	BARE_E2BIG,
	BARE_EAGAIN,
	BARE_ENOMEM,
	BARE_EFAULT,
	BARE_EINVAL,
	BARE_ENOSPC,
	BARE_ENOSYS,
	/* nothing that linux/tarn_para.h knows */
	BARE_OTHER,
	BARE_OUTCOMES
};

/* Calls by number; numbers that are not Tarn's share the last row. */
#define BARE_CALLS	8
#define BARE_HANDLES	64

struct bare_box {
	__u32 job;
	/* vmcall, not vmmcall */
	__u32 intel;
	/* in: @count to do, set @stop to end before; out: @done */
	__u64 count;
	volatile __u32 stop;
	__u32 pad;
	volatile __u64 done;
	__u64 sum;
	__u64 bad;
	__u64 seed;
	/* of the partition, for the fuzzer's addresses */
	__u64 base;
	__u64 bytes;
	__u64 nr;
	__u64 arg[3];
	/* the call under way, for who looks into a crash */
	volatile __u64 last[4];
	/* of BARE_OTHER the first */
	__u64 odd_call[4];
	__s64 odd_result;
	__u64 outcome[BARE_CALLS][BARE_OUTCOMES];
	__u64 handle[BARE_HANDLES];
};

#endif
