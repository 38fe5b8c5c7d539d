// SPDX-License-Identifier: GPL-2.0-only
/* 7.3 and later: ->create is called for a file that is not there. */
#include <linux/fs.h>
#include <linux/module.h>

int probe(const struct inode_operations *op, struct inode *dir,
	  struct dentry *dentry);
int probe(const struct inode_operations *op, struct inode *dir,
	  struct dentry *dentry)
{
	return op->create(NULL, dir, dentry, 0);
}

MODULE_LICENSE("GPL");
