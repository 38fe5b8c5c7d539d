// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which descriptors a saved guest may come from. One is named by its number, and
 * who names it may be a client of a monitor: only those count that the program
 * was started with, never one that it has opened itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "save/transfer.h"

#define FDS_MAX 1024

static bool given[FDS_MAX];

void transfer_fds_init(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *d;
	int fd;

	if (!dir)
		return;
	while ((d = readdir(dir))) {
		fd = atoi(d->d_name);
		if (fd > STDERR_FILENO && fd < FDS_MAX && fd != dirfd(dir))
			given[fd] = true;
	}
	closedir(dir);
}

static bool holds_bytes(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && (S_ISREG(st.st_mode) ||
				   S_ISFIFO(st.st_mode) ||
				   S_ISSOCK(st.st_mode));
}

int transfer_fd(const char *text)
{
	char *end;
	long fd = strtol(text, &end, 10);
	int copy;

	if (end == text || *end || fd < 0 || fd >= FDS_MAX || !given[fd] ||
	    !holds_bytes(fd)) {
		err("'%s' is no file, pipe or socket that tarn-vmm was started with",
		    text);
		return -EBADF;
	}
	/* A copy: the number stays taken, and nobody gets it twice. */
	given[fd] = false;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (copy < 0)
		return err_errno(-errno, "cannot duplicate descriptor %ld", fd);
	close(fd);
	return copy;
}

int transfer_restore_from(struct vm *vm, const char *uri)
{
	int fd;

	if (!strncmp(uri, "fd:", 3)) {
		fd = transfer_fd(uri + 3);
	} else if (!strncmp(uri, "file:", 5)) {
		fd = open(uri + 5, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			fd = err_errno(-errno, "cannot open '%s'", uri + 5);
	} else {
		err("a guest cannot come from '%s': give fd:N or file:PATH",
		    uri);
		return -EINVAL;
	}
	return fd < 0 ? fd : transfer_restore(vm, fd);
}
