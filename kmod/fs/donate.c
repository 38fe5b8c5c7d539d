// SPDX-License-Identifier: GPL-2.0-only
/*
 * See donate.h. The child is made with all that it will have before anything of the donor
 * changes: what waits, and what may fail, comes first. From its file on it ends as any child
 * does, by its last reference, and takes back then what it had come to.
 */
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mount.h>

#include "fs/ctl.h"
#include "fs/donate.h"
#include "fs/fault.h"
#include "fs/fs.h"
#include "fs/life.h"
#include "kvm/vm.h"
#include "page/lock.h"
#include "policy/area.h"
#include "pool/partition.h"

/* ---- the child's file --------------------------------------------------- */

static int child_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	file_accessed(file);
	/* As of any partition, see tarn_mmap(). */
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &tarn_vm_child_ops;
	return 0;
}

static long child_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	return -EPERM;
}

static int child_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
			 struct iattr *attr)
{
	int ret = setattr_prepare(idmap, dentry, attr);

	if (!ret && attr->ia_valid & ATTR_SIZE)
		ret = -EPERM;
	if (!ret)
		setattr_copy(idmap, d_inode(dentry), attr);
	return ret;
}

static const struct file_operations child_ops = {
	.open = generic_file_open,
	.mmap = child_mmap,
	.fsync = noop_fsync,
	.fallocate = child_fallocate,
	.unlocked_ioctl = tarn_fs_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static const struct inode_operations child_inode_ops = {
	.setattr = child_setattr,
	.getattr = tarn_getattr,
};

static struct inode *child_inode(struct inode *donor, u64 first, u64 pages)
{
	struct inode *inode = new_inode(donor->i_sb);
	struct tarn_partition *part;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_ino = get_next_ino();
	inode_init_owner(&nop_mnt_idmap, inode, NULL, S_IFREG | 0600);
	simple_inode_init_ts(inode);
	/* Times would be written at the first write to each page. */
	inode->i_flags |= S_NOCMTIME;
	clear_nlink(inode);
	part = tarn_child_create(TARN_I(donor)->part, inode, first, pages);
	if (IS_ERR(part)) {
		iput(inode);
		return ERR_CAST(part);
	}
	TARN_I(inode)->part = part;
	i_size_write(inode, pages << PAGE_SHIFT);
	inode->i_op = &child_inode_ops;
	inode->i_fop = &child_ops;
	return inode;
}

/* On the mount that the donor was opened by, which it keeps. */
static struct file *child_file(struct file *donor, u64 first, u64 pages)
{
	struct inode *inode = child_inode(file_inode(donor), first, pages);
	struct file *file;

	if (IS_ERR(inode))
		return ERR_CAST(inode);
	file = alloc_file_pseudo(inode, donor->f_path.mnt, "[tarn-child]",
				 O_RDWR | O_LARGEFILE, &child_ops);
	if (IS_ERR(file))
		iput(inode);
	return file;
}

/* All of it gets frames, and keeps them. */
static int hold_all(struct tarn_partition *child)
{
	const struct tarn_area_want want = {
		.type = TARN_AREA_DMA,
		.origin = TARN_AREA_BY_DONOR,
		.bytes = child->donation.pages << PAGE_SHIFT,
	};
	long handle = tarn_area_register(child, &want);

	return handle < 0 ? handle : 0;
}

/* ---- the donor ---------------------------------------------------------- */

static bool is_in_use(struct tarn_partition *part, u64 first, u64 end)
{
	return tarn_vm_has(part, first, end) ||
	       tarn_pages_locked(part, first, end) ||
	       tarn_areas_touch(part, first, end) ||
	       tarn_pages_held(part, first, end);
}

/*
 * With the inode locked: the file keeps its size, and no other range is locked. Who attaches a
 * VM looks for locked pages: he sees them, or this sees the VM.
 */
static int lock_range(struct inode *inode, struct tarn_partition *child)
{
	const struct tarn_donation *d = &child->donation;
	u64 end = d->first + d->pages;
	int ret;

	lockdep_assert_held_write(&inode->i_rwsem);
	if (end > i_size_read(inode) >> PAGE_SHIFT)
		return -EINVAL;
	if (is_in_use(d->donor, d->first, end))
		return -EBUSY;
	ret = tarn_pages_lock(child);
	if (!ret && tarn_vm_has(d->donor, d->first, end))
		ret = -EBUSY;
	if (!ret)
		tarn_touch(inode);
	return ret;
}

static int donate_to(struct file *donor, struct file *file)
{
	struct tarn_partition *child = TARN_I(file_inode(file))->part;
	struct inode *inode = file_inode(donor);
	int ret = hold_all(child);

	if (ret)
		return ret;
	inode_lock(inode);
	ret = lock_range(inode, child);
	inode_unlock(inode);
	return ret;
}

static int check(struct file *file, const struct tarn_partition_donate *d)
{
	u64 pages = i_size_read(file_inode(file)) >> PAGE_SHIFT;

	if (d->flags || !d->count || d->count > TARN_DONATE_PAGES ||
	    d->start > pages || d->count > pages - d->start)
		return -EINVAL;
	return 0;
}

/**
 * tarn_donate() - TARN_PARTITION_DONATE
 * @file: of the donor, open for writing
 * @call: the call; checked here
 *
 * Context: process; waits for frames, which a signal ends.
 * Return: 0, and tarn_donate_settle() is to follow; or an errno, see linux/tarn_adjunct.h.
 */
long tarn_donate(struct file *file, struct tarn_donate_call *call)
{
	struct tarn_partition_donate *d = &call->donate;
	int fd, ret = check(file, d);
	struct file *child;

	if (ret)
		return ret;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	child = child_file(file, d->start, d->count);
	if (IS_ERR(child)) {
		ret = PTR_ERR(child);
		goto err_fd;
	}
	ret = donate_to(file, child);
	if (ret)
		goto err_child;
	d->fd = fd;
	d->key = TARN_I(file_inode(child))->part->id;
	call->child = child;
	return 0;

err_child:
	fput(child);
err_fd:
	put_unused_fd(fd);
	return ret;
}

/**
 * tarn_donate_settle() - user space knows the descriptor, or never will
 * @arg: of a call that was done
 * @told: it knows
 *
 * Before it does nobody can have the child by its number, whoever guesses it.
 *
 * Context: process.
 */
void tarn_donate_settle(union tarn_ctl_arg *arg, bool told)
{
	struct tarn_donate_call *call = &arg->donate;

	if (told) {
		fd_install(call->donate.fd, call->child);
		return;
	}
	put_unused_fd(call->donate.fd);
	fput(call->child);
}
