// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has libxml2 check Tarn's settings against the schema, which is built in. It
 * comes after the check that has better messages and should find nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/relaxng.h>

#include "domain_settings.h"
#include "error.h"

/* Made from domain.rng by the makefile. */
static const char schema[] =
#include "domain_rng.h"
	;

static void keep_first(void *arg, const xmlError *error)
{
	char **first = arg;

	if (!*first && error->message)
		*first = strdup(error->message);
}

/* Return: 0 valid, > 0 not, < 0 it could not be found out. */
static int validate(xmlRelaxNG *rng, xmlDoc *doc, char **message)
{
	xmlRelaxNGValidCtxt *ctx = xmlRelaxNGNewValidCtxt(rng);
	int ret = -1;

	if (ctx) {
		xmlRelaxNGSetValidStructuredErrors(
			ctx, (xmlStructuredErrorFunc)keep_first, message);
		ret = xmlRelaxNGValidateDoc(ctx, doc);
	}
	xmlRelaxNGFreeValidCtxt(ctx);
	return ret;
}

/* A document of the settings alone, as the schema has it. */
static xmlDoc *settings_doc(const struct domain *dom)
{
	xmlDoc *doc = xmlNewDoc(BAD_CAST "1.0");
	xmlNode *copy;

	if (!doc)
		return NULL;
	copy = xmlDocCopyNode(dom->settings, doc, 1);
	if (!copy) {
		xmlFreeDoc(doc);
		return NULL;
	}
	xmlDocSetRootElement(doc, copy);
	xmlReconciliateNs(doc, copy);
	return doc;
}

int domain_schema_check(const struct domain *dom)
{
	xmlRelaxNGParserCtxt *parser;
	xmlRelaxNG *rng = NULL;
	char *message = NULL;
	xmlDoc *doc;
	int ret = -1;

	if (!dom->settings)
		return 0;
	parser = xmlRelaxNGNewMemParserCtxt(schema, sizeof(schema) - 1);
	if (parser)
		rng = xmlRelaxNGParse(parser);
	doc = settings_doc(dom);
	if (rng && doc)
		ret = validate(rng, doc, &message);
	xmlFreeDoc(doc);
	xmlRelaxNGFree(rng);
	xmlRelaxNGFreeParserCtxt(parser);
	if (ret > 0)
		ret = domain_err(dom, dom->settings,
				 "the settings do not follow the schema: %.*s",
				 (int)strcspn(message ? message : "", "\n"),
				 message ? message : "");
	else if (ret < 0)
		ret = err_nomem();
	free(message);
	return ret;
}
