// SPDX-License-Identifier: GPL-2.0-only
/*
 * Home nodes of a domain, and what libvirt's own settings say of the same: these hold,
 * as QEMU and libvirt see to them whatever is in the metadata.
 */
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

static int read_nodes(const struct domain *dom, uint64_t homes,
		      const char *sysfs, struct cpus *cpus)
{
	unsigned int nid;
	int ret;

	for (nid = 0; nid < DOMAIN_NODES; nid++) {
		if (!(homes & 1ULL << nid))
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

/* ---- <numatune> --------------------------------------------------------- */

static uint64_t mask_of(const struct cpus *nodes)
{
	uint64_t mask = 0;
	unsigned int i;

	for (i = 0; i < DOMAIN_NODES; i++)
		mask |= nodes->in[i] ? 1ULL << i : 0;
	return mask;
}

/* "0-1", of an element. @mask: 0 if there is none. */
static int read_nodeset(const struct domain *dom, xmlNode *node, uint64_t *mask)
{
	xmlChar *text = node ? xmlGetNoNsProp(node, BAD_CAST "nodeset") : NULL;
	struct cpus *nodes = calloc(1, sizeof(*nodes));
	int ret = 0;

	*mask = 0;
	if (!nodes)
		ret = err_nomem();
	else if (text && parse_cpus((char *)text, nodes))
		ret = domain_err(dom, node, "nodeset='%s' is no set of NUMA nodes",
				 text);
	else if (text)
		*mask = mask_of(nodes);
	free(nodes);
	xmlFree(text);
	return ret;
}

const struct domain_cell *domain_home_cell(const struct domain_settings *set,
					   unsigned int cell)
{
	unsigned int i;

	for (i = 0; i < set->nr_cells; i++) {
		if (set->cells[i].cell == cell)
			return &set->cells[i];
	}
	return NULL;
}

/* A node of the guest. What it says may be what <home> does. */
static int tune_cell(struct domain_settings *set, const struct domain *dom,
		     xmlNode *node)
{
	xmlChar *text = xmlGetNoNsProp(node, BAD_CAST "cellid");
	struct domain_cell cell = { 0 };
	int ret = read_nodeset(dom, node, &cell.home);
	char *end = NULL;

	if (text)
		cell.cell = strtoul((char *)text, &end, 10);
	if (!ret && (!end || end == (char *)text || *end))
		ret = domain_err(dom, node, "cellid='%s' is no NUMA node of the guest",
				 text ? (char *)text : "");
	xmlFree(text);
	if (ret || !cell.home)
		return ret;
	if (set->nr_cells == DOMAIN_CELLS)
		return domain_err(dom, node, "there are more than %d <memnode>",
				  DOMAIN_CELLS);
	set->home_tuned |= set->home_auto ||
			   (set->home && set->home != cell.home);
	set->cells[set->nr_cells++] = cell;
	return 0;
}

static int tune_cells(struct domain_settings *set, const struct domain *dom)
{
	const xmlNode *tune = domain_find(dom, "/domain/numatune");
	xmlNode *node;
	int ret = 0;

	for (node = tune ? tune->children : NULL; node && !ret; node = node->next) {
		if (node->type == XML_ELEMENT_NODE &&
		    !strcmp((char *)node->name, "memnode"))
			ret = tune_cell(set, dom, node);
	}
	return ret;
}

int domain_home_tune(struct domain_settings *set, const struct domain *dom)
{
	uint64_t mask;
	int ret;

	ret = read_nodeset(dom, domain_find(dom, "/domain/numatune/memory"),
			   &mask);
	if (ret)
		return ret;
	/* That may be what <home> says, with sizes. */
	if (mask && (mask != set->home || set->home_auto)) {
		set->home_tuned = set->home || set->home_auto;
		set->home = mask;
		set->home_auto = false;
		memset(set->home_bytes, 0, sizeof(set->home_bytes));
	}
	return tune_cells(set, dom);
}

/* Where any of its memory is at home. */
static uint64_t all_homes(const struct domain_settings *set)
{
	uint64_t mask = set->home;
	unsigned int i;

	for (i = 0; i < set->nr_cells; i++)
		mask |= set->cells[i].home;
	return mask;
}

/* ---- checks ------------------------------------------------------------- */

int domain_home_check(const struct domain *dom,
		      const struct domain_settings *set, const char *sysfs)
{
	struct cpus *home;
	int ret;

	if (!all_homes(set) || !sysfs)
		return 0;
	home = calloc(1, sizeof(*home));
	if (!home)
		return err_nomem();
	ret = read_nodes(dom, all_homes(set), sysfs, home);
	free(home);
	return ret;
}

/* Whether vCPUs are kept from the homes, by one element. */
static void note_one(const struct domain *dom, xmlNode *node,
		     const struct cpus *home)
{
	xmlChar *text = xmlGetNoNsProp(node, BAD_CAST "cpuset");
	struct cpus *cpus = calloc(1, sizeof(*cpus));
	bool some = false;
	unsigned int i;

	if (cpus && text && !parse_cpus((char *)text, cpus)) {
		for (i = 0; i < MAX_CPUS; i++)
			some |= cpus->in[i] && home->in[i];
		if (!some)
			domain_err(dom, node,
				   "note: <%s cpuset='%s'> has no processor of a node that <home> names; it holds, and vCPUs stay away from their memory",
				   node->name, text);
	}
	free(cpus);
	xmlFree(text);
}

/* Pins of single vCPUs count more than the set for all. */
static void note_pins(const struct domain *dom, const struct cpus *home)
{
	const xmlNode *tune = domain_find(dom, "/domain/cputune");
	xmlNode *node = domain_find(dom, "/domain/vcpu[@cpuset]");

	if (node)
		note_one(dom, node, home);
	for (node = tune ? tune->children : NULL; node; node = node->next) {
		if (node->type == XML_ELEMENT_NODE &&
		    !strcmp((char *)node->name, "vcpupin"))
			note_one(dom, node, home);
	}
}

void domain_home_note(const struct domain *dom,
		      const struct domain_settings *set, const char *sysfs)
{
	struct cpus *home;

	if (set->home_tuned)
		domain_err(dom, domain_find(dom, "/domain/numatune"),
			   "note: <numatune> has other nodes for its memory than <home>; they hold, and are its homes");
	if (!all_homes(set) || !sysfs)
		return;
	home = calloc(1, sizeof(*home));
	if (home && !read_nodes(dom, all_homes(set), sysfs, home))
		note_pins(dom, home);
	free(home);
}
