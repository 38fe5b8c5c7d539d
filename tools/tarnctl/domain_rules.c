// SPDX-License-Identifier: GPL-2.0-only
/* Checks of a domain around Tarn's settings. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain_rules.h"

/* A rule: what an XPath expression must not find. */
struct rule {
	const char *xpath;
	const char *text;
};

static const struct rule rules[] = {
	{ "/domain[not(@type='kvm')]",
	  "the domain does not run under KVM; write <domain type='kvm'>" },
	{ "/domain/memoryBacking/hugepages",
	  "<hugepages> of the host are not in a pool, which has 2 MiB frames of its own (huge=); remove them from <memoryBacking>" },
	{ "/domain/memtune/min_guarantee",
	  "libvirt refuses <min_guarantee> for its QEMU driver; write it as <min> of Tarn's settings" },
};

static const struct rule notes[] = {
	{ "/domain/memoryBacking/allocation[@mode='immediate']",
	  "<allocation mode='immediate'> touches all memory at the start, which pages all the way on a pool that is smaller" },
	{ "/domain/devices/hostdev[@type='pci' or @type='mdev']",
	  "an assigned device pins all memory of the domain: nothing of it can be paged, and on kernel 6.12 assignment fails (EFAULT)" },
	{ "/domain/devices/memballoon[@model='none']",
	  "without a <memballoon> 'virsh setmem' and 'virsh dommemstat' say little" },
};

/* DIMMs that say of themselves how they are mapped; others are as the domain. */
#define DIMM "/domain/devices/memory[@model='dimm' or @model='virtio-mem']"

/*
 * libvirt puts memory into files not only where that is said: anything that says how it is
 * mapped is enough, unless a memfd or huge pages of the host are what it is mapped from.
 */
bool domain_in_files(const struct domain *dom)
{
	if (domain_find(dom, "/domain/memoryBacking/source[@type='file']"))
		return true;
	if (domain_find(dom, "/domain/memoryBacking/source[@type='memfd'] | "
			     "/domain/memoryBacking/hugepages"))
		return false;
	return domain_find(dom, "/domain/memoryBacking/access[@mode] | "
				"/domain/cpu/numa/cell[@memAccess] | "
				DIMM "[@access]");
}

static bool is_shared(const struct domain *dom)
{
	/* What a cell of the guest's NUMA topology says counts more, or a DIMM. */
	if (domain_find(dom, "/domain/cpu/numa/cell[@memAccess='private'] | "
			     DIMM "[@access='private']"))
		return false;
	if (domain_find(dom, "/domain/memoryBacking/access[@mode='shared']"))
		return true;
	return domain_find(dom, "/domain/cpu/numa/cell") &&
	       !domain_find(dom, "/domain/cpu/numa/cell[not(@memAccess)]");
}

/* What nobody would look at, as its namespace is another one, or none. */
int domain_namespace_check(const struct domain *dom)
{
	const xmlNode *node = domain_find(
		dom, "/domain/metadata//*[local-name() = 'partition' and "
		     "(namespace-uri() = '' or (contains(namespace-uri(), 'tarn')"
		     " and namespace-uri() != '" DOMAIN_NAMESPACE "'))]");

	if (!node || (node->ns && dom->settings))
		return 0;
	return domain_err(dom, node,
			  "<partition> is not in the namespace of Tarn, so nothing would be set; write <tarn:partition xmlns:tarn='%s'>",
			  DOMAIN_NAMESPACE);
}

int domain_rules_check(const struct domain *dom,
		       const struct domain_settings *set)
{
	const xmlNode *node;
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		node = domain_find(dom, rules[i].xpath);
		if (node)
			return domain_err(dom, node, "%s", rules[i].text);
	}
	if (!domain_in_files(dom))
		return domain_err(dom, dom->settings,
				  "the memory of the domain is not in files; write <memoryBacking><source type='file'/><access mode='shared'/></memoryBacking>");
	if (!is_shared(dom))
		return domain_err(dom, domain_find(dom, "/domain/memoryBacking"),
				  "a pool has no private memory; write <access mode='shared'/> in <memoryBacking>, or <source type='memfd'/> to have it in no pool");
	node = domain_find(dom, "/domain/memoryBacking/locked");
	if (node && set->paging != DOMAIN_PAGING_RESIDENT)
		return domain_err(dom, node,
				  "<locked> keeps all memory of the domain in frames; remove it, or say so by <paging class='resident'/>");
	return 0;
}

unsigned int domain_rules_note(const struct domain *dom,
			       const struct domain_settings *set)
{
	unsigned int count = 0;
	const xmlNode *node;
	size_t i;

	for (i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		node = domain_find(dom, notes[i].xpath);
		if (!node)
			continue;
		printf("%s:%ld: note: %s\n", dom->source, xmlGetLineNo(node),
		       notes[i].text);
		count++;
	}
	if (!dom->settings) {
		printf("%s: note: the domain has no settings of Tarn, so it has the defaults if its memory comes to be in a pool\n",
		       dom->source);
		count++;
	}
	return count;
}
