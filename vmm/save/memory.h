/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory of a saved machine. What a pool has paged is read without being
 * brought in, and is paged again where the guest is restored. Pages that were never
 * written cost nothing, equal words and what others hold as well a few bytes.
 *
 * One thread reads or writes the stream, workers do what is to be done with pages.
 */
#ifndef TARN_SAVE_MEMORY_H
#define TARN_SAVE_MEMORY_H

#include "mem.h"
#include "save/stream.h"

struct prefetch;
struct workers;

/**
 * struct memory_progress - how far it is, for somebody in another thread.
 * @total: bytes of guest memory
 * @done: of them, behind us
 * @data_pages: pages whose content was transferred, or is in the file
 * @same_pages: pages of equal words, or that hold what others do
 * @paged_pages: of both, pages that were paged
 * @balloon_pages: pages of the guest's balloon, as ranges
 * @imported_pages: of @data_pages, those that stay in the file that is read
 */
struct memory_progress {
	u64 total;
	u64 done;
	u64 data_pages;
	u64 same_pages;
	u64 paged_pages;
	u64 balloon_pages;
	u64 imported_pages;
};

/**
 * memory_save() - write all of it; the guest is stopped.
 * @prefetch: NULL, or knows which pages are in a file just for a while
 * @compress: by zstd
 *
 * Return: 0 or -errno, reported.
 */
int memory_save(struct stream *s, const struct tarn_mem *mem,
		struct workers *workers, struct prefetch *prefetch,
		bool compress, struct memory_progress *progress);

/** memory_clear() - empty all of it, for memory_load(). -errno, reported. */
int memory_clear(struct tarn_mem *mem);

/** memory_loaded() - no more comes, what is touched first may be 2 MiB again. */
void memory_loaded(const struct tarn_mem *mem);

struct memory_loader;

/**
 * memory_loader_create() - what puts memory where it belongs.
 * @s: the stream that its records are read from
 * @prefetch: is told of pages that stay in the file
 *
 * Return: it, or NULL.
 */
struct memory_loader *memory_loader_create(struct stream *s,
					   struct tarn_mem *mem,
					   struct workers *workers,
					   struct prefetch *prefetch,
					   struct memory_progress *progress);

/** memory_load() - take a PAGES, BALLOON or CONTENT record. -errno, reported. */
int memory_load(struct memory_loader *l, const struct stream_record *rec);

/** memory_load_end() - all records were there: have it all in place. -errno, reported. */
int memory_load_end(struct memory_loader *l);

/** memory_loader_destroy() - wait for what is being done. NULL is none. */
void memory_loader_destroy(struct memory_loader *l);

#endif
