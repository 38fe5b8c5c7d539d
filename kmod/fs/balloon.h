/* SPDX-License-Identifier: GPL-2.0-only */
/* TARN_PARTITION_BALLOON: what a VMM tells of the balloon of its guest (pool/balloon.h). */
#ifndef TARN_FS_BALLOON_H
#define TARN_FS_BALLOON_H

struct inode;
struct tarn_partition_balloon;

long tarn_balloon_call(struct inode *inode, struct tarn_partition_balloon *b);

#endif
