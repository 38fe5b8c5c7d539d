// SPDX-License-Identifier: GPL-2.0-only
/* See host.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "host.h"

static int by_number(const void *a, const void *b)
{
	const struct host_node *p = a, *q = b;

	return (p->nid > q->nid) - (p->nid < q->nid);
}

/* A line of numbers, of all nodes in ascending order. */
static int read_distances(struct host *host, size_t from)
{
	char path[128];
	size_t to;
	FILE *f;
	int ret = 0;

	snprintf(path, sizeof(path), "%s/node%u/distance", HOST_NODES_DIR,
		 host->nodes.node[from].nid);
	f = fopen(path, "re");
	if (!f)
		return err_errno(-errno, "open %s", path);
	for (to = 0; to < host->nodes.nr && !ret; to++) {
		if (fscanf(f, "%u", &host->distance[from][to]) != 1)
			ret = err_errno(-EPROTO, "read %s", path);
	}
	fclose(f);
	return ret;
}

int host_read(struct host *host)
{
	int ret;
	size_t i;

	memset(host, 0, sizeof(*host));
	ret = host_nodes_read(&host->nodes, HOST_NODES_DIR);
	if (ret)
		return err_errno(ret, "read the NUMA nodes in %s", HOST_NODES_DIR);
	if (host->nodes.nr > HOST_NODES) {
		err("this host has %u NUMA nodes, and no more than %d can be reckoned with",
		    host->nodes.nr, HOST_NODES);
		host_free(host);
		return -E2BIG;
	}
	qsort(host->nodes.node, host->nodes.nr, sizeof(*host->nodes.node),
	      by_number);
	for (i = 0; i < host->nodes.nr && !ret; i++)
		ret = read_distances(host, i);
	if (ret)
		host_free(host);
	return ret;
}

void host_free(struct host *host)
{
	host_nodes_free(&host->nodes);
}

static bool same_nodes(const struct host *a, const struct host *b)
{
	size_t i;

	for (i = 0; i < a->nodes.nr && i < b->nodes.nr; i++) {
		if (a->nodes.node[i].nid != b->nodes.node[i].nid)
			return false;
	}
	return a->nodes.nr == b->nodes.nr;
}

bool host_refresh(struct host *host)
{
	struct host now;
	bool same, cpus = false;
	size_t i;

	if (host_read(&now))
		return false;
	same = same_nodes(host, &now);
	for (i = 0; same && i < now.nodes.nr; i++)
		cpus |= memcmp(&now.nodes.node[i].cpus,
			       &host->nodes.node[i].cpus,
			       sizeof(now.nodes.node[i].cpus));
	/* A processor that has come has worked before: that was not now. */
	if (same && !cpus)
		memcpy(now.ticks, host->ticks, sizeof(now.ticks));
	host_free(host);
	*host = now;
	return !same;
}

size_t host_node(const struct host *host, unsigned int nid)
{
	size_t i;

	for (i = 0; i < host->nodes.nr; i++) {
		if (host->nodes.node[i].nid == nid)
			return i;
	}
	return HOST_NONE;
}

size_t host_node_of_cpu(const struct host *host, unsigned int cpu)
{
	size_t i;

	for (i = 0; i < host->nodes.nr; i++) {
		if (cpus_has(&host->nodes.node[i].cpus, cpu))
			return i;
	}
	return HOST_NONE;
}

/* Of a line of /proc/stat: all but what it idled, and what is counted twice. */
static bool parse_stat(const char *line, unsigned int *cpu, uint64_t *ticks)
{
	unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;

	if (sscanf(line, "cpu%u %llu %llu %llu %llu %llu %llu %llu %llu", cpu,
		   &user, &nice, &system, &idle, &iowait, &irq, &softirq,
		   &steal) != 9)
		return false;
	*ticks = user + nice + system + irq + softirq + steal;
	return true;
}

static void read_ticks(const struct host *host, uint64_t *ticks)
{
	FILE *f = fopen("/proc/stat", "re");
	char line[512];
	uint64_t worked;
	unsigned int cpu;

	memset(ticks, 0, HOST_NODES * sizeof(*ticks));
	while (f && fgets(line, sizeof(line), f)) {
		size_t node;

		if (!parse_stat(line, &cpu, &worked))
			continue;
		node = host_node_of_cpu(host, cpu);
		if (node != HOST_NONE)
			ticks[node] += worked;
	}
	if (f)
		fclose(f);
}

void host_busy(struct host *host, double seconds, double *busy)
{
	double hz = sysconf(_SC_CLK_TCK);
	uint64_t now[HOST_NODES];
	size_t i;

	read_ticks(host, now);
	for (i = 0; i < host->nodes.nr; i++) {
		busy[i] = 0;
		if (host->ticks[i] && now[i] > host->ticks[i] && seconds > 0)
			busy[i] = (now[i] - host->ticks[i]) / hz / seconds;
	}
	memcpy(host->ticks, now, sizeof(now));
}
