// SPDX-License-Identifier: GPL-2.0-only
/*
 * What concerns the machine as a whole, while nobody brings a page that it needs:
 * stop, reset, unplugging a device, setting up a queue, restoring one, and making disks
 * durable. That waits; the lock is free, and the main loop answers. And what comes in
 * between there: a save that a monitor asks for, a request of the guest.
 */
#define MACHINE_HAS_VM
#define MACHINE_HAS_PARTITION
#include "paged.h"
#include "virtio/devices.h"
#include "virtio/virtio-pci.h"

#include <linux/tarn.h>
#include <linux/virtio_blk.h>
#include <stdarg.h>
#include <sys/wait.h>

static int fake_ioctl(int fd, unsigned long request, ...);

#define ioctl fake_ioctl
#include "../../vmm/partition.c"
#include "../../vmm/vm.c"
#undef ioctl

#include "backend/rng.h"
#include "save/machine.h"
#include "save/transfer.h"
#include "state.h"

#define BASE 0x100000ULL
#define BLK_BASE 0x120000ULL
#define DISK_DATA 0x200000ULL
#define QSIZE 8
#define BLK_QSIZE 64

static struct driver drv, disk;
static struct ring ring, disk_ring;
static struct device *rng;
static struct virtio_dev *rng_dev, *blk_dev;
static struct mem_backend backend = {.id = (char *)"ram"};
static struct x86_machine board;
static const struct device_ops rng_ops = VIRTIO_PCI_DEVICE_OPS("rng");
static const struct device_ops blk_ops = VIRTIO_PCI_DEVICE_OPS("blk");
static sem_t stopped, reset, unplugged, over, settled;

static struct gate module, durable, device, parking, saving, kvm;

/* The module, KVM and the disk */

static int fake_ioctl(int fd, unsigned long request, ...)
{
	struct kvm_ioeventfd *io;
	va_list ap;

	va_start(ap, request);
	io = va_arg(ap, struct kvm_ioeventfd *);
	va_end(ap);
	/* It waits for vCPUs, and so for pages that they wait for. */
	if (request == KVM_IOEVENTFD)
		gate_pass(&kvm);
	if (request == KVM_IOEVENTFD)
		return doorbell_set(io->fd, io->addr,
				    !(io->flags &
				      KVM_IOEVENTFD_FLAG_DEASSIGN));
	if (request == TARN_PARTITION_REGISTER)
		gate_pass(&module);
	return 0;
}

int fdatasync(int fd)
{
	gate_pass(&durable);
	return 0;
}

/* The rest of the machine */

static bool vcpus_parked;

/* The lock is free until the last one has come. */
void vcpus_stop(struct vm *v)
{
	vcpus_parked = true;
	vm_unlock(v);
	gate_pass(&parking);
	vm_lock(v);
}

/* What the guest asks for comes before it goes on. */
void vcpus_run(struct vm *v)
{
	CHECK(!v->request);
	vcpus_parked = false;
}

/* The kernel goes where a page has been paged out. */
int x86_boot_load(struct vm *v)
{
	static const u8 kernel[64];

	return tarn_mem_write(&v->mem, PAGED, kernel, sizeof(kernel));
}

void x86_sci_set(struct vm *v, enum x86_sci who, bool level)
{
}

int x86_machine_reset(struct vm *v) { return 0; }
void x86_power_button(struct vm *v) {}
void x86_resumed(struct vm *v) {}
int x86_machine_create(struct vm *v) { return 0; }
void x86_machine_destroy(struct vm *v) {}
int irq_init(struct vm *v) { return 0; }
void irq_exit(struct vm *v) {}
int vcpus_create(struct vm *v) { return 0; }
void vcpus_destroy(struct vm *v) {}
struct mem_backend *mem_backend_find(const char *id) { return NULL; }
struct mem_backend *mem_backend_create_ram(const char *id, u64 size)
{
	return NULL;
}

/* Saving: memory takes as long as the test wants. */

static int memory_result;

int memory_save(struct stream *s, const struct tarn_mem *mem,
		struct workers *workers, struct prefetch *prefetch,
		bool compress, struct memory_progress *progress)
{
	gate_pass(&saving);
	return READ_ONCE(memory_result);
}

/* The last state that was saved has the device that was plugged in. */
static bool saved_late;

int machine_save(struct vm *v, struct state_out *out)
{
	saved_late = device_find(v, "late");
	return 0;
}

int machine_can_save(struct vm *v) { return 0; }
int machine_describe(struct vm *v, struct state_out *out) { return 0; }
int machine_check(struct vm *v, const struct stream_record *rec) { abort(); }
int machine_load(struct vm *v, const struct stream_record *rec) { abort(); }
int memory_clear(struct tarn_mem *mem) { abort(); }
void memory_loaded(const struct tarn_mem *mem) { abort(); }
struct memory_loader *memory_loader_create(struct stream *s,
					   struct tarn_mem *mem,
					   struct workers *workers,
					   struct prefetch *prefetch,
					   struct memory_progress *progress)
{
	abort();
}

int memory_load(struct memory_loader *l, const struct stream_record *rec)
{
	abort();
}

int memory_load_end(struct memory_loader *l) { abort(); }
void memory_loader_destroy(struct memory_loader *l) { abort(); }

static void on_event(struct vm *v, enum vm_event event, const char *reason)
{
	if (event == VM_EVENT_STOP)
		sem_post(&stopped);
	if (event == VM_EVENT_RESET)
		sem_post(&reset);
}

static void on_transfer(struct vm *v)
{
	struct transfer_info info;

	transfer_info(v, &info);
	if (info.status >= TRANSFER_COMPLETED)
		sem_post(&settled);
}

static void on_unplug(struct vm *v, const char *id)
{
	sem_post(&unplugged);
}

/* What the test asks the worker for */

struct task {
	struct vm_job job;
	int (*fn)(struct vm *v);
	int ret;
};

static void task_run(struct vm *v, struct vm_job *job)
{
	struct task *t = container_of(job, struct task, job);

	t->ret = t->fn(v);
}

static void task_done(struct vm *v, struct vm_job *job)
{
	sem_post(&over);
}

static struct task task;

static void task_begin(int (*fn)(struct vm *v))
{
	task = (struct task){.job.run = task_run, .job.done = task_done,
			     .fn = fn};
	vm_lock(&vm);
	worker_post(&vm, &task.job);
	vm_unlock(&vm);
}

static bool task_ends(void)
{
	return comes(&over) && !task.ret;
}

static int nothing(struct vm *v)
{
	return 0;
}

/* All that the worker was asked for before is done. */
static void worker_settles(void)
{
	task_begin(nothing);
	CHECK(task_ends());
}

static bool worker_comes_to_wait(enum wait_for what)
{
	u64 end = loop_now() + limit_seconds() * 1000000000ULL;

	while (worker_waits(&vm) != what && loop_now() < end)
		usleep(1000);
	return worker_waits(&vm) == what;
}

/* What a monitor and other vCPUs need. */
static bool machine_answers(void)
{
	int value;

	CHECK(lock_is_free());
	CHECK(main_loop_answers());
	CHECK(!sem_getvalue(&over, &value));
	CHECK_EQ(value, 0);
	return true;
}

/* The device */

static void bring_up(void)
{
	CHECK(driver_negotiate(&drv, 0));
	msix_on(&drv);
	driver_queue(&drv, &ring, 0, QSIZE, BASE);
	driver_ok(&drv);
}

static void ask(void)
{
	u16 slot = ring.idx % QSIZE;

	ring_desc(&ring, slot, PAGED, 64, VRING_DESC_F_WRITE, 0);
	ring_offer(&ring, slot);
	driver_kick(&drv, 0);
}

/* Its thread waits for the page. */
static bool stick(void)
{
	bring_up();
	if (!page_out())
		return false;
	ask();
	CHECK(fault_comes());
	return true;
}

static void create_rng(void)
{
	struct opts *opts = opts_of("id=rng,addr=5", NULL);

	CHECK_EQ(virtio_rng_create(&vm, opts, &rng_dev), 0);
	CHECK_EQ(virtio_pci_create(&vm, rng_dev, &rng_ops, opts), 0);
	opts_destroy(opts);
	rng = device_find(&vm, "rng");
	CHECK(rng);
}

static void create_disk(void)
{
	static char path[] = "/tmp/tarn-test-vm-XXXXXX";
	char text[128];
	struct opts *opts;
	int fd = mkstemp(path);

	CHECK(fd >= 0 && !ftruncate(fd, 1 << 20));
	close(fd);
	snprintf(text, sizeof(text), "file,node-name=d0,filename=%s", path);
	opts = opts_of(text, "driver");
	CHECK_EQ(blockdev_create(opts), 0);
	opts_destroy(opts);
	unlink(path);
	opts = opts_of("id=disk,addr=6,drive=d0,queue-size=64", NULL);
	CHECK_EQ(virtio_blk_create(&vm, opts, &blk_dev), 0);
	CHECK_EQ(virtio_pci_create(&vm, blk_dev, &blk_ops, opts), 0);
	opts_destroy(opts);
}

static void attach_memory(void)
{
	struct partitions *parts = calloc(1, sizeof(*parts));

	vm.mem.range[0].backend = &backend;
	parts->nr = 1;
	parts->tokens = AREAS_BURST;
	parts->filled = loop_now();
	parts->part[0] = (struct partition){.backend = &backend,
					    .features = TARN_FEATURE_PINS,
					    .attached = true};
	vm.partitions = parts;
}

static void test_begin(void)
{
	sem_t *sems[] = {&stopped, &reset, &unplugged, &over, &module.come,
			 &module.open, &durable.come, &durable.open,
			 &device.come, &device.open, &parking.come,
			 &parking.open, &saving.come, &saving.open,
			 &kvm.come, &kvm.open, &settled};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sems); i++)
		sem_init(sems[i], 0, 0);
	vm.on_event = on_event;
	vm.on_unplug = on_unplug;
	vm.request_work.fn = post_request;
	vm.request_job.run = run_request;
	vm.arch = &board;
	machine_start();
	CHECK_EQ(transfer_create(&vm), 0);
	transfer_listen(&vm, on_transfer);
	attach_memory();
	CHECK_EQ(pcihp_create(&vm), 0);
	create_rng();
	create_disk();
	machine_run();
	driver_probe(&drv, 5);
	driver_probe(&disk, 6);
	CHECK(driver_negotiate(&disk, 0));
	msix_on(&disk);
	driver_queue(&disk, &disk_ring, 0, BLK_QSIZE, BLK_BASE);
	driver_ok(&disk);
	vm.state = VM_RUNNING;
}

/* The tests */

static void test_stop(void)
{
	if (!stick())
		return;
	task_begin(vm_pause);
	CHECK(worker_comes_to_wait(WAIT_PAGES));
	CHECK(machine_answers());
	CHECK_EQ(vm.state, VM_RUNNING);
	bring_page();
	CHECK(task_ends());
	CHECK(comes(&stopped));
	CHECK_EQ(vm.state, VM_PAUSED);
	CHECK(vcpus_parked);
	/* What was behind it: one at a time, and each in its place. */
	task_begin(vm_resume);
	CHECK(task_ends());
	CHECK_EQ(vm.state, VM_RUNNING);
	CHECK(!vcpus_parked);
}

/* The device goes on at once, to a page that is not there. */
static void test_cont(void)
{
	bring_up();
	task_begin(vm_pause);
	CHECK(task_ends());
	CHECK(comes(&stopped));
	if (!page_out())
		return;
	ask();
	task_begin(vm_resume);
	CHECK(fault_comes());
	CHECK(machine_answers());
	bring_page();
	CHECK(task_ends());
	CHECK_EQ(vm.state, VM_RUNNING);
	used_wait(&drv, &ring, 0, 1);
}

/* As a vCPU asks for it. */
static void request_reset(void)
{
	vm_lock(&vm);
	vm_request_reset(&vm);
	vm_unlock(&vm);
}

static int reboot(struct vm *v)
{
	return vm_reboot(v, VM_BY_MONITOR_RESET);
}

static void test_reset(void)
{
	int value;

	if (!page_out())
		return;
	request_reset();
	CHECK(fault_comes());
	CHECK(machine_answers());
	CHECK(!sem_getvalue(&reset, &value) && !value);
	CHECK(vcpus_parked);
	bring_page();
	CHECK(comes(&reset));
	CHECK_EQ(vm.state, VM_RUNNING);
	/* And where it is a device that waits. */
	driver_probe(&drv, 5);
	if (!stick())
		return;
	request_reset();
	CHECK(worker_comes_to_wait(WAIT_PAGES));
	CHECK(machine_answers());
	bring_page();
	CHECK(comes(&reset));
	driver_probe(&drv, 5);
	driver_probe(&disk, 6);
}

static void test_sync(void)
{
	WRITE_ONCE(durable.shut, true);
	task_begin(vm_pause);
	CHECK(comes(&durable.come));
	CHECK_EQ(worker_waits(&vm), WAIT_DISKS);
	CHECK(machine_answers());
	gate_open(&durable);
	CHECK(task_ends());
	CHECK(comes(&stopped));
	task_begin(vm_resume);
	CHECK(task_ends());
}

/* A request that does not end, as its buffer has been paged out perhaps. */

static struct block_req *kept;

static void keep(struct block *blk, struct block_req *req)
{
	kept = req;
	sem_post(&device.come);
}

static void complete_kept(void *arg)
{
	kept->done(kept, 0);
}

static void offer_read(void)
{
	struct virtio_blk_outhdr h = {.type = VIRTIO_BLK_T_IN};

	tarn_mem_write(&vm.mem, DISK_DATA, &h, sizeof(h));
	ring_desc(&disk_ring, 0, DISK_DATA, 16, VRING_DESC_F_NEXT, 1);
	ring_desc(&disk_ring, 1, DISK_DATA + 512, 512,
		  VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 2);
	ring_desc(&disk_ring, 2, DISK_DATA + 64, 1, VRING_DESC_F_WRITE, 0);
	ring_offer(&disk_ring, 0);
	driver_kick(&disk, 0);
}

static void test_drain(void)
{
	struct block *blk = block_find("d0");
	const struct block_ops *ops = blk->ops;
	struct block_ops keeping = *ops;

	CHECK(driver_negotiate(&disk, 0));
	msix_on(&disk);
	driver_queue(&disk, &disk_ring, 0, BLK_QSIZE, BLK_BASE);
	driver_ok(&disk);
	keeping.submit = keep;
	blk->ops = &keeping;
	offer_read();
	CHECK(comes(&device.come));
	task_begin(vm_pause);
	CHECK(worker_comes_to_wait(WAIT_DISKS));
	CHECK(machine_answers());
	loop_call(blk_dev->loop, complete_kept, NULL);
	CHECK(task_ends());
	CHECK(comes(&stopped));
	blk->ops = ops;
	task_begin(vm_resume);
	CHECK(task_ends());
}

/* A vCPU sets a queue up, and the module waits for a page of the ring. */

static void *vcpu(void *arg)
{
	bring_up();
	return NULL;
}

static void test_pin(void)
{
	pthread_t thread;

	WRITE_ONCE(module.shut, true);
	pthread_create(&thread, NULL, vcpu, NULL);
	CHECK(comes(&module.come));
	CHECK(machine_answers());
	CHECK(rng_dev->accessed);
	gate_open(&module);
	pthread_join(thread, NULL);
	CHECK(rng_dev->queues[0].areas[0].part);
	CHECK(!rng_dev->accessed);
}

/* A vCPU takes a BAR away, and KVM waits for another vCPU that waits for a page. */

static void *vcpu_disables(void *arg)
{
	cfg_out(5, PCI_COMMAND, 0, 2);
	return NULL;
}

static bool asked_slot;

static void *vcpu_asks_slot(void *arg)
{
	u32 id = 0;

	vm_lock(&vm);
	bus_access(&vm, BUS_PIO, 0xcfc, &id, 4, false);
	WRITE_ONCE(asked_slot, true);
	vm_unlock(&vm);
	return (void *)(uintptr_t)id;
}

static void test_doorbells(void)
{
	pthread_t threads[2];
	void *id;

	bring_up();
	WRITE_ONCE(kvm.shut, true);
	pthread_create(&threads[0], NULL, vcpu_disables, NULL);
	CHECK(comes(&kvm.come));
	CHECK(machine_answers());
	/* Another that comes to configuration space waits, and finds it whole. */
	guest_write(BUS_PIO, 0xcf8, 0x80000000 | 5 << 11 | PCI_COMMAND, 4);
	pthread_create(&threads[1], NULL, vcpu_asks_slot, NULL);
	CHECK(machine_answers());
	CHECK(!READ_ONCE(asked_slot));
	/* Registers that are in nobody's way are there still. */
	CHECK(status_in(&drv) & VIRTIO_CONFIG_S_DRIVER_OK);
	gate_open(&kvm);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], &id);
	CHECK_EQ((uintptr_t)id & 0xffff, 0);
	CHECK_EQ(status_in(&drv), 0xff);
	driver_probe(&drv, 5);
	CHECK(status_in(&drv) & VIRTIO_CONFIG_S_DRIVER_OK);
}

/* A ring is pinned where a guest is restored, too. */

static struct state_out *saved;
static struct state_in loading;

static int load_rng(struct vm *v)
{
	return rng->ops->load(rng, &loading, rng->ops->version);
}

static void test_restore(void)
{
	const void *data;
	size_t len, off = 0;

	task_begin(vm_pause);
	CHECK(task_ends());
	CHECK(comes(&stopped));
	saved = state_out_create();
	vm_lock(&vm);
	CHECK_EQ(state_section(saved, "rng", 1), 0);
	CHECK_EQ(rng->ops->save(rng, saved), 0);
	rng->ops->reset(rng);
	vm_unlock(&vm);
	data = state_out_data(saved, &len);
	CHECK_EQ(state_next(data, len, &off, &loading), 1);
	WRITE_ONCE(module.shut, true);
	task_begin(load_rng);
	CHECK(comes(&module.come));
	CHECK(machine_answers());
	gate_open(&module);
	CHECK(task_ends());
	CHECK(rng_dev->queues[0].areas[0].part);
	state_out_destroy(saved);
	task_begin(vm_resume);
	CHECK(task_ends());
}

/* A device is plugged in whose reset waits. A guest that looks for it finds it later. */

#define LATE 7

static struct virtio_dev *late;

static void idle(void *arg)
{
}

static void late_reset(struct virtio_dev *dev)
{
	virtio_call(dev, idle, NULL);
}

static void late_kick(struct virtio_dev *dev, struct virtio_queue *q)
{
}

static void late_destroy(struct virtio_dev *dev)
{
	virtio_dev_exit(dev);
	iothread_common_put(IOTHREAD_DEVICES);
	free(dev);
}

static const struct virtio_dev_ops late_virtio_ops = {
	.name = "late",
	.id = VIRTIO_ID_CONSOLE,
	.kick = late_kick,
	.reset = late_reset,
	.destroy = late_destroy,
};
static const struct device_ops late_ops = VIRTIO_PCI_DEVICE_OPS("late");

int device_create(struct vm *v, struct opts *opts)
{
	struct loop *loop = iothread_common_get(IOTHREAD_DEVICES);

	late = calloc(1, sizeof(*late));
	CHECK_EQ(virtio_dev_init(late, v, &late_virtio_ops, loop, 1, QSIZE), 0);
	return virtio_pci_create(v, late, &late_ops, opts);
}

static int plug(struct vm *v)
{
	struct opts *opts = opts_of("id=late,addr=7", NULL);
	int ret = x86_pci_plug(v, opts);

	opts_destroy(opts);
	return ret;
}

/* It looks only where a vCPU could. */
static bool finds(unsigned int slot)
{
	u32 addr = 0x80000000 | slot << 11, id = ~0U;

	vm_lock(&vm);
	if (!vcpus_parked) {
		bus_access(&vm, BUS_PIO, 0xcf8, &addr, 4, true);
		bus_access(&vm, BUS_PIO, 0xcfc, &id, 4, false);
	}
	vm_unlock(&vm);
	return id != ~0U;
}

static void *vcpu_looks(void *arg)
{
	static struct driver d;
	static struct ring r;
	u64 end = loop_now() + limit_seconds() * 1000000000ULL;

	while (!finds(LATE) && loop_now() < end)
		usleep(1000);
	driver_probe(&d, LATE);
	CHECK(driver_negotiate(&d, 0));
	driver_queue(&d, &r, 0, QSIZE, BLK_BASE + 0x20000);
	driver_ok(&d);
	return NULL;
}

static void test_plug(void)
{
	pthread_t thread;

	if (!stick())
		return;
	pthread_create(&thread, NULL, vcpu_looks, NULL);
	task_begin(plug);
	CHECK(worker_comes_to_wait(WAIT_PAGES));
	CHECK(machine_answers());
	CHECK(vcpus_parked);
	CHECK(!late->status);
	bring_page();
	CHECK(task_ends());
	pthread_join(thread, NULL);
	CHECK(late->status & VIRTIO_CONFIG_S_DRIVER_OK);
	CHECK(late->queues[0].enabled && late->queues[0].vq.desc);
	CHECK(late->queues[0].live);
}

/* Its card is taken away while its thread waits. Nothing else is possible then. */
static void test_unplug(void)
{
	int value;

	if (!stick())
		return;
	vm_lock(&vm);
	x86_pci_remove(&vm, 5);
	vm_unlock(&vm);
	guest_write(BUS_PIO, PCIHP_PORT + 8, 1U << 5, 4);
	CHECK(worker_comes_to_wait(WAIT_PAGES));
	CHECK(machine_answers());
	CHECK(!sem_getvalue(&unplugged, &value) && !value);
	bring_page();
	CHECK(comes(&unplugged));
	CHECK(!device_find(&vm, "rng"));
	CHECK_EQ(cfg_in(5, 0, 4), 0xffffffff);
}

/* A guest and a monitor at the same time */

static void save_begin(void)
{
	int fd = memfd_create("saved", MFD_CLOEXEC);

	memory_result = 0;
	vm_lock(&vm);
	CHECK_EQ(transfer_save(&vm, fd, -1, 0), 0);
	vm_unlock(&vm);
}

static bool save_ends(enum transfer_status want)
{
	struct transfer_info info;

	CHECK(comes(&settled));
	worker_settles();
	vm_lock(&vm);
	transfer_info(&vm, &info);
	vm_unlock(&vm);
	CHECK(!vm.held);
	return info.status == want;
}

static void go_on(void)
{
	task_begin(vm_resume);
	CHECK(task_ends());
	CHECK_EQ(vm.state, VM_RUNNING);
	CHECK(!vcpus_parked);
}

/* A save is asked for while the guest's request waits for vCPUs. */
static void test_reset_and_save(void)
{
	WRITE_ONCE(parking.shut, true);
	request_reset();
	CHECK(comes(&parking.come));
	save_begin();
	gate_open(&parking);
	CHECK(comes(&reset));
	CHECK(save_ends(TRANSFER_COMPLETED));
	CHECK_EQ(vm.exit_status, 0);
	CHECK_EQ(vm.state, VM_POSTMIGRATE);
	go_on();
}

/* A guest that has powered off needs no save, and has not failed. */
static void test_shutdown_and_save(void)
{
	WRITE_ONCE(parking.shut, true);
	vm.actions.shutdown_stays = true;
	vm_lock(&vm);
	vm_request_shutdown(&vm);
	vm_unlock(&vm);
	CHECK(comes(&parking.come));
	save_begin();
	CHECK(!vm.held);
	gate_open(&parking);
	CHECK(save_ends(TRANSFER_FAILED));
	CHECK_EQ(vm.state, VM_SHUTDOWN);
	vm.actions.shutdown_stays = false;
	task_begin(reboot);
	CHECK(task_ends());
	CHECK(comes(&reset));
	go_on();
}

/* Two vCPUs ask for the same: the second time there is nothing left to be done. */
static void test_request_twice(void)
{
	vm_lock(&vm);
	vm_request_reset(&vm);
	worker_post(&vm, &vm.request_job);
	vm_unlock(&vm);
	CHECK(comes(&reset));
	vm_lock(&vm);
	worker_post(&vm, &vm.request_job);
	vm_unlock(&vm);
	worker_settles();
	CHECK_EQ(vm.state, VM_RUNNING);
	CHECK(!vcpus_parked);
}

/* A guest asks for something while it is stopped for what fails then. */
static int pause_and_ask(struct device *dev)
{
	vm_request_reset(dev->vm);
	return -EIO;
}

static const struct device_ops stubborn_ops = {
	.name = "stubborn",
	.pause = pause_and_ask,
};

static void test_pause_fails(void)
{
	struct device stubborn;

	vm_lock(&vm);
	CHECK_EQ(device_init(&stubborn, &vm, &stubborn_ops, NULL), 0);
	vm_unlock(&vm);
	task_begin(vm_pause);
	CHECK(comes(&over));
	CHECK_EQ(task.ret, -EIO);
	CHECK(comes(&reset));
	worker_settles();
	CHECK_EQ(vm.state, VM_RUNNING);
	CHECK(!vcpus_parked);
	vm_lock(&vm);
	device_remove(&stubborn);
	vm_unlock(&vm);
}

static void save_until_memory(void)
{
	WRITE_ONCE(saving.shut, true);
	save_begin();
	CHECK(comes(&saving.come));
	CHECK(vm.held);
}

static void save_fails(void)
{
	WRITE_ONCE(memory_result, -EIO);
	gate_open(&saving);
	CHECK(save_ends(TRANSFER_FAILED));
}

/* Who stops a guest that stands still for a save wants it to stand still. */
static void test_save_and_stop(void)
{
	save_until_memory();
	task_begin(vm_pause);
	CHECK(task_ends());
	save_fails();
	CHECK_EQ(vm.state, VM_PAUSED);
	CHECK(vcpus_parked);
	go_on();
	/* That was about this save alone. */
	save_until_memory();
	save_fails();
	CHECK_EQ(vm.state, VM_RUNNING);
	CHECK(!vcpus_parked);
}

/* A guest lets go of a device while it is stopped to be saved. */
static void test_eject_and_save(void)
{
	if (!device_find(&vm, "late")) {
		task_begin(plug);
		CHECK(task_ends());
	}
	vm_lock(&vm);
	x86_pci_remove(&vm, LATE);
	vm_unlock(&vm);
	WRITE_ONCE(parking.shut, true);
	save_begin();
	CHECK(comes(&parking.come));
	guest_write(BUS_PIO, PCIHP_PORT + 8, 1U << LATE, 4);
	gate_open(&parking);
	CHECK(comes(&unplugged));
	CHECK(save_ends(TRANSFER_COMPLETED));
	CHECK(!saved_late);
	go_on();
}

/* The thread of the main loop is none that waits; who has it do so hears of it. */

static bool aborts(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		fn();
		_exit(EXIT_SUCCESS);
	}
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGABRT;
}

static void waits_never(void)
{
	wait_never(true);
	wait_begin(WAIT_PAGES);
	wait_end();
}

static void waits_allowed(void)
{
	vm_lock(&vm);
	wait_never(true);
	wait_allow(&vm.lock, NULL);
	wait_begin(WAIT_PAGES);
	wait_end();
	wait_forbid();
	wait_never(false);
	wait_begin(WAIT_PAGES);
	wait_end();
}

static void test_never(void)
{
	CHECK(aborts(waits_never));
	CHECK(!aborts(waits_allowed));
}

static void test_end(void)
{
	transfer_destroy(&vm);
	machine_end();
	block_destroy_all();
	free(vm.partitions);
	close(uffd);
}

static const struct tap_test tests[] = {
	{"creation", test_begin},
	{"stop, while a device waits for a page", test_stop},
	{"cont, to a page that is not there", test_cont},
	{"a reset writes to a page that is not there", test_reset},
	{"stop, while a disk takes its time to be durable", test_sync},
	{"stop, while a request does not end", test_drain},
	{"a queue is set up, and its ring pinned", test_pin},
	{"and restored", test_restore},
	{"a BAR goes, and KVM waits", test_doorbells},
	{"a device comes, and its reset waits", test_plug},
	{"a device that waits is unplugged", test_unplug},
	{"a save is asked for while the guest reboots", test_reset_and_save},
	{"and while it powers off", test_shutdown_and_save},
	{"two vCPUs ask for the same", test_request_twice},
	{"a request comes while a stop fails", test_pause_fails},
	{"stop, while the guest is saved", test_save_and_stop},
	{"a device goes while it is stopped for that", test_eject_and_save},
	{"a thread waits that must not", test_never},
	{"destruction", test_end},
};

TAP_MAIN(tests)
