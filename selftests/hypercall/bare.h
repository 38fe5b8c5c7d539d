/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bare guest: KVM, one processor, memory in a partition and nothing else. The
 * VMM of a few lines makes single hypercalls in whichever mode of the processor, and
 * lets a small program in the guest make many.
 *
 * The guest's memory is the partition, from BARE_BASE on if nothing else is said.
 * Code, tables and box lie in the firmware, which is ordinary memory at 0: whatever
 * happens to the partition, the guest runs on. __name() returns -errno, name()
 * asserts success.
 */
#ifndef SELFTESTS_HYPERCALL_BARE_H
#define SELFTESTS_HYPERCALL_BARE_H

#include <linux/kvm.h>
#include <linux/tarn_para.h>
#include <pthread.h>

#include "box.h"
#include "pager.h"

#define BARE_BASE	0x40000000UL
#define BARE_RANGES	4

enum bare_mode {
	BARE_KERNEL64,
	BARE_USER64,
	/* 32-bit code of a 64-bit kernel, on levels 0 and 3 */
	BARE_COMPAT,
	BARE_COMPAT_USER,
	/* no long mode: 32 bits without paging; real mode */
	BARE_PROTECTED,
	BARE_REAL,
	BARE_MODES
};

struct bare {
	int kvm, vm, vcpu, part;
	struct kvm_run *run;
	size_t run_bytes;
	struct tarn_vm_range range[BARE_RANGES];
	u32 nr_ranges;
	u64 pages;
	u8 *memory, *firmware;
	struct bare_box *box;
	enum bare_mode mode;
	bool irqchip;
	pthread_t thread;
};

/** Skip the test where there is no KVM, or a feature of the module is missing. */
void bare_require(struct pool *p, u64 features);

void bare_create(struct bare *b, struct pool *p, const char *name, u64 pages);
/** The same with its memory at several places; together they are the partition. */
void bare_create_at(struct bare *b, struct pool *p, const char *name, u64 pages,
		    const struct tarn_vm_range *range, u32 nr);
/** The same with a local APIC and interrupts on: KVM faults asynchronously then. */
void bare_create_async(struct bare *b, struct pool *p, const char *name, u64 pages);
/** Closes and unmaps all of it; parts that the test closed are -1 or NULL. */
void bare_destroy(struct bare *b);
/** Just the VM, whose memory goes on; what is of it may go in any order. */
void bare_close_vm(struct bare *b);
void bare_unmap(struct bare *b);

long __bare_attach(struct bare *b);
long __bare_attach_at(struct bare *b, const struct tarn_vm_range *range, u32 nr);
long __bare_detach(struct bare *b);
#define bare_attach(b) ASSERT_OK(__bare_attach(b))
#define bare_detach(b) ASSERT_OK(__bare_detach(b))

/** One call; RAX. */
s64 bare_call(struct bare *b, u64 nr, u64 a1, u64 a2, u64 a3);
s64 bare_call_in(struct bare *b, enum bare_mode mode, u64 nr, u64 a1, u64 a2, u64 a3);
/** The same, again while the host has had enough of them. */
s64 bare_ask(struct bare *b, u64 nr, u64 a1, u64 a2, u64 a3);
/** Assert that a call has that result, in the end. */
#define ASSERT_CALL(b, nr, a1, a2, a3, want)                                   \
	ASSERT_EQ(bare_ask(b, nr, a1, a2, a3), want)

/** Prepare the guest's program; the box is the caller's to fill further. */
struct bare_box *bare_job(struct bare *b, enum bare_job job, u64 count);
/** Run it to its end, or in a thread. */
void bare_run(struct bare *b);
/** -errno of KVM_RUN, of a guest whose memory is taken away for instance. */
int __bare_run(struct bare *b);
void bare_start(struct bare *b);
void bare_stop(struct bare *b);
u64 bare_outcomes(struct bare *b, u64 nr, enum bare_outcome outcome);
void bare_print_outcomes(struct bare *b);

void bare_set_msr(struct bare *b, u32 index, u64 value);

struct tarn_partition_areas bare_areas(int part, struct tarn_area *area, u32 room);
/** How many are registered. */
u64 bare_count_areas(int part);
long __bare_register(int part, u32 type, u64 offset, u64 bytes);
long __bare_unregister(int part, u32 handle);
/** enum tarn_pin_policy of a type. */
void bare_policy(struct pool *p, u32 type, u8 policy);

#endif
