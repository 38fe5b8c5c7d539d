/* SPDX-License-Identifier: GPL-2.0-only */
/* A domain of libvirt: its XML, and what of it concerns its memory. */
#ifndef TARNCTL_DOMAIN_H
#define TARNCTL_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxml/tree.h>

/** Namespace of the settings below <metadata>. */
#define DOMAIN_NAMESPACE "urn:tarn:partition:1"

/** Longest XML that is read. */
#define DOMAIN_XML_MAX (8U << 20)

/**
 * struct domain - a domain
 * @doc: its XML
 * @source: what to call that in messages
 * @name: of the domain
 * @uuid: of the domain, or empty: it has none yet
 * @id: of the running domain, 0: it has none
 * @memory: most memory that it may have, in bytes
 * @settings: the element with Tarn's settings, or NULL
 */
struct domain {
	xmlDoc *doc;
	char *source;
	char *name;
	char uuid[37];
	unsigned int id;
	uint64_t memory;
	xmlNode *settings;
};

/**
 * domain_parse() - Read a domain from text.
 * @dom: to be freed by domain_free() whatever is returned
 * @source: what to call the text in messages; NULL: the name of the domain
 * Return: 0, or an errno, reported.
 */
int domain_parse(struct domain *dom, const char *source, const char *text,
		 size_t len);

/** domain_read() - As domain_parse(), from a file; "-" is stdin. */
int domain_read(struct domain *dom, const char *path);
void domain_free(struct domain *dom);

/** domain_find() - The node that an XPath expression finds first, or NULL. */
xmlNode *domain_find(const struct domain *dom, const char *xpath);

/** domain_count() - How many nodes it finds. */
unsigned int domain_count(const struct domain *dom, const char *xpath);

/**
 * domain_text() - What XPath's string() of an expression is.
 * Return: memory to be freed, NULL where nothing is found or memory ran out.
 */
char *domain_text(const struct domain *dom, const char *xpath);

/**
 * domain_amount() - Read an element as an amount of memory.
 * @units: names of units beyond KiB, MiB, GiB and TiB are known, as libvirt's are
 * Return: 0, -EINVAL or -ERANGE, not reported.
 */
int domain_amount(xmlNode *node, bool units, uint64_t *bytes);

/** domain_err() - Report what is wrong with @node. Return: -EINVAL. */
int domain_err(const struct domain *dom, const xmlNode *node, const char *fmt,
	       ...) __attribute__((format(printf, 3, 4)));

#endif
