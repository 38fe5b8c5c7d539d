// SPDX-License-Identifier: GPL-2.0-only
/* Home nodes of a domain against the processors that its vCPUs run on. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/xpath.h>

#include "domain_rules.h"
#include "error.h"

#define MAX_CPUS 8192

struct cpus {
	bool in[MAX_CPUS];
};

/* "0-3,^2,7", as libvirt and (without '^') the kernel write it. */
static int parse_cpus(const char *text, struct cpus *cpus)
{
	unsigned long first, last;
	bool value;
	char *end;

	for (;; text = end + 1) {
		while (isspace((unsigned char)*text))
			text++;
		value = *text != '^';
		text += !value;
		if (*text < '0' || *text > '9')
			return -EINVAL;
		first = last = strtoul(text, &end, 10);
		if (*end == '-' && value) {
			text = end + 1;
			if (*text < '0' || *text > '9')
				return -EINVAL;
			last = strtoul(text, &end, 10);
		}
		if (last < first || last >= MAX_CPUS)
			return -ERANGE;
		for (; first <= last; first++)
			cpus->in[first] = value;
		while (isspace((unsigned char)*end))
			end++;
		if (!*end)
			return 0;
		if (*end != ',')
			return -EINVAL;
	}
}

static int add_node(struct cpus *cpus, const char *sysfs, unsigned int nid)
{
	char path[256], text[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/devices/system/node/node%u/cpulist",
		 sysfs, nid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[len] = '\0';
	/* A node may have memory alone. */
	return len <= 1 ? 0 : parse_cpus(text, cpus);
}

static int read_nodes(const struct domain *dom,
		      const struct domain_settings *set, const char *sysfs,
		      struct cpus *cpus)
{
	unsigned int nid;
	int ret;

	for (nid = 0; nid < 64; nid++) {
		if (!(set->home & 1ULL << nid))
			continue;
		ret = add_node(cpus, sysfs, nid);
		if (ret == -ENOENT)
			return domain_err(dom, dom->settings,
					  "this host has no NUMA node %u, which <home> names; 'numactl --hardware' or 'virsh capabilities' shows those it has",
					  nid);
		if (ret)
			return err_errno(ret, "read the processors of node %u",
					 nid);
	}
	return 0;
}

static int check_one(const struct domain *dom, xmlNode *node,
		     const struct cpus *home)
{
	xmlChar *text = xmlGetNoNsProp(node, BAD_CAST "cpuset");
	struct cpus *cpus = calloc(1, sizeof(*cpus));
	unsigned int i;
	int ret = 0;

	if (!cpus || !text)
		ret = cpus ? 0 : err_nomem();
	else if (parse_cpus((char *)text, cpus))
		ret = domain_err(dom, node, "cpuset='%s' is no set of processors",
				 text);
	for (i = 0; home && text && !ret && i < MAX_CPUS; i++) {
		if (cpus->in[i] && !home->in[i])
			ret = domain_err(dom, node,
					 "processor %u of <%s cpuset='%s'> is not on a node that <home> names",
					 i, node->name, text);
	}
	free(cpus);
	xmlFree(text);
	return ret;
}

/* Pins of single vCPUs, which count more than the set for all. */
static int check_pins(const struct domain *dom, const struct cpus *home)
{
	const xmlNode *tune = domain_find(dom, "/domain/cputune");
	xmlNode *node;
	int ret = 0;

	for (node = tune ? tune->children : NULL; node && !ret; node = node->next) {
		if (node->type == XML_ELEMENT_NODE &&
		    !strcmp((char *)node->name, "vcpupin"))
			ret = check_one(dom, node, home);
	}
	return ret;
}

int domain_home_check(const struct domain *dom,
		      const struct domain_settings *set, const char *sysfs)
{
	struct cpus *home = NULL;
	xmlNode *vcpu;
	int ret = 0;

	if (!set->home)
		return 0;
	vcpu = domain_find(dom, "/domain/vcpu[@cpuset]");
	if (!vcpu)
		return domain_err(dom, domain_find(dom, "/domain/vcpu"),
				  "<home> holds where the vCPUs run on the same nodes: give <vcpu> the attribute cpuset with processors of them");
	if (sysfs) {
		home = calloc(1, sizeof(*home));
		if (!home)
			return err_nomem();
		ret = read_nodes(dom, set, sysfs, home);
	}
	if (!ret)
		ret = check_one(dom, vcpu, home);
	if (!ret)
		ret = check_pins(dom, home);
	free(home);
	return ret;
}
