/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is asked of the module about guest memory in a pool that is saved or restored.
 * @off is in bytes from the start of the range. All return -errno when it can't be done;
 * -ENOTTY is of a module that does not know the call.
 */
#ifndef TARN_SAVE_POOL_H
#define TARN_SAVE_POOL_H

#include "mem.h"

/** pool_read() - content and states of pages. How many; fewer than @count before one that fails. */
int pool_read(const struct mem_range *range, u64 off, u32 count, u8 *data,
	      u8 *states);

/**
 * pool_shared() - what pages share.
 * @left: how often one of the partition has ceased to share
 *
 * Return: how many @ids are filled in.
 */
int pool_shared(const struct mem_range *range, u64 off, u32 count, u64 *ids,
		u64 *left);

/**
 * pool_read_error() - tell why the page at @gpa cannot be read.
 *
 * Return: @ret.
 */
int pool_read_error(u64 gpa, int ret);

/** pool_heat() - enum tarn_activity of pages, TARN_ACTIVITY_NONE where nobody knows. */
void pool_heat(const struct mem_range *range, u64 off, u32 count, u8 *heat);

/**
 * pool_fill() - have empty pages be a pattern, without frames.
 *
 * Return: this and the next two how many are, from the first one on, which may be none.
 */
s64 pool_fill(const struct mem_range *range, u64 off, u64 count, u64 word);

/**
 * pool_is_of_one_page() - is what one of these returned about its first page alone?
 *
 * That is not empty any more, or has to have a frame; the next one may do.
 */
bool pool_is_of_one_page(s64 ret);

/** pool_copy() - have empty pages share what those from @source on hold. */
s64 pool_copy(const struct mem_range *range, u64 off, u64 count, u64 source);

/** pool_import() - have empty pages be in a file, from @pos of @fd on. */
s64 pool_import(const struct mem_range *range, u64 off, u64 count, int fd,
		u64 pos, const u32 *sums);

/** pool_imported() - how many pages of its partition are in files, as far as is known. */
u64 pool_imported(const struct mem_range *range);

/**
 * pool_page_in() - bring pages while there are frames to spare.
 * @own: those that are there already forget their copies in files
 *
 * Return: how far it came; -ETIME: the file is slow, to be called again.
 */
s64 pool_page_in(const struct mem_range *range, u64 off, u64 count, bool own);

/** pool_page_out() - give up their frames. */
int pool_page_out(const struct mem_range *range, u64 off, u64 count);

/** pool_patterns() - give up the frames of those of which all is one word. */
void pool_patterns(const struct mem_range *range, u64 off, u64 count);

#endif
