// SPDX-License-Identifier: GPL-2.0-only
/* See node.h. */
#include <errno.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "node.h"

#define PAGE_SIZE 4096UL

int node_run_on(unsigned int nid)
{
	unsigned int cpu;
	char path[64];
	cpu_set_t set;
	int found;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/cpulist",
		 nid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	found = fscanf(f, "%u", &cpu);
	fclose(f);
	if (found != 1)
		return -ENOENT;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static void fill_addresses(const void *base, size_t pages, void **addresses)
{
	size_t i;

	for (i = 0; i < pages; i++)
		addresses[i] = (char *)base + i * PAGE_SIZE;
}

int node_of_pages(const void *base, size_t pages, int *nodes)
{
	void **addresses = calloc(pages, sizeof(*addresses));
	int ret = 0;

	if (!addresses)
		return -ENOMEM;
	fill_addresses(base, pages, addresses);
	if (syscall(SYS_move_pages, 0, pages, addresses, NULL, nodes, 0) < 0)
		ret = -errno;
	free(addresses);
	return ret;
}

int node_move_pages(void *base, size_t pages, int to, void **addresses,
		    int *nodes, int *status)
{
	size_t i;

	fill_addresses(base, pages, addresses);
	for (i = 0; i < pages; i++)
		nodes[i] = to;
	/* A positive number is that of pages that stayed. */
	return syscall(SYS_move_pages, 0, pages, addresses, nodes, status,
		       MPOL_MF_MOVE) ? -EBUSY : 0;
}
