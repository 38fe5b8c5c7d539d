/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The worker: one thread that does what concerns the machine as a whole and may wait
 * for pages of the guest, or for disks: stop, go on, reset, plug devices in and out,
 * take and restore their state. It lets go of the VM's lock wherever it waits
 * (wait.h), so that the main loop answers monitors meanwhile and vCPUs that run go
 * on. It alone stops and starts vCPUs, and changes the list of devices, once the
 * main loop runs.
 *
 * Jobs are done one by one in their order, so none sees what another has half done.
 * One that waits holds up those behind it and nobody else.
 */
#ifndef TARN_WORKER_H
#define TARN_WORKER_H

#include <sys/queue.h>

#include "lib/types.h"
#include "sandbox.h"
#include "wait.h"

struct vm;

/**
 * struct vm_job - something to be done by the worker, embedded in what it is about.
 * @run: does it, under the VM's lock
 * @done: NULL, or called by the main loop afterwards, under the lock and before
 *	  anything of the next job; @job may be posted again or freed from within
 */
struct vm_job {
	void (*run)(struct vm *vm, struct vm_job *job);
	void (*done)(struct vm *vm, struct vm_job *job);
	/* private: */
	TAILQ_ENTRY(vm_job) link;
	bool queued;
};

/** worker_create() - start it, confined as @kind. */
int worker_create(struct vm *vm, enum sandbox_kind kind);

/**
 * worker_end() - end it. The main loop has ended; what is queued is not done, nor is
 * what vCPUs post from now on.
 *
 * Waits for what is being done: the end of the program is limited by signals.h.
 */
void worker_end(struct vm *vm);

/** worker_destroy() - the same, and free it. No vCPU runs that could post a job. */
void worker_destroy(struct vm *vm);

/** worker_post() - do @job soon, or nothing when it is queued. VM's lock held. */
void worker_post(struct vm *vm, struct vm_job *job);

/** worker_cancel() - whether @job was queued; it is not any more. VM's lock held. */
bool worker_cancel(struct vm *vm, struct vm_job *job);

/** worker_waits() - what the job waits for that is being done. */
enum wait_for worker_waits(const struct vm *vm);

#endif
