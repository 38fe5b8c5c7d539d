/* SPDX-License-Identifier: GPL-2.0-only */
/* What guests without a kernel have of the machine: ports, and the first serial one. */
#ifndef GUEST_BARE_H
#define GUEST_BARE_H

#include <stdint.h>

#define COM1_DATA	0x3f8
#define COM1_STATUS	0x3fd
#define COM_FULL	0x01
#define COM_EMPTY	0x20

/** struct start_info - what PVH hands over, as far as it is of interest. */
struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, command_line;
};

/** Called by the entry (bare-entry.S), once. */
__attribute__((noreturn)) void guest_main(const struct start_info *info);

static inline void out8(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void out16(uint16_t port, uint16_t value)
{
	asm volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void com1_put(char c)
{
	while (!(in8(COM1_STATUS) & COM_EMPTY))
		;
	out8(COM1_DATA, c);
}

#endif
