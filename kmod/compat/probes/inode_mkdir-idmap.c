// SPDX-License-Identifier: GPL-2.0-only
/* 6.3 to 6.14: inode operations that create take the mount's ID mapping. */
#include <linux/fs.h>
#include <linux/module.h>

static int probe_mkdir(struct mnt_idmap *idmap, struct inode *dir,
		       struct dentry *dentry, umode_t mode)
{
	return 0;
}

const struct inode_operations probe_ops = { .mkdir = probe_mkdir };

MODULE_LICENSE("GPL");
