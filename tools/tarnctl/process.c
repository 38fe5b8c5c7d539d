// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks into another process through /proc. Its directory is opened once and
 * belongs to that process for good; pidfd_getfd(2) takes the descriptor that
 * cannot be opened by a path.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/tarn.h>

#include "error.h"
#include "partition.h"
#include "process.h"
#include "text.h"

#define VM_LINK "anon_inode:kvm-vm"

static int fail(const struct process *proc, int ret, const char *what)
{
	switch (-ret) {
	case EPERM:
	case EACCES:
		/* For root it is something else that forbids it. */
		if (!geteuid())
			break;
		err("%s process %d: not permitted, run it as root", what,
		    proc->pid);
		return ret;
	case ESRCH:
	case ENOENT:
		err("there is no process %d", proc->pid);
		return ret;
	}
	return err_errno(ret, "%s process %d", what, proc->pid);
}

static void read_name(struct process *proc)
{
	char raw[sizeof(proc->name)] = "", *clean;
	int fd = openat(proc->dir, "comm", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read(fd, raw, sizeof(raw) - 1) < 0)
		raw[0] = '\0';
	close(fd);
	raw[strcspn(raw, "\n")] = '\0';
	clean = text_clean(raw);
	if (clean)
		snprintf(proc->name, sizeof(proc->name), "%s", clean);
	free(clean);
}

static bool has_ended(const struct process *proc)
{
	struct pollfd fd = { .fd = proc->pidfd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

int process_open_quiet(struct process *proc, pid_t pid)
{
	char path[32];

	*proc = (struct process){ .pid = pid, .dir = -1 };
	proc->pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (proc->pidfd < 0) {
		/* EINVAL: a thread of another process. */
		return errno == EINVAL ? -ESRCH : -errno;
	}
	snprintf(path, sizeof(path), "/proc/%d", pid);
	proc->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* While it had not ended, the directory was that of no other one. */
	if (proc->dir < 0 || has_ended(proc)) {
		process_close(proc);
		return -ESRCH;
	}
	read_name(proc);
	return 0;
}

int process_open(struct process *proc, const char *text)
{
	char *end;
	long pid;
	int ret;

	*proc = (struct process){ .pidfd = -1, .dir = -1 };
	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || *text < '1' || *text > '9' || *end || pid > INT32_MAX) {
		err("'%s' is no process id, which is a number as 'pidof qemu-system-x86_64' prints it",
		    text);
		return -EINVAL;
	}
	ret = process_open_quiet(proc, pid);
	return ret ? fail(proc, ret, "open") : 0;
}

void process_close(struct process *proc)
{
	if (proc->dir >= 0)
		close(proc->dir);
	if (proc->pidfd >= 0)
		close(proc->pidfd);
	proc->dir = proc->pidfd = -1;
}

/* Open a directory of it to list what is there. */
static DIR *open_dir(const struct process *proc, const char *name)
{
	int fd = openat(proc->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir;

	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return dir;
}

/* ---- its VM -------------------------------------------------------------- */

static bool is_vm(int dirfd, const char *name)
{
	char link[sizeof(VM_LINK) + 1];
	ssize_t len = readlinkat(dirfd, name, link, sizeof(link));

	return len == (ssize_t)strlen(VM_LINK) &&
	       !strncmp(link, VM_LINK, len);
}

bool process_has_vm(const struct process *proc)
{
	DIR *dir = open_dir(proc, "fd");
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = is_vm(dirfd(dir), entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

/* The number of the only VM, or of that which is @wanted. */
static int find_vm(const struct process *proc, const char *wanted)
{
	DIR *dir = open_dir(proc, "fd");
	struct dirent *entry;
	char list[128] = "";
	int found = -ENOENT;
	size_t len = 0;

	if (!dir)
		return fail(proc, -errno, "look into");
	while ((entry = readdir(dir))) {
		if (!is_vm(dirfd(dir), entry->d_name))
			continue;
		if (len < sizeof(list))
			len += snprintf(list + len, sizeof(list) - len, "%s%s",
					len ? ", " : "", entry->d_name);
		if (wanted && strcmp(wanted, entry->d_name))
			continue;
		found = found == -ENOENT ? atoi(entry->d_name) : -EEXIST;
	}
	closedir(dir);
	if (found == -ENOENT && len)
		err("descriptor %s of process %d (%s) is no VM, but %s", wanted,
		    proc->pid, proc->name, list);
	else if (found == -ENOENT)
		err("process %d (%s) has no VM of KVM: it may have ended, or run its guest without KVM (-accel kvm); if it was just started, wait and repeat",
		    proc->pid, proc->name);
	else if (found == -EEXIST)
		err("process %d (%s) has several VMs, name one: --vm FD, of %s",
		    proc->pid, proc->name, list);
	return found;
}

int process_vm(const struct process *proc, const char *wanted)
{
	int number = find_vm(proc, wanted), fd;

	if (number < 0)
		return number;
	fd = syscall(SYS_pidfd_getfd, proc->pidfd, number, 0);
	return fd < 0 ? fail(proc, -errno, "take the VM of") : fd;
}

/* ---- its memory ----------------------------------------------------------- */

/* A path to the mapped file itself, whatever its name is by now. */
static int open_mapping(const struct process *proc,
			const struct mapped_file *file)
{
	char name[64];

	snprintf(name, sizeof(name), "map_files/%llx-%llx",
		 (unsigned long long)file->start,
		 (unsigned long long)file->end);
	return openat(proc->dir, name, O_PATH | O_CLOEXEC);
}

/* The same without CAP_SYS_ADMIN, where the process still has it open. */
static int open_descriptor(const struct process *proc,
			   const struct mapped_file *file)
{
	DIR *dir = open_dir(proc, "fd");
	struct dirent *entry;
	struct stat st;
	int fd = -1;

	if (!dir)
		return -1;
	while (fd < 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    fstatat(dirfd(dir), entry->d_name, &st, 0) ||
		    st.st_dev != file->dev || st.st_ino != file->ino)
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_PATH | O_CLOEXEC);
	}
	closedir(dir);
	return fd;
}

static bool is_partition(int fd, const struct mapped_file *file)
{
	struct statfs fs;
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	       st.st_dev == file->dev && st.st_ino == file->ino &&
	       !fstatfs(fd, &fs) && fs.f_type == TARN_SUPER_MAGIC;
}

int process_part_open(const struct process *proc,
		      const struct mapped_file *file, int flags)
{
	char self[32];
	int path, fd;

	path = open_mapping(proc, file);
	if (path < 0)
		path = open_descriptor(proc, file);
	if (path < 0 || !is_partition(path, file)) {
		if (path >= 0)
			close(path);
		return -ENOTTY;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path);
	fd = open(self, flags | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fd = partition_fail(file->path, -errno, "open");
	close(path);
	return fd;
}

static int add_part(struct process_parts *parts, struct mapped_file *file,
		    int fd)
{
	struct process_part *items;

	items = reallocarray(parts->items, parts->count + 1, sizeof(*items));
	if (!items) {
		close(fd);
		return err_nomem();
	}
	parts->items = items;
	items[parts->count].file = *file;
	items[parts->count++].fd = fd;
	/* The path is theirs now. */
	file->path = NULL;
	return 0;
}

int process_parts_read(const struct process *proc, struct process_parts *parts)
{
	struct mapped_files files = { 0 };
	int fd, ret;
	size_t i;

	memset(parts, 0, sizeof(*parts));
	ret = maps_read_process(proc->dir, "maps", proc->pid, &files);
	if (ret)
		fail(proc, ret, "read the mappings of");
	for (i = 0; !ret && i < files.count; i++) {
		fd = process_part_open(proc, &files.items[i], O_RDWR);
		if (fd >= 0)
			ret = add_part(parts, &files.items[i], fd);
		else if (fd != -ENOTTY)
			ret = fd;
	}
	maps_free(&files);
	return ret;
}

void process_parts_free(struct process_parts *parts)
{
	size_t i;

	for (i = 0; i < parts->count; i++) {
		close(parts->items[i].fd);
		free(parts->items[i].file.path);
	}
	free(parts->items);
	memset(parts, 0, sizeof(*parts));
}
