/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pager in user space on userfaultfd, the peer that a VMM without Tarn would
 * use: a thread of its own, io_uring for the device, several faults in flight.
 */
#ifndef TARN_BENCH_UFFD_PAGER_H
#define TARN_BENCH_UFFD_PAGER_H

#include <stddef.h>
#include <stdint.h>

struct uffd_pager;

/**
 * uffd_pager_start - page an anonymous mapping to a device
 * @pager: out
 * @device: page n of the mapping lies in block n of it
 * @base: of the mapping, private and anonymous
 * @size: of it in bytes
 * @limit: most pages in memory
 */
int uffd_pager_start(struct uffd_pager **pager, const char *device, void *base,
		     size_t size, uint32_t limit);
void uffd_pager_stop(struct uffd_pager *pager);

/* Write out and drop everything; nobody may touch the mapping meanwhile. */
int uffd_pager_page_out(struct uffd_pager *pager);

#endif
