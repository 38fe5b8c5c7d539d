/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual CPUs: a thread each, which runs the guest and handles its exits.
 * Registers are touched only while the vCPU is parked.
 */
#ifndef TARN_VCPU_H
#define TARN_VCPU_H

#include <pthread.h>
#include <sys/types.h>

#include "lib/types.h"

struct kvm_run;
struct vm;
struct x86_vcpu;

/**
 * struct vcpu - one vCPU.
 * @index: 0 is the boot CPU
 * @fd: KVM's
 * @run: the area shared with KVM
 * @tid: thread id, 0 before it started
 */
struct vcpu {
	struct vm *vm;
	unsigned int index;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
	pid_t tid;
	bool started;
	struct x86_vcpu *arch;
};

/** vcpus_create() - make vm->nr_vcpus of them. */
int vcpus_create(struct vm *vm);

/** vcpus_start() - start the threads; they park at once. */
int vcpus_start(struct vm *vm);

/** vcpus_stop() - kick all out of the guest, wait until they are parked. */
void vcpus_stop(struct vm *vm);

/** vcpus_run() - let all go. */
void vcpus_run(struct vm *vm);

/** vcpus_destroy() - end and join the threads. */
void vcpus_destroy(struct vm *vm);

#endif
