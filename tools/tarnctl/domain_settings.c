// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the element <partition> with Tarn's settings. The schema in domain.rng
 * has the same rules for each of them; here they have messages that say what to
 * write instead, and the rules between several settings.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/tarn.h>

#include "domain_rules.h"
#include "domain_settings.h"
#include "error.h"
#include "huge.h"
#include "size.h"
#include "suggest.h"

#define PAGE_BYTES (1ULL << TARN_PAGE_SHIFT)
#define NAME_MAX_LENGTH 64
#define NAME_FIRST "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define NAME_CHARS NAME_FIRST "._-"

static bool is_name(const char *text)
{
	size_t len = strlen(text);

	return len && len <= NAME_MAX_LENGTH && strspn(text, NAME_FIRST) &&
	       strspn(text, NAME_CHARS) == len;
}

static bool is_pool(const char *text)
{
	size_t len = strlen(text);

	if (text[0] == '/')
		return len > 1 && len <= 1024 && !strpbrk(text, " \t\r\n");
	return is_name(text);
}

/* ---- single settings ------------------------------------------------------- */

/* The value of the only attribute that an element takes, or NULL, reported. */
static char *only_attribute(const struct domain *dom, xmlNode *node,
			    const char *name)
{
	xmlChar *value = xmlGetNoNsProp(node, BAD_CAST name);
	char *text = value ? strdup((char *)value) : NULL;

	xmlFree(value);
	if (!text)
		domain_err(dom, node, "<%s> wants the attribute %s='...'",
			   node->name, name);
	return text;
}

static int read_weight(struct domain_settings *set, const struct domain *dom,
		       xmlNode *node)
{
	xmlChar *text = xmlNodeGetContent(node);
	unsigned long weight;
	char *end;
	int ret = 0;

	if (!text)
		return err_nomem();
	errno = 0;
	weight = strtoul((char *)text, &end, 10);
	if (errno || text[0] < '0' || text[0] > '9' || *end || !weight ||
	    weight > TARN_WEIGHT_MAX)
		ret = domain_err(dom, node,
				 "<weight> is '%s', it takes a number from 1 to %d",
				 text, TARN_WEIGHT_MAX);
	else
		set->weight = weight;
	xmlFree(text);
	return ret;
}

static int read_amount(const struct domain *dom, xmlNode *node, uint64_t *to)
{
	switch (domain_amount(node, false, to)) {
	case 0:
		if (*to % PAGE_BYTES)
			return domain_err(dom, node,
					  "<%s> is not a number of whole pages of 4 KiB",
					  node->name);
		return 0;
	case -ERANGE:
		return domain_err(dom, node, "<%s> is more than any host has",
				  node->name);
	}
	return domain_err(dom, node,
			  "<%s> is no amount of memory: it takes a whole number, and unit='KiB', 'MiB', 'GiB' or 'TiB' (without one: KiB)",
			  node->name);
}

static int read_min(struct domain_settings *set, const struct domain *dom,
		    xmlNode *node)
{
	return read_amount(dom, node, &set->min);
}

static int read_desired(struct domain_settings *set, const struct domain *dom,
			xmlNode *node)
{
	return read_amount(dom, node, &set->desired);
}

/* A number of one or two digits, as in the schema. */
static int parse_node(char **text, unsigned long *node)
{
	char *end;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	*node = strtoul(*text, &end, 10);
	if (end - *text > 2)
		return -EINVAL;
	*text = end;
	return *node < DOMAIN_NODES ? 0 : -ERANGE;
}

/* "512M" or "1.5GiB": whole pages, with a unit, up to the next node. */
static int parse_size(char **text, uint64_t *bytes)
{
	char *end = *text + strcspn(*text, ",");
	char stop = *end;
	int ret;

	*end = '\0';
	ret = size_parse_bytes(*text, bytes);
	*end = stop;
	*text = end;
	if (ret)
		return ret;
	return *bytes && *bytes % PAGE_BYTES == 0 ? 0 : -EINVAL;
}

/* "0", "0-1" or "0=4G", no node twice. */
static int parse_home(struct domain_settings *set, char **text)
{
	unsigned long first, last;
	int ret = parse_node(text, &first);

	last = first;
	if (!ret && **text == '-') {
		++*text;
		ret = parse_node(text, &last);
	} else if (!ret && **text == '=') {
		++*text;
		ret = parse_size(text, &set->home_bytes[first]);
	}
	if (!ret && last < first)
		ret = -ERANGE;
	for (; !ret && first <= last; first++) {
		if (set->home & 1ULL << first)
			ret = -EEXIST;
		set->home |= 1ULL << first;
	}
	return ret;
}

static int parse_nodes(struct domain_settings *set, char *text)
{
	int ret;

	set->home_auto = !strcmp(text, "auto");
	if (set->home_auto)
		return 0;
	for (;; text++) {
		ret = parse_home(set, &text);
		if (ret || !*text)
			return ret;
		if (*text != ',')
			return -EINVAL;
	}
}

static int read_dispatch(struct domain_settings *set, const struct domain *dom,
			 xmlNode *node, const char *text)
{
	if (!home_dispatch_parse(text, &set->dispatch) && set->dispatch)
		return 0;
	return domain_err(dom, node,
			  "<home dispatch='%s'>: it takes 'soft', 'strict' or 'off'",
			  text);
}

/* One of two attributes, or both. */
static int read_home(struct domain_settings *set, const struct domain *dom,
		     xmlNode *node)
{
	xmlChar *dispatch = xmlGetNoNsProp(node, BAD_CAST "dispatch");
	bool bare = dispatch && !xmlHasNsProp(node, BAD_CAST "nodes", NULL);
	char *text = bare ? NULL : only_attribute(dom, node, "nodes");
	int ret = 0;

	if (dispatch)
		ret = read_dispatch(set, dom, node, (char *)dispatch);
	xmlFree(dispatch);
	if (!text)
		return bare ? ret : -EINVAL;
	if (!ret && parse_nodes(set, text))
		ret = domain_err(dom, node,
				 "<home nodes='%s'>: it takes 'auto', or numbers of NUMA nodes below %d, each once, as in '0', '0-1,3' or '0=4G,1=512M'",
				 text, DOMAIN_NODES);
	free(text);
	return ret;
}

static int read_sharing(struct domain_settings *set, const struct domain *dom,
			xmlNode *node)
{
	set->sharing = only_attribute(dom, node, "domain");
	if (!set->sharing)
		return -EINVAL;
	if (is_name(set->sharing) && strlen(set->sharing) < TARN_DOMAIN_NAME)
		return 0;
	return domain_err(dom, node,
			  "<sharing domain='%s'>: a name has 1 to %d letters, digits, '.', '_' or '-', and begins with a letter or digit",
			  set->sharing, TARN_DOMAIN_NAME - 1);
}

static int read_pins(struct domain_settings *set, const struct domain *dom,
		     xmlNode *node)
{
	char *text = only_attribute(dom, node, "policy");
	int ret = 0;

	if (!text)
		return -EINVAL;
	if (!strcmp(text, "none"))
		set->attach = false;
	else if (strcmp(text, "pool"))
		ret = domain_err(dom, node,
				 "<pins policy='%s'>: it takes 'pool' (as the policy of the pool says) or 'none'",
				 text);
	free(text);
	return ret;
}

static int read_paging(struct domain_settings *set, const struct domain *dom,
		       xmlNode *node)
{
	char *text = only_attribute(dom, node, "class");
	int ret = 0;

	if (!text)
		return -EINVAL;
	if (!strcmp(text, "resident"))
		set->paging = DOMAIN_PAGING_RESIDENT;
	else if (!strcmp(text, "spare"))
		set->paging = DOMAIN_PAGING_SPARE;
	else if (strcmp(text, "normal"))
		ret = domain_err(dom, node,
				 "<paging class='%s'>: it takes 'normal', 'resident' or 'spare'",
				 text);
	free(text);
	return ret;
}

static int read_huge(struct domain_settings *set, const struct domain *dom,
		     xmlNode *node)
{
	char *text = only_attribute(dom, node, "blocks");
	int ret = 0;

	if (!text)
		return -EINVAL;
	if (huge_find(text, &set->huge))
		ret = domain_err(dom, node,
				 "<huge blocks='%s'>: it takes 'auto', 'never', 'advise' or 'always'",
				 text);
	free(text);
	return ret;
}

/**
 * struct element - an element that there may be
 * @name: of it
 * @attribute: the one that it may have, or NULL
 * @other: another one, or NULL
 * @text: it has text and not only an attribute
 * @read: takes its value over
 */
static const struct element {
	const char *name;
	const char *attribute;
	const char *other;
	bool text;
	int (*read)(struct domain_settings *set, const struct domain *dom,
		    xmlNode *node);
} elements[] = {
	{ "weight", NULL, NULL, true, read_weight },
	{ "min", "unit", NULL, true, read_min },
	{ "desired", "unit", NULL, true, read_desired },
	{ "home", "nodes", "dispatch", false, read_home },
	{ "sharing", "domain", NULL, false, read_sharing },
	{ "pins", "policy", NULL, false, read_pins },
	{ "paging", "class", NULL, false, read_paging },
	{ "huge", "blocks", NULL, false, read_huge },
};

#define NR_ELEMENTS (sizeof(elements) / sizeof(elements[0]))

/* ---- the element with all of them ------------------------------------------ */

static int unknown_element(const struct domain *dom, const xmlNode *node)
{
	struct suggest s;
	const char *near;
	size_t i;

	suggest_begin(&s, (char *)node->name);
	for (i = 0; i < NR_ELEMENTS; i++)
		suggest_offer(&s, elements[i].name);
	near = suggest_end(&s);
	if (near)
		return domain_err(dom, node,
				  "unknown setting <%s>, did you mean <%s>?",
				  node->name, near);
	return domain_err(dom, node,
			  "unknown setting <%s>, there is weight, min, desired, home, sharing, pins, paging, huge",
			  node->name);
}

static bool is_named(const xmlAttr *attr, const char *name)
{
	return name && !attr->ns && !strcmp((char *)attr->name, name);
}

static int check_attributes(const struct domain *dom, const xmlNode *node,
			    const char *allowed, const char *other)
{
	const xmlAttr *attr;

	for (attr = node->properties; attr; attr = attr->next) {
		if (is_named(attr, allowed) || is_named(attr, other))
			continue;
		return domain_err(dom, node,
				  "<%s> has an attribute '%s' that means nothing here, %s%s%s%s%s",
				  node->name, attr->name,
				  allowed ? "it takes '" : "it takes none",
				  allowed ? allowed : "",
				  other ? "' and '" : "", other ? other : "",
				  allowed ? "'" : "");
	}
	return 0;
}

/* Text is allowed in some, other elements in none. */
static int check_content(const struct domain *dom, const xmlNode *node,
			 bool text)
{
	const xmlNode *child;

	for (child = node->children; child; child = child->next) {
		if (child->type == XML_COMMENT_NODE || child->type == XML_PI_NODE)
			continue;
		if (child->type == XML_TEXT_NODE ||
		    child->type == XML_CDATA_SECTION_NODE) {
			if (text || xmlIsBlankNode(child))
				continue;
			return domain_err(dom, node,
					  "<%s> has text in it, it takes only its attribute",
					  node->name);
		}
		return domain_err(dom, node, "<%s> has something in it that means nothing here: <%s>",
				  node->name, child->name);
	}
	return 0;
}

static int read_element(struct domain_settings *set, const struct domain *dom,
			xmlNode *node, unsigned int *seen)
{
	const struct element *e;
	size_t i;
	int ret;

	for (i = 0; i < NR_ELEMENTS; i++) {
		if (!strcmp((char *)node->name, elements[i].name))
			break;
	}
	if (i == NR_ELEMENTS)
		return unknown_element(dom, node);
	e = &elements[i];
	if (*seen & 1U << i)
		return domain_err(dom, node, "<%s> is there twice", e->name);
	*seen |= 1U << i;
	ret = check_attributes(dom, node, e->attribute, e->other);
	if (!ret)
		ret = check_content(dom, node, e->text);
	return ret ? ret : e->read(set, dom, node);
}

static int read_pool(struct domain_settings *set, const struct domain *dom)
{
	xmlChar *value = xmlGetNoNsProp(dom->settings, BAD_CAST "pool");

	if (!value)
		return 0;
	set->pool = strdup((char *)value);
	xmlFree(value);
	if (!set->pool)
		return err_nomem();
	if (is_pool(set->pool))
		return 0;
	return domain_err(dom, dom->settings,
			  "pool='%s' is no pool: it takes its mount point, or the name that it has below /run/tarn",
			  set->pool);
}

static int read_elements(struct domain_settings *set, const struct domain *dom)
{
	unsigned int seen = 0;
	xmlNode *node;
	int ret;

	for (node = dom->settings->children; node; node = node->next) {
		if (node->type == XML_COMMENT_NODE || node->type == XML_PI_NODE ||
		    xmlIsBlankNode(node))
			continue;
		if (node->type != XML_ELEMENT_NODE)
			return domain_err(dom, node, "<partition> has text in it that means nothing");
		if (!node->ns ||
		    strcmp((char *)node->ns->href, DOMAIN_NAMESPACE))
			return domain_err(dom, node,
					  "<%s> is not in the namespace %s, write it with the prefix that <partition> has",
					  node->name, DOMAIN_NAMESPACE);
		ret = read_element(set, dom, node, &seen);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- rules between several settings ---------------------------------------- */

static int apply_class(struct domain_settings *set, const struct domain *dom)
{
	switch (set->paging) {
	case DOMAIN_PAGING_RESIDENT:
		if (set->min && set->min != dom->memory)
			return domain_err(dom, dom->settings,
					  "<min> is less than the memory of the domain, which the paging class 'resident' keeps; remove one of them");
		set->min = dom->memory & ~(PAGE_BYTES - 1);
		return 0;
	case DOMAIN_PAGING_SPARE:
		if (set->desired)
			return domain_err(dom, dom->settings,
					  "the paging class 'spare' desires no more than <min>; remove <desired> or the class");
		set->desired = set->min ? set->min : PAGE_BYTES;
		return 0;
	case DOMAIN_PAGING_NORMAL:
		break;
	}
	return 0;
}

static int read_memtune(struct domain_settings *set, const struct domain *dom)
{
	xmlNode *soft = domain_find(dom, "/domain/memtune/soft_limit");

	if (!soft || set->desired || set->paging != DOMAIN_PAGING_NORMAL)
		return 0;
	if (domain_amount(soft, true, &set->desired))
		return domain_err(dom, soft, "<soft_limit> is no amount of memory");
	set->desired &= ~(PAGE_BYTES - 1);
	/* libvirt writes "no limit" as a huge number. */
	if (set->desired >= dom->memory || set->desired < set->min)
		set->desired = 0;
	return 0;
}

static int check_rules(const struct domain_settings *set,
		       const struct domain *dom)
{
	if (set->min > dom->memory)
		return domain_err(dom, dom->settings,
				  "<min> is more than the <memory> of the domain");
	if (set->desired > dom->memory)
		return domain_err(dom, dom->settings,
				  "<desired> is more than the <memory> of the domain");
	if (set->desired && set->desired < set->min)
		return domain_err(dom, dom->settings,
				  "<desired> is less than <min>");
	return 0;
}

int domain_settings_read(struct domain_settings *set, const struct domain *dom)
{
	int ret;

	memset(set, 0, sizeof(*set));
	set->weight = TARN_WEIGHT_DEFAULT;
	set->attach = true;
	set->huge = DOMAIN_HUGE_POOL;
	if (!dom->settings) {
		ret = read_memtune(set, dom);
		return ret ? ret : domain_home_tune(set, dom);
	}
	ret = check_attributes(dom, dom->settings, "pool", NULL);
	if (!ret)
		ret = read_pool(set, dom);
	if (!ret)
		ret = read_elements(set, dom);
	if (!ret)
		ret = apply_class(set, dom);
	if (!ret)
		ret = read_memtune(set, dom);
	if (!ret)
		ret = domain_home_tune(set, dom);
	return ret ? ret : check_rules(set, dom);
}

void domain_settings_free(struct domain_settings *set)
{
	free(set->pool);
	free(set->sharing);
	memset(set, 0, sizeof(*set));
}
