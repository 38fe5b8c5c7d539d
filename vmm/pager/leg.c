// SPDX-License-Identifier: GPL-2.0-only
/* See leg.h. */
#include "leg.h"
#include "backend/block-lock.h"
#include "layout.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/blkzoned.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEG_MIN_BYTES ((u64)LAYOUT_MIN_SLOTS << PAGER_PAGE_SHIFT)
/* So many pages that can't be read in so many seconds are no few bad sectors. */
#define LEG_FAULTS_MAX 64
#define LEG_FAULTS_SECONDS 3600

const char *leg_state_name(enum leg_state state)
{
	static const char *const names[] = {
		[LEG_GOOD] = "good",
		[LEG_REBUILDING] = "rebuilding",
		[LEG_FAILED] = "failed",
	};

	return names[state];
}

/*
 * Some filesystems (tmpfs of older kernels) refuse O_DIRECT. Pages of the
 * cache in between cost memory and a copy, but nothing else.
 */
static int open_direct(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT, 0600);

	if (fd < 0 && errno == EINVAL) {
		/* It may have been created before it was refused. */
		if (flags & O_CREAT)
			flags &= ~O_EXCL;
		fd = open(path, flags, 0600);
		if (fd >= 0)
			log_warn("%s: no O_DIRECT here, using the page cache",
				 path);
	}
	return fd < 0 ? -errno : fd;
}

/* O_EXCL claims a block device: it fails for one that is mounted. */
static int open_path(const char *path, u64 size, bool *created)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOCTTY;
	struct stat st;

	*created = false;
	if (!stat(path, &st)) {
		if (S_ISBLK(st.st_mode))
			flags |= O_EXCL;
		else if (!S_ISREG(st.st_mode))
			return -ENOTBLK;
		return open_direct(path, flags);
	}
	if (errno != ENOENT || !size)
		return -errno;
	*created = true;
	return open_direct(path, flags | O_CREAT | O_EXCL);
}

static int take_fd(const char *path, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if ((flags & O_ACCMODE) != O_RDWR)
		return -EBADF;
	if (!(flags & O_DIRECT) && fcntl(fd, F_SETFL, flags | O_DIRECT))
		log_warn("%s: no O_DIRECT here, using the page cache", path);
	return fd;
}

static int size_block(struct leg *leg, u64 size)
{
	u32 zone = 0;
	int sector;
	u64 bytes;

	if (ioctl(leg->fd, BLKGETSIZE64, &bytes) ||
	    ioctl(leg->fd, BLKSSZGET, &sector))
		return -errno;
	if ((unsigned int)sector > PAGER_PAGE_SIZE) {
		log_err("%s: sectors of %d bytes are too large", leg->path,
			sector);
		return -EINVAL;
	}
	if (!ioctl(leg->fd, BLKGETZONESZ, &zone) && zone) {
		log_err("%s is a zoned device, whose zones can only be written in order",
			leg->path);
		return -EOPNOTSUPP;
	}
	/* A disk that has not come yet, or no longer answers. */
	if (!bytes) {
		log_err("%s has no medium", leg->path);
		return -ENOMEDIUM;
	}
	if (size > bytes) {
		log_err("%s has %llu bytes, fewer than asked for", leg->path,
			(unsigned long long)bytes);
		return -EFBIG;
	}
	leg->bytes = size ? size : bytes;
	return 0;
}

/* A file grows, sparsely, to the size asked for; it is never cut. */
static int size_file(struct leg *leg, u64 size, u64 have)
{
	if (size > have) {
		if (ftruncate(leg->fd, size)) {
			log_err("%s: can't make it %llu bytes: %s", leg->path,
				(unsigned long long)size, strerror(errno));
			return -errno;
		}
		have = size;
	}
	leg->bytes = size ? size : have;
	return 0;
}

/*
 * Whether a file that was passed is not, or no longer, at its path: the next pager
 * could not open it there. Where the path may not be looked at, the number of links
 * tells of a file that was deleted.
 */
static bool is_astray(const struct leg *leg)
{
	struct stat st;

	if (leg->block)
		return false;
	if (stat(leg->path, &st))
		return errno != EACCES || fstat(leg->fd, &st) || !st.st_nlink;
	return st.st_dev != leg->dev || st.st_ino != leg->ino;
}

/*
 * One lock for other pagers, and those by which guests' programs know what is a disk
 * of theirs. A file that can't have the latter does without.
 */
static int lock_out_others(const struct leg *leg)
{
	int ret;

	if (flock(leg->fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	ret = image_lock(leg->fd, IMAGE_READ | IMAGE_WRITE | IMAGE_RESIZE, 0);
	if (ret && ret != -EAGAIN)
		log_debug("%s: no locks against guests: %s", leg->path,
			  strerror(-ret));
	return ret == -EAGAIN ? -EBUSY : 0;
}

static int leg_setup(struct leg *leg, u64 size, bool passed)
{
	struct stat st;
	int ret = lock_out_others(leg);

	if (ret)
		return ret;
	if (fstat(leg->fd, &st))
		return -errno;
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return -ENOTBLK;
	leg->block = S_ISBLK(st.st_mode);
	leg->dev = st.st_dev;
	leg->ino = st.st_ino;
	leg->rdev = st.st_rdev;
	if (passed && is_astray(leg))
		return -ESTALE;
	ret = leg->block ? size_block(leg, size) :
			   size_file(leg, size, st.st_size);
	if (ret)
		return ret;
	if (leg->bytes < LEG_MIN_BYTES) {
		log_err("%s: %llu bytes are too few, " LAYOUT_MIN_TEXT " are the least%s",
			leg->path, (unsigned long long)leg->bytes,
			leg->block ? "" : ": give size=");
		return -ERANGE;
	}
	return 0;
}

/**
 * leg_open() - open and lock a file or block device
 * @size: bytes to use, and to create a file with; 0: all there are
 * @fd: open already, or -1; taken over if all goes well
 *
 * Return: 0; -EBUSY where somebody else has it, worth a second try; -ESTALE where
 * @fd is of a file that is not at @path; -ERANGE where it is too small; another
 * -errno. What has to do with what it is has been logged.
 */
int leg_open(struct leg *leg, const char *path, u64 size, int fd)
{
	static atomic_uint serial;
	bool created = false;
	int ret;

	*leg = (struct leg){ .fd = -1, .state = LEG_FAILED };
	leg->path = strdup(path);
	if (!leg->path)
		return -ENOMEM;
	ret = fd < 0 ? open_path(path, size, &created) : take_fd(path, fd);
	if (ret < 0)
		return ret;
	leg->fd = ret;
	leg->serial = atomic_fetch_add(&serial, 1) + 1;
	leg->created = created;
	if (created)
		log_info("%s: created", path);
	ret = leg_setup(leg, size, fd >= 0);
	if (!ret) {
		leg->state = LEG_GOOD;
		return 0;
	}
	leg_remove_created(leg);
	if (fd < 0)
		close(leg->fd);
	leg->fd = -1;
	return ret;
}

/* Nothing came of it: the file that was created for it goes. */
void leg_remove_created(struct leg *leg)
{
	if (leg->created && leg_has_path(leg, leg->path))
		unlink(leg->path);
	leg->created = false;
}

void leg_close(struct leg *leg)
{
	if (leg->fd >= 0)
		close(leg->fd);
	leg->fd = -1;
	free(leg->path);
	leg->path = NULL;
}

/* A filesystem that is full, a quota that is used up, a limit of sizes. */
bool leg_error_is_room(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

/*
 * A block device that was removed, or has shrunk: the kernel answers ENOSPC or
 * the end of the file then, as if it were full.
 */
bool leg_is_gone(const struct leg *leg)
{
	u64 bytes;

	return leg->block && (ioctl(leg->fd, BLKGETSIZE64, &bytes) ||
			      bytes < leg->bytes);
}

/* A page can't be had of it. Returns whether that are too many by now. */
bool leg_fault(struct leg *leg)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!leg->faults || now.tv_sec - leg->faults_since > LEG_FAULTS_SECONDS) {
		leg->faults = 0;
		leg->faults_since = now.tv_sec;
	}
	return ++leg->faults > LEG_FAULTS_MAX;
}

bool leg_has_path(const struct leg *leg, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	return leg->block ? S_ISBLK(st.st_mode) && st.st_rdev == leg->rdev :
			    st.st_dev == leg->dev && st.st_ino == leg->ino;
}

bool leg_is_same(const struct leg *a, const struct leg *b)
{
	if (a->fd < 0 || b->fd < 0 || a->block != b->block)
		return false;
	return a->block ? a->rdev == b->rdev :
			  a->dev == b->dev && a->ino == b->ino;
}

static int read_superblock_at(const struct leg *leg, u64 at, struct superblock *sb)
{
	_Alignas(PAGER_PAGE_SIZE) u8 page[PAGER_PAGE_SIZE];
	ssize_t n = pread(leg->fd, page, sizeof(page), at);

	if (n != sizeof(page)) {
		log_at(at ? LOG_WARNING : LOG_ERR, "%s: can't read %sthe superblock: %s",
		       leg->path, at ? "the copy of " : "",
		       n < 0 ? strerror(errno) : "it ends there");
		return -EIO;
	}
	return layout_decode(sb, page);
}

/**
 * leg_read_superblock() - see whether slot 0 has one
 *
 * Return: as layout_decode(), or -EIO where it can't be read: disks say ENODATA and
 * EILSEQ for that, too.
 */
int leg_read_superblock(const struct leg *leg, struct superblock *sb)
{
	return read_superblock_at(leg, 0, sb);
}

static u64 copy_at(const struct leg *leg)
{
	struct content_area pages;

	leg_page_area(leg, &pages);
	return pages.end;
}

/* The same of its copy. Where it should be there may be a page of a guest. */
int leg_read_copy(const struct leg *leg, struct superblock *sb)
{
	return read_superblock_at(leg, copy_at(leg), sb);
}

/* How many slots for pages a leg that is open has room for. */
u64 leg_slots(const struct leg *leg)
{
	return (leg->bytes >> PAGER_PAGE_SHIFT) - LAYOUT_HEAD_SLOTS -
	       LAYOUT_TAIL_SLOTS;
}

/* Where pages of guests lie, or did. */
void leg_page_area(const struct leg *leg, struct content_area *area)
{
	u64 pages = leg->bytes >> PAGER_PAGE_SHIFT;

	area->from = (u64)LAYOUT_HEAD_SLOTS << PAGER_PAGE_SHIFT;
	area->end = (pages - LAYOUT_TAIL_SLOTS) << PAGER_PAGE_SHIFT;
}

static int write_zeros(const struct leg *leg, u64 from, u64 end)
{
	static const _Alignas(PAGER_PAGE_SIZE) u8 zeros[1 << 20];
	ssize_t n;

	for (; from < end; from += n) {
		n = pwrite(leg->fd, zeros, min_t(u64, end - from, sizeof(zeros)),
			   from);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return n ? -errno : -EIO;
	}
	return 0;
}

/* A hole is no less zero than zeros, and costs less. */
static int clear(const struct leg *leg, u64 from, u64 end)
{
	if (!fallocate(leg->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from,
		       end - from))
		return 0;
	return write_zeros(leg, from, end);
}

/* What others left in head and tail is not to be found again by anybody. */
static int leg_clear(struct leg *leg)
{
	u64 bytes = leg->bytes >> PAGER_PAGE_SHIFT << PAGER_PAGE_SHIFT;
	struct content_area pages;
	int ret;

	leg_page_area(leg, &pages);
	ret = clear(leg, PAGER_PAGE_SIZE, pages.from);
	if (!ret)
		ret = clear(leg, pages.end, bytes);
	leg->cleared = !ret;
	return ret;
}

static int write_page(const struct leg *leg, const void *page, u64 at)
{
	ssize_t n = pwrite(leg->fd, page, PAGER_PAGE_SIZE, at);

	if (n != (ssize_t)PAGER_PAGE_SIZE)
		return n < 0 ? -errno : -EIO;
	return 0;
}

/* The first one makes it ours. One of the two is whole if this ends half way. */
int leg_write_superblock(struct leg *leg, const struct superblock *sb)
{
	_Alignas(PAGER_PAGE_SIZE) u8 page[PAGER_PAGE_SIZE];
	int ret = leg->cleared ? 0 : leg_clear(leg), copy;

	if (ret)
		return ret;
	layout_encode(sb, page);
	copy = write_page(leg, page, copy_at(leg));
	ret = write_page(leg, page, 0);
	if (copy && !ret)
		log_warn("%s: can't write the copy of the superblock: %s", leg->path,
			 strerror(-copy));
	return ret;
}
