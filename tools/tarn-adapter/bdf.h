/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses of PCI functions: 0000:02:00.1. */
#ifndef TARN_ADAPTER_BDF_H
#define TARN_ADAPTER_BDF_H

#include <stdbool.h>
#include <stdint.h>

/** Room for one as text. */
#define BDF_TEXT_MAX 16

/**
 * struct bdf - an address
 * @domain: the segment
 * @bus: in it
 * @devfn: device and function, as a requester id has them
 */
struct bdf {
	uint16_t domain;
	uint8_t bus;
	uint8_t devfn;
};

/** bdf_parse() - Read one; the domain may be left out. Return: 0 or -EINVAL. */
int bdf_parse(const char *text, struct bdf *bdf);

/** bdf_format() - Write it as the kernel does. Return: @buf, of BDF_TEXT_MAX. */
char *bdf_format(char *buf, const struct bdf *bdf);

static inline bool bdf_equal(const struct bdf *a, const struct bdf *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->devfn == b->devfn;
}

#endif
