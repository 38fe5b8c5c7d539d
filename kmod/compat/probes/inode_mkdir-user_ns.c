// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.2: inode operations that create take the mount's user namespace. */
#include <linux/fs.h>
#include <linux/module.h>

static int probe_mkdir(struct user_namespace *ns, struct inode *dir,
		       struct dentry *dentry, umode_t mode)
{
	return 0;
}

const struct inode_operations probe_ops = { .mkdir = probe_mkdir };

MODULE_LICENSE("GPL");
