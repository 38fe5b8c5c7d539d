// SPDX-License-Identifier: GPL-2.0-only
/* 6.10 and later: the file of a struct fd is asked for. */
#include <linux/file.h>
#include <linux/module.h>

struct file *probe(struct fd fd);
struct file *probe(struct fd fd)
{
	return fd_file(fd);
}

MODULE_LICENSE("GPL");
