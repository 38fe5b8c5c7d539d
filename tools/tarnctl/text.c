// SPDX-License-Identifier: GPL-2.0-only
/* Cleaning, measuring and shortening of text in the locale's encoding. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "text.h"

/*
 * Length of the printable character at @p in bytes and its @width; 0 if what
 * stands there does not print.
 */
static size_t next_char(const char *p, int *width)
{
	mbstate_t state = { 0 };
	wchar_t wc;
	size_t len = mbrtowc(&wc, p, strlen(p), &state);

	if (len == 0 || len == (size_t)-1 || len == (size_t)-2)
		return 0;
	*width = wcwidth(wc);
	return *width >= 0 && iswprint(wc) ? len : 0;
}

char *text_clean(const char *raw)
{
	char *clean = malloc(4 * strlen(raw) + 1);
	char *to = clean;

	if (!clean)
		return NULL;
	while (*raw) {
		int width;
		size_t len = next_char(raw, &width);

		if (len) {
			memcpy(to, raw, len);
			to += len;
			raw += len;
		} else {
			to += sprintf(to, "\\x%02x", (unsigned char)*raw++);
		}
	}
	*to = '\0';
	return clean;
}

size_t text_width(const char *text)
{
	size_t total = 0;

	while (*text) {
		int width = 1;
		size_t len = next_char(text, &width);

		text += len ? len : 1;
		total += width;
	}
	return total;
}

const char *text_fit(char *buf, size_t size, const char *text, size_t width)
{
	size_t left = text_width(text);
	const char *mark = "";

	if (left > width) {
		mark = width >= 4 ? "..." : "";
		width -= strlen(mark);
	}
	while (left > width && *text) {
		int w = 1;
		size_t len = next_char(text, &w);

		text += len ? len : 1;
		left -= w;
	}
	snprintf(buf, size, "%s%s", mark, text);
	return buf;
}

void text_cut(char *text, size_t width)
{
	while (*text) {
		int w = 1;
		size_t len = next_char(text, &w);

		if ((size_t)w > width)
			break;
		width -= w;
		text += len ? len : 1;
	}
	*text = '\0';
}
