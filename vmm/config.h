/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the command line says, after parsing and before anything is made.
 * config.c fills it from the option table; values that name objects (-device,
 * -object, ...) stay option trees for the code that makes those objects.
 */
#ifndef TARN_CONFIG_H
#define TARN_CONFIG_H

#include <sys/queue.h>

#include "lib/types.h"

struct opts;

#define CONFIG_MAX_CPUS 255
#define CONFIG_MAX_NODES 16
#define CONFIG_MAX_SERIAL 4
#define CONFIG_MAX_QMP 4

/** enum config_tarn - whether the VM is attached to memory that is in a pool. */
enum config_tarn {
	CONFIG_TARN_AUTO, /* where it is, and the module can */
	CONFIG_TARN_ON, /* or fail */
	CONFIG_TARN_OFF,
};

/** enum config_dispatch - how vCPUs follow home nodes of memory in a pool. */
enum config_dispatch {
	CONFIG_DISPATCH_OFF,
	CONFIG_DISPATCH_SOFT, /* they are moved when homes change */
	CONFIG_DISPATCH_STRICT, /* they stay there */
};

/** struct config_item - one occurrence of an option that makes an object. */
struct config_item {
	struct opts *opts;
	const char *text;
	STAILQ_ENTRY(config_item) link;
};

STAILQ_HEAD(config_list, config_item);

/** struct config_node - one -numa node. */
struct config_node {
	bool present;
	const char *memdev;
	u64 mem;
	bool cpu[CONFIG_MAX_CPUS];
	u8 dist[CONFIG_MAX_NODES]; /* 0: not given */
};

/**
 * struct vm_config - the machine as asked for.
 * @no_machine: -machine none: no guest, only monitors that can be asked
 * @memory_backend: -machine memory-backend=, or NULL
 * @tarn: -machine tarn=
 * @dispatch: -machine dispatch=
 * @tarn_hidden: -cpu tarn=off: CPUID does not tell the guest
 * @vmx_hidden: -cpu vmx=off: the guest can run no guests on Intel's processors
 * @svm_hidden: -cpu svm=off: the same on AMD's
 * @serial: texts of -serial, in order
 * @qmp: texts of -qmp, in order
 */
struct vm_config {
	const char *name;
	const char *pidfile;
	bool daemonize;
	bool sandbox;

	bool no_machine;
	u64 mem_size;
	const char *memory_backend;
	bool mem_merge;
	bool dump_guest_core;
	int tarn; /* enum config_tarn */
	int dispatch; /* enum config_dispatch */
	bool tarn_hidden;
	bool vmx_hidden;
	bool svm_hidden;

	unsigned int cpus;
	unsigned int max_cpus;
	unsigned int sockets;
	unsigned int dies;
	unsigned int cores;
	unsigned int threads;

	unsigned int nr_nodes;
	struct config_node node[CONFIG_MAX_NODES];

	const char *kernel; /* NULL: firmware starts what is on a disk */
	const char *bios; /* file of firmware, NULL for the default one */
	const char *initrd;
	const char *append;

	const char *incoming; /* -incoming, or NULL */
	bool start_paused;
	bool no_reboot;
	bool nographic;
	bool no_shutdown;
	bool rtc_localtime;
	u8 uuid[16];

	unsigned int nr_serial;
	const char *serial[CONFIG_MAX_SERIAL];
	unsigned int nr_qmp;
	const char *qmp[CONFIG_MAX_QMP];

	struct config_list objects;
	struct config_list chardevs;
	struct config_list blockdevs;
	struct config_list netdevs;
	struct config_list devices;
	struct config_list monitors;
	struct config_list fds;
	struct config_list parsed; /* the rest, kept for their strings */
};

/**
 * config_parse() - fill @cfg from the command line.
 *
 * Return: 0, -EINVAL (reported), or 1 when -help or -version was answered.
 */
int config_parse(struct vm_config *cfg, int argc, char **argv);

/**
 * struct config_option_info - what an option takes, for monitors.
 * @name: without its dash
 * @keys: with blanks between; "" when it is not a list of keys
 */
struct config_option_info {
	const char *name;
	const char *keys;
};

/** config_option_info() - about option @index; false behind the last. */
bool config_option_info(unsigned int index, struct config_option_info *info);

/** config_exit() - free what config_parse() allocated. */
void config_exit(struct vm_config *cfg);

/** config_cpu_node() - the guest's NUMA node that its CPU @cpu belongs to. */
static inline unsigned int config_cpu_node(const struct vm_config *cfg,
					   unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < cfg->nr_nodes; i++)
		if (cfg->node[i].cpu[cpu])
			return i;
	return 0;
}

/**
 * config_for_each() - make an object of each item, stop at the first failure.
 * @what: the option's name, for messages
 *
 * A key that @fn left unused is an error, too.
 */
int config_for_each(struct config_list *list, const char *what,
		    int (*fn)(void *arg, struct opts *opts), void *arg);

#endif
