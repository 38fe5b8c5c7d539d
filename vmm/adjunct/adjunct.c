// SPDX-License-Identifier: GPL-2.0-only
/* The life of adjuncts, from a block node that names a function to its end; see adjunct.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adjunct/internal.h"
#include "error.h"
#include "iothread.h"
#include "mem.h"
#include "vfio/vfio.h"
#include "vm.h"
#include "wait.h"

#define CLASS_NVME 0x010802
/* A request is tried for as long as a device may be away, see restart.c. */
#define LATE_MS 10000
#define GIVE_UP_MS 30000

_Static_assert(ADJUNCT_RANGES == MEM_MAX_RANGES, "all of the client's RAM");

static struct adjunct *all;
static bool running; /* the machine is made: no memory can be given any more */

void adjunct_forget_machine(void)
{
	running = false;
}

static int open_fds(struct adjunct *adj)
{
	adj->irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	adj->err_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return adj->irq_fd < 0 || adj->err_fd < 0 ? err_errno(-errno, "eventfd") : 0;
}

static int open_function(struct adjunct *adj)
{
	int ret = vfio_function_open(adj->device, &adj->fn);

	if (ret)
		return ret;
	if (vfio_function_class(adj->fn) == CLASS_NVME)
		return 0;
	err("'%s' is no NVMe controller", adj->device);
	return -ENODEV;
}

int adjunct_create(const char *node, const char *device, u32 namespace, bool read_only,
		   struct adjunct **out)
{
	struct adjunct *adj, **tail;
	int ret;

	if (running) {
		err("a function's adjunct needs memory of the machine: give it with -blockdev when that is started");
		return -EBUSY;
	}
	adj = calloc(1, sizeof(*adj));
	if (!adj)
		return -ENOMEM;
	adj->memory.fd = -1;
	adj->vm_fd = -1;
	adj->irq_fd = -1;
	adj->err_fd = -1;
	adj->namespace = namespace;
	adj->read_only = read_only;
	adj->told_work.fn = adjunct_tell;
	pthread_mutex_init(&adj->lock, NULL);
	pthread_cond_init(&adj->cond, NULL);
	adj->node = strdup(node);
	adj->device = strdup(device);
	ret = adj->node && adj->device ? adjunct_settings_get(device, &adj->settings)
				       : -ENOMEM;
	if (ret || (ret = adjunct_image_open(&adj->image, adj->settings.image)) ||
	    (ret = open_function(adj)) || (ret = open_fds(adj))) {
		adjunct_destroy(adj);
		return ret;
	}
	for (tail = &all; *tail; tail = &(*tail)->next)
		;
	*tail = adj;
	*out = adj;
	return 0;
}

int adjuncts_place(struct vm *vm)
{
	int huge = all ? adjunct_vm_huge(vm) : 0, ret;
	struct adjunct *adj;

	if (huge < 0)
		return huge;
	for (adj = all; adj; adj = adj->next) {
		adj->huge = huge;
		ret = adjunct_memory_get(&adj->memory, adj->settings.memory, &vm->mem);
		if (ret)
			return ret;
	}
	/* What the next one takes moves the end of RAM, behind which all lie. */
	for (adj = all; adj; adj = adj->next) {
		ret = adjunct_map_make(adj, &vm->mem);
		if (ret)
			return ret;
	}
	return 0;
}

static void fill_config(struct adjunct *adj)
{
	const struct adjunct_settings *s = &adj->settings;
	const struct adjunct_map *map = &adj->map;
	struct adjunct_config *c = adj->config;
	unsigned int i;

	*c = (struct adjunct_config){
		.magic = ADJUNCT_MAGIC,
		.version = ADJUNCT_VERSION,
		.namespace = adj->namespace,
		.nr_ranges = adj->mem->nr,
		.bar = map->bar,
		.bar_size = vfio_function_bar(adj->fn, 0)->piece[0].size,
		.shared = map->base + ADJUNCT_PAGE,
		.log = map->base + map->log,
		.rings = map->base + map->dma,
		.bounce = map->base + map->bounce,
		.bounce_size = map->size - map->bounce,
		.tsc_khz = adj->tsc_khz,
		.poll = adj->tsc_khz * s->poll_us / 1000,
		.late = adj->tsc_khz * LATE_MS,
		.give_up = adj->tsc_khz * GIVE_UP_MS,
		.budget = s->budget,
		.read_only = adj->read_only,
	};
	for (i = 0; i < adj->mem->nr; i++)
		c->range[i] = (struct adjunct_range){
			.gpa = adj->mem->range[i].gpa,
			.size = adj->mem->range[i].size,
		};
}

struct start {
	struct adjunct *adj;
	int ret;
};

static void start_in_loop(void *arg)
{
	struct start *start = arg;

	start->ret = adjunct_up(start->adj);
}

static int start(struct adjunct *adj, struct vm *vm)
{
	struct start start = {.adj = adj};
	int ret;

	adj->config = (struct adjunct_config *)adj->memory.hva;
	adj->shared = (struct adjunct_shared *)(adj->memory.hva + ADJUNCT_PAGE);
	ret = adjunct_vm_create(adj, vm);
	if (ret)
		return ret;
	fill_config(adj);
	adjunct_tables_make(adj);
	ret = vfio_function_map(adj->fn, adj->map.base + adj->map.dma,
				adj->memory.hva + adj->map.dma, adj->map.size - adj->map.dma,
				true);
	if (ret || (ret = adjunct_watchdog_start(adj)))
		return ret;
	adj->thread = iothread_own_start("IO adjunct", SANDBOX_ADJUNCT);
	if (!adj->thread)
		return -EIO;
	adj->loop = iothread_own_loop(adj->thread);
	if ((ret = adjunct_reap_start(adj)) || (ret = adjunct_restart_start(adj)))
		return ret;
	loop_call(adj->loop, start_in_loop, &start);
	if (!start.ret)
		start.ret = vfio_function_on_error(adj->fn, adj->err_fd);
	/* One that PCI Express tells nothing of. */
	return start.ret == -EOPNOTSUPP ? 0 : start.ret;
}

int adjuncts_start(struct vm *vm)
{
	struct adjunct *adj;
	int ret = all ? adjunct_dispatch_init() : 0;

	running = true;
	for (adj = all; adj && !ret; adj = adj->next) {
		ret = start(adj, vm);
		if (ret)
			break;
		info("adjunct of '%s': %llu MiB in blocks of %u, %u queues, %llu KiB of %s",
		     adj->device, (unsigned long long)(adj->disk.size >> 20), adj->disk.block,
		     adj->disk.nr_queues, (unsigned long long)(adj->memory.size >> 10),
		     adj->memory.donated ? "the guest's memory" : "memory of its own");
	}
	return ret;
}

static void stop_in_loop(void *arg)
{
	struct adjunct *adj = arg;

	/* A device that does not want to has lost nothing that was flushed. */
	if (adj->started && !adjunct_has_failed(adj))
		adjunct_enter(adjunct_service(adj), ADJUNCT_SHUTDOWN, 0);
	adjunct_close_gate(adj);
	adjunct_restart_stop(adj);
	adjunct_reap_stop(adj);
	loop_work_cancel(adj->loop, &adj->told_work);
}

static void forget(struct adjunct *adj)
{
	struct adjunct **pos;

	for (pos = &all; *pos; pos = &(*pos)->next)
		if (*pos == adj) {
			*pos = adj->next;
			return;
		}
}

/* The end of all that runs. It may have been stopped already. */
static void stop(struct adjunct *adj)
{
	if (adj->thread) {
		wait_begin(WAIT_DISKS);
		adjunct_wait_unused(adj);
		loop_call(adj->loop, stop_in_loop, adj);
		iothread_own_end(adj->thread);
		wait_end();
	}
	adj->thread = NULL;
	adj->loop = NULL;
	adjunct_watchdog_stop(adj);
	adjunct_vm_destroy(adj);
}

void adjuncts_stop(void)
{
	struct adjunct *adj;

	for (adj = all; adj; adj = adj->next)
		stop(adj);
}

void adjunct_destroy(struct adjunct *adj)
{
	if (!adj)
		return;
	/* Nobody finds it any more, so nobody minds that the VM's lock is free meanwhile. */
	forget(adj);
	stop(adj);
	vfio_function_close(adj->fn);
	adjunct_memory_put(&adj->memory);
	adjunct_image_close(&adj->image);
	adjunct_settings_free(&adj->settings);
	if (adj->irq_fd >= 0)
		close(adj->irq_fd);
	if (adj->err_fd >= 0)
		close(adj->err_fd);
	pthread_cond_destroy(&adj->cond);
	pthread_mutex_destroy(&adj->lock);
	free(adj->node);
	free(adj->device);
	free(adj);
}

/* Looking */

const struct adjunct_disk *adjunct_disk(const struct adjunct *adj)
{
	return adj->started ? &adj->disk : NULL;
}

struct loop *adjunct_loop(struct adjunct *adj)
{
	return adj->loop;
}

bool adjunct_is_donated(const struct adjunct *adj)
{
	return adj->settings.donated;
}

bool adjunct_has_donated_memory(const struct adjunct *adj)
{
	return adj->memory.donated;
}

bool adjunct_is_up(const struct adjunct *adj)
{
	return adj->started && !__atomic_load_n(&adj->closed, __ATOMIC_SEQ_CST);
}

bool adjunct_has_failed(const struct adjunct *adj)
{
	return __atomic_load_n(&adj->failed, __ATOMIC_SEQ_CST);
}

const char *adjunct_device(const struct adjunct *adj)
{
	return adj->device;
}

const char *adjunct_node(const struct adjunct *adj)
{
	return adj->node;
}

u64 adjunct_pinned(const struct adjunct *adj)
{
	return adj->map.size - adj->map.dma;
}

void adjunct_for_each(void (*fn)(struct adjunct *adj, void *arg), void *arg)
{
	struct adjunct *adj;

	for (adj = all; adj; adj = adj->next)
		fn(adj, arg);
}

void adjunct_get_stats(const struct adjunct *adj, struct adjunct_stats *stats)
{
	const struct adjunct_cpu *service = &adj->cpu[adj->nr_client];
	unsigned int i;

	*stats = (struct adjunct_stats){
		.service = READ_ONCE(service->dispatches),
		.service_ns = READ_ONCE(service->ns),
		.requests = READ_ONCE(service->requests),
		.restarts = READ_ONCE(adj->restarts),
	};
	if (adj->shared) {
		stats->errors = READ_ONCE(adj->shared->info.errors);
		stats->stray = READ_ONCE(adj->shared->info.stray);
	}
	for (i = 0; i < adj->nr_client; i++) {
		stats->donated += READ_ONCE(adj->cpu[i].dispatches);
		stats->donated_ns += READ_ONCE(adj->cpu[i].ns);
		stats->requests += READ_ONCE(adj->cpu[i].requests);
	}
}
