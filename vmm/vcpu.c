// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU threads.
 *
 * Stopping: vm->vcpus_stop is set and each thread gets a signal whose handler
 * sets immediate_exit in the vCPU's shared area. So KVM_RUN returns -EINTR
 * whether the signal came before, in or after it, and not before an exit that
 * was being handled has been completed; only then the thread parks.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "adjunct/adjunct.h"
#include "arch/x86/x86.h"
#include "bus.h"
#include "error.h"
#include "lib/thread.h"
#include "sandbox.h"
#include "vcpu.h"
#include "vm.h"

#define SIG_KICK SIGUSR1

static __thread struct vcpu *current_vcpu;

static void kicked(int sig)
{
	if (current_vcpu)
		current_vcpu->run->immediate_exit = 1;
}

static void handle_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	bool write = run->io.direction == KVM_EXIT_IO_OUT;
	u8 *data = (u8 *)run + run->io.data_offset;
	u32 i;

	vm_lock(vcpu->vm);
	for (i = 0; i < run->io.count; i++, data += run->io.size)
		bus_access(vcpu->vm, BUS_PIO, run->io.port, data, run->io.size,
			   write);
	vm_unlock(vcpu->vm);
	adjunct_serve_noted();
}

static void handle_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	vm_lock(vcpu->vm);
	bus_access(vcpu->vm, BUS_MMIO, run->mmio.phys_addr, run->mmio.data,
		   run->mmio.len, run->mmio.is_write);
	vm_unlock(vcpu->vm);
	/* What the access has kicked is served on this vCPU's time. */
	adjunct_serve_noted();
}

static const char *internal_error_name(u32 suberror)
{
	switch (suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		return "instruction that cannot be emulated";
	case KVM_INTERNAL_ERROR_SIMUL_EX:
		return "exception while delivering an event";
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		return "exit while delivering an event";
	case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
		return "unexpected exit reason";
	}
	return "unknown internal error";
}

static void crash(struct vcpu *vcpu, const char *fmt, ...) __printf(2, 3);

static void crash(struct vcpu *vcpu, const char *fmt, ...)
{
	char reason[160], where[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	x86_vcpu_describe(vcpu, where, sizeof(where));
	vm_lock(vcpu->vm);
	vm_crash(vcpu->vm, "%s on CPU %u, %s", reason, vcpu->index, where);
	vm_unlock(vcpu->vm);
}

static void handle_system_event(struct vcpu *vcpu)
{
	u32 type = vcpu->run->system_event.type;

	vm_lock(vcpu->vm);
	if (type == KVM_SYSTEM_EVENT_SHUTDOWN)
		vm_request_shutdown(vcpu->vm);
	else if (type == KVM_SYSTEM_EVENT_RESET)
		vm_request_reset(vcpu->vm);
	else
		vm_crash(vcpu->vm, "system event %u", type);
	vm_unlock(vcpu->vm);
}

/* Return true when KVM_RUN has to complete the exit before a stop. */
static bool handle_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		handle_io(vcpu);
		return true;
	case KVM_EXIT_MMIO:
		handle_mmio(vcpu);
		return true;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return false;
	case KVM_EXIT_SYSTEM_EVENT:
		handle_system_event(vcpu);
		return false;
	case KVM_EXIT_SHUTDOWN:
		crash(vcpu, "triple fault");
		return false;
	case KVM_EXIT_FAIL_ENTRY:
		crash(vcpu, "entry refused by the CPU, reason %#llx",
		      run->fail_entry.hardware_entry_failure_reason);
		return false;
	case KVM_EXIT_INTERNAL_ERROR:
		crash(vcpu, "%s", internal_error_name(run->internal.suberror));
		return false;
	default:
		crash(vcpu, "unhandled exit %u", run->exit_reason);
		return false;
	}
}

/* Enter the guest once; true when the exit wants another KVM_RUN. */
static bool vcpu_enter(struct vcpu *vcpu)
{
	int ret = ioctl(vcpu->fd, KVM_RUN, 0);

	if (!ret)
		return handle_exit(vcpu);
	if (errno == EINTR || errno == EAGAIN) {
		vcpu->run->immediate_exit = 0;
		return false;
	}
	if (errno == EFAULT)
		crash(vcpu, "access to memory that the host cannot provide");
	else
		crash(vcpu, "KVM_RUN: %s", strerror(errno));
	return false;
}

/* VM's lock held. */
static void park(struct vm *vm)
{
	vm->vcpus_parked++;
	pthread_cond_broadcast(&vm->vcpus_cond);
	while (vm->vcpus_stop && !vm->vcpus_exit)
		pthread_cond_wait(&vm->vcpus_cond, &vm->lock);
	vm->vcpus_parked--;
}

static void *vcpu_main(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vm *vm = vcpu->vm;
	sigset_t set;
	bool again;
	int ret;

	current_vcpu = vcpu;
	adjunct_thread_is(vcpu->index);
	sigemptyset(&set);
	sigaddset(&set, SIG_KICK);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);

	ret = sandbox_enter(SANDBOX_VCPU);
	vm_lock(vm);
	if (ret)
		vm_crash(vm, "CPU %u cannot be confined", vcpu->index);
	vcpu->tid = gettid();
	for (;;) {
		if (vm->vcpus_stop)
			park(vm);
		if (vm->vcpus_exit)
			break;
		vm_unlock(vm);
		do {
			again = vcpu_enter(vcpu);
		} while (again || !READ_ONCE(vm->vcpus_stop));
		vm_lock(vm);
	}
	vm_unlock(vm);
	return NULL;
}

static void kick_all(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i].started)
			pthread_kill(vm->vcpus[i].thread, SIG_KICK);
}

void vcpus_stop(struct vm *vm)
{
	WRITE_ONCE(vm->vcpus_stop, true);
	kick_all(vm);
	while (vm->vcpus_parked < vm->nr_vcpus)
		pthread_cond_wait(&vm->vcpus_cond, &vm->lock);
}

void vcpus_run(struct vm *vm)
{
	WRITE_ONCE(vm->vcpus_stop, false);
	pthread_cond_broadcast(&vm->vcpus_cond);
}

static int vcpu_create(struct vm *vm, unsigned int index, size_t run_size)
{
	struct vcpu *vcpu = &vm->vcpus[index];
	int ret;

	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU,
			 (unsigned long)x86_apic_id(vm, index));
	if (vcpu->fd < 0)
		return err_errno(-errno, "cannot create CPU %u", index);
	vcpu->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		ret = -errno;
		vcpu->run = NULL;
		return err_errno(ret, "cannot map CPU %u", index);
	}
	vcpu->run_size = run_size;
	return x86_vcpu_create(vcpu);
}

int vcpus_create(struct vm *vm)
{
	int run_size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	unsigned int i;
	int ret;

	if (run_size < 0)
		return err_errno(-errno, "KVM_GET_VCPU_MMAP_SIZE");
	vm->vcpus = calloc(vm->nr_vcpus, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return -ENOMEM;
	for (i = 0; i < vm->nr_vcpus; i++)
		vm->vcpus[i].fd = -1;
	vm->vcpus_stop = true;
	pthread_cond_init(&vm->vcpus_cond, NULL);
	for (i = 0; i < vm->nr_vcpus; i++) {
		ret = vcpu_create(vm, i, run_size);
		if (ret)
			return ret;
	}
	return 0;
}

int vcpus_start(struct vm *vm)
{
	struct sigaction sa = {.sa_handler = kicked};
	unsigned int i;
	char name[32];
	int ret;

	sigemptyset(&sa.sa_mask);
	if (sigaction(SIG_KICK, &sa, NULL))
		return -errno;
	for (i = 0; i < vm->nr_vcpus; i++) {
		snprintf(name, sizeof(name), "CPU %u/KVM", i);
		ret = thread_create(&vm->vcpus[i].thread, name, vcpu_main,
				    &vm->vcpus[i]);
		if (ret)
			return ret;
		vm->vcpus[i].started = true;
	}
	/* Thread ids are known from here on. */
	vm_lock(vm);
	vcpus_stop(vm);
	vm_unlock(vm);
	return 0;
}

void vcpus_destroy(struct vm *vm)
{
	unsigned int i;

	if (!vm->vcpus)
		return;
	vm_lock(vm);
	vm->vcpus_exit = true;
	WRITE_ONCE(vm->vcpus_stop, true);
	kick_all(vm);
	pthread_cond_broadcast(&vm->vcpus_cond);
	vm_unlock(vm);
	for (i = 0; i < vm->nr_vcpus; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		if (vcpu->started)
			pthread_join(vcpu->thread, NULL);
		x86_vcpu_destroy(vcpu);
		if (vcpu->run)
			munmap(vcpu->run, vcpu->run_size);
		if (vcpu->fd >= 0)
			close(vcpu->fd);
	}
	pthread_cond_destroy(&vm->vcpus_cond);
	free(vm->vcpus);
	vm->vcpus = NULL;
}
