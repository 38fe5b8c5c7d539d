// SPDX-License-Identifier: GPL-2.0-only
/* See users.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "users.h"

#define VMM_FOLLOWS "tarn-vmm"

/* Fields of /proc/PID/task/TID/stat, see proc(5). */
#define STAT_USER	14
#define STAT_SYSTEM	15
#define STAT_CPU	39

/* ---- threads ------------------------------------------------------------ */

static bool is_vcpu(const char *comm)
{
	unsigned int number;
	int len = 0;

	return sscanf(comm, "CPU %u/KVM%n", &number, &len) == 1 && len &&
	       !comm[len];
}

/**
 * struct stat_line - what /proc/PID/task/TID/stat tells
 * @comm: name
 * @ticks: of user and system mode
 * @cpu: where it ran last
 */
struct stat_line {
	char comm[64];
	uint64_t ticks;
	unsigned int cpu;
};

/*
 * The name may have anything in it, so its end is looked for from behind. What comes
 * then are fields 3 (the state) and on of proc(5).
 */
static int parse_stat(char *text, struct stat_line *to)
{
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	char *field, *rest;
	unsigned int i;

	if (!open || !close || close < open)
		return -EPROTO;
	*close = '\0';
	snprintf(to->comm, sizeof(to->comm), "%s", open + 1);
	to->ticks = 0;
	rest = close + 1;
	rest += strspn(rest, " ");
	for (i = 3; (field = strsep(&rest, " ")); i++) {
		if (i == STAT_USER || i == STAT_SYSTEM)
			to->ticks += strtoull(field, NULL, 10);
		else if (i == STAT_CPU)
			break;
	}
	if (!field)
		return -EPROTO;
	to->cpu = strtoul(field, NULL, 10);
	return 0;
}

static int read_stat(int dir, const char *tid, struct stat_line *to)
{
	char path[64], text[1024];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/stat", tid);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return -ESRCH;
	text[len] = '\0';
	return parse_stat(text, to);
}

static struct user_thread *find_thread(struct user *user, pid_t tid)
{
	size_t i;

	for (i = 0; i < user->nr_threads; i++) {
		if (user->threads[i].affinity.tid == tid)
			return &user->threads[i];
	}
	return NULL;
}

/* NULL: it has ended, or memory ran out. */
static struct user_thread *add_thread(struct user *user, pid_t tid,
				      const struct stat_line *stat)
{
	struct user_thread *threads, *t;

	threads = reallocarray(user->threads, user->nr_threads + 1,
			       sizeof(*threads));
	if (!threads)
		return NULL;
	user->threads = threads;
	t = &threads[user->nr_threads];
	*t = (struct user_thread){ .ticks = stat->ticks };
	if (affinity_init(&t->affinity, tid))
		return NULL;
	user->nr_threads++;
	return t;
}

/* What it has worked since the last look counts where it ran last. */
static void look_at(struct user *user, const struct host *host, pid_t tid,
		    const struct stat_line *stat)
{
	struct user_thread *t = find_thread(user, tid);

	if (!t)
		t = add_thread(user, tid, stat);
	if (!t)
		return;
	t->seen = true;
	t->vcpu = is_vcpu(stat->comm);
	t->cpu = stat->cpu;
	t->node = host_node_of_cpu(host, stat->cpu);
	if (t->node != HOST_NONE && stat->ticks > t->ticks) {
		uint64_t *to = t->vcpu ? user->ran : user->worked;

		to[t->node] += stat->ticks - t->ticks;
	}
	t->ticks = stat->ticks;
}

static void drop_threads(struct user *user)
{
	size_t from, to = 0;

	for (from = 0; from < user->nr_threads; from++) {
		if (!user->threads[from].seen)
			continue;
		user->threads[from].seen = false;
		user->threads[to++] = user->threads[from];
	}
	user->nr_threads = to;
}

static void look_at_threads(struct user *user, const struct host *host)
{
	int fd = openat(user->proc.dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct stat_line stat;
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.' &&
		    !read_stat(dirfd(dir), entry->d_name, &stat))
			look_at(user, host, atoi(entry->d_name), &stat);
	}
	closedir(dir);
	drop_threads(user);
}

bool user_has_vcpus(const struct user *user)
{
	size_t i;

	for (i = 0; i < user->nr_threads; i++) {
		if (user->threads[i].vcpu)
			return true;
	}
	return false;
}

/* ---- processes ---------------------------------------------------------- */

static void user_free(struct user *user)
{
	process_parts_free(&user->parts);
	process_close(&user->proc);
	free(user->threads);
}

static bool has_ended(const struct user *user)
{
	struct pollfd fd = { .fd = user->proc.pidfd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

/* @all: also those that the scan has not seen. */
static void drop(struct users *users, bool all)
{
	size_t from, to = 0;

	for (from = 0; from < users->count; from++) {
		struct user *user = &users->items[from];

		if (has_ended(user) || (all && !user->seen))
			user_free(user);
		else
			users->items[to++] = *user;
	}
	users->count = to;
}

static bool in_pools(const struct mapped_files *files,
		     const struct pool_list *pools)
{
	size_t i, j;

	for (i = 0; i < files->count; i++) {
		for (j = 0; j < pools->count; j++) {
			if (files->items[i].dev == pools->items[j].dev)
				return true;
		}
	}
	return false;
}

/* By its mappings, which are read without taking hold of it. */
static bool uses_pools(const char *pid, const struct pool_list *pools)
{
	struct mapped_files files = { 0 };
	char path[300];
	bool uses;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	uses = !maps_read(f, &files) && in_pools(&files, pools);
	fclose(f);
	maps_free(&files);
	return uses;
}

static bool is_vmm(const struct process *proc)
{
	char path[256];
	ssize_t len = readlinkat(proc->dir, "exe", path, sizeof(path) - 1);
	const char *name;

	if (len < 0)
		return false;
	path[len] = '\0';
	name = strrchr(path, '/');
	/* It may have been replaced by a newer one, and be "(deleted)". */
	return name && !strncmp(name + 1, VMM_FOLLOWS, strlen(VMM_FOLLOWS));
}

static struct user *find_user(struct users *users, pid_t pid)
{
	size_t i;

	for (i = 0; i < users->count; i++) {
		if (users->items[i].proc.pid == pid)
			return &users->items[i];
	}
	return NULL;
}

static int add_user(struct users *users, const char *pid, double now)
{
	struct user user = { .since = now }, *items;

	items = reallocarray(users->items, users->count + 1, sizeof(*items));
	if (!items)
		return err_nomem();
	users->items = items;
	/* What ends just now has said so. */
	if (process_open(&user.proc, pid))
		return 0;
	if (process_parts_read(&user.proc, &user.parts) || !user.parts.count) {
		user_free(&user);
		return 0;
	}
	user.follows = is_vmm(&user.proc);
	user.seen = true;
	users->items[users->count++] = user;
	return 0;
}

/* It may have mapped more meanwhile, or less. */
static void refresh_user(struct user *user)
{
	struct process_parts parts;

	user->seen = !process_parts_read(&user->proc, &parts) && parts.count;
	process_parts_free(&user->parts);
	user->parts = parts;
}

static int scan_process(struct users *users, const struct pool_list *pools,
			const char *pid, double now)
{
	struct user *user;

	if (atoi(pid) == getpid() || !uses_pools(pid, pools))
		return 0;
	user = find_user(users, atoi(pid));
	if (!user)
		return add_user(users, pid, now);
	refresh_user(user);
	return 0;
}

int users_scan(struct users *users, const struct pool_list *pools,
	       const struct host *host, double now)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	size_t i;
	int ret = 0;

	if (!dir)
		return err_errno(-errno, "open /proc");
	drop(users, false);
	for (i = 0; i < users->count; i++)
		users->items[i].seen = false;
	while (!ret && (entry = readdir(dir))) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			ret = scan_process(users, pools, entry->d_name, now);
	}
	closedir(dir);
	drop(users, true);
	users_look(users, host);
	return ret;
}

void users_look(struct users *users, const struct host *host)
{
	size_t i;

	drop(users, false);
	for (i = 0; i < users->count; i++)
		look_at_threads(&users->items[i], host);
}

void users_begin(struct users *users, double now)
{
	size_t i;

	for (i = 0; i < users->count; i++) {
		struct user *user = &users->items[i];

		memset(user->worked, 0, sizeof(user->worked));
		memset(user->ran, 0, sizeof(user->ran));
		user->since = now;
	}
}

void users_free(struct users *users)
{
	while (users->count)
		user_free(&users->items[--users->count]);
	free(users->items);
	users->items = NULL;
}
