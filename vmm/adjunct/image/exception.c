// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exception is a defect of the image, or the host cannot provide what it touched: tell
 * the VMM which, and leave for good. The VMM starts the image anew.
 */
#include "adjunct/image/image.h"
#include "adjunct/image/version.h"

#define VECTORS 32
#define GATE_INTERRUPT 0x8e00

_Static_assert(HEADER_MAGIC == ADJUNCT_MAGIC && HEADER_VERSION == ADJUNCT_VERSION,
	       "the header of the image is that of layout.h");

struct gate {
	u16 low;
	u16 selector;
	u16 flags;
	u16 middle;
	u32 high;
	u32 reserved;
};

/* What start.S and the processor have put on the stack. */
struct exception_frame {
	u64 vector;
	u64 error;
	u64 rip;
};

extern const u8 exception_stubs[];

static struct gate gates[VECTORS];

void exception_setup(void)
{
	const struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idt = {sizeof(gates) - 1, (uintptr_t)gates};
	unsigned int i;

	/* All vCPUs write the same, so it does not matter who does first. */
	for (i = 0; i < VECTORS; i++) {
		u64 stub = (uintptr_t)exception_stubs + i * EXCEPTION_STUB;

		gates[i] = (struct gate){
			.low = stub,
			.selector = ADJUNCT_CS,
			.flags = GATE_INTERRUPT,
			.middle = stub >> 16,
			.high = stub >> 32,
		};
	}
	asm volatile("lidt %0" : : "m"(idt));
}

/* Called by start.S. */
void exception_tell(const struct exception_frame *frame);

void exception_tell(const struct exception_frame *frame)
{
	u64 stack = ALIGN_DOWN((uintptr_t)frame, ADJUNCT_STACK);
	u64 top = stack + ADJUNCT_STACK - ADJUNCT_STACK_TOP;
	struct adjunct_mailbox *box = *(struct adjunct_mailbox **)top;
	u64 cr2;

	asm volatile("mov %%cr2, %0" : "=r"(cr2));
	box->rip = frame->rip;
	box->cr2 = cr2;
	box->error = frame->error;
	box->fault = frame->vector + 1;
	for (;;)
		asm volatile("outb %%al, %0" : : "N"(ADJUNCT_FAULT_PORT) : "memory");
}
