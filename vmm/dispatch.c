// SPDX-License-Identifier: GPL-2.0-only
/*
 * See dispatch.h.
 *
 * A mask does nothing to a thread that sleeps, and parked ones and those of an idle
 * guest do: they are moved when they wake. So dispatch=soft does not give the base
 * back at once, but when the guest has run with the narrow mask until the next look.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <linux/tarn.h>

#include "config.h"
#include "dispatch.h"
#include "error.h"
#include "hostnode.h"
#include "lib/affinity.h"
#include "loop.h"
#include "sandbox.h"
#include "vcpu.h"
#include "vm.h"

/* How often homes are looked at. */
#define PERIOD_NS 1000000000ULL

/**
 * struct memory - a memory backend in a pool.
 * @fd: its file, or -1: the module does not tell its homes
 * @node: the guest's NUMA node
 */
struct memory {
	int fd;
	unsigned int node;
};

/**
 * struct goal - where the vCPUs of a node of the guest are to run.
 * @homes: its memory has homes; otherwise anywhere
 * @cpus: processors of these
 */
struct goal {
	bool homes;
	struct cpus cpus;
};

/**
 * struct thread - that of a vCPU.
 * @node: the guest's NUMA node
 * @affinity: its masks
 */
struct thread {
	unsigned int node;
	struct affinity affinity;
};

/**
 * struct dispatch - what follows the homes of a guest's memory.
 * @strict: masks stay narrow
 * @held: they are for now, and get wide again
 * @warned: it was said that a home has no processor for this guest
 * @room: for what the module tells of each node of the host
 * @goal: by the guest's NUMA node, as it was last
 * @thread: by vCPU
 */
struct dispatch {
	struct vm *vm;
	bool strict;
	bool held;
	bool warned;
	struct loop_timer *timer;
	struct host_nodes nodes;
	struct tarn_home *room;
	unsigned int nr_memory;
	struct memory memory[MEM_MAX_RANGES];
	struct goal goal[CONFIG_MAX_NODES];
	struct thread thread[];
};

/* Where vCPUs are to run */

static void add_homes(struct dispatch *d, struct memory *memory,
		      struct goal *goal)
{
	struct tarn_partition_homes call = {
		.size = sizeof(call),
		.count = d->nodes.nr,
		.homes = (uintptr_t)d->room,
	};
	const struct cpus *cpus;
	u32 i;

	if (ioctl(memory->fd, TARN_PARTITION_HOMES, &call)) {
		memory->fd = -1;
		return;
	}
	for (i = 0; i < min_t(u32, call.count, d->nodes.nr); i++) {
		if (!(d->room[i].flags & TARN_NODE_IS_HOME))
			continue;
		goal->homes = true;
		cpus = host_node_cpus(&d->nodes, d->room[i].node);
		if (cpus)
			cpus_add(&goal->cpus, cpus);
	}
}

/* True if it is another one than before. */
static bool find_goal(struct dispatch *d, unsigned int node)
{
	struct goal *old = &d->goal[node], goal = {0};
	unsigned int i;

	for (i = 0; i < d->nr_memory; i++)
		if (d->memory[i].node == node && d->memory[i].fd >= 0)
			add_homes(d, &d->memory[i], &goal);
	if (goal.homes == old->homes && cpus_equal(&goal.cpus, &old->cpus))
		return false;
	*old = goal;
	return true;
}

/* Whether any memory may have homes yet. */
static bool may_change(const struct dispatch *d)
{
	unsigned int i;

	for (i = 0; i < d->nr_memory; i++)
		if (d->memory[i].fd >= 0)
			return true;
	return false;
}

/* Masks of threads */

/* False if it has no processor there, and stays where it is. */
static bool thread_place(struct thread *t, const struct goal *goal)
{
	return goal->homes ? affinity_place(&t->affinity, &goal->cpus) :
			     affinity_widen(&t->affinity);
}

static void report(struct dispatch *d, const struct goal *goal,
		   unsigned int placed, unsigned int all)
{
	char list[160];

	cpus_format(&goal->cpus, list, sizeof(list));
	if (!goal->homes) {
		info("%u CPUs may run where they might at first", placed);
	} else if (placed == all) {
		info("%u CPUs go to processors %s, where their memory is at home",
		     placed, list);
	} else if (!d->warned) {
		warn("%u of %u CPUs stay where they are: they may not run on the processors of their memory's homes (%s)",
		     all - placed, all, *list ? list : "none");
		d->warned = true;
	}
}

static void place(struct dispatch *d, unsigned int node)
{
	const struct goal *goal = &d->goal[node];
	unsigned int i, all = 0, placed = 0;

	for (i = 0; i < d->vm->nr_vcpus; i++) {
		if (d->thread[i].node != node)
			continue;
		all++;
		placed += thread_place(&d->thread[i], goal);
	}
	if (goal->homes && !d->strict)
		d->held = true;
	report(d, goal, placed, all);
}

static void widen(struct dispatch *d)
{
	unsigned int i;

	for (i = 0; i < d->vm->nr_vcpus; i++)
		affinity_widen(&d->thread[i].affinity);
	d->held = false;
}

/* Looking, once a second */

/* True if something was changed. */
static bool look(struct dispatch *d)
{
	unsigned int nr = max_t(unsigned int, d->vm->config->nr_nodes, 1);
	bool changed = false;
	unsigned int node;

	for (node = 0; node < nr; node++) {
		if (!find_goal(d, node))
			continue;
		place(d, node);
		changed = true;
	}
	return changed;
}

static void arm(struct dispatch *d)
{
	if (may_change(d) || d->held)
		loop_timer_set(d->timer, loop_now() + PERIOD_NS);
}

static void due(void *arg)
{
	struct dispatch *d = arg;

	if (!look(d) && d->held && d->vm->state == VM_RUNNING)
		widen(d);
	arm(d);
}

/* Making it */

static bool has_memory(const struct dispatch *d, int fd)
{
	unsigned int i;

	for (i = 0; i < d->nr_memory; i++)
		if (d->memory[i].fd == fd)
			return true;
	return false;
}

static void find_memory(struct dispatch *d)
{
	const struct tarn_mem *mem = &d->vm->mem;
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		const struct mem_range *range = &mem->range[i];

		/* One that is split by the room for devices comes twice. */
		if (!mem_backend_in_pool(range->backend) ||
		    has_memory(d, range->fd))
			continue;
		d->memory[d->nr_memory++] = (struct memory){
			.fd = range->fd,
			.node = range->node,
		};
	}
}

static int find_threads(struct dispatch *d)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < d->vm->nr_vcpus && !ret; i++) {
		struct thread *t = &d->thread[i];

		t->node = config_cpu_node(d->vm->config, i);
		ret = affinity_init(&t->affinity, d->vm->vcpus[i].tid);
	}
	return ret;
}

/* False if there is nothing that vCPUs could follow, or no way to put them. */
static bool prepare(struct dispatch *d, const char *nodes_dir)
{
	find_memory(d);
	if (!d->nr_memory || host_nodes_read(&d->nodes, nodes_dir) ||
	    find_threads(d))
		return false;
	d->room = calloc(d->nodes.nr, sizeof(*d->room));
	return d->room;
}

static int create(struct vm *vm, const char *nodes_dir)
{
	struct dispatch *d = calloc(1, sizeof(*d) + vm->nr_vcpus *
						    sizeof(d->thread[0]));
	unsigned int i;

	if (!d)
		return -ENOMEM;
	vm->dispatch = d;
	d->vm = vm;
	d->strict = vm->config->dispatch == CONFIG_DISPATCH_STRICT;
	d->timer = loop_timer_add(vm->loop, due, d);
	if (d->timer && prepare(d, nodes_dir))
		look(d);
	if (!may_change(d) || !d->room) {
		dispatch_destroy(vm);
		return 0;
	}
	for (i = 0; i < vm->nr_vcpus; i++)
		sandbox_allow_affinity(d->thread[i].affinity.tid);
	arm(d);
	return 0;
}

int dispatch_create(struct vm *vm)
{
	if (vm->config->dispatch == CONFIG_DISPATCH_OFF)
		return 0;
	return create(vm, HOST_NODES_DIR);
}

void dispatch_destroy(struct vm *vm)
{
	struct dispatch *d = vm->dispatch;

	if (!d)
		return;
	loop_timer_del(d->timer);
	host_nodes_free(&d->nodes);
	free(d->room);
	free(d);
	vm->dispatch = NULL;
}
