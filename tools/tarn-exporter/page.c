// SPDX-License-Identifier: GPL-2.0-only
/* See page.h. */
#include <stddef.h>
#include <string.h>

#include "page.h"

static const char html[] =
#include "index.html.h"
;
static const char css[] =
#include "tarn.css.h"
;
static const char script[] =
#include "tarn.js.h"
;

static const char icon[] =
#include "tarn.svg.h"
;

static const struct page pages[] = {
	{ "/", "text/html; charset=utf-8", html },
	{ "/tarn.css", "text/css; charset=utf-8", css },
	{ "/tarn.svg", "image/svg+xml", icon },
	{ "/tarn.js", "text/javascript; charset=utf-8", script },
};

const struct page *page_find(const char *url)
{
	size_t i;

	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (!strcmp(url, pages[i].url))
			return &pages[i];
	}
	return NULL;
}
