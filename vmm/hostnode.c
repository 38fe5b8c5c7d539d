// SPDX-License-Identifier: GPL-2.0-only
/* See hostnode.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostnode.h"

/* Each second processor of all that there can be, with five digits and a comma. */
#define LIST_MAX (CPUS_MAX / 2 * 6)

static int read_list(int dir, const char *name, struct cpus *cpus)
{
	static char text[LIST_MAX];
	char path[300];
	size_t len;
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "%s/cpulist", name);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	fclose(f);
	return cpus_parse(text, cpus);
}

static int add_node(struct host_nodes *nodes, int dir, const char *name)
{
	struct host_node *all;
	unsigned int nid;
	int end = 0;

	if (sscanf(name, "node%u%n", &nid, &end) != 1 || name[end])
		return 0;
	all = reallocarray(nodes->node, nodes->nr + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	nodes->node = all;
	all[nodes->nr].nid = nid;
	return read_list(dir, name, &all[nodes->nr++].cpus);
}

int host_nodes_read(struct host_nodes *nodes, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int ret = 0;

	memset(nodes, 0, sizeof(*nodes));
	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir)))
		ret = add_node(nodes, dirfd(dir), entry->d_name);
	closedir(dir);
	if (ret)
		host_nodes_free(nodes);
	return ret;
}

void host_nodes_free(struct host_nodes *nodes)
{
	free(nodes->node);
	memset(nodes, 0, sizeof(*nodes));
}

const struct cpus *host_node_cpus(const struct host_nodes *nodes,
				  unsigned int nid)
{
	unsigned int i;

	for (i = 0; i < nodes->nr; i++)
		if (nodes->node[i].nid == nid)
			return &nodes->node[i].cpus;
	return NULL;
}
