// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl numa: where the vCPUs of guests ran last. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "hostnode.h"
#include "numa.h"
#include "task.h"

/**
 * struct guest - a process, while it is looked at
 * @numa: what is counted
 * @host: nodes and their processors
 * @files: what it has mapped
 */
struct guest {
	struct numa *numa;
	const struct host_nodes *host;
	const struct mapped_files *files;
};

/* NODE_MAX + 1: not known. */
static unsigned int node_of(const struct host_nodes *host, unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < host->nr; i++) {
		if (cpus_has(&host->node[i].cpus, cpu) &&
		    host->node[i].nid <= NODE_MAX)
			return host->node[i].nid;
	}
	return NUMA_NODES;
}

static bool has_mapped(const struct mapped_files *files,
		       const struct numa_row *row)
{
	size_t i;

	for (i = 0; i < files->count; i++) {
		if (files->items[i].dev == row->dev &&
		    files->items[i].ino == row->ino)
			return true;
	}
	return false;
}

/* A guest with several partitions has its vCPUs at each of them. */
static void count(const struct task *task, void *arg)
{
	const struct guest *guest = arg;
	struct numa *numa = guest->numa;
	unsigned int node = node_of(guest->host, task->cpu);
	bool any = false;
	size_t i;

	if (!task->vcpu || node >= NUMA_NODES)
		return;
	for (i = 0; i < numa->count; i++) {
		if (!has_mapped(guest->files, &numa->rows[i]))
			continue;
		numa->rows[i].vcpus[node]++;
		any = true;
	}
	numa->vcpus[node] += any;
}

static void count_of(struct numa *numa, const struct host_nodes *host, int proc,
		     const char *pid, const struct pool_list *pools)
{
	struct mapped_files files;
	struct guest guest = { numa, host, &files };
	int fd;

	if (!task_maps(pid, pools, &files))
		return;
	fd = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		tasks_each(fd, count, &guest);
		close(fd);
	}
	maps_free(&files);
}

/* Nodes with vCPUs alone have a column as well. */
static int add_nodes(struct numa *numa)
{
	struct tarn_home home = { 0 };
	struct homes none = { .items = &home, .count = 1 };

	for (; home.node < NUMA_NODES; home.node++) {
		if (numa->vcpus[home.node] && homes_add(&numa->total, &none))
			return err_nomem();
	}
	return 0;
}

int numa_find_vcpus(struct numa *numa, const struct pool_list *pools)
{
	struct host_nodes host;
	struct dirent *entry;
	DIR *dir;

	/* A kernel without NUMA tells of no nodes. */
	if (host_nodes_read(&host, HOST_NODES_DIR))
		return 0;
	dir = opendir("/proc");
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			count_of(numa, &host, dirfd(dir), entry->d_name, pools);
	}
	if (dir)
		closedir(dir);
	host_nodes_free(&host);
	return add_nodes(numa);
}
