// SPDX-License-Identifier: GPL-2.0-only
/* See users.h. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "task.h"
#include "users.h"

#define VMM_FOLLOWS "tarn-vmm"

/* ---- threads ------------------------------------------------------------ */

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
static struct user_thread *add_thread(struct user *user,
				      const struct task *task,
				      const struct kept_list *kept)
{
	struct user_thread *threads, *t;

	threads = reallocarray(user->threads, user->nr_threads + 1,
			       sizeof(*threads));
	if (!threads)
		return NULL;
	user->threads = threads;
	t = &threads[user->nr_threads];
	*t = (struct user_thread){ .start = task->start, .ticks = task->ticks };
	if (affinity_init(&t->affinity, task->tid))
		return NULL;
	t->narrow = kept_restore(kept, &t->affinity, t->start);
	user->nr_threads++;
	return t;
}

/**
 * struct look - at the threads of a process
 * @user: it
 * @host: where they run
 * @kept: see struct users
 */
struct look {
	struct user *user;
	const struct host *host;
	const struct kept_list *kept;
};

/* What it has worked since the last look counts where it ran last. */
static void look_at(const struct task *task, void *arg)
{
	const struct look *look = arg;
	struct user *user = look->user;
	struct user_thread *t = find_thread(user, task->tid);

	if (!t)
		t = add_thread(user, task, look->kept);
	if (!t)
		return;
	t->seen = true;
	t->vcpu = task->vcpu;
	t->cpu = task->cpu;
	t->node = host_node_of_cpu(look->host, task->cpu);
	if (t->node != HOST_NONE && task->ticks > t->ticks) {
		uint64_t *to = t->vcpu ? user->ran : user->worked;

		to[t->node] += task->ticks - t->ticks;
	}
	t->ticks = task->ticks;
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

static void look_at_threads(struct user *user, const struct host *host,
			    const struct kept_list *kept)
{
	struct look look = { user, host, kept };

	tasks_each(user->proc.dir, look_at, &look);
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

/* It has no partition any more, or none can be seen: its threads may run anywhere. */
static void let_go(struct user *user)
{
	size_t i;

	for (i = 0; i < user->nr_threads; i++) {
		if (user->threads[i].narrow)
			affinity_widen(&user->threads[i].affinity);
		user->threads[i].narrow = false;
	}
}

/* @all: also those that the scan has not seen. */
static void drop(struct users *users, bool all)
{
	size_t from, to = 0;

	for (from = 0; from < users->count; from++) {
		struct user *user = &users->items[from];

		if (has_ended(user)) {
			user_free(user);
		} else if (all && !user->seen) {
			let_go(user);
			user_free(user);
		} else {
			users->items[to++] = *user;
		}
	}
	users->count = to;
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

struct user *users_find(struct users *users, pid_t pid)
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

	int ret = process_parts_read(&user->proc, &parts);

	user->seen = ret == -ETIMEDOUT || (!ret && parts.count);
	if (ret == -ETIMEDOUT)
		return;
	process_parts_free(&user->parts);
	user->parts = parts;
}

int users_add(struct users *users, const char *pid, double now)
{
	struct user *user = users_find(users, atoi(pid));

	if (user && !has_ended(user)) {
		refresh_user(user);
		return 0;
	}
	drop(users, false);
	return add_user(users, pid, now);
}

void users_refresh(struct users *users)
{
	size_t i;

	drop(users, false);
	for (i = 0; i < users->count; i++)
		refresh_user(&users->items[i]);
}

static int scan_process(struct users *users, const struct pool_list *pools,
			const char *pid, double now)
{
	struct mapped_files files;
	struct user *user;

	if (atoi(pid) == getpid())
		return 0;
	user = users_find(users, atoi(pid));
	if (!task_maps(pid, pools, &files)) {
		/* One that hangs has what it had. */
		if (user && maps_hang(atoi(pid)))
			user->seen = true;
		return 0;
	}
	maps_free(&files);
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
		look_at_threads(&users->items[i], host, &users->kept);
}

void users_renew(struct users *users)
{
	size_t i, j;

	for (i = 0; i < users->count; i++) {
		struct user *user = &users->items[i];

		for (j = 0; j < user->nr_threads; j++) {
			struct user_thread *t = &user->threads[j];

			/* One that has ended is dropped at the next look. */
			affinity_init(&t->affinity, t->affinity.tid);
			t->narrow = kept_restore(&users->kept, &t->affinity,
						 t->start);
		}
		user->goal = (struct cpus){ 0 };
		user->warned = false;
	}
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
	kept_free(&users->kept);
}
