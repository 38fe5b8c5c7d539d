// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl config pager: what tarn-pager@NAME runs. It becomes the pager. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "config_commands.h"
#include "config_words.h"
#include "error.h"
#include "pool.h"

#define PAGER "tarn-pager"

/* Beside this program, where both were installed or built; else where PATH leads. */
static int become_pager(char **words)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (len > 0) {
		path[len] = '\0';
		slash = strrchr(path, '/');
		if (slash && slash + 1 + sizeof(PAGER) <= path + sizeof(path)) {
			strcpy(slash + 1, PAGER);
			execv(path, words);
		}
	}
	execvp(PAGER, words);
	if (errno == ENOENT) {
		err("there is no " PAGER "; install the package of that name");
		return -ENOENT;
	}
	return err_errno(-errno, "run " PAGER);
}

/* A pager that lacks a device, or has one more, is none. */
static bool is_wrong(const struct config *config)
{
	return config_wrong(config, CONFIG_PAGER) ||
	       config_wrong(config, CONFIG_DEVICE) ||
	       config_wrong(config, CONFIG_MIRROR);
}

int config_pager_main(int argc, char **argv, const struct options *opts)
{
	struct config config;
	char dir[PATH_MAX], **words;
	int ret;

	if (config_name_arg("tarnctl config pager", argv[0]))
		return EXIT_USAGE;
	ret = config_load(&config, argv[0], false);
	/* To be tried again makes no sense before somebody has written it. */
	if (ret == -ENOENT || (!ret && is_wrong(&config)))
		ret = EXIT_USAGE;
	if (!ret && !config_find(&config, CONFIG_DEVICE) &&
	    !config_find(&config, CONFIG_MIRROR)) {
		err("%s: it has no [device] and no [mirror]; say what to page to",
		    config.path);
		ret = EXIT_USAGE;
	}
	if (!ret) {
		pool_dir(dir, argv[0]);
		words = config_words(&config, dir);
		ret = words ? become_pager(words) : -ENOMEM;
		config_words_free(words);
	}
	config_free(&config);
	return ret;
}
