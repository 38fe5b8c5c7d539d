/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compaction: free frames of a node are brought together, so that blocks find 2 MiB in one
 * piece (page/block.h).
 */
#ifndef TARN_COMPACT_H
#define TARN_COMPACT_H

struct tarn_node;
struct tarn_pool;

int tarn_compact_start(struct tarn_pool *pool);
void tarn_compact_stop(struct tarn_pool *pool);
void tarn_compact_soon(struct tarn_node *node);

#endif
