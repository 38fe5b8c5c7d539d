// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual machine in KVM, its RAM, and its run state. What the guest asks for
 * is noted under the lock and carried out by the worker, which alone stops and
 * starts vCPUs and which lets go of the lock where it waits: until it is done, what
 * it has stopped stands still.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "adjunct/adjunct.h"
#include "arch/x86/x86.h"
#include "backend/block.h"
#include "bus.h"
#include "config.h"
#include "error.h"
#include "irq.h"
#include "partition.h"
#include "save/transfer.h"
#include "vcpu.h"
#include "vm.h"
#include "wait.h"

int vm_ioeventfd(struct vm *vm, int fd, u64 addr, unsigned int len, bool pio,
		 bool add)
{
	struct kvm_ioeventfd io = {
		.fd = fd,
		.addr = addr,
		.len = len,
		.flags = (pio ? KVM_IOEVENTFD_FLAG_PIO : 0) |
			 (add ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN),
	};
	int ret;

	/* KVM waits until no vCPU uses the old ones, nor is in a fault that waits. */
	wait_begin(WAIT_PAGES);
	ret = ioctl(vm->fd, KVM_IOEVENTFD, &io) ? -errno : 0;
	wait_end();
	/* The guest chooses where its doorbells are. */
	if (ret)
		guest_warn("KVM_IOEVENTFD: %s", strerror(-ret));
	return ret;
}

/* Events and requests */

static void tell(struct vm *vm, enum vm_event event, const char *reason)
{
	if (vm->on_event)
		vm->on_event(vm, event, reason);
}

static void request(struct vm *vm, enum vm_request req, const char *reason)
{
	/* The worst that happened is what counts. */
	if (req > vm->request) {
		vm->request = req;
		vm->reason = reason;
	}
	WRITE_ONCE(vm->vcpus_stop, true);
	loop_post(vm->loop, &vm->request_work);
}

void vm_request_reset(struct vm *vm)
{
	request(vm,
		vm->actions.reboot_ends ? VM_REQUEST_SHUTDOWN
					: VM_REQUEST_RESET,
		VM_BY_GUEST_RESET);
}

void vm_request_shutdown(struct vm *vm)
{
	request(vm, VM_REQUEST_SHUTDOWN, VM_BY_GUEST_SHUTDOWN);
}

void vm_crash(struct vm *vm, const char *fmt, ...)
{
	char reason[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	err("guest crashed: %s", reason);
	request(vm, VM_REQUEST_CRASH, VM_BY_GUEST_PANIC);
}

void vm_quit(struct vm *vm, int status)
{
	if (status)
		vm->exit_status = status;
	loop_stop(vm->loop);
}

void vm_end(struct vm *vm, const char *reason)
{
	tell(vm, VM_EVENT_SHUTDOWN, reason);
	vm_quit(vm, EXIT_SUCCESS);
}

void vm_power_button(struct vm *vm)
{
	x86_power_button(vm);
	tell(vm, VM_EVENT_POWERDOWN, NULL);
}

/* Run state */

const char *vm_state_name(enum vm_state state)
{
	static const char *const names[VM_NR_STATES] = {
		[VM_PRELAUNCH] = "prelaunch",
		[VM_RUNNING] = "running",
		[VM_PAUSED] = "paused",
		[VM_SHUTDOWN] = "shutdown",
		[VM_CRASHED] = "guest-panicked",
		[VM_INMIGRATE] = "inmigrate",
		[VM_POSTMIGRATE] = "postmigrate",
		[VM_IO_ERROR] = "io-error",
	};

	return names[state];
}

/* Kernel, initrd and tables go into memory that has been paged out, perhaps. */
static int load(struct vm *vm)
{
	int ret;

	if (vm->state == VM_INMIGRATE)
		return 0;
	wait_begin(WAIT_PAGES);
	ret = x86_boot_load(vm);
	wait_end();
	return ret;
}

int vm_reset(struct vm *vm)
{
	struct device *dev;
	int ret;

	TAILQ_FOREACH(dev, &vm->devices, link)
	if (dev->ops->reset)
		dev->ops->reset(dev);
	ret = x86_machine_reset(vm);
	if (ret)
		return ret;
	partitions_reset(vm);
	return load(vm);
}

static void devices_resume(struct vm *vm, struct device *end)
{
	struct device *dev;

	TAILQ_FOREACH(dev, &vm->devices, link)
	{
		if (dev == end)
			break;
		if (dev->ops->resume)
			dev->ops->resume(dev);
	}
}

static int devices_pause(struct vm *vm)
{
	struct device *dev;
	int ret;

	TAILQ_FOREACH(dev, &vm->devices, link)
	{
		ret = dev->ops->pause ? dev->ops->pause(dev) : 0;
		if (ret) {
			devices_resume(vm, dev);
			return ret;
		}
	}
	/* What fails here fails again when somebody relies on it (a save). */
	block_sync_all();
	return 0;
}

void vm_go_on(struct vm *vm)
{
	if (vm->state == VM_RUNNING && !vm->request)
		vcpus_run(vm);
}

static int pause_as(struct vm *vm, enum vm_state state)
{
	int ret;

	if (vm->state != VM_RUNNING)
		return 0;
	vcpus_stop(vm);
	ret = devices_pause(vm);
	if (ret) {
		vm_go_on(vm);
		return ret;
	}
	vm->state = state;
	tell(vm, VM_EVENT_STOP, NULL);
	return 0;
}

int vm_pause(struct vm *vm)
{
	vm->stay_paused = vm->state != VM_RUNNING;
	return pause_as(vm, VM_PAUSED);
}

int vm_stop_for_disk(struct vm *vm)
{
	return pause_as(vm, VM_IO_ERROR);
}

int vm_resume(struct vm *vm)
{
	int ret;

	if (vm->held) {
		err("the guest is being saved or restored");
		return -EBUSY;
	}
	/* A guest that was saved may run somewhere else by now. */
	ret = vm->state == VM_INMIGRATE ? 0 : block_take_back_all();
	if (ret)
		return ret;
	if (vm->state == VM_PAUSED || vm->state == VM_POSTMIGRATE ||
	    vm->state == VM_IO_ERROR) {
		devices_resume(vm, NULL);
		x86_resumed(vm);
	} else if (vm->state == VM_RUNNING) {
		return 0;
	} else if (vm->state != VM_PRELAUNCH) {
		err("the guest cannot go on from '%s': it needs a system_reset",
		    vm_state_name(vm->state));
		return -EINVAL;
	}
	vm->state = VM_RUNNING;
	vm->stay_paused = false;
	tell(vm, VM_EVENT_RESUME, NULL);
	vm_go_on(vm);
	return 0;
}

int vm_reboot(struct vm *vm, const char *reason)
{
	int ret;

	if (vm->held || vm->state == VM_INMIGRATE) {
		err("a guest that is being saved or restored cannot be reset");
		return -EBUSY;
	}
	transfer_reset(vm);
	info("reset: %s", reason);
	vcpus_stop(vm);
	ret = vm_reset(vm);
	if (ret)
		return ret;
	if (vm->state == VM_SHUTDOWN || vm->state == VM_CRASHED ||
	    vm->state == VM_IO_ERROR)
		vm->state = VM_PAUSED;
	tell(vm, VM_EVENT_RESET, reason);
	vm_go_on(vm);
	return 0;
}

/* The vCPUs stand still for good; the program ends, or waits for a monitor. */
static void stay_or_quit(struct vm *vm, enum vm_state state, bool stay,
			 int status)
{
	bool was_running = vm->state == VM_RUNNING;

	if (was_running && devices_pause(vm))
		stay = false;
	vm->state = state;
	if (was_running)
		tell(vm, VM_EVENT_STOP, NULL);
	if (!stay)
		vm_quit(vm, status);
}

static void run_request(struct vm *vm, struct vm_job *job)
{
	enum vm_request req = vm->request;
	const char *reason = vm->reason;

	/* Whoever holds the machine posts this again; two may have asked for one thing. */
	if (vm->held || !req)
		return;
	vm->request = VM_REQUEST_NONE;
	vcpus_stop(vm);
	switch (req) {
	case VM_REQUEST_NONE:
		break;
	case VM_REQUEST_RESET:
		if (vm_reboot(vm, reason))
			vm_quit(vm, EXIT_FAILURE);
		break;
	case VM_REQUEST_SHUTDOWN:
		tell(vm, VM_EVENT_SHUTDOWN, reason);
		stay_or_quit(vm, VM_SHUTDOWN, vm->actions.shutdown_stays, 0);
		break;
	case VM_REQUEST_CRASH:
		tell(vm, VM_EVENT_CRASH, reason);
		stay_or_quit(vm, VM_CRASHED, vm->actions.crash_stays,
			     VM_EXIT_CRASH);
		break;
	}
}

static void post_request(struct loop_work *work)
{
	struct vm *vm = container_of(work, struct vm, request_work);

	worker_post(vm, &vm->request_job);
}

/* Making one */

static int kvm_open(struct vm *vm)
{
	int version;

	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0)
		return err_errno(-errno, "cannot open /dev/kvm ('tarnctl doctor' says what to do)");
	version = ioctl(vm->kvm_fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION) {
		err("/dev/kvm speaks version %d, not %d", version,
		    KVM_API_VERSION);
		return -ENODEV;
	}
	vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0UL);
	if (vm->fd < 0)
		return err_errno(-errno, "cannot create a VM");
	return 0;
}

static int add_memory(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->mem.nr; i++) {
		struct mem_range *r = &vm->mem.range[i];
		struct kvm_userspace_memory_region region = {
			.slot = i,
			.guest_phys_addr = r->gpa,
			.memory_size = r->size,
			.userspace_addr = (uintptr_t)r->hva,
		};

		if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
			return err_errno(-errno, "cannot add RAM at %#llx",
					 (unsigned long long)r->gpa);
		/* Advice: nothing is lost where it does not apply. */
		if (!vm->config->dump_guest_core)
			madvise(r->hva, r->size, MADV_DONTDUMP);
		if (vm->config->mem_merge)
			madvise(r->hva, r->size, MADV_MERGEABLE);
	}
	return 0;
}

static int place_backend(struct vm *vm, const char *id, u64 size,
			 unsigned int node)
{
	struct mem_backend *backend = mem_backend_find(id);

	if (!backend) {
		err("no memory backend '%s'", id);
		return -ENOENT;
	}
	if (size && backend->size != size) {
		err("memory backend '%s' has %llu bytes, -m says %llu", id,
		    (unsigned long long)backend->size,
		    (unsigned long long)size);
		return -EINVAL;
	}
	return tarn_mem_add(&vm->mem, backend, node);
}

static int place_new(struct vm *vm, const char *id, u64 size, unsigned int node)
{
	struct mem_backend *backend = mem_backend_create_ram(id, size);

	return backend ? tarn_mem_add(&vm->mem, backend, node) : -ENOMEM;
}

static int place_nodes(struct vm *vm)
{
	const struct vm_config *cfg = vm->config;
	unsigned int i;
	char id[24];
	int ret = 0;

	for (i = 0; i < cfg->nr_nodes && !ret; i++) {
		const struct config_node *node = &cfg->node[i];

		snprintf(id, sizeof(id), "ram-node%u", i);
		if (node->memdev)
			ret = place_backend(vm, node->memdev, 0, i);
		else if (node->mem)
			ret = place_new(vm, id, node->mem, i);
	}
	if (!ret && vm->mem.size != cfg->mem_size) {
		err("-numa nodes have %llu bytes together, -m says %llu",
		    (unsigned long long)vm->mem.size,
		    (unsigned long long)cfg->mem_size);
		ret = -EINVAL;
	}
	return ret;
}

static int place_memory(struct vm *vm)
{
	const struct vm_config *cfg = vm->config;

	if (cfg->nr_nodes)
		return place_nodes(vm);
	if (cfg->memory_backend)
		return place_backend(vm, cfg->memory_backend, cfg->mem_size, 0);
	return place_new(vm, "ram", cfg->mem_size, 0);
}

int vm_create(struct vm *vm, const struct vm_config *config)
{
	int ret;

	vm->config = config;
	vm->nr_vcpus = config->cpus;
	vm->actions.reboot_ends = config->no_reboot;
	vm->actions.shutdown_stays = config->no_shutdown;
	/* A crash ends the program unless there is somebody to tell. */
	vm->actions.crash_stays = config->no_shutdown &&
		(!STAILQ_EMPTY(&config->monitors) || config->nr_qmp);
	vm->request_work.fn = post_request;
	vm->request_job.run = run_request;
	if ((ret = kvm_open(vm)) || (ret = place_memory(vm)) ||
	    (ret = adjuncts_place(vm)) || (ret = x86_machine_create(vm)) || (ret = add_memory(vm)) ||
	    (ret = partitions_attach(vm)) || (ret = irq_init(vm)) ||
	    (ret = vcpus_create(vm)))
		vm_destroy(vm);
	return ret;
}

void vm_destroy(struct vm *vm)
{
	vcpus_destroy(vm);
	irq_exit(vm);
	x86_machine_destroy(vm);
	bus_exit(vm);
	partitions_detach(vm);
	/*
	 * The VM is left to the exit of the process. Its end waits for KVM's
	 * workers, and those give up on a page that no pager brings once the
	 * process exits, not before.
	 */
}
