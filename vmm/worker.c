// SPDX-License-Identifier: GPL-2.0-only
/* See worker.h. All is under the VM's lock but what the worker waits for. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "lib/thread.h"
#include "loop.h"
#include "vm.h"
#include "worker.h"

/**
 * struct worker - the thread and its queue.
 * @result: of its start, 1 until that is known
 * @wake: @result has come, there is something to do, or @end
 * @jobs: in their order
 * @now: what is being done, until its done() was called
 * @over: work of the main loop: @now was carried out
 * @waits: see worker_waits()
 * @end: no job is begun any more, or taken
 */
struct worker {
	struct vm *vm;
	enum sandbox_kind kind;
	pthread_t thread;
	int result;
	pthread_cond_t wake;
	TAILQ_HEAD(, vm_job) jobs;
	struct vm_job *now;
	struct loop_work over;
	enum wait_for waits;
	bool end;
};

static void job_over(struct loop_work *work)
{
	struct worker *w = container_of(work, struct worker, over);
	struct vm_job *job = w->now;

	if (job->done)
		job->done(w->vm, job);
	w->now = NULL;
	pthread_cond_signal(&w->wake);
}

static void take(struct worker *w, struct vm_job *job)
{
	TAILQ_REMOVE(&w->jobs, job, link);
	job->queued = false;
}

/* Under the lock. */
static void work(struct worker *w)
{
	struct vm_job *job;

	while (!w->end) {
		job = w->now ? NULL : TAILQ_FIRST(&w->jobs);
		if (!job) {
			pthread_cond_wait(&w->wake, &w->vm->lock);
			continue;
		}
		take(w, job);
		w->now = job;
		job->run(w->vm, job);
		loop_post(w->vm->loop, &w->over);
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	int ret = sandbox_enter(w->kind);

	vm_lock(w->vm);
	w->result = ret;
	pthread_cond_signal(&w->wake);
	wait_allow(&w->vm->lock, &w->waits);
	if (!ret)
		work(w);
	vm_unlock(w->vm);
	return NULL;
}

static int await_start(struct worker *w)
{
	int ret;

	vm_lock(w->vm);
	while (w->result > 0)
		pthread_cond_wait(&w->wake, &w->vm->lock);
	ret = w->result;
	vm_unlock(w->vm);
	return ret;
}

int worker_create(struct vm *vm, enum sandbox_kind kind)
{
	struct worker *w = calloc(1, sizeof(*w));
	int ret;

	if (!w)
		return -ENOMEM;
	w->vm = vm;
	w->kind = kind;
	w->result = 1;
	w->over.fn = job_over;
	TAILQ_INIT(&w->jobs);
	pthread_cond_init(&w->wake, NULL);
	ret = thread_create_deep(&w->thread, "machine", worker_main, w);
	if (ret) {
		pthread_cond_destroy(&w->wake);
		free(w);
		return ret;
	}
	vm->worker = w;
	ret = await_start(w);
	if (ret)
		worker_destroy(vm);
	return ret;
}

void worker_end(struct vm *vm)
{
	struct worker *w = vm->worker;
	struct vm_job *job;

	if (w->end)
		return;
	vm_lock(vm);
	w->end = true;
	pthread_cond_signal(&w->wake);
	vm_unlock(vm);
	pthread_join(w->thread, NULL);
	vm_lock(vm);
	while ((job = TAILQ_FIRST(&w->jobs)))
		take(w, job);
	loop_work_cancel(vm->loop, &w->over);
	vm_unlock(vm);
}

void worker_destroy(struct vm *vm)
{
	struct worker *w = vm->worker;

	if (!w)
		return;
	worker_end(vm);
	pthread_cond_destroy(&w->wake);
	free(w);
	vm->worker = NULL;
}

void worker_post(struct vm *vm, struct vm_job *job)
{
	struct worker *w = vm->worker;

	/* vCPUs run on for a while when the program ends. */
	if (w->end || job->queued)
		return;
	job->queued = true;
	TAILQ_INSERT_TAIL(&w->jobs, job, link);
	pthread_cond_signal(&w->wake);
}

bool worker_cancel(struct vm *vm, struct vm_job *job)
{
	if (!job->queued)
		return false;
	take(vm->worker, job);
	return true;
}

enum wait_for worker_waits(const struct vm *vm)
{
	return __atomic_load_n(&vm->worker->waits, __ATOMIC_SEQ_CST);
}
