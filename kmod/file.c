// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regular files of a tarnfs: the logical memory of a partition as a file. A
 * dump or restore with dd works, holes are empty pages, st_blocks is what is
 * resident.
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

/* Write zeroes to a part of one page, if it has any content. */
static int zero_part(struct inode *inode, loff_t from, size_t len)
{
	struct tarn_partition *part = TARN_I(inode)->part;
	struct page *page;

	if (!len)
		return 0;
	page = tarn_page_grab(part, from >> PAGE_SHIFT, 0);
	if (!page || IS_ERR(page))
		return PTR_ERR_OR_ZERO(page);
	put_page(page);
	page = tarn_page_grab(part, from >> PAGE_SHIFT, TARN_BRING_WRITE);
	if (IS_ERR(page))
		return PTR_ERR(page);
	memzero_page(page, offset_in_page(from), len);
	put_page(page);
	return 0;
}

/* Zeroes from the end of the file to the end of its page. */
static int zero_tail(struct inode *inode, loff_t end)
{
	return offset_in_page(end) ?
	       zero_part(inode, end, PAGE_SIZE - offset_in_page(end)) : 0;
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

static ssize_t write_pages(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	struct tarn_partition *part = TARN_I(inode)->part;
	ssize_t done = 0;

	while (iov_iter_count(from)) {
		loff_t pos = iocb->ki_pos;
		size_t offset = offset_in_page(pos), copied;
		size_t len = min(PAGE_SIZE - offset, iov_iter_count(from));
		struct page *page;

		page = tarn_page_grab(part, pos >> PAGE_SHIFT,
				      TARN_BRING_WRITE);
		if (IS_ERR(page))
			return done ? done : PTR_ERR(page);
		copied = copy_page_from_iter(page, offset, len, from);
		put_page(page);
		iocb->ki_pos += copied;
		done += copied;
		extend(inode, iocb->ki_pos);
		if (copied < len)
			return done ? done : -EFAULT;
		if (fatal_signal_pending(current))
			return done ? done : -EINTR;
		cond_resched();
	}
	return done;
}

static ssize_t tarn_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	ssize_t ret;

	inode_lock(inode);
	ret = generic_write_checks(iocb, from);
	if (ret > 0 && iocb->ki_pos > i_size_read(inode)) {
		int err = zero_tail(inode, i_size_read(inode));

		ret = err ? err : ret;
	}
	if (ret > 0) {
		ret = write_pages(iocb, from);
		tarn_touch(inode);
	}
	inode_unlock(inode);
	return ret;
}

/* ---- size and holes ----------------------------------------------------- */

static int set_size(struct inode *inode, loff_t size)
{
	struct tarn_partition *part = TARN_I(inode)->part;
	struct address_space *mapping = inode->i_mapping;
	loff_t old = i_size_read(inode);
	int ret;

	if (size < old && offset_in_page(size)) {
		ret = zero_part(inode, size, min_t(loff_t, old - size,
					PAGE_SIZE - offset_in_page(size)));
		if (ret)
			return ret;
	}
	/* What a mapping wrote behind the old end must not show. */
	if (size > old) {
		ret = zero_tail(inode, old);
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

static int tarn_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
			struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	int ret = setattr_prepare(idmap, dentry, attr);

	if (ret)
		return ret;
	if (attr->ia_valid & ATTR_SIZE) {
		ret = set_size(inode, attr->ia_size);
		if (ret)
			return ret;
		tarn_touch(inode);
	}
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

static int punch(struct inode *inode, loff_t offset, loff_t len)
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
		return zero_part(inode, offset, end - offset);
	ret = zero_part(inode, offset, first - offset);
	if (!ret)
		ret = zero_part(inode, last, end - last);
	if (ret || first == last)
		return ret;
	unmap_mapping_range(inode->i_mapping, first, last - first, 0);
	tarn_partition_remove(part, first >> PAGE_SHIFT, last >> PAGE_SHIFT);
	return 0;
}

/* Frames for a range, as posix_fallocate(3) asks for; what is there stays. */
static int preallocate(struct inode *inode, int mode, loff_t offset, loff_t len)
{
	struct tarn_partition *part = TARN_I(inode)->part;
	loff_t end = offset + len;
	u64 i;
	int ret;

	ret = inode_newsize_ok(inode, end);
	if (ret)
		return ret;
	for (i = offset >> PAGE_SHIFT; i < pages_for(end); i++) {
		ret = tarn_page_bring(part, i, TARN_BRING_WRITE, NULL);
		if (ret)
			break;
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		cond_resched();
	}
	if (!ret && !(mode & FALLOC_FL_KEEP_SIZE) && end > i_size_read(inode)) {
		ret = zero_tail(inode, i_size_read(inode));
		if (!ret)
			extend(inode, end);
	}
	if (ret)
		tarn_partition_remove(part,
				      pages_for(i_size_read(inode)), U64_MAX);
	return ret;
}

static long tarn_fallocate(struct file *file, int mode, loff_t offset,
			   loff_t len)
{
	struct inode *inode = file_inode(file);
	long ret;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	inode_lock(inode);
	if (mode & FALLOC_FL_PUNCH_HOLE)
		ret = punch(inode, offset, len);
	else
		ret = preallocate(inode, mode, offset, len);
	if (!ret)
		tarn_touch(inode);
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
