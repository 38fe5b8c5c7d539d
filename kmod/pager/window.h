/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pager's mapping of all frames of its pool.
 */
#ifndef TARN_WINDOW_H
#define TARN_WINDOW_H

struct tarn_chunk;
struct tarn_pager;
struct tarn_pool;
struct vm_area_struct;

void tarn_window_unmap(struct tarn_pool *pool, u64 frame, u64 count);
int tarn_window_mmap(struct tarn_pager *pager, struct vm_area_struct *vma);
void tarn_window_close(struct tarn_pager *pager);
void tarn_window_forget_chunk(struct tarn_pool *pool,
			      const struct tarn_chunk *chunk);

#endif
