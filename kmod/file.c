// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regular files of a tarnfs: the logical memory of a partition as a file. A
 * dump or restore with dd works, holes are empty pages, st_blocks is what is
 * resident.
 *
 * A page may have to be waited for until an operator starts a pager, and unlink
 * and truncation wait for the inode lock without a way to kill them. So nobody
 * waits for a page with it held. What works under it returns -EAGAIN and which
 * page is @missing as long as it has changed nothing, or has counted what it did;
 * then the page is brought without the lock, and it looks at everything anew.
 */
#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uio.h>

#include "ctl.h"
#include "fault.h"
#include "fs.h"
#include "pagein.h"
#include "partition.h"

static u64 pages_for(loff_t size)
{
	return DIV_ROUND_UP_ULL(size, PAGE_SIZE);
}

/* ---- read and write ----------------------------------------------------- */

/* With the inode lock held: write zeroes to a part of one page, if it has any content. */
static int zero_part(struct inode *inode, loff_t from, size_t len, u64 *missing)
{
	struct tarn_partition *part = TARN_I(inode)->part;
	struct page *page;

	if (!len)
		return 0;
	*missing = from >> PAGE_SHIFT;
	page = tarn_page_grab_now(part, *missing, 0);
	if (!page || IS_ERR(page))
		return PTR_ERR_OR_ZERO(page);
	put_page(page);
	page = tarn_page_grab_now(part, *missing, TARN_BRING_WRITE);
	if (IS_ERR(page))
		return PTR_ERR(page);
	memzero_page(page, offset_in_page(from), len);
	put_page(page);
	return 0;
}

/* Zeroes from the end of the file to the end of its page. */
static int zero_tail(struct inode *inode, loff_t end, u64 *missing)
{
	return offset_in_page(end) ?
	       zero_part(inode, end, PAGE_SIZE - offset_in_page(end),
			 missing) : 0;
}

static int bring_unlocked(struct inode *inode, u64 missing)
{
	int ret;

	inode_unlock(inode);
	ret = tarn_page_bring(TARN_I(inode)->part, missing, TARN_BRING_WRITE,
			      NULL);
	inode_lock(inode);
	return ret;
}

static ssize_t tarn_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	struct tarn_partition *part = TARN_I(inode)->part;
	ssize_t done = 0;

	while (iov_iter_count(to)) {
		loff_t pos = iocb->ki_pos, size = i_size_read(inode);
		size_t offset = offset_in_page(pos), len, copied;
		struct page *page;

		if (pos >= size)
			break;
		len = min_t(loff_t, size - pos, PAGE_SIZE - offset);
		len = min(len, iov_iter_count(to));
		page = tarn_page_grab(part, pos >> PAGE_SHIFT, 0);
		if (IS_ERR(page))
			return done ? done : PTR_ERR(page);
		if (page) {
			copied = copy_page_to_iter(page, offset, len, to);
			put_page(page);
		} else {
			copied = iov_iter_zero(len, to);
		}
		iocb->ki_pos += copied;
		done += copied;
		if (copied < len)
			return done ? done : -EFAULT;
		if (fatal_signal_pending(current))
			return done ? done : -EINTR;
		cond_resched();
	}
	return done;
}

static void extend(struct inode *inode, loff_t size)
{
	if (size <= i_size_read(inode))
		return;
	i_size_write(inode, size);
	tarn_partition_set_pages(TARN_I(inode)->part, pages_for(size));
}

/* Less than @len if the caller's memory is not at hand: it may have to be waited for, too. */
static size_t copy_at_hand(struct page *page, size_t offset, size_t len,
			   struct iov_iter *from)
{
	size_t copied;

	pagefault_disable();
	copied = copy_page_from_iter(page, offset, len, from);
	pagefault_enable();
	return copied;
}

static int write_pages(struct kiocb *iocb, struct iov_iter *from, ssize_t *done,
		       u64 *missing)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	struct tarn_partition *part = TARN_I(inode)->part;

	while (iov_iter_count(from)) {
		loff_t pos = iocb->ki_pos;
		size_t offset = offset_in_page(pos), copied;
		size_t len = min(PAGE_SIZE - offset, iov_iter_count(from));
		struct page *page;

		*missing = pos >> PAGE_SHIFT;
		page = tarn_page_grab_now(part, *missing, TARN_BRING_WRITE);
		if (IS_ERR(page))
			return PTR_ERR(page);
		copied = copy_at_hand(page, offset, len, from);
		put_page(page);
		iocb->ki_pos += copied;
		*done += copied;
		extend(inode, iocb->ki_pos);
		if (copied < len)
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* Write what can be written without waiting, and add it to @done. */
static int write_locked(struct kiocb *iocb, struct iov_iter *from,
			ssize_t *done, u64 *missing)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	ssize_t before = *done;
	int ret;

	inode_lock(inode);
	ret = generic_write_checks(iocb, from);
	if (ret > 0) {
		ret = 0;
		if (iocb->ki_pos > i_size_read(inode))
			ret = zero_tail(inode, i_size_read(inode), missing);
		if (!ret)
			ret = write_pages(iocb, from, done, missing);
		if (*done > before)
			tarn_touch(inode);
	}
	inode_unlock(inode);
	return ret;
}

static ssize_t tarn_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct tarn_partition *part = TARN_I(file_inode(iocb->ki_filp))->part;
	ssize_t done = 0;
	u64 missing;
	int ret;

	do {
		ret = write_locked(iocb, from, &done, &missing);
		if (ret == -EAGAIN)
			ret = tarn_page_bring(part, missing, TARN_BRING_WRITE,
					      NULL);
		else if (ret == -EFAULT && !fault_in_iov_iter_readable(from, 1))
			ret = 0;
	} while (!ret && iov_iter_count(from));
	return done ? done : ret;
}

/* ---- size and holes ----------------------------------------------------- */

static int set_size(struct inode *inode, loff_t size, u64 *missing)
{
	struct tarn_partition *part = TARN_I(inode)->part;
	struct address_space *mapping = inode->i_mapping;
	loff_t old = i_size_read(inode);
	int ret;

	if (size < old && offset_in_page(size)) {
		ret = zero_part(inode, size,
				min_t(loff_t, old - size,
				      PAGE_SIZE - offset_in_page(size)),
				missing);
		if (ret)
			return ret;
	}
	/* What a mapping wrote behind the old end must not show. */
	if (size > old) {
		ret = zero_tail(inode, old, missing);
		if (ret)
			return ret;
	}
	i_size_write(inode, size);
	tarn_partition_set_pages(part, pages_for(size));
	if (size < old) {
		loff_t from = round_up(size, PAGE_SIZE);

		/* A fault that saw the old size may map once more. */
		smp_mb();
		unmap_mapping_range(mapping, from, 0, 1);
		tarn_partition_remove(part, pages_for(size), U64_MAX);
		unmap_mapping_range(mapping, from, 0, 1);
	}
	return 0;
}

static int try_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
		       struct iattr *attr, u64 *missing)
{
	int ret = setattr_prepare(idmap, dentry, attr);

	if (!ret && attr->ia_valid & ATTR_SIZE)
		ret = set_size(d_inode(dentry), attr->ia_size, missing);
	return ret;
}

/* The VFS has locked the inode, and does not mind that it is unlocked meanwhile. */
static int tarn_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
			struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	u64 missing;
	int ret;

	while ((ret = try_setattr(idmap, dentry, attr, &missing)) == -EAGAIN) {
		ret = bring_unlocked(inode, missing);
		if (ret)
			break;
	}
	if (ret)
		return ret;
	if (attr->ia_valid & ATTR_SIZE)
		tarn_touch(inode);
	setattr_copy(idmap, inode, attr);
	return 0;
}

static int tarn_getattr(struct mnt_idmap *idmap, const struct path *path,
			struct kstat *stat, u32 request_mask,
			unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	struct tarn_partition *part = TARN_I(inode)->part;

	generic_fillattr(idmap, request_mask, inode, stat);
	stat->blocks = atomic64_read(&part->resident) << (PAGE_SHIFT - 9);
	stat->blksize = PAGE_SIZE;
	return 0;
}

static int punch(struct inode *inode, loff_t offset, loff_t len, u64 *missing)
{
	struct tarn_partition *part = TARN_I(inode)->part;
	loff_t end = min_t(u64, (u64)offset + len,
			   round_up(i_size_read(inode), PAGE_SIZE));
	loff_t first = round_up(offset, PAGE_SIZE);
	loff_t last = round_down(end, PAGE_SIZE);
	int ret;

	if (offset >= end)
		return 0;
	if (last < first)
		return zero_part(inode, offset, end - offset, missing);
	ret = zero_part(inode, offset, first - offset, missing);
	if (!ret)
		ret = zero_part(inode, last, end - last, missing);
	if (ret || first == last)
		return ret;
	unmap_mapping_range(inode->i_mapping, first, last - first, 0);
	tarn_partition_remove(part, first >> PAGE_SHIFT, last >> PAGE_SHIFT);
	return 0;
}

/* From page *@at on; what has a frame, or a copy that is brought, stays as it is. */
static int frames_for(struct inode *inode, u64 *at, u64 end, u64 *missing)
{
	struct tarn_partition *part = TARN_I(inode)->part;

	for (; *at < end; ++*at) {
		struct page *page = tarn_page_grab_now(part, *at, 0);

		*missing = *at;
		if (!page)
			return -EAGAIN;
		if (IS_ERR(page))
			return PTR_ERR(page);
		put_page(page);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* Frames for a range, as posix_fallocate(3) asks for. */
static int preallocate(struct inode *inode, int mode, loff_t end, u64 *at,
		       u64 *missing)
{
	int ret = inode_newsize_ok(inode, end);

	if (!ret)
		ret = frames_for(inode, at, pages_for(end), missing);
	if (ret || mode & FALLOC_FL_KEEP_SIZE || end <= i_size_read(inode))
		return ret;
	ret = zero_tail(inode, i_size_read(inode), missing);
	if (!ret)
		extend(inode, end);
	return ret;
}

static int try_fallocate(struct inode *inode, int mode, loff_t offset,
			 loff_t len, u64 *at, u64 *missing)
{
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return punch(inode, offset, len, missing);
	return preallocate(inode, mode, offset + len, at, missing);
}

static long tarn_fallocate(struct file *file, int mode, loff_t offset,
			   loff_t len)
{
	struct inode *inode = file_inode(file);
	u64 at = offset >> PAGE_SHIFT, missing;
	int ret;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	inode_lock(inode);
	while ((ret = try_fallocate(inode, mode, offset, len, &at,
				    &missing)) == -EAGAIN) {
		ret = bring_unlocked(inode, missing);
		if (ret)
			break;
	}
	if (!ret)
		tarn_touch(inode);
	else if (!(mode & FALLOC_FL_PUNCH_HOLE))
		tarn_partition_remove(TARN_I(inode)->part,
				      pages_for(i_size_read(inode)), U64_MAX);
	inode_unlock(inode);
	return ret;
}

/* ---- mapping ------------------------------------------------------------ */

static int tarn_mmap(struct file *file, struct vm_area_struct *vma)
{
	/*
	 * A private writable mapping would copy pages out of the pool, unseen
	 * by it; a private one for reading must not become writable.
	 */
	if (!(vma->vm_flags & VM_SHARED)) {
		if (vma->vm_flags & VM_WRITE)
			return -EINVAL;
		vm_flags_clear(vma, VM_MAYWRITE);
	}
	file_accessed(file);
	/* For vm_insert_page(), which maps neighbours and zeroes. */
	vm_flags_set(vma, VM_MIXEDMAP);
	vma->vm_ops = &tarn_vm_ops;
	return 0;
}

const struct file_operations tarn_file_ops = {
	.open = generic_file_open,
	.read_iter = tarn_read_iter,
	.write_iter = tarn_write_iter,
	.llseek = generic_file_llseek,
	.mmap = tarn_mmap,
	.fsync = noop_fsync,
	.fallocate = tarn_fallocate,
	.unlocked_ioctl = tarn_fs_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

const struct inode_operations tarn_file_inode_ops = {
	.setattr = tarn_setattr,
	.getattr = tarn_getattr,
};
