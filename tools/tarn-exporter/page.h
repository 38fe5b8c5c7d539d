/* SPDX-License-Identifier: GPL-2.0-only */
/* The page that shows pools in a browser: files of web/, which are compiled in. */
#ifndef TARN_EXPORTER_PAGE_H
#define TARN_EXPORTER_PAGE_H

/**
 * struct page - a file
 * @url: its path
 * @type: its MIME type
 * @text: what is in it
 */
struct page {
	const char *url;
	const char *type;
	const char *text;
};

/** page_find() - The file at this path, or NULL. */
const struct page *page_find(const char *url);

#endif
