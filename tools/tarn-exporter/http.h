/* SPDX-License-Identifier: GPL-2.0-only */
/* Answers to HTTP requests, on sockets that listen already. */
#ifndef TARN_EXPORTER_HTTP_H
#define TARN_EXPORTER_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HOSTS_MAX 16

/**
 * struct http_options - how to answer
 * @history: file of the history
 * @hosts: names by which it may be asked over TCP, besides those of this host's loopback
 * @hosts_count: of them
 * @page: the page and its JSON as well, not metrics alone
 */
struct http_options {
	const char *history;
	const char *hosts[HTTP_HOSTS_MAX];
	size_t hosts_count;
	bool page;
};

/**
 * http_host_allowed() - Whether a request may be meant for this program: a page of
 * somebody else can have a browser ask by a name that he has made point here.
 * @host: of the header, or NULL
 */
bool http_host_allowed(const struct http_options *opts, const char *host);

/** http_start() - Answer on a socket. Return: what to give http_stop(), or NULL, reported. */
void *http_start(int fd, bool local, const struct http_options *opts);
void http_stop(void *server);

#endif
