// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarn-listener: applies Tarn's settings in the metadata of libvirt's domains
 * when they are changed while the domains run. Starts are the hook's business; but
 * where vCPUs run is the listener's all the time, unless a tarn-balanced sees to it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "listen.h"

#ifndef TARN_VERSION
#define TARN_VERSION "unknown"
#endif

static void usage(void)
{
	puts("Usage: tarn-listener [OPTION]...\n"
	     "\n"
	     "Apply Tarn's settings of libvirt's domains when 'virsh metadata' changes them, and\n"
	     "put vCPUs on processors of the homes of their memory while no tarn-balanced runs.\n"
	     "\n"
	     "  -c, --connect URI   libvirt to listen to (default qemu:///system)\n"
	     "  -d, --dispatch HOW  have vCPUs follow softly (the default), strictly or not at\n"
	     "                      all: soft, strict, off; domains may say otherwise\n"
	     "  -1, --once          apply what running domains have now, and end\n"
	     "  -h, --help          show this help\n"
	     "      --version       print the version");
}

static int parse_dispatch(const char *text, enum home_dispatch *dispatch)
{
	if (!home_dispatch_parse(text, dispatch) && *dispatch)
		return 0;
	err("--dispatch: '%s' is none of soft, strict and off", text);
	return -EINVAL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "connect", required_argument, NULL, 'c' },
		{ "dispatch", required_argument, NULL, 'd' },
		{ "once", no_argument, NULL, '1' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	enum home_dispatch dispatch = HOME_DISPATCH_SOFT;
	const char *uri = "qemu:///system";
	int letter, once = 0;

	err_program("tarn-listener");
	while ((letter = getopt_long(argc, argv, "c:d:1h", options, NULL)) != -1) {
		switch (letter) {
		case 'c':
			uri = optarg;
			break;
		case 'd':
			if (parse_dispatch(optarg, &dispatch))
				return 2;
			break;
		case '1':
			once = 1;
			break;
		case 'h':
			usage();
			return err_finish(EXIT_SUCCESS);
		case 'V':
			puts("tarn-listener " TARN_VERSION);
			return err_finish(EXIT_SUCCESS);
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		err("'%s' is too much, see --help", argv[optind]);
		return EXIT_USAGE;
	}
	return listen_run(uri, once, dispatch) ? EXIT_FAILURE : EXIT_SUCCESS;
}
