/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory under test, in one of the ways that are compared:
 *
 *   tarn:FILE           a new file on tarnfs, mapped shared
 *   swap                anonymous memory; page-out by MADV_PAGEOUT, so the
 *                       caller's memory cgroup and the swap device decide
 *   memfd               a memfd, mapped shared
 *   tarn2m:, memfd2m    the same with 2 MiB pages
 *   uffd:DEVICE:PAGES   anonymous memory under the userfaultfd pager, which
 *                       keeps at most PAGES in memory and the rest on DEVICE
 *
 * All others use 4 KiB pages: transparent huge pages are off on the mapping.
 */
#ifndef TARN_BENCH_MEMORY_H
#define TARN_BENCH_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct memory_ops;
struct uffd_pager;

struct memory {
	const struct memory_ops *ops;
	unsigned char *base;
	size_t size;
	int fd;
	char *path;
	struct uffd_pager *pager;
};

int memory_open(struct memory *memory, const char *spec, size_t size);
void memory_close(struct memory *memory);

/* Push everything out of memory; returns when it is written and freed. */
int memory_page_out(struct memory *memory);

/* Number of pages still in memory, or a negative errno. */
long memory_resident(struct memory *memory);

/* Which pages are in memory: a byte each, not 0 if it is. */
int memory_residency(struct memory *memory, unsigned char *vec);

/* How many pages of a mapping are in the caller's page tables, or a negative errno. */
long memory_mapped(const void *base, size_t size);

/* "64M", "1G", "4096" as bytes; 0 if it is no size. */
size_t memory_parse_size(const char *text);

#endif
