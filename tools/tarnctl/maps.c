// SPDX-License-Identifier: GPL-2.0-only
/* The reader of /proc/PID/maps. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "maps.h"
#include "text.h"

static struct mapped_file *file_find(struct mapped_files *files, dev_t dev,
				ino_t ino)
{
	size_t i;

	for (i = 0; i < files->count; i++) {
		if (files->items[i].dev == dev && files->items[i].ino == ino)
			return &files->items[i];
	}
	return NULL;
}

/* One file may be mapped in many pieces: keep what they cover together. */
static void widen(struct mapped_file *file, uint64_t offset, uint64_t bytes)
{
	uint64_t end = file->offset + file->bytes;

	if (offset + bytes > end)
		end = offset + bytes;
	if (offset < file->offset)
		file->offset = offset;
	file->bytes = end - file->offset;
}

static int file_add(struct mapped_files *files, const struct mapped_file *new)
{
	struct mapped_file *old = file_find(files, new->dev, new->ino), *items;

	if (old) {
		widen(old, new->offset, new->bytes);
		return 0;
	}
	items = reallocarray(files->items, files->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	files->items = items;
	items[files->count] = *new;
	items[files->count].path = text_clean(new->path);
	if (!items[files->count].path)
		return -ENOMEM;
	files->count++;
	return 0;
}

static int take_line(struct mapped_files *files, char *line)
{
	unsigned long long start, end, offset, ino;
	unsigned int major, minor;
	struct mapped_file file;
	char perms[5];
	int n = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%llx-%llx %4s %llx %x:%x %llu %n", &start, &end,
		   perms, &offset, &major, &minor, &ino, &n) != 7 || !n)
		return 0;
	if (!ino || strlen(perms) != 4 || perms[3] != 's' || end <= start ||
	    offset + (end - start) < offset)
		return 0;
	file = (struct mapped_file){
		.dev = makedev(major, minor),
		.ino = ino,
		.start = start,
		.end = end,
		.offset = offset,
		.bytes = end - start,
		.path = line + n,
	};
	return file_add(files, &file);
}

int maps_read(FILE *f, struct mapped_files *files)
{
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	memset(files, 0, sizeof(*files));
	errno = 0;
	while (!ret && getline(&line, &size, f) >= 0)
		ret = take_line(files, line);
	if (!ret && ferror(f))
		ret = errno ? -errno : -EIO;
	free(line);
	return ret;
}

void maps_free(struct mapped_files *files)
{
	size_t i;

	for (i = 0; i < files->count; i++)
		free(files->items[i].path);
	free(files->items);
	memset(files, 0, sizeof(*files));
}

/* ---- processes that hang ------------------------------------------------- */

/*
 * The kernel waits for the lock of the process's memory as long as it takes, and only
 * the end of the reader ends that. So a thread reads; one that is stuck is left to
 * itself, and ends with its process, or with this program.
 */
#define STUCK_MAX 64

/**
 * struct reader - a thread that reads
 * @fd: the directory of @name, its own
 * @done: it has ended, and leaves all to the other side
 * @left: the other side has gone: it frees itself
 */
struct reader {
	int fd;
	char name[64];
	pid_t pid;
	struct mapped_files files;
	int ret;
	bool done;
	bool left;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
/* Under the lock: processes that have a thread stuck. */
static pid_t stuck[STUCK_MAX];

static pid_t *find_stuck(pid_t pid)
{
	size_t i;

	for (i = 0; i < STUCK_MAX; i++) {
		if (stuck[i] == pid)
			return &stuck[i];
	}
	return NULL;
}

bool maps_hang(pid_t pid)
{
	bool found;

	pthread_mutex_lock(&lock);
	found = find_stuck(pid);
	pthread_mutex_unlock(&lock);
	return found;
}

static int read_file(struct reader *r)
{
	int fd = openat(r->fd, r->name, O_RDONLY | O_CLOEXEC), ret;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}
	ret = maps_read(f, &r->files);
	fclose(f);
	return ret;
}

static void reader_free(struct reader *r)
{
	maps_free(&r->files);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

static void *reader_main(void *arg)
{
	struct reader *r = arg;
	bool left;

	r->ret = read_file(r);
	pthread_mutex_lock(&lock);
	r->done = true;
	left = r->left;
	if (left)
		*find_stuck(r->pid) = 0;
	pthread_cond_broadcast(&ended);
	pthread_mutex_unlock(&lock);
	if (left)
		reader_free(r);
	return NULL;
}

/* Its signals are those of the program's own threads. */
static int reader_start(struct reader *r)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t thread;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = pthread_create(&thread, &attr, reader_main, r);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -ret;
}

static int reader_wait(struct reader *r)
{
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += MAPS_MS / 1000;
	pthread_mutex_lock(&lock);
	while (!r->done && !ret)
		ret = pthread_cond_clockwait(&ended, &lock, CLOCK_MONOTONIC,
					     &until);
	r->left = !r->done;
	if (r->left)
		*find_stuck(0) = r->pid;
	pthread_mutex_unlock(&lock);
	return r->left ? -ETIMEDOUT : 0;
}

static bool may_try(pid_t pid)
{
	bool may;

	pthread_mutex_lock(&lock);
	may = !find_stuck(pid) && find_stuck(0);
	pthread_mutex_unlock(&lock);
	return may;
}

int maps_read_process(int dirfd, const char *name, pid_t pid,
		      struct mapped_files *files)
{
	struct reader *r;
	int ret;

	memset(files, 0, sizeof(*files));
	if (!may_try(pid))
		return -ETIMEDOUT;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->pid = pid;
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->fd = dirfd == AT_FDCWD ? AT_FDCWD :
				    fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	ret = r->fd == -1 ? -errno : reader_start(r);
	if (!ret) {
		ret = reader_wait(r);
		/* It is the thread's now. */
		if (ret)
			return ret;
		ret = r->ret;
		*files = r->files;
		memset(&r->files, 0, sizeof(r->files));
	}
	reader_free(r);
	return ret;
}
