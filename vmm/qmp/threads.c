// SPDX-License-Identifier: GPL-2.0-only
/* The threads that a manager pins: vCPUs and iothreads. */
#include <stdio.h>

#include "config.h"
#include "iothread.h"
#include "qmp/commands.h"
#include "qmp/internal.h"
#include "qmp/qom.h"
#include "vcpu.h"
#include "vm.h"

/* Where in the topology vCPU @index sits; threads are counted first. */
static json_t *place(const struct vm_config *cfg, unsigned int index)
{
	unsigned int threads = cfg->threads, cores = cfg->cores * threads;
	unsigned int dies = cfg->dies * cores;
	json_t *props;

	props = json_pack("{sisisi}", "socket-id", index / dies, "core-id",
			  index % cores / threads, "thread-id",
			  index % threads);
	if (cfg->dies > 1)
		json_object_set_new(props, "die-id",
				    json_integer(index % dies / cores));
	return props;
}

static void query_cpus_fast(struct vm *vm, struct qmp_call *call, json_t *args)
{
	json_t *list = json_array();
	unsigned int i;
	char path[64];

	for (i = 0; i < vm->nr_vcpus; i++) {
		snprintf(path, sizeof(path), QOM_CPU_FORMAT, i);
		json_array_append_new(
			list, json_pack("{sisssssissso}", "cpu-index", i,
					"qom-path", path, "target", "x86_64",
					"thread-id", (int)vm->vcpus[i].tid,
					"qom-type", X86_CPU_TYPE, "props",
					place(vm->config, i)));
	}
	qmp_reply(call, list);
}

static void add_iothread(const char *id, pid_t tid, struct loop *loop,
			 void *arg)
{
	/* They sleep in io_uring and never poll. */
	json_array_append_new(
		arg, json_pack("{sosisisisisi}", "id", qmp_text(id),
			       "thread-id", (int)tid, "poll-max-ns", 0,
			       "poll-grow", 0, "poll-shrink", 0,
			       "aio-max-batch", 0));
}

static void query_iothreads(struct vm *vm, struct qmp_call *call, json_t *args)
{
	json_t *list = json_array();

	iothread_for_each(add_iothread, list);
	qmp_reply(call, list);
}

static const struct qmp_command commands[] = {
	{.name = "query-cpus-fast", .run = query_cpus_fast},
	{.name = "query-iothreads", .run = query_iothreads},
	{0},
};

const struct qmp_table qmp_threads_table = {.commands = commands};
