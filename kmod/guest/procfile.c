// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a small file of /proc from inside of the kernel. Pressure (PSI) and the
 * size of swap space have no function that modules may call; their files in /proc are
 * the interface that stays.
 */
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/seq_file.h>
#include <linux/uio.h>

#include "guest.h"

/**
 * tarn_procfile_read() - read the begin of a file
 * @path: below /proc, one that is written by a seq_file
 * @text: where to, ends with a zero byte
 * @size: room in it
 *
 * Such files have no read for callers in the kernel. The seq_file behind it has.
 * The file is not kept open, so that /proc can be unmounted at any time.
 *
 * Context: may sleep; the root directory is that of the caller, for a worker that
 * of the first process.
 * Return: bytes, or an error; /proc is not mounted, for instance.
 */
ssize_t tarn_procfile_read(const char *path, char *text, size_t size)
{
	struct kvec vec = { .iov_base = text, .iov_len = size - 1 };
	struct kiocb iocb = { };
	struct iov_iter iter;
	struct file *file;
	ssize_t ret = -ENODEV;

	file = filp_open(path, O_RDONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	/* Anything else that lies at this path has no seq_file. */
	if (file_inode(file)->i_sb->s_magic == PROC_SUPER_MAGIC) {
		iocb.ki_filp = file;
		iov_iter_kvec(&iter, READ, &vec, 1, vec.iov_len);
		ret = seq_read_iter(&iocb, &iter);
	}
	filp_close(file, NULL);
	if (ret >= 0)
		text[ret] = '\0';
	return ret;
}
