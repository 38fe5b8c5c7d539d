// SPDX-License-Identifier: GPL-2.0-only
/*
 * iothreads: threads with an event loop of their own (-object iothread), for
 * devices whose queues should not wait for the main thread.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "lib/opts.h"
#include "lib/thread.h"
#include "loop.h"
#include "sandbox.h"

#define IOTHREAD_RING 256

struct iothread {
	char *id;
	struct loop *loop;
	pthread_t thread;
	pid_t tid;
	sem_t started;
	unsigned int users; /* devices that it serves */
	struct iothread *next;
};

static struct iothread *iothreads;

static struct iothread *find(const char *id)
{
	struct iothread *t;

	for (t = iothreads; t; t = t->next)
		if (!strcmp(t->id, id))
			return t;
	return NULL;
}

static void *iothread_main(void *arg)
{
	struct iothread *t = arg;

	t->tid = gettid();
	t->loop = loop_create(IOTHREAD_RING);
	if (t->loop && sandbox_enter(SANDBOX_IO)) {
		loop_destroy(t->loop);
		t->loop = NULL;
	}
	sem_post(&t->started);
	if (t->loop)
		loop_run(t->loop);
	return NULL;
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
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	ret = -ENOMEM;
	t->id = strdup(id);
	if (!t->id)
		goto err_free;
	sem_init(&t->started, 0, 0);
	snprintf(name, sizeof(name), "IO %.12s", id);
	ret = thread_create(&t->thread, name, iothread_main, t);
	if (ret)
		goto err_free;
	while (sem_wait(&t->started))
		;
	if (!t->loop) {
		ret = -EIO;
		goto err_join;
	}
	t->next = iothreads;
	iothreads = t;
	return 0;

err_join:
	pthread_join(t->thread, NULL);
err_free:
	free(t->id);
	free(t);
	return ret;
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

static void end(struct iothread *t)
{
	loop_stop(t->loop);
	pthread_join(t->thread, NULL);
	loop_destroy(t->loop);
	sem_destroy(&t->started);
	free(t->id);
	free(t);
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
	end(t);
	return 0;
}

void iothread_destroy_all(void)
{
	struct iothread *t;

	while ((t = iothreads)) {
		iothreads = t->next;
		end(t);
	}
}
