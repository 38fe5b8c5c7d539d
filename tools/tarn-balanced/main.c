// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarn-balanced: computes the home nodes of partitions that are to have it so, and puts
 * the vCPUs of QEMU's guests where their memory is at home.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "serve.h"

#ifndef TARN_VERSION
#define TARN_VERSION "unknown"
#endif

#define INTERVAL_MIN 1
#define INTERVAL_MAX 3600

static void usage(void)
{
	puts("Usage: tarn-balanced [OPTION]...\n"
	     "\n"
	     "Compute the home nodes of partitions whose homes are 'auto', and put the vCPUs of\n"
	     "QEMU's guests on processors of the homes of their memory.\n"
	     "\n"
	     "  -i, --interval SECONDS  compute them so often (default 15)\n"
	     "  -d, --dispatch HOW      have vCPUs follow softly (the default), strictly or not\n"
	     "                          at all: soft, strict, off; partitions may say otherwise\n"
	     "  -n, --dry-run           print what would be set and why, set nothing, and end\n"
	     "  -j, --json              print that as JSON\n"
	     "  -1, --once              compute and set them once, and end\n"
	     "  -h, --help              show this help\n"
	     "      --version           print the version");
}

static int parse_interval(const char *text, double *seconds)
{
	char *end;

	errno = 0;
	*seconds = strtod(text, &end);
	if (!errno && end != text && !*end && *seconds >= INTERVAL_MIN &&
	    *seconds <= INTERVAL_MAX)
		return 0;
	err("--interval: wants seconds, from %d to %d, not '%s'", INTERVAL_MIN,
	    INTERVAL_MAX, text);
	return -EINVAL;
}

static int parse_dispatch(const char *text, enum home_dispatch *dispatch)
{
	if (!home_dispatch_parse(text, dispatch) && *dispatch)
		return 0;
	err("--dispatch: '%s' is none of soft, strict and off", text);
	return -EINVAL;
}

/* Return: 0, or what to end with, and -1 to go on. */
static int parse(int argc, char **argv, struct serve_options *opts)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "dispatch", required_argument, NULL, 'd' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "once", no_argument, NULL, '1' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "i:d:nj1h", options, NULL)) != -1) {
		switch (letter) {
		case 'i':
			if (parse_interval(optarg, &opts->interval))
				return EXIT_USAGE;
			break;
		case 'd':
			if (parse_dispatch(optarg, &opts->dispatch))
				return EXIT_USAGE;
			break;
		case 'n':
			opts->dry = opts->once = true;
			break;
		case 'j':
			opts->json = true;
			break;
		case '1':
			opts->once = true;
			break;
		case 'h':
			usage();
			return err_finish(EXIT_SUCCESS);
		case 'V':
			puts("tarn-balanced " TARN_VERSION);
			return err_finish(EXIT_SUCCESS);
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		err("'%s' is too much, see --help", argv[optind]);
		return EXIT_USAGE;
	}
	if (opts->json && !opts->dry) {
		err("--json goes with --dry-run");
		return EXIT_USAGE;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct serve_options opts = {
		.interval = 15,
		.dispatch = HOME_DISPATCH_SOFT,
	};
	int ret;

	err_program("tarn-balanced");
	ret = parse(argc, argv, &opts);
	if (ret >= 0)
		return ret;
	return serve(&opts) ? EXIT_FAILURE : EXIT_SUCCESS;
}
