/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Short integer names, container_of() and the few macros that every file of
 * the VMM uses. Guest-visible structures are little endian and so is x86-64,
 * the only host; fields that a guest sees are still written with the le
 * helpers so that the intent can be read.
 */
#ifndef TARN_LIB_TYPES_H
#define TARN_LIB_TYPES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member)                                        \
	((type *)((char *)(ptr)-offsetof(type, member)))

#define min_t(type, a, b)                                                      \
	({                                                                     \
		type __a = (a), __b = (b);                                     \
		__a < __b ? __a : __b;                                         \
	})
#define max_t(type, a, b)                                                      \
	({                                                                     \
		type __a = (a), __b = (b);                                     \
		__a > __b ? __a : __b;                                         \
	})

/* @a must be a power of two. */
#define ALIGN_UP(x, a) (((x) + ((a)-1)) & ~((typeof(x))(a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((typeof(x))(a)-1))
#define IS_ALIGNED(x, a) (((x) & ((typeof(x))(a)-1)) == 0)

#define KIB(n) ((u64)(n) << 10)
#define MIB(n) ((u64)(n) << 20)
#define GIB(n) ((u64)(n) << 30)

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
