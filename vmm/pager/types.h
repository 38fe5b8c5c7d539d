/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Short integer names and the few macros that every file of the pager uses.
 */
#ifndef TARN_PAGER_TYPES_H
#define TARN_PAGER_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;

#define PAGER_PAGE_SHIFT 12
#define PAGER_PAGE_SIZE (1UL << PAGER_PAGE_SHIFT)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define min_t(type, a, b)                                                      \
	({                                                                     \
		type __a = (a), __b = (b);                                     \
		__a < __b ? __a : __b;                                         \
	})

#endif
