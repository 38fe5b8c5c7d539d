// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.4: splice by reading into an iterator of the pipe. */
#include <linux/fs.h>
#include <linux/module.h>

ssize_t probe(struct file *in, loff_t *pos, struct pipe_inode_info *pipe,
	      size_t len, unsigned int flags);
ssize_t probe(struct file *in, loff_t *pos, struct pipe_inode_info *pipe,
	      size_t len, unsigned int flags)
{
	return generic_file_splice_read(in, pos, pipe, len, flags);
}

MODULE_LICENSE("GPL");
