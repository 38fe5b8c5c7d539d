/* SPDX-License-Identifier: GPL-2.0-only */
/* tarnfs: a mounted pool, its directories and files. */
#ifndef TARN_FS_H
#define TARN_FS_H

#include <linux/fs.h>

struct tarn_partition;
struct tarn_pool;

/**
 * struct tarn_inode - inode of a tarnfs
 * @vfs: the VFS's part
 * @part: of a regular file
 */
struct tarn_inode {
	struct inode vfs;
	struct tarn_partition *part;
};

static inline struct tarn_inode *TARN_I(struct inode *inode)
{
	return container_of(inode, struct tarn_inode, vfs);
}

extern const struct file_operations tarn_file_ops;
extern const struct inode_operations tarn_file_inode_ops;

int tarn_getattr(struct mnt_idmap *idmap, const struct path *path,
		 struct kstat *stat, u32 request_mask, unsigned int flags);
struct tarn_pool *tarn_pool_of(struct super_block *sb);
void tarn_touch(struct inode *inode);

int tarn_fs_init(void);
void tarn_fs_exit(void);

#endif
