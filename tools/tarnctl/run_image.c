// SPDX-License-Identifier: GPL-2.0-only
/* What a file is that a guest is to be started from, and disks by their words. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "run.h"

#define SECTOR 512
/* Of a bzImage: where "HdrS" stands. */
#define BZIMAGE_MAGIC_OFF 0x202
#define HEAD_SIZE 1024

static const char qcow2_magic[] = { 'Q', 'F', 'I', '\xfb' };

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && !strcasecmp(text + len - n, end);
}

/* Returns how much was read. */
static ssize_t read_head(const char *path, char *head)
{
	struct stat st;
	ssize_t ret;
	int fd;

	/* Whoever writes into a pipe shall not be waited for. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(-errno, "cannot start '%s'", path);
	if (fstat(fd, &st)) {
		ret = err_errno(-errno, "%s", path);
	} else if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		err("'%s' is neither a file nor a block device", path);
		ret = -EINVAL;
	} else {
		ret = pread(fd, head, HEAD_SIZE, 0);
		if (ret < 0)
			ret = err_errno(-errno, "cannot read '%s'", path);
	}
	close(fd);
	return ret;
}

int run_image_kind(const char *path, enum run_kind *kind)
{
	char head[HEAD_SIZE];
	bool qcow2, named = ends_with(path, ".qcow2");
	ssize_t len = read_head(path, head);

	if (len < 0)
		return len;
	if (len < SECTOR) {
		err("'%s' is neither a kernel nor a disk: it is too small", path);
		return -EINVAL;
	}
	if (!memcmp(head, "\177ELF", 4) ||
	    (len >= BZIMAGE_MAGIC_OFF + 4 &&
	     !memcmp(head + BZIMAGE_MAGIC_OFF, "HdrS", 4))) {
		*kind = RUN_KERNEL;
		return 0;
	}
	qcow2 = !memcmp(head, qcow2_magic, sizeof(qcow2_magic));
	*kind = qcow2 ? RUN_QCOW2 : RUN_RAW;
	if (qcow2 == named)
		return 0;
	if (named)
		err("'%s' is no qcow2 image, though its name says so", path);
	else
		err("'%s' looks like qcow2, but its name does not end in .qcow2: add ,format=qcow2 if you know that it is, ,format=raw if a guest has written that",
		    path);
	return -EINVAL;
}

/* Take the words behind the path off its end. */
static int take_words(struct run_disk *disk, const char *text, bool *given)
{
	char *comma;

	while ((comma = strrchr(disk->path, ','))) {
		if (!strcmp(comma, ",ro")) {
			disk->read_only = true;
		} else if (!strcmp(comma, ",format=raw")) {
			disk->kind = RUN_RAW;
			*given = true;
		} else if (!strcmp(comma, ",format=qcow2")) {
			disk->kind = RUN_QCOW2;
			*given = true;
		} else {
			err("of disk '%s' '%s' is not known: ,ro and ,format=raw or ,format=qcow2 are",
			    text, comma);
			return ERR_USAGE;
		}
		*comma = '\0';
	}
	return 0;
}

/* Mounted, or part of something else: two who write to it destroy what is there. */
static int check_unused(const struct run_disk *disk)
{
	struct stat st;
	int fd;

	if (disk->read_only || stat(disk->path, &st) || !S_ISBLK(st.st_mode))
		return 0;
	fd = open(disk->path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == EBUSY) {
		err("'%s' is in use by this host, mounted perhaps; '%s,ro' only reads from it",
		    disk->path, disk->path);
		return -EBUSY;
	}
	if (fd >= 0)
		close(fd);
	return 0;
}

int run_disk_parse(struct run_disk *disk, const char *text)
{
	bool given = false;
	int ret;

	memset(disk, 0, sizeof(*disk));
	disk->path = strdup(text);
	if (!disk->path)
		return err_nomem();
	/* A file whose name has a comma is meant if it is there. */
	if (access(text, F_OK)) {
		ret = take_words(disk, text, &given);
		if (ret)
			return ret;
	}
	ret = check_unused(disk);
	if (ret)
		return ret;
	if (!given)
		return run_image_kind(disk->path, &disk->kind);
	if (!access(disk->path, R_OK))
		return 0;
	return err_errno(-errno, "cannot use '%s'", disk->path);
}

void run_disk_free(struct run_disk *disk)
{
	free(disk->path);
	memset(disk, 0, sizeof(*disk));
}
