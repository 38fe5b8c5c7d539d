// SPDX-License-Identifier: GPL-2.0-only
/* 6.15 and later: a directory that is made may come with another dentry. */
#include <linux/fs.h>
#include <linux/module.h>

static struct dentry *probe_mkdir(struct mnt_idmap *idmap, struct inode *dir,
				  struct dentry *dentry, umode_t mode)
{
	return NULL;
}

const struct inode_operations probe_ops = { .mkdir = probe_mkdir };

MODULE_LICENSE("GPL");
