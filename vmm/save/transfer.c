// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving and restoring as a whole; see transfer.h. The thread and its workers touch
 * the stream, guest memory and what is marked as the thread's; it ends with a work
 * item of the main loop. What stops the machine before that, and what settles
 * everything after it, is done by the worker.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/x86/x86.h"
#include "backend/block.h"
#include "config.h"
#include "error.h"
#include "lib/thread.h"
#include "sandbox.h"
#include "save/machine.h"
#include "save/prefetch.h"
#include "save/source.h"
#include "save/transfer.h"
#include "save/workers.h"
#include "state.h"
#include "vm.h"

/**
 * struct transfer - the last or the only one.
 * @fd_flags: of the descriptor as it came, -1: nothing to undo
 * @dir: the directory that the file was made in, -1: none that is known
 * @was_running: before the guest was stopped for it
 * @cancel: the thread is to end soon
 * @flags: of transfer_save()
 * @threaded: there is a thread to be joined
 * @machine, @devices: what is saved beside memory
 * @nr_workers: how many threads help it
 * @prefetch: brings what is left in the file, while the guest runs
 * @source: that file
 * @result: the thread's
 * @record: the thread's; the state that was read, for the main thread
 * @stream, @memory, @workers: the thread's
 */
struct transfer {
	struct vm *vm;
	struct transfer_info info;
	void (*listener)(struct vm *vm);
	struct loop_work begin_work;
	struct loop_work end_work;
	struct vm_job stop_job;
	struct vm_job end_job;
	pthread_t thread;
	int fd_flags;
	int dir;
	bool was_running;
	unsigned int flags;
	bool cancel;
	bool threaded;
	u64 asked;
	u64 stopped;
	u64 started;
	u64 ended;
	struct state_out *machine;
	struct state_out *devices;
	unsigned int nr_workers;
	struct prefetch *prefetch;
	struct source source;
	int result;
	struct stream_record record;
	struct stream stream;
	struct memory_progress memory;
	struct workers *workers;
};

static void set_status(struct transfer *t, enum transfer_status status)
{
	t->info.status = status;
	if (t->listener)
		t->listener(t->vm);
}

static bool under_way(const struct transfer *t)
{
	return t->info.status == TRANSFER_SETUP ||
	       t->info.status == TRANSFER_WAITING ||
	       t->info.status == TRANSFER_ACTIVE;
}

/* The descriptor */

/* A peer that does not read or write must not hold the thread for ever. */
static void fd_open(struct transfer *t, int fd)
{
	t->stream = (struct stream){.ch = {.fd = fd, .cancel = &t->cancel}};
	t->fd_flags = fcntl(fd, F_GETFL);
	if (t->fd_flags >= 0)
		fcntl(fd, F_SETFL, t->fd_flags | O_NONBLOCK);
}

/* As it came. One of which pages are read later the module reads as it is then. */
static int flags_left(const struct transfer *t)
{
	int flags = t->fd_flags;

	if (t->memory.imported_pages)
		flags |= fcntl(t->stream.ch.fd, F_GETFL) & O_DIRECT;
	return flags;
}

/* 0 or -errno; it is closed in each case. */
static int fd_close(struct transfer *t)
{
	int ret;

	if (t->dir >= 0)
		close(t->dir);
	t->dir = -1;
	if (t->stream.ch.fd < 0)
		return 0;
	stream_close(&t->stream);
	/* Others may have the same open file. */
	if (t->fd_flags >= 0)
		fcntl(t->stream.ch.fd, F_SETFL, flags_left(t));
	ret = close(t->stream.ch.fd) && errno != EINTR ? -errno : 0;
	t->stream.ch.fd = -1;
	return ret;
}

static void reset(struct transfer *t, bool incoming, int fd)
{
	memset(&t->info, 0, sizeof(t->info));
	memset(&t->memory, 0, sizeof(t->memory));
	t->info.incoming = incoming;
	t->asked = loop_now();
	t->stopped = t->started = t->ended = 0;
	t->was_running = t->cancel = false;
	t->flags = 0;
	t->result = 0;
	fd_open(t, fd);
}

/* The threads */

static void give_up_images(void *arg)
{
	block_give_up_all();
}

static int put_sections(struct transfer *t, u32 type, struct state_out *out)
{
	size_t len;
	const void *data = state_out_data(out, &len);

	if (len > STREAM_MAX)
		return -EMSGSIZE;
	return stream_put(&t->stream, type, data, len, NULL, 0);
}

/* So that the file is not lost with its name if the host crashes. */
static int sync_dir(struct transfer *t)
{
	/* Not every filesystem knows that of a directory. */
	return t->dir >= 0 && fsync(t->dir) && errno != EINVAL ? -errno : 0;
}

static int sync_result(int ret)
{
	return ret ? err_errno(ret, "cannot make what was saved durable") : 0;
}

static int close_saved(struct transfer *t)
{
	int ret = fd_close(t);

	return ret ? err_errno(ret, "cannot close what was saved") : 0;
}

/*
 * Who has read the end, or was told that the guest is saved, relies on what is
 * there: it is durable by then.
 */
static int write_all(struct transfer *t)
{
	int ret;

	if ((ret = stream_begin(&t->stream)) ||
	    (ret = put_sections(t, STREAM_MACHINE, t->machine)) ||
	    (ret = memory_save(&t->stream, &t->vm->mem, t->workers,
			       t->prefetch, t->flags & TRANSFER_COMPRESS,
			       &t->memory)) ||
	    (ret = put_sections(t, STREAM_DEVICES, t->devices)) ||
	    (ret = stream_flush(&t->stream)) ||
	    (ret = sync_result(stream_sync(&t->stream))) ||
	    (ret = sync_result(sync_dir(t))))
		return ret;
	/* Who has read the end may begin to use them. */
	loop_call(t->vm->loop, give_up_images, NULL);
	ret = stream_end(&t->stream);
	ret = ret ?: stream_flush(&t->stream);
	ret = ret ?: sync_result(stream_sync(&t->stream));
	return ret ?: close_saved(t);
}

/* Pages come in records of several types. */
static u32 place_of(u32 type)
{
	return type == STREAM_BALLOON || type == STREAM_CONTENT ? STREAM_PAGES
								: type;
}

/* Records come in their order, or not at all. */
static int read_record(struct transfer *t, struct memory_loader *loader,
		       u32 *before)
{
	u32 type = place_of(t->record.type);
	bool fits = type == STREAM_MACHINE ? !*before :
					     *before == STREAM_MACHINE ||
						     *before == STREAM_PAGES;
	int ret;

	if (!fits) {
		err("the saved guest is damaged: a record of type %u behind one of type %u",
		    type, *before);
		return -EINVAL;
	}
	*before = type;
	if (type == STREAM_PAGES)
		return memory_load(loader, &t->record);
	if (type != STREAM_MACHINE)
		return 0;
	ret = machine_check(t->vm, &t->record);
	return ret ? ret : memory_clear(&t->vm->mem);
}

/* END follows the state of the devices, which stays in the record. */
static int read_end(struct transfer *t)
{
	struct stream_record tail = {.data = malloc(STREAM_MAX)};
	int ret;

	if (!tail.data)
		return -ENOMEM;
	ret = stream_get(&t->stream, &tail);
	free(tail.data);
	if (ret > 0) {
		err("the saved guest is damaged: it does not end");
		ret = -EINVAL;
	}
	return ret;
}

static int read_records(struct transfer *t, struct memory_loader *loader)
{
	u32 before = 0;
	int ret = stream_open(&t->stream);

	while (!ret && before != STREAM_DEVICES) {
		ret = stream_get(&t->stream, &t->record);
		if (!ret) {
			err("the saved guest has no devices");
			return -EINVAL;
		}
		ret = ret < 0 ? ret : read_record(t, loader, &before);
	}
	ret = ret ?: read_end(t);
	return ret ?: memory_load_end(loader);
}

static int read_all(struct transfer *t)
{
	struct memory_loader *loader =
		memory_loader_create(&t->stream, &t->vm->mem, t->workers,
				     t->prefetch, &t->memory);
	int ret = loader ? read_records(t, loader) : -ENOMEM;

	memory_loader_destroy(loader);
	memory_loaded(&t->vm->mem);
	if (t->memory.imported_pages)
		source_set(&t->source, t->stream.ch.fd);
	return ret;
}

static void *thread_main(void *arg)
{
	struct transfer *t = arg;
	int ret;

	error_capture(t->info.error, sizeof(t->info.error));
	t->workers = workers_create(t->nr_workers);
	ret = t->workers ? sandbox_enter(SANDBOX_TRANSFER) : -EAGAIN;
	if (!ret)
		ret = t->info.incoming ? read_all(t) : write_all(t);
	workers_destroy(t->workers);
	if (ret && ret != -ECANCELED && !*t->info.error)
		err_errno(ret, "cannot %s the guest",
			  t->info.incoming ? "restore" : "save");
	error_capture(NULL, 0);
	t->result = ret;
	loop_post(t->vm->loop, &t->end_work);
	return NULL;
}

static int start_thread(struct transfer *t)
{
	int ret = thread_create(&t->thread, "transfer", thread_main, t);

	t->threaded = !ret;
	return ret;
}

/* The end */

static void release(struct transfer *t)
{
	fd_close(t);
	state_out_destroy(t->machine);
	state_out_destroy(t->devices);
	t->machine = t->devices = NULL;
	free(t->record.data);
	t->record.data = NULL;
}

/* @ret: 0 or why it failed; an error was reported. */
static void finish(struct transfer *t, int ret)
{
	struct vm *vm = t->vm;

	release(t);
	t->ended = loop_now();
	/* A machine that is partly restored is good for nothing. */
	vm->held = t->info.incoming && ret;
	if (!ret)
		set_status(t, TRANSFER_COMPLETED);
	else
		set_status(t, ret == -ECANCELED ? TRANSFER_CANCELLED
						: TRANSFER_FAILED);
	if (vm->held)
		return;
	if (vm->request)
		loop_post(vm->loop, &vm->request_work);
}

static void save_end(struct transfer *t)
{
	struct vm *vm = t->vm;

	if (!t->result)
		vm->state = VM_POSTMIGRATE;
	else
		block_take_back_all();
	finish(t, t->result);
	if (t->result && t->was_running && !vm->stay_paused)
		vm_resume(vm);
}

static void restore_end(struct transfer *t)
{
	struct vm *vm = t->vm;
	int ret = t->result;

	if (!ret) {
		error_capture(t->info.error, sizeof(t->info.error));
		ret = machine_load(vm, &t->record);
		ret = ret ?: block_take_back_all();
		error_capture(NULL, 0);
	}
	if (!ret)
		vm->state = VM_PAUSED;
	finish(t, ret);
	if (!ret && !vm->config->start_paused && !vm->stay_paused)
		vm_resume(vm);
	if (ret)
		prefetch_stop(t->prefetch);
	else
		prefetch_begin(t->prefetch);
	/* Nobody is there who could try it again. */
	if (ret && strcmp(vm->config->incoming, "defer"))
		vm_quit(vm, EXIT_FAILURE);
}

static void end_job(struct vm *vm, struct vm_job *job)
{
	struct transfer *t = container_of(job, struct transfer, end_job);

	pthread_join(t->thread, NULL);
	t->threaded = false;
	t->info.memory = t->memory;
	t->info.bytes = t->stream.ch.bytes;
	if (t->info.incoming)
		restore_end(t);
	else
		save_end(t);
}

static void post_end(struct loop_work *work)
{
	struct transfer *t = container_of(work, struct transfer, end_work);

	worker_post(t->vm, &t->end_job);
}

/* Saving */

static int collect(struct transfer *t)
{
	int ret;

	t->machine = state_out_create();
	t->devices = state_out_create();
	if (!t->machine || !t->devices)
		return -ENOMEM;
	ret = machine_describe(t->vm, t->machine);
	return ret ? ret : machine_save(t->vm, t->devices);
}

/*
 * The guest stands still: take its state, then let the thread write. Memory must
 * not be newer than the disks if the host crashes.
 */
static int save_begin(struct transfer *t)
{
	int ret = block_sync_all();

	ret = ret ?: collect(t);
	if (!ret) {
		t->started = loop_now();
		ret = start_thread(t);
	}
	if (!ret)
		set_status(t, TRANSFER_ACTIVE);
	return ret;
}

static int save_stop(struct transfer *t)
{
	struct vm *vm = t->vm;
	int ret = 0;

	t->stopped = loop_now();
	if (vm->state == VM_RUNNING) {
		ret = vm_pause(vm);
		t->was_running = !ret;
	}
	if (vm->state == VM_SHUTDOWN || vm->state == VM_CRASHED) {
		err("the guest ended before it was saved");
		ret = -EINVAL;
	}
	return ret;
}

/*
 * One step towards the thread's start; called again with -EAGAIN when the guest
 * has asked for something before it was stopped: that is done first, or it would
 * be lost. A device that it has let go of, for one, would be saved with it.
 */
static int save_step(struct transfer *t)
{
	struct vm *vm = t->vm;
	int ret;

	if (t->cancel)
		return -ECANCELED;
	if (!t->stopped) {
		ret = save_stop(t);
		if (ret)
			return ret;
		if (READ_ONCE(t->cancel))
			return -ECANCELED;
		if (vm->request || x86_pci_ejects(vm)) {
			t->stopped = 0;
			return -EAGAIN;
		}
	}
	if (t->flags & TRANSFER_WAIT) {
		set_status(t, TRANSFER_WAITING);
		return 0;
	}
	return save_begin(t);
}

static void stop_job(struct vm *vm, struct vm_job *job)
{
	struct transfer *t = container_of(job, struct transfer, stop_job);
	int ret;

	vm->held = true;
	error_capture(t->info.error, sizeof(t->info.error));
	ret = save_step(t);
	error_capture(NULL, 0);
	if (ret == -EAGAIN) {
		vm->held = false;
		loop_post(vm->loop, &vm->request_work);
		loop_post(vm->loop, &t->begin_work);
	} else if (ret) {
		t->result = ret;
		save_end(t);
	}
}

static void begin(struct loop_work *work)
{
	struct transfer *t = container_of(work, struct transfer, begin_work);

	if (!t->info.incoming)
		worker_post(t->vm, &t->stop_job);
	else if (t->info.status == TRANSFER_SETUP)
		set_status(t, TRANSFER_ACTIVE);
}

int transfer_can_save(struct vm *vm)
{
	const struct transfer *t = vm->transfer;

	if (under_way(t)) {
		err("the guest is being %s already",
		    t->info.incoming ? "restored" : "saved");
		return -EBUSY;
	}
	if (vm->state == VM_INMIGRATE || vm->state == VM_SHUTDOWN ||
	    vm->state == VM_CRASHED) {
		err("a guest that is '%s' cannot be saved",
		    vm_state_name(vm->state));
		return -EINVAL;
	}
	return machine_can_save(vm);
}

int transfer_can_save_to(struct vm *vm, const struct stat *st)
{
	if (!source_is(&vm->transfer->source, st, &vm->mem))
		return 0;
	err("the guest was restored from that file, and pages of it are there still: save it to another one, or remove that first");
	return -EBUSY;
}

static int can_save_to(struct vm *vm, int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -errno : transfer_can_save_to(vm, &st);
}

int transfer_save(struct vm *vm, int fd, int dir, unsigned int flags)
{
	struct transfer *t = vm->transfer;
	int ret = transfer_can_save(vm) ?: can_save_to(vm, fd);

	if (ret) {
		close(fd);
		if (dir >= 0)
			close(dir);
		return ret;
	}
	reset(t, false, fd);
	t->dir = dir;
	t->flags = flags;
	set_status(t, TRANSFER_SETUP);
	loop_post(vm->loop, &t->begin_work);
	return 0;
}

int transfer_continue(struct vm *vm)
{
	struct transfer *t = vm->transfer;

	if (t->info.status != TRANSFER_WAITING) {
		err("nothing waits to be continued");
		return -EINVAL;
	}
	t->flags &= ~TRANSFER_WAIT;
	loop_post(vm->loop, &t->begin_work);
	return 0;
}

/* Restoring */

int transfer_restore(struct vm *vm, int fd)
{
	struct transfer *t = vm->transfer;
	int ret = -EINVAL;

	if (vm->state != VM_INMIGRATE || t->info.status != TRANSFER_NONE) {
		err("there is no machine that waits for a saved guest: start one with -incoming");
		goto err_close;
	}
	t->record.data = malloc(STREAM_MAX);
	ret = -ENOMEM;
	if (!t->record.data)
		goto err_close;
	reset(t, true, fd);
	/* No job is in the middle of anything: it never ran. */
	vm->held = true;
	t->started = t->asked;
	t->memory.total = vm->mem.size;
	set_status(t, TRANSFER_SETUP);
	/* Once the thread is confined there is none to be had. */
	t->prefetch = prefetch_create(&vm->mem);
	ret = t->prefetch ? start_thread(t) : -EAGAIN;
	if (ret) {
		finish(t, ret);
		return ret;
	}
	loop_post(vm->loop, &t->begin_work);
	return 0;

err_close:
	close(fd);
	return ret;
}

void transfer_cancel(struct vm *vm)
{
	struct transfer *t = vm->transfer;

	if (!under_way(t))
		return;
	WRITE_ONCE(t->cancel, true);
	if (t->info.status == TRANSFER_WAITING)
		loop_post(vm->loop, &t->begin_work);
}

/* The rest */

void transfer_reset(struct vm *vm)
{
	if (vm->transfer && vm->transfer->prefetch)
		prefetch_stop(vm->transfer->prefetch);
}

void transfer_info(struct vm *vm, struct transfer_info *info)
{
	struct transfer *t = vm->transfer;
	u64 now = t->ended ? t->ended : loop_now();

	*info = t->info;
	if (t->info.status == TRANSFER_NONE)
		return;
	if (t->threaded) {
		/* Its text and its numbers are the thread's until it ends. */
		info->error[0] = '\0';
		info->memory.total = READ_ONCE(t->memory.total);
		info->memory.done = READ_ONCE(t->memory.done);
		info->memory.data_pages = READ_ONCE(t->memory.data_pages);
		info->memory.same_pages = READ_ONCE(t->memory.same_pages);
		info->memory.paged_pages = READ_ONCE(t->memory.paged_pages);
		info->bytes = READ_ONCE(t->stream.ch.bytes);
	}
	info->total_ns = now - t->asked;
	info->setup_ns = (t->started ? t->started : now) - t->asked;
	info->down_ns = t->stopped ? now - t->stopped : 0;
}

void transfer_listen(struct vm *vm, void (*fn)(struct vm *vm))
{
	vm->transfer->listener = fn;
}

int transfer_create(struct vm *vm)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->vm = vm;
	t->stream.ch.fd = t->dir = -1;
	/* What tells that cannot be opened later. */
	t->nr_workers = workers_suit();
	t->begin_work.fn = begin;
	t->end_work.fn = post_end;
	t->stop_job.run = stop_job;
	t->end_job.run = end_job;
	vm->transfer = t;
	return 0;
}

void transfer_destroy(struct vm *vm)
{
	struct transfer *t = vm->transfer;

	if (!t)
		return;
	WRITE_ONCE(t->cancel, true);
	/* It may wait in the kernel for a pager. */
	if (t->threaded)
		thread_end(t->thread, "guest memory was being transferred");
	prefetch_destroy(t->prefetch);
	/* The loop has ended: end() does not run. */
	if (t->threaded && !t->result)
		vm->held = false;
	if (under_way(t) && vm->held)
		err("ended before the guest was %s",
		    t->info.incoming ? "restored" : "saved");
	release(t);
	free(t);
	vm->transfer = NULL;
}
