// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.9: the file of a struct fd is a field. */
#include <linux/file.h>
#include <linux/module.h>

struct file *probe(struct fd fd);
struct file *probe(struct fd fd)
{
	return fd.file;
}

MODULE_LICENSE("GPL");
