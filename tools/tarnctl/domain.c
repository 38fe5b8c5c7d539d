// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the XML of a domain. Whoever may define domains writes it, so nothing
 * beyond the text itself is read: no DTD, no entities, no network.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <libxml/xpathInternals.h>

#include "domain.h"
#include "error.h"
#include "text.h"

/* Of those libvirt knows, in bytes. */
static const struct unit {
	const char *name;
	uint64_t bytes;
	bool plain;
} units[] = {
	{ "KiB", 1ULL << 10, true },
	{ "MiB", 1ULL << 20, true },
	{ "GiB", 1ULL << 30, true },
	{ "TiB", 1ULL << 40, true },
	{ "b", 1, false },
	{ "bytes", 1, false },
	{ "k", 1ULL << 10, false },
	{ "M", 1ULL << 20, false },
	{ "G", 1ULL << 30, false },
	{ "T", 1ULL << 40, false },
	{ "KB", 1000, false },
	{ "MB", 1000000, false },
	{ "GB", 1000000000, false },
	{ "TB", 1000000000000, false },
	{ NULL, 0, false },
};

int domain_err(const struct domain *dom, const xmlNode *node, const char *fmt,
	       ...)
{
	char *raw = NULL, *text;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&raw, fmt, ap);
	va_end(ap);
	if (len < 0)
		return -EINVAL;
	/* Values of the XML are in it. */
	text = text_clean(raw);
	if (node)
		err("%s:%ld: %s", dom->source, xmlGetLineNo(node),
		    text ? text : "");
	else
		err("%s: %s", dom->source, text ? text : "");
	free(text);
	free(raw);
	return -EINVAL;
}

/* ---- looking things up ---------------------------------------------------- */

static xmlXPathObject *evaluate(const struct domain *dom, const char *xpath)
{
	xmlXPathContext *ctx = xmlXPathNewContext(dom->doc);
	xmlXPathObject *obj = NULL;

	if (ctx && !xmlXPathRegisterNs(ctx, BAD_CAST "tarn",
				       BAD_CAST DOMAIN_NAMESPACE))
		obj = xmlXPathEval(BAD_CAST xpath, ctx);
	xmlXPathFreeContext(ctx);
	return obj;
}

unsigned int domain_count(const struct domain *dom, const char *xpath)
{
	xmlXPathObject *obj = evaluate(dom, xpath);
	unsigned int count = 0;

	if (obj && obj->type == XPATH_NODESET && obj->nodesetval)
		count = obj->nodesetval->nodeNr;
	xmlXPathFreeObject(obj);
	return count;
}

xmlNode *domain_find(const struct domain *dom, const char *xpath)
{
	xmlXPathObject *obj = evaluate(dom, xpath);
	xmlNode *node = NULL;

	if (obj && obj->type == XPATH_NODESET && obj->nodesetval &&
	    obj->nodesetval->nodeNr)
		node = obj->nodesetval->nodeTab[0];
	xmlXPathFreeObject(obj);
	return node;
}

char *domain_text(const struct domain *dom, const char *xpath)
{
	xmlNode *node = domain_find(dom, xpath);
	xmlChar *content = node ? xmlNodeGetContent(node) : NULL;
	char *text = content ? strdup((char *)content) : NULL;

	xmlFree(content);
	return text;
}

static const struct unit *unit_find(const char *name, bool all)
{
	const struct unit *unit;

	for (unit = units; unit->name; unit++) {
		if (!strcmp(unit->name, name) && (all || unit->plain))
			return unit;
	}
	return NULL;
}

static int parse_amount(const char *text, uint64_t factor, uint64_t *bytes)
{
	unsigned long long number;
	char *end;

	text += strspn(text, " \t\r\n");
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	if (end[strspn(end, " \t\r\n")])
		return -EINVAL;
	/* The kernel counts in signed numbers. */
	if (__builtin_mul_overflow(number, factor, bytes) || *bytes > INT64_MAX)
		return -ERANGE;
	return 0;
}

int domain_amount(xmlNode *node, bool all, uint64_t *bytes)
{
	xmlChar *unit = xmlGetNoNsProp(node, BAD_CAST "unit");
	xmlChar *text = xmlNodeGetContent(node);
	const struct unit *u = unit_find(unit ? (char *)unit : "KiB", all);
	int ret = -EINVAL;

	if (u && text)
		ret = parse_amount((char *)text, u->bytes, bytes);
	xmlFree(text);
	xmlFree(unit);
	return ret;
}

/* ---- reading --------------------------------------------------------------- */

static void ignore_error(void *arg, const char *fmt, ...)
{
}

static int xml_fail(const struct domain *dom)
{
	const xmlError *error = xmlGetLastError();
	char *text = text_clean(error && error->message ? error->message : "");
	size_t len = text ? strlen(text) : 0;

	/* The message ends in a newline, made visible. */
	if (len >= 4 && !strcmp(text + len - 4, "\\x0a"))
		text[len - 4] = '\0';
	if (!len)
		err("%s: it is empty, 'virsh dumpxml NAME' prints what belongs there",
		    dom->source);
	else
		err("%s:%d: not well-formed XML: %s", dom->source, error->line,
		    text);
	free(text);
	return -EINVAL;
}

static void read_id(struct domain *dom)
{
	char *id = domain_text(dom, "/domain/@id");
	char *end;
	unsigned long n;

	if (!id)
		return;
	n = strtoul(id, &end, 10);
	if (*id >= '0' && *id <= '9' && !*end && n <= UINT32_MAX)
		dom->id = n;
	free(id);
}

static int read_uuid(struct domain *dom)
{
	char *uuid = domain_text(dom, "/domain/uuid");
	int ret = 0;

	if (uuid && strlen(uuid) == sizeof(dom->uuid) - 1 &&
	    strspn(uuid, "0123456789abcdefABCDEF-") == sizeof(dom->uuid) - 1)
		strcpy(dom->uuid, uuid);
	else if (uuid)
		ret = domain_err(dom, domain_find(dom, "/domain/uuid"),
				 "'%s' is no UUID", uuid);
	free(uuid);
	return ret;
}

static int read_domain(struct domain *dom, bool named)
{
	const char *const below = "/domain/metadata/tarn:partition";
	xmlNode *memory, *root = xmlDocGetRootElement(dom->doc);

	if (dom->doc->intSubset || dom->doc->extSubset)
		return domain_err(dom, NULL, "it has a document type, which no domain of libvirt has; remove the <!DOCTYPE>");
	if (!root || root->ns || strcmp((char *)root->name, "domain"))
		return domain_err(dom, root, "this is no domain of libvirt: its outermost element is not <domain>");
	dom->name = domain_text(dom, "/domain/name");
	if (!dom->name || !*dom->name)
		return domain_err(dom, root, "the domain has no <name>");
	if (!named) {
		char *name = text_clean(dom->name);

		if (!name)
			return err_nomem();
		free(dom->source);
		dom->source = name;
	}
	read_id(dom);
	if (read_uuid(dom))
		return -EINVAL;
	memory = domain_find(dom, "/domain/maxMemory");
	if (!memory)
		memory = domain_find(dom, "/domain/memory");
	if (!memory || domain_amount(memory, true, &dom->memory))
		return domain_err(dom, memory ? memory : root,
				  "<memory> is no amount of memory");
	if (domain_count(dom, below) > 1)
		return domain_err(dom, domain_find(dom, below),
				  "Tarn's settings are there twice, keep one <partition>");
	dom->settings = domain_find(dom, below);
	return 0;
}

int domain_parse(struct domain *dom, const char *source, const char *text,
		 size_t len)
{
	char *name;

	memset(dom, 0, sizeof(*dom));
	name = text_clean(source ? source : "domain");
	if (!name)
		return err_nomem();
	dom->source = name;
	if (len > DOMAIN_XML_MAX)
		return domain_err(dom, NULL, "more than %u MiB are no domain",
				  DOMAIN_XML_MAX >> 20);
	xmlSetGenericErrorFunc(NULL, ignore_error);
	dom->doc = xmlReadMemory(text, len, NULL, NULL,
				 XML_PARSE_NONET | XML_PARSE_NOERROR |
				 XML_PARSE_NOWARNING);
	if (!dom->doc)
		return xml_fail(dom);
	return read_domain(dom, source);
}

static int read_all(int fd, const char *path, char **text, size_t *len)
{
	ssize_t n = 1;

	*len = 0;
	*text = malloc(DOMAIN_XML_MAX + 1);
	if (!*text)
		return err_nomem();
	while (n > 0 && *len <= DOMAIN_XML_MAX) {
		n = read(fd, *text + *len, DOMAIN_XML_MAX + 1 - *len);
		if (n > 0)
			*len += n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	return n < 0 ? err_errno(-errno, "read %s", path) : 0;
}

int domain_read(struct domain *dom, const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	char *text = NULL;
	size_t len;
	int fd, ret;

	memset(dom, 0, sizeof(*dom));
	fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(-errno, "open %s", path);
	ret = read_all(fd, path, &text, &len);
	if (!ret)
		ret = domain_parse(dom, is_stdin ? NULL : path, text, len);
	free(text);
	if (!is_stdin)
		close(fd);
	return ret;
}

void domain_free(struct domain *dom)
{
	xmlFreeDoc(dom->doc);
	free(dom->source);
	free(dom->name);
	memset(dom, 0, sizeof(*dom));
}
