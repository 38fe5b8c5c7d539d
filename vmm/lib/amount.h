/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Amounts of memory as people write them, for all programs: a decimal number, which
 * may have a fraction, and a unit of powers of 1024: B, or one of K M G T P E, bare
 * or as "KiB" or "KB". What a number without one counts differs from option to
 * option (tarnctl(8), "Amounts of memory"), so it is the caller's.
 */
#ifndef TARN_LIB_AMOUNT_H
#define TARN_LIB_AMOUNT_H

#include <stdint.h>

/* The units, in order of their powers of 1024. */
#define AMOUNT_UNITS "BKMGTPE"

/**
 * struct amount_number - a decimal number, exactly: mantissa / scale
 * @mantissa: its digits
 * @scale: 10 to the number of those behind the point
 */
struct amount_number {
	uint64_t mantissa;
	uint64_t scale;
};

/**
 * amount_take_number() - Read the number that an amount begins with.
 * @text: is moved past it
 *
 * Return: 0, -EINVAL (there is none), -ERANGE (it has too many digits).
 */
int amount_take_number(const char **text, struct amount_number *number);

/**
 * amount_scale() - @factor times a number, rounded down.
 *
 * Return: 0, -ERANGE.
 */
int amount_scale(const struct amount_number *number, uint64_t factor,
		 uint64_t *result);

/**
 * amount_apply_unit() - Bytes of a number with what follows it.
 * @unit: all that does
 *
 * Return: 0, -EINVAL (no unit, or a fraction of a byte), -ERANGE.
 */
int amount_apply_unit(const struct amount_number *number, const char *unit,
		      uint64_t *bytes);

/**
 * amount_parse() - Read an amount of memory.
 * @text: "512M", "1.5GiB", "4096B"
 * @bare: bytes that a number without a unit counts, 0: such a number is none
 *
 * Return: 0, -EINVAL, -ERANGE.
 */
int amount_parse(const char *text, uint64_t bare, uint64_t *bytes);

#endif
