// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarn-exporter: counters of pools for Prometheus, and a page for a browser, from the
 * history that tarn-logd keeps. It needs no privilege and touches no pool.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "error.h"
#include "history.h"
#include "http.h"
#include "listen_on.h"

#ifndef TARN_VERSION
#define TARN_VERSION "unknown"
#endif

#define SOCKETS_MAX 16

enum { OPT_VERSION = 256 };

/**
 * struct exporter - all there is
 * @http: how to answer
 * @where: of --listen
 * @where_count: of them
 * @servers: one a socket
 * @count: of them
 */
struct exporter {
	struct http_options http;
	const char *where[SOCKETS_MAX];
	size_t where_count;
	void *servers[SOCKETS_MAX];
	size_t count;
};

static void usage(void)
{
	puts("Usage: tarn-exporter [OPTION]...\n"
	     "\n"
	     "Give Prometheus the counters of pools, and a browser a page, from the history\n"
	     "that tarn-logd keeps. Without --listen it takes the sockets of systemd.\n"
	     "\n"
	     "  -l, --listen WHERE   ADDRESS:PORT or the path of a socket; repeat\n"
	     "      --host NAME      answer when it is asked by this name, too; repeat\n"
	     "      --metrics-only   no page, and nothing for it\n"
	     "      --history FILE   the history (default " HISTORY_PATH ")\n"
	     "  -h, --help           show this help\n"
	     "      --version        print the version");
}

static int add(const char *option, const char **items, size_t *count, size_t max,
	       const char *value)
{
	if (*count == max) {
		err("give --%s at most %zu times", option, max);
		return -EINVAL;
	}
	items[(*count)++] = value;
	return 0;
}

static int parse_one(int letter, struct exporter *exporter)
{
	struct http_options *http = &exporter->http;

	switch (letter) {
	case 'l':
		return add("listen", exporter->where, &exporter->where_count,
			   SOCKETS_MAX, optarg);
	case 'o':
		return add("host", http->hosts, &http->hosts_count,
			   HTTP_HOSTS_MAX, optarg);
	case 'm':
		http->page = false;
		return 0;
	case 'H':
		http->history = optarg;
		return 0;
	}
	return -EINVAL;
}

/* Return: what to end with, or -1 to go on. */
static int parse(int argc, char **argv, struct exporter *exporter)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "host", required_argument, NULL, 'o' },
		{ "metrics-only", no_argument, NULL, 'm' },
		{ "history", required_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ 0 },
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "l:h", options, NULL)) != -1) {
		if (letter == 'h') {
			usage();
			return err_finish(EXIT_SUCCESS);
		}
		if (letter == OPT_VERSION) {
			puts("tarn-exporter " TARN_VERSION);
			return err_finish(EXIT_SUCCESS);
		}
		if (parse_one(letter, exporter))
			return EXIT_USAGE;
	}
	if (optind < argc) {
		err("'%s' is too much, see --help", argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

/* ---- sockets ------------------------------------------------------------ */

static int serve_on(struct exporter *exporter, int fd)
{
	void *server;

	if (exporter->count == SOCKETS_MAX) {
		err("there are more than %d sockets", SOCKETS_MAX);
		return -EMFILE;
	}
	server = http_start(fd, listen_is_local(fd), &exporter->http);
	if (!server)
		return -EIO;
	exporter->servers[exporter->count++] = server;
	return 0;
}

static int serve_given(struct exporter *exporter)
{
	int count = sd_listen_fds(1), i, ret = 0;

	if (count < 0)
		return err_errno(count, "take the sockets of systemd");
	if (!count) {
		err("systemd has given no socket: start tarn-exporter.socket, or say --listen");
		return -EINVAL;
	}
	for (i = 0; !ret && i < count; i++)
		ret = serve_on(exporter, SD_LISTEN_FDS_START + i);
	return ret;
}

static int serve_where(struct exporter *exporter)
{
	int ret = 0, fd;
	size_t i;

	for (i = 0; !ret && i < exporter->where_count; i++) {
		fd = listen_on(exporter->where[i]);
		ret = fd < 0 ? fd : serve_on(exporter, fd);
	}
	return ret;
}

static int run(struct exporter *exporter)
{
	sigset_t set;
	int ret, signal;

	/* Before there are threads, so that none of them is interrupted. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ret = exporter->where_count ? serve_where(exporter) :
				      serve_given(exporter);
	if (!ret) {
		sd_notify(0, "READY=1");
		while (sigwait(&set, &signal))
			;
	}
	while (exporter->count)
		http_stop(exporter->servers[--exporter->count]);
	return ret;
}

int main(int argc, char **argv)
{
	struct exporter exporter = {
		.http = { .history = HISTORY_PATH, .page = true },
	};
	int ret;

	err_program("tarn-exporter");
	ret = parse(argc, argv, &exporter);
	if (ret >= 0)
		return ret;
	return err_status(run(&exporter));
}
