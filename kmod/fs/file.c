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
#include <linux/bitops.h>
#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "fs/ctl.h"
#include "fs/fault.h"
#include "fs/fs.h"
#include "page/balloon.h"
#include "page/lock.h"
#include "page/pagein.h"
#include "page/reserve.h"
#include "page/truncate.h"
#include "policy/remap.h"
#include "pool/partition.h"
#include "pool/poison.h"

/* Pages that are taken away between two looks for a signal. */
#define REMOVE_STEP	(1ULL << 18)
/* Words of a pattern that are copied at once. */
#define WORD_SPAN	32

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
	u64 word;

	if (!len)
		return 0;
	*missing = from >> PAGE_SHIFT;
	page = tarn_page_grab_now(part, *missing, 0, &word);
	/* When it is the file's again it is empty. */
	if (page == ERR_PTR(-EACCES))
		return 0;
	if (IS_ERR(page) || (!page && !word))
		return PTR_ERR_OR_ZERO(page);
	if (page)
		put_page(page);
	page = tarn_page_grab_now(part, *missing, TARN_BRING_WRITE, &word);
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

/* A page may turn out to lie behind the end by now, or to be donated: all is looked at anew. */
static int bring_missing(struct inode *inode, u64 missing, unsigned int flags)
{
	int ret = tarn_page_bring(TARN_I(inode)->part, missing,
				  TARN_BRING_WRITE | TARN_BRING_SIGNAL | flags,
				  NULL);

	return ret == -ENXIO || ret == -EACCES ? 0 : ret;
}

static int bring_unlocked(struct inode *inode, u64 missing, unsigned int flags)
{
	int ret;

	inode_unlock(inode);
	ret = bring_missing(inode, missing, flags);
	inode_lock(inode);
	return ret;
}

/* Less than @len if the reader's memory is not there, or ends at a memory error. */
static size_t copy_out(struct page *page, size_t offset, size_t len,
		       struct iov_iter *to)
{
	void *p = kmap_local_page(page);
	size_t copied = _copy_mc_to_iter(p + offset, len, to);

	kunmap_local(p);
	return copied;
}

/* The same of a page of which all is one word. */
static size_t copy_word(u64 word, size_t offset, size_t len, struct iov_iter *to)
{
	u64 span[WORD_SPAN];
	size_t done = 0, part, copied;

	if (!word)
		return iov_iter_zero(len, to);
	/* The span begins where the word is at that offset. */
	memset64(span, ror64(word, offset % sizeof(word) * BITS_PER_BYTE),
		 WORD_SPAN);
	while (done < len) {
		part = min(len - done, sizeof(span));
		copied = copy_to_iter(span, part, to);
		done += copied;
		if (copied < part)
			break;
	}
	return done;
}

static ssize_t tarn_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	struct tarn_partition *part = TARN_I(inode)->part;
	ssize_t done = 0;

	while (iov_iter_count(to)) {
		loff_t pos = iocb->ki_pos, size = i_size_read(inode);
		size_t offset = offset_in_page(pos), len, copied;
		int error = -EFAULT;
		struct page *page;
		u64 word;

		if (pos >= size)
			break;
		len = min_t(loff_t, size - pos, PAGE_SIZE - offset);
		len = min(len, iov_iter_count(to));
		page = tarn_page_grab(part, pos >> PAGE_SHIFT, 0, &word);
		if (IS_ERR(page))
			return done ? done : PTR_ERR(page);
		if (page) {
			copied = copy_out(page, offset, len, to);
			if (copied < len && tarn_poison_found(page))
				error = -EIO;
			put_page(page);
		} else {
			copied = copy_word(word, offset, len, to);
		}
		iocb->ki_pos += copied;
		done += copied;
		if (copied < len)
			return done ? done : error;
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
		u64 word;

		*missing = pos >> PAGE_SHIFT;
		page = tarn_page_grab_now(part, *missing, TARN_BRING_WRITE,
					  &word);
		if (IS_ERR(page))
			return PTR_ERR(page);
		copied = copy_at_hand(page, offset, len, from);
		put_page(page);
		iocb->ki_pos += copied;
		*done += copied;
		/* Nothing written makes no file longer, however far behind its end. */
		if (copied)
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

#define NO_PAGE	U64_MAX

/* A page that a write brought, if the file did not get as far as that, or no more does. */
static void drop_beyond(struct inode *inode, u64 index)
{
	struct tarn_partition *part = TARN_I(inode)->part;

	/* Who makes the file shorter after this look takes it away. */
	if (index == NO_PAGE || index < pages_for(i_size_read(inode)))
		return;
	inode_lock(inode);
	if (index >= pages_for(i_size_read(inode)) &&
	    !tarn_reserved(part, index))
		tarn_partition_remove(part, index, index + 1);
	inode_unlock(inode);
}

/*
 * Only the page to be written may lie behind the end, as the write moves that. When
 * the file became shorter meanwhile, what is appended goes to another page: the one
 * before it, in @beyond, is not written any more.
 */
static int bring_for_write(struct kiocb *iocb, u64 missing, u64 *beyond)
{
	struct inode *inode = file_inode(iocb->ki_filp);

	if (missing != iocb->ki_pos >> PAGE_SHIFT)
		return bring_missing(inode, missing, 0);
	if (missing != *beyond)
		drop_beyond(inode, *beyond);
	*beyond = missing;
	return bring_missing(inode, missing, TARN_BRING_BEYOND);
}

static ssize_t tarn_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	u64 missing, beyond = NO_PAGE;
	ssize_t done = 0;
	int ret;

	do {
		ret = write_locked(iocb, from, &done, &missing);
		if (ret == -EAGAIN)
			ret = bring_for_write(iocb, missing, &beyond);
		else if (ret == -EFAULT && !fault_in_iov_iter_readable(from, 1))
			ret = 0;
	} while (!ret && iov_iter_count(from));
	drop_beyond(inode, beyond);
	return done ? done : ret;
}

/* ---- size and holes ----------------------------------------------------- */

/* From the end on, so that whoever is killed leaves a whole file of some size. */
static int shrink(struct inode *inode, loff_t size)
{
	struct tarn_partition *part = TARN_I(inode)->part;
	u64 pages = pages_for(size), end = pages_for(i_size_read(inode));
	u64 first, last = U64_MAX;

	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		first = end - min(end - pages, REMOVE_STEP);
		i_size_write(inode, first == pages ? size :
						     first << PAGE_SHIFT);
		tarn_partition_set_pages(part, first);
		/* A fault that saw the old size may map once more. */
		smp_mb();
		unmap_mapping_range(inode->i_mapping, first << PAGE_SHIFT, 0,
				    1);
		tarn_partition_remove(part, first, last);
		tarn_pages_cut(part, first, last);
		unmap_mapping_range(inode->i_mapping, first << PAGE_SHIFT, 0,
				    1);
		end = first;
		last = first;
	} while (first > pages);
	return 0;
}

static int set_size(struct inode *inode, loff_t size, u64 *missing)
{
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
	if (size < old)
		return shrink(inode, size);
	i_size_write(inode, size);
	tarn_partition_set_pages(TARN_I(inode)->part, pages_for(size));
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
		ret = bring_unlocked(inode, missing, 0);
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

int tarn_getattr(struct mnt_idmap *idmap, const struct path *path,
			struct kstat *stat, u32 request_mask,
			unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	struct tarn_partition *part = TARN_I(inode)->part;

	generic_fillattr(idmap, request_mask, inode, stat);
	stat->blocks = tarn_partition_resident(part) << (PAGE_SHIFT - 9);
	stat->blksize = PAGE_SIZE;
	return 0;
}

/* Where nothing ever was nothing is given away. */
static void count_hole(struct tarn_partition *part, u64 first, u64 end)
{
	struct tarn_leaf *leaf;
	unsigned long at;

	xa_for_each_range(&part->leaves, at, leaf, first >> TARN_LEAF_SHIFT,
			  (end - 1) >> TARN_LEAF_SHIFT) {
		u64 base = (u64)at << TARN_LEAF_SHIFT;

		tarn_balloon_take(part, leaf, max(first, base),
				  min(end, base + TARN_LEAF_PAGES));
	}
}

/* Whole pages. */
static int empty(struct inode *inode, u64 first, u64 last)
{
	struct tarn_partition *part = TARN_I(inode)->part;
	u64 next;

	for (; first < last; first = next) {
		if (fatal_signal_pending(current))
			return -EINTR;
		next = min(last, first + REMOVE_STEP);
		tarn_partition_unmap(part, first, next - first);
		tarn_partition_remove(part, first, next);
		if (READ_ONCE(part->balloon.holes))
			count_hole(part, first, next);
	}
	return 0;
}

static int punch(struct inode *inode, loff_t offset, loff_t len, u64 *missing)
{
	loff_t end = min_t(u64, (u64)offset + len,
			   round_up(i_size_read(inode), PAGE_SIZE));
	loff_t first = round_up(offset, PAGE_SIZE);
	loff_t last = round_down(end, PAGE_SIZE);
	int ret;

	if (offset >= end)
		return 0;
	if (tarn_pages_locked(TARN_I(inode)->part, offset >> PAGE_SHIFT,
			      pages_for(end)))
		return -EBUSY;
	if (last < first)
		return zero_part(inode, offset, end - offset, missing);
	ret = zero_part(inode, offset, first - offset, missing);
	if (!ret)
		ret = zero_part(inode, last, end - last, missing);
	return ret ? ret : empty(inode, first >> PAGE_SHIFT,
				 last >> PAGE_SHIFT);
}

/* From page *@at on; what has a frame, or a copy that is brought, stays as it is. */
static int frames_for(struct inode *inode, u64 *at, u64 end, u64 *missing)
{
	struct tarn_partition *part = TARN_I(inode)->part;
	int ret;

	for (; *at < end; ++*at) {
		u64 word;
		struct page *page = tarn_page_grab_now(part, *at,
						       TARN_BRING_OWN, &word);

		*missing = *at;
		if (!page)
			return -EAGAIN;
		if (IS_ERR(page))
			return PTR_ERR(page);
		ret = tarn_reserve_add(part, *at);
		put_page(page);
		if (ret)
			return ret;
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

static int punch_hole(struct inode *inode, loff_t offset, loff_t len)
{
	u64 missing;
	int ret;

	inode_lock(inode);
	while ((ret = punch(inode, offset, len, &missing)) == -EAGAIN) {
		ret = bring_unlocked(inode, missing, 0);
		if (ret)
			break;
	}
	if (!ret)
		tarn_touch(inode);
	inode_unlock(inode);
	return ret;
}

/* Behind the end of the file only what was reserved stays. */
static void drop_unreserved(struct inode *inode, u64 first, u64 end)
{
	struct tarn_partition *part = TARN_I(inode)->part;

	for (; first < end; first++) {
		if (!tarn_reserved(part, first))
			tarn_partition_remove(part, first, first + 1);
		cond_resched();
	}
}

/* All of the range, or none of it. */
static int reserve(struct inode *inode, int mode, loff_t offset, loff_t len)
{
	struct tarn_partition *part = TARN_I(inode)->part;
	u64 first = offset >> PAGE_SHIFT, at = first, missing;
	u64 end = pages_for(offset + len);
	int ret;

	lockdep_assert_held(&part->reserve_lock);
	inode_lock(inode);
	while ((ret = preallocate(inode, mode, offset + len, &at,
				  &missing)) == -EAGAIN) {
		ret = bring_unlocked(inode, missing, TARN_BRING_BEYOND);
		if (ret)
			break;
	}
	if (!ret) {
		tarn_reserve_commit(part, first, end);
		tarn_touch(inode);
	} else {
		tarn_reserve_abort(part, first, end);
		/* The page at @at may have been brought, and not reserved yet. */
		drop_unreserved(inode, max(first, pages_for(i_size_read(inode))),
				min(end, at + 1));
	}
	inode_unlock(inode);
	return ret;
}

static long tarn_fallocate(struct file *file, int mode, loff_t offset,
			   loff_t len)
{
	struct inode *inode = file_inode(file);
	struct tarn_partition *part = TARN_I(inode)->part;
	int ret;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return punch_hole(inode, offset, len);
	/* The one before may wait for a pager. */
	ret = mutex_lock_interruptible(&part->reserve_lock);
	if (ret)
		return -ERESTARTSYS;
	ret = reserve(inode, mode, offset, len);
	mutex_unlock(&part->reserve_lock);
	return ret;
}

/* ---- mapping ------------------------------------------------------------ */

static int tarn_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tarn_remap *remap;

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
	/* Frames are on no list of the kernel's: nothing is to be locked or merged. */
	vm_flags_set(vma, VM_DONTEXPAND);
	/* A core dump would bring a guest's whole memory in, and write all of it. */
	vm_flags_set(vma, VM_DONTDUMP);
	vma->vm_ops = &tarn_vm_ops;
	remap = tarn_remap_current(TARN_I(file_inode(file))->part->pool);
	if (unlikely(remap))
		tarn_remap_inherit(remap, vma);
	return 0;
}

/* Where a block can have one entry. */
static unsigned long tarn_get_unmapped_area(struct file *file,
					    unsigned long addr,
					    unsigned long len,
					    unsigned long pgoff,
					    unsigned long flags)
{
	struct tarn_pool *pool = TARN_I(file_inode(file))->part->pool;
	struct tarn_remap *remap = tarn_remap_current(pool);

	return unlikely(remap) ? tarn_remap_check(remap, addr) :
				 thp_get_unmapped_area(file, addr, len, pgoff,
						       flags);
}

const struct file_operations tarn_file_ops = {
	.open = generic_file_open,
	.read_iter = tarn_read_iter,
	.write_iter = tarn_write_iter,
	.splice_read = copy_splice_read,
	.splice_write = iter_file_splice_write,
	.llseek = generic_file_llseek,
	.mmap = tarn_mmap,
	.get_unmapped_area = tarn_get_unmapped_area,
	.fsync = noop_fsync,
	.fallocate = tarn_fallocate,
	.unlocked_ioctl = tarn_fs_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

const struct inode_operations tarn_file_inode_ops = {
	.setattr = tarn_setattr,
	.getattr = tarn_getattr,
};
