/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine: KVM's file descriptors, guest memory, vCPUs, devices, the main
 * loop and the run state.
 *
 * Locks: vm->lock is the one lock over devices and the run state. Callbacks of
 * the main loop run under it, vCPUs take it to handle an exit, iothreads never
 * take it. Nobody touches guest memory or waits for who does with it held: that is
 * the worker's (worker.h), or a vCPU's that lets go of it (wait.h).
 */
#ifndef TARN_VM_H
#define TARN_VM_H

#include <pthread.h>

#include "device.h"
#include "lib/types.h"
#include "loop.h"
#include "mem.h"
#include "worker.h"

struct bus_region;
struct dispatch;
struct irq_state;
struct partitions;
struct pci_bus;
struct transfer;
struct vcpu;
struct vm_config;
struct x86_machine;

/** enum vm_state - the run state. */
enum vm_state {
	VM_PRELAUNCH, /* made, never ran (-S) */
	VM_RUNNING,
	VM_PAUSED,
	VM_SHUTDOWN, /* the guest powered off or the VMM was told to end */
	VM_CRASHED,
	VM_INMIGRATE, /* made for a saved guest that is not here yet */
	VM_POSTMIGRATE, /* saved, and left as it was then */
	VM_IO_ERROR, /* a disk fails; its requests are tried again when it runs */
	VM_NR_STATES,
};

/** enum vm_event - what monitors want to hear of. */
enum vm_event {
	VM_EVENT_STOP, /* the vCPUs stand still */
	VM_EVENT_RESUME,
	VM_EVENT_RESET,
	VM_EVENT_POWERDOWN, /* somebody pressed the button */
	VM_EVENT_SHUTDOWN,
	VM_EVENT_CRASH,
};

/* Reasons of resets and shutdowns; those of the guest begin like that. */
#define VM_BY_GUEST_RESET "guest-reset"
#define VM_BY_GUEST_SHUTDOWN "guest-shutdown"
#define VM_BY_GUEST_PANIC "guest-panic"
#define VM_BY_MONITOR_RESET "host-qmp-system-reset"
#define VM_BY_MONITOR_QUIT "host-qmp-quit"
#define VM_BY_SIGNAL "host-signal"

/**
 * struct vm_actions - what becomes of the VMM when the guest does something.
 * @reboot_ends: a reboot is a shutdown
 * @shutdown_stays: off, the guest can be looked at, reset and continued
 * @crash_stays: the same for one that crashed
 */
struct vm_actions {
	bool reboot_ends;
	bool shutdown_stays;
	bool crash_stays;
};

/** enum vm_request - what a guest or a signal asked of the main thread. */
enum vm_request {
	VM_REQUEST_NONE,
	VM_REQUEST_RESET,
	VM_REQUEST_SHUTDOWN,
	VM_REQUEST_CRASH,
};

/* Exit statuses of the program; 1 is any failure to start. */
#define VM_EXIT_USAGE 2
#define VM_EXIT_CRASH 3

/**
 * struct vm - the machine.
 * @config: what the options said
 * @mem: guest RAM
 * @loop: the main thread's
 * @lock: see above
 * @devices: all devices, in the order of creation
 * @state: the run state
 * @held: neither runs nor resets, as it is being saved or restored. A machine that
 *	  may run is held by a job of the worker, so it does not change under another
 * @stay_paused: somebody has asked for a stop while it did not run
 * @actions: from the options, or set later by a monitor
 * @on_event: hears of events, under the lock; may be NULL. @reason: VM_BY_*
 * @on_unplug: a device that the guest let go is destroyed; @id may be NULL
 * @kvm_fd: /dev/kvm
 * @fd: the VM
 */
struct vm {
	const struct vm_config *config;
	struct tarn_mem mem;
	struct loop *loop;
	pthread_mutex_t lock;
	struct device_list devices;
	enum vm_state state;
	bool held;
	bool stay_paused;
	struct vm_actions actions;
	void (*on_event)(struct vm *vm, enum vm_event event,
			 const char *reason);
	void (*on_unplug)(struct vm *vm, const char *id);
	int kvm_fd;
	int fd;
	struct vcpu *vcpus;
	unsigned int nr_vcpus;
	/* private: */
	bool vcpus_stop; /* vCPUs are to park, or are parked */
	bool vcpus_exit; /* their threads are to end */
	unsigned int vcpus_parked;
	pthread_cond_t vcpus_cond; /* any change of the three above */
	struct loop_work request_work; /* posts the job */
	struct vm_job request_job;
	struct worker *worker;
	enum vm_request request;
	const char *reason; /* of the request */
	struct bus_region *bus[2];
	unsigned int bus_nr[2];
	struct irq_state *irq;
	struct partitions *partitions;
	struct dispatch *dispatch;
	struct pci_bus *pci;
	struct x86_machine *arch;
	struct transfer *transfer;
	int exit_status;
};

static inline void vm_lock(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
}

static inline void vm_unlock(struct vm *vm)
{
	pthread_mutex_unlock(&vm->lock);
}

/**
 * vm_ioeventfd() - let KVM turn a guest's write into a write to eventfd @fd, or not
 * any more. Waits for vCPUs in the kernel, and so for pages.
 * @addr: guest physical address, or port with @pio
 * @len: 1, 2, 4, 8, or 0 for any width
 * @add: attach or detach
 */
int vm_ioeventfd(struct vm *vm, int fd, u64 addr, unsigned int len, bool pio,
		 bool add);

/**
 * vm_request_reset() - the guest reboots (or is off, with -no-reboot).
 *
 * This and the next two are called by any thread under the VM's lock and act
 * soon after.
 */
void vm_request_reset(struct vm *vm);

/** vm_request_shutdown() - the guest is off: end, unless -no-shutdown. */
void vm_request_shutdown(struct vm *vm);

/**
 * vm_crash() - the guest cannot go on; @fmt says why.
 *
 * The program ends with VM_EXIT_CRASH unless a crashed guest is to stay.
 */
void vm_crash(struct vm *vm, const char *fmt, ...) __printf(2, 3);

/** vm_quit() - end with @status whatever the guest does. VM's lock held. */
void vm_quit(struct vm *vm, int status);

/** vm_end() - the same on behalf of @reason (VM_BY_*), which monitors hear. */
void vm_end(struct vm *vm, const char *reason);

/**
 * vm_reboot() - reset the machine now, on behalf of @reason. The worker.
 *
 * A running guest goes on with its kernel's first instruction; one that was off
 * or had crashed is paused there.
 */
int vm_reboot(struct vm *vm, const char *reason);

/** vm_power_button() - press it; the guest may or may not do something. */
void vm_power_button(struct vm *vm);

/** vm_state_name() - the run state in the words of QMP. */
const char *vm_state_name(enum vm_state state);

/** vm_create() - KVM, RAM, the irqchip and the vCPUs, none of them running. */
int vm_create(struct vm *vm, const struct vm_config *config);

/** vm_destroy() - undo it; KVM's descriptors are left to the process's exit. */
void vm_destroy(struct vm *vm);

/**
 * vm_reset() - power-on state, with the kernel loaded. vCPUs are stopped.
 *
 * A machine that waits for a saved guest has empty memory instead.
 */
int vm_reset(struct vm *vm);

/**
 * vm_go_on() - let vCPUs that were stopped go on, if the guest is to run.
 *
 * What it has asked for meanwhile comes first: that lets them go on, or does not.
 */
void vm_go_on(struct vm *vm);

/**
 * vm_pause() - stop all vCPUs, then pause all devices. The worker.
 *
 * One that stands still to be saved, or waits to be restored, does not go on by
 * itself after that (@stay_paused).
 */
int vm_pause(struct vm *vm);

/** vm_stop_for_disk() - the same, for a disk that fails; only if it runs. */
int vm_stop_for_disk(struct vm *vm);

/**
 * vm_resume() - the reverse; also the first start after -S. The worker, or the main
 * thread before its loop runs.
 */
int vm_resume(struct vm *vm);

#endif
