// SPDX-License-Identifier: GPL-2.0-only
/*
 * See iothread.h. No queue that the VMM itself serves runs in the main loop: what
 * it touches may have been paged out, and a thread that waits for a page answers
 * nobody. A driver's reset waits for requests in flight under the VM's lock, which
 * their completions would need there.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "iothread.h"
#include "lib/opts.h"
#include "lib/thread.h"
#include "sandbox.h"

#define IOTHREAD_RING 256

struct iothread {
	char *id; /* NULL: one of common[] */
	enum sandbox_kind kind;
	struct loop *loop;
	pthread_t thread;
	pid_t tid;
	struct loop_work up;
	sem_t started;
	unsigned int users; /* devices that it serves */
	struct iothread *next;
};

static struct iothread *iothreads;

static struct {
	const char *name;
	enum sandbox_kind kind;
	struct iothread *thread;
} common[] = {
	[IOTHREAD_DISKS] = {"IO block", SANDBOX_IO, NULL},
	[IOTHREAD_DEVICES] = {"IO devices", SANDBOX_DEVICES, NULL},
};

static struct iothread *find(const char *id)
{
	struct iothread *t;

	for (t = iothreads; t; t = t->next)
		if (!strcmp(t->id, id))
			return t;
	return NULL;
}

/* From here on loop_call() finds a loop that runs. */
static void is_up(struct loop_work *work)
{
	sem_post(&container_of(work, struct iothread, up)->started);
}

static void *iothread_main(void *arg)
{
	struct iothread *t = arg;
	struct loop *loop = loop_create(IOTHREAD_RING);

	t->tid = gettid();
	if (loop && sandbox_enter(t->kind)) {
		loop_destroy(loop);
		loop = NULL;
	}
	t->loop = loop;
	if (!loop) {
		sem_post(&t->started);
		return NULL;
	}
	t->up.fn = is_up;
	loop_post(loop, &t->up);
	loop_run(loop);
	return NULL;
}

static void iothread_free(struct iothread *t)
{
	loop_destroy(t->loop);
	sem_destroy(&t->started);
	free(t->id);
	free(t);
}

static struct iothread *iothread_start(const char *id, const char *name,
				       enum sandbox_kind kind)
{
	struct iothread *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->kind = kind;
	sem_init(&t->started, 0, 0);
	if (id && !(t->id = strdup(id)))
		goto err_free;
	if (thread_create(&t->thread, name, iothread_main, t))
		goto err_free;
	while (sem_wait(&t->started))
		;
	if (t->loop)
		return t;
	pthread_join(t->thread, NULL);
err_free:
	iothread_free(t);
	return NULL;
}

static void iothread_end(struct iothread *t)
{
	loop_stop(t->loop);
	pthread_join(t->thread, NULL);
	iothread_free(t);
}

struct iothread *iothread_own_start(const char *name, enum sandbox_kind kind)
{
	return iothread_start(NULL, name, kind);
}

struct loop *iothread_own_loop(struct iothread *thread)
{
	return thread->loop;
}

void iothread_own_end(struct iothread *thread)
{
	iothread_end(thread);
}

int iothread_create(struct opts *opts)
{
	struct iothread *t;
	const char *id;
	char name[16];
	int ret;

	opts_ignore(opts, "qom-type");
	ret = opts_need_str(opts, "id", &id);
	if (ret)
		return ret;
	if (find(id)) {
		err("duplicate object id '%s'", id);
		return -EEXIST;
	}
	snprintf(name, sizeof(name), "IO %.12s", id);
	t = iothread_start(id, name, SANDBOX_IO);
	if (!t)
		return -EIO;
	t->next = iothreads;
	iothreads = t;
	return 0;
}

struct loop *iothread_common_get(enum iothread_common which)
{
	struct iothread **t = &common[which].thread;

	if (!*t)
		*t = iothread_start(NULL, common[which].name,
				    common[which].kind);
	if (!*t)
		return NULL;
	(*t)->users++;
	return (*t)->loop;
}

void iothread_common_put(enum iothread_common which)
{
	struct iothread *t = common[which].thread;

	if (--t->users)
		return;
	common[which].thread = NULL;
	iothread_end(t);
}

void iothread_for_each(void (*fn)(const char *id, pid_t tid, struct loop *loop,
				  void *arg),
		       void *arg)
{
	struct iothread *t;

	for (t = iothreads; t; t = t->next)
		fn(t->id, t->tid, t->loop, arg);
}

struct loop *iothread_get(const char *id)
{
	struct iothread *t = find(id);

	if (!t)
		return NULL;
	t->users++;
	return t->loop;
}

void iothread_put(struct loop *loop)
{
	struct iothread *t;

	for (t = iothreads; t; t = t->next)
		if (t->loop == loop)
			t->users--;
}

int iothread_destroy(const char *id)
{
	struct iothread *t = find(id), **pos = &iothreads;

	if (!t)
		return -ENOENT;
	if (t->users)
		return -EBUSY;
	while (*pos != t)
		pos = &(*pos)->next;
	*pos = t->next;
	iothread_end(t);
	return 0;
}

void iothread_destroy_all(void)
{
	struct iothread *t;

	while ((t = iothreads)) {
		iothreads = t->next;
		iothread_end(t);
	}
}
