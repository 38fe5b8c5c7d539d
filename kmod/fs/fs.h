/* SPDX-License-Identifier: GPL-2.0-only */
/* tarnfs: a mounted pool, its directories and files. */
#ifndef TARN_FS_H
#define TARN_FS_H

#include <linux/fs.h>

extern const struct file_operations tarn_file_ops;
extern const struct inode_operations tarn_file_inode_ops;

void tarn_touch(struct inode *inode);

int tarn_fs_init(void);
void tarn_fs_exit(void);

#endif
