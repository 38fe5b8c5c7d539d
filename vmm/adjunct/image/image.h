/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The image: a program without an operating system that drives an NVMe function for one
 * guest. It is entered on many vCPUs, does what the mailbox of the vCPU says and halts.
 *
 * The one lock is a queue's (queue.c), which covers the client's ring, the queue pair of the
 * function that belongs to it, the requests and the bounce pages: a queue is served by one
 * vCPU at a time. Who does not get it leaves word and goes. The controller's own queue is
 * used by INIT and SHUTDOWN, while no other vCPU is inside.
 */
#ifndef TARN_ADJUNCT_IMAGE_H
#define TARN_ADJUNCT_IMAGE_H

#include "adjunct/layout.h"

struct tarn_mem;

/** memory_setup() - take over where the client's RAM is. */
void memory_setup(struct tarn_mem *mem, const struct adjunct_config *config);

/** exception_setup() - have exceptions of this vCPU told to the VMM. */
void exception_setup(void);

/** image_run() - do what @box says; the whole of an image but its entry. */
void image_run(const struct adjunct_config *config, struct adjunct_mailbox *box);

/** image_reset() - forget all; as an image that was just loaded. For tests. */
void image_reset(void);

/** image_fault() - for images of tests: a chance to go wrong before a SERVE. */
void image_fault(const struct adjunct_config *config, u32 queues);

static inline u64 clock_cycles(void)
{
	return __builtin_ia32_rdtsc();
}

/* Whether @cycles have gone by since @since; clocks of vCPUs may differ a little. */
static inline bool clock_past(u64 since, u64 cycles)
{
	s64 passed = clock_cycles() - since;

	return passed > 0 && (u64)passed >= cycles;
}

static inline void clock_relax(void)
{
	__builtin_ia32_pause();
}

#endif
