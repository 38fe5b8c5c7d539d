// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/tarn: a descriptor by which a pager attaches to a pool, and what it does with it.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io_uring_cmd.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "fs/ctl.h"
#include "fs/dev.h"
#include "fs/fs.h"
#include "pager/pager.h"
#include "pager/window.h"

static int tarn_dev_open(struct inode *inode, struct file *file)
{
	/* miscdevice put itself there; from here on it is the pager. */
	file->private_data = NULL;
	return 0;
}

static int tarn_dev_flush(struct file *file, fl_owner_t id)
{
	struct tarn_pager *pager = READ_ONCE(file->private_data);

	if (pager && pager->files == id)
		tarn_pager_detach(pager);
	return 0;
}

static int tarn_dev_release(struct inode *inode, struct file *file)
{
	struct tarn_pager *pager = file->private_data;

	if (pager) {
		tarn_pager_detach(pager);
		tarn_pager_free(pager);
	}
	return 0;
}

static long attached_ioctl(struct tarn_pager *pager, unsigned int cmd,
			   union tarn_ctl_arg *arg)
{
	if (!pager)
		return -ENOTCONN;
	switch (cmd) {
	case TARN_PAGER_STORED:
		return tarn_pager_stored(pager, &arg->stored);
	case TARN_PAGER_START:
		return tarn_pager_start(pager, &arg->start);
	case TARN_PAGER_STATUS:
		return tarn_pager_status(pager, &arg->status);
	case TARN_PAGER_GRANT:
		return tarn_grant_set(pager, &arg->grant);
	}
	return -ENOTTY;
}

static long attach(struct file *file, struct tarn_pager_attach *a)
{
	struct fd f = fdget(a->pool_fd);
	struct tarn_pool *pool;
	long ret = -EXDEV;

	if (!fd_file(f))
		return -EBADF;
	pool = tarn_pool_of(file_inode(fd_file(f))->i_sb);
	if (pool)
		ret = tarn_pager_attach(pool, &fd_file(f)->f_path, file, a);
	fdput(f);
	return ret;
}

static long pager_call(struct file *file, unsigned int cmd,
		       union tarn_ctl_arg *arg)
{
	if (cmd == TARN_GET_FEATURES)
		return tarn_ctl_features(&arg->features);
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (cmd == TARN_PAGER_ATTACH)
		return attach(file, &arg->attach);
	return attached_ioctl(READ_ONCE(file->private_data), cmd, arg);
}

static const struct tarn_ctl pager_calls[] = {
	TARN_CTL(TARN_GET_FEATURES, struct tarn_features, max_depth),
	TARN_CTL(TARN_PAGER_ATTACH, struct tarn_pager_attach, uuid),
	TARN_CTL(TARN_PAGER_STORED, struct tarn_pager_stored, reserved),
	TARN_CTL(TARN_PAGER_START, struct tarn_pager_start, flags),
	TARN_CTL(TARN_PAGER_STATUS, struct tarn_pager_status, used_pages),
	TARN_CTL(TARN_PAGER_GRANT, struct tarn_pager_grant, offset),
};

static long tarn_dev_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	return tarn_ctl_call(file, cmd, (void __user *)arg, pager_calls,
			     ARRAY_SIZE(pager_calls), pager_call);
}

static int tarn_dev_uring_cmd(struct io_uring_cmd *cmd,
			      unsigned int issue_flags)
{
	struct tarn_pager *pager = READ_ONCE(cmd->file->private_data);

	if (cmd->cmd_op != TARN_CMD_SERVE)
		return -ENOTTY;
	if (!pager)
		return -ENOTCONN;
	if (tarn_uring_is_cancel(issue_flags)) {
		tarn_queue_cancel(pager, cmd, issue_flags);
		return 0;
	}
	if (pager->tgid != current->tgid)
		return -EPERM;
	return tarn_queue_serve(pager, cmd, issue_flags);
}

static int tarn_dev_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tarn_pager *pager = READ_ONCE(file->private_data);
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 q;

	if (!pager)
		return -ENOTCONN;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (offset < TARN_MMAP_QUEUE(0))
		return tarn_window_mmap(pager, vma);
	q = (offset - TARN_MMAP_QUEUE(0)) >> 32;
	if (q >= pager->nr_queues || offset != TARN_MMAP_QUEUE(q))
		return -EINVAL;
	return tarn_queue_mmap(&pager->queues[q], vma);
}

static const struct file_operations tarn_dev_fops = {
	.owner = THIS_MODULE,
	.open = tarn_dev_open,
	.flush = tarn_dev_flush,
	.release = tarn_dev_release,
	.unlocked_ioctl = tarn_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.uring_cmd = tarn_dev_uring_cmd,
	.mmap = tarn_dev_mmap,
	/* So that the window may have entries of 2 MiB. */
	.get_unmapped_area = thp_get_unmapped_area,
	.llseek = noop_llseek,
};

static struct miscdevice tarn_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "tarn",
	.mode = 0600,
	.fops = &tarn_dev_fops,
};

int tarn_dev_init(void)
{
	return misc_register(&tarn_dev);
}

void tarn_dev_exit(void)
{
	misc_deregister(&tarn_dev);
}
