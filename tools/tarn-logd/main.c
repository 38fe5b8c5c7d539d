// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarn-logd: tells the journal and scripts what happens to pools, and keeps the history
 * that tarnctl and tarn-exporter read.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "history.h"
#include "logd.h"
#include "size.h"

#ifndef TARN_VERSION
#define TARN_VERSION "unknown"
#endif

#define SECONDS_MAX 86400

enum { OPT_VERSION = 256, OPT_SIZE, OPT_USER, OPT_SECONDS, OPT_REPEAT, OPT_NONE };

static void usage(void)
{
	puts("Usage: tarn-logd [OPTION]...\n"
	     "\n"
	     "Tell the journal and scripts what happens to pools, and keep their history.\n"
	     "\n"
	     "      --history FILE          where it is kept (default /var/lib/tarn-logd/history.db)\n"
	     "      --history-size SIZE     its limit (default 256M)\n"
	     "      --no-history            keep none\n"
	     "      --alerts DIR            scripts for alerts (default /etc/tarn/alert.d)\n"
	     "      --alert-user USER       who runs them (default tarn-alert)\n"
	     "      --alert-seconds N       that each may take (default 10)\n"
	     "      --alert-repeat N        seconds from one alert to the next of the same\n"
	     "                              pool, kind and partition (default 60)\n"
	     "  -h, --help                  show this help\n"
	     "      --version               print the version");
}

static int parse_seconds(const char *option, const char *text, long least,
			 unsigned int *val)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (!errno && end != text && !*end && n >= least && n <= SECONDS_MAX) {
		*val = n;
		return 0;
	}
	err("--%s: wants seconds, from %ld to %d, not '%s'", option, least,
	    SECONDS_MAX, text);
	return -EINVAL;
}

static int parse_size(const char *text, uint64_t *val)
{
	if (!size_parse_bytes(text, val) && *val >= HISTORY_SIZE_MIN &&
	    *val <= 1ULL << 40)
		return 0;
	err("--history-size: wants an amount as 64M or 1G, from 4M to 1T, not '%s'",
	    text);
	return -EINVAL;
}

static int parse_one(int letter, struct logd_options *opts)
{
	switch (letter) {
	case 'H':
		opts->history = optarg;
		return 0;
	case OPT_NONE:
		opts->history = NULL;
		return 0;
	case 'a':
		opts->scripts.dir = optarg;
		return 0;
	case OPT_USER:
		opts->scripts.user = optarg;
		return 0;
	case OPT_SIZE:
		return parse_size(optarg, &opts->history_size);
	case OPT_SECONDS:
		return parse_seconds("alert-seconds", optarg, 1,
				     &opts->scripts.seconds);
	case OPT_REPEAT:
		return parse_seconds("alert-repeat", optarg, 0, &opts->repeat);
	}
	return -EINVAL;
}

/* Return: what to end with, or -1 to go on. */
static int parse(int argc, char **argv, struct logd_options *opts)
{
	static const struct option options[] = {
		{ "history", required_argument, NULL, 'H' },
		{ "history-size", required_argument, NULL, OPT_SIZE },
		{ "no-history", no_argument, NULL, OPT_NONE },
		{ "alerts", required_argument, NULL, 'a' },
		{ "alert-user", required_argument, NULL, OPT_USER },
		{ "alert-seconds", required_argument, NULL, OPT_SECONDS },
		{ "alert-repeat", required_argument, NULL, OPT_REPEAT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ 0 },
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (letter == 'h') {
			usage();
			return err_finish(EXIT_SUCCESS);
		}
		if (letter == OPT_VERSION) {
			puts("tarn-logd " TARN_VERSION);
			return err_finish(EXIT_SUCCESS);
		}
		if (parse_one(letter, opts))
			return EXIT_USAGE;
	}
	if (optind < argc) {
		err("'%s' is too much, see --help", argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct logd_options opts = {
		.history = HISTORY_PATH,
		.history_size = HISTORY_SIZE,
		.scripts = { .dir = "/etc/tarn/alert.d", .user = "tarn-alert",
			     .seconds = 10 },
		.repeat = 60,
	};
	int ret;

	err_program("tarn-logd");
	ret = parse(argc, argv, &opts);
	if (ret >= 0)
		return ret;
	return logd_run(&opts) ? EXIT_FAILURE : EXIT_SUCCESS;
}
