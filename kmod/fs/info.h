/* SPDX-License-Identifier: GPL-2.0-only */
/* What is counted, handed out as the structures of the UAPI. */
#ifndef TARN_INFO_H
#define TARN_INFO_H

struct tarn_partition;
struct tarn_partition_info;
struct tarn_pool;
struct tarn_pool_info;

void tarn_pool_info_fill(struct tarn_pool *pool, struct tarn_pool_info *info);
void tarn_partition_info_fill(struct tarn_partition *part,
			      struct tarn_partition_info *info);

#endif
