/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory of a saved machine. What a pool has paged is read without being
 * brought in, and is paged out again where the guest is restored. Pages that
 * were never written cost nothing, equal words a few bytes.
 */
#ifndef TARN_SAVE_MEMORY_H
#define TARN_SAVE_MEMORY_H

#include "mem.h"
#include "save/stream.h"

/**
 * struct memory_progress - how far it is, for somebody in another thread.
 * @total: bytes of guest memory
 * @done: of them, behind us
 * @data_pages: pages whose content was transferred
 * @same_pages: pages of equal words
 * @paged_pages: of both, pages that were paged
 * @balloon_pages: pages of the guest's balloon, as ranges
 */
struct memory_progress {
	u64 total;
	u64 done;
	u64 data_pages;
	u64 same_pages;
	u64 paged_pages;
	u64 balloon_pages;
};

/** memory_save() - write all of it; the guest is stopped. -errno, reported. */
int memory_save(struct stream *s, const struct tarn_mem *mem,
		struct memory_progress *progress);

/** memory_clear() - empty all of it, for memory_load(). -errno, reported. */
int memory_clear(struct tarn_mem *mem);

/** memory_loaded() - no more comes, what is touched first may be 2 MiB again. */
void memory_loaded(const struct tarn_mem *mem);

/** memory_load() - put a PAGES or BALLOON record where it belongs. -errno, reported. */
int memory_load(struct tarn_mem *mem, const struct stream_record *rec,
		struct memory_progress *progress);

#endif
