// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl config reload-pager: gives a running pager the devices that its file has and
 * it has not, and says what else of the file it will have when it is started again.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "config.h"
#include "config_commands.h"
#include "error.h"
#include "pager.h"
#include "pool.h"

/* One device may have several names. */
static bool is_same(const char *a, const char *b)
{
	struct stat x, y;

	if (!strcmp(a, b))
		return true;
	if (stat(a, &x) || stat(b, &y))
		return false;
	if (S_ISBLK(x.st_mode) && S_ISBLK(y.st_mode))
		return x.st_rdev == y.st_rdev;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* ---- what the pager has ---------------------------------------------------------- */

static bool has_leg(const json_t *devices, const char *path)
{
	size_t i, j;
	json_t *device, *leg;

	json_array_foreach(devices, i, device) {
		json_array_foreach(json_object_get(device, "legs"), j, leg) {
			if (is_same(client_text(leg, "path"), path))
				return true;
		}
	}
	return false;
}

static bool is_in_file(const struct config *config, const char *path)
{
	size_t i, j;

	for (i = 0; i < config->count; i++) {
		const struct config_section *section = &config->sections[i];

		if (section->kind != CONFIG_DEVICE &&
		    section->kind != CONFIG_MIRROR)
			continue;
		for (j = 0; j < section->count; j++) {
			if (!strcmp(section->pairs[j].key, "path") &&
			    is_same(section->pairs[j].value, path))
				return true;
		}
	}
	return false;
}

/* A pager that is started without a device on which something is stored refuses. */
static void tell_missing(const struct config *config, const json_t *devices)
{
	size_t i, j;
	json_t *device, *leg;

	json_array_foreach(devices, i, device) {
		json_array_foreach(json_object_get(device, "legs"), j, leg) {
			const char *path = client_text(leg, "path");

			if (is_in_file(config, path))
				continue;
			err("%s: it has no %s any more, which the pager uses: 'tarnctl pager drain %s %lld', and leave it in the file until nothing is on it",
			    config->path, path, config->name,
			    client_number(device, "device"));
		}
	}
}

/* ---- what it gets ---------------------------------------------------------------- */

static int add_device(const struct config_section *section, char *dir)
{
	const char *discard = config_get(section, "discard");
	const struct options opts = {
		.priority = config_get(section, "priority"),
		.size = config_get(section, "size"),
		.discard = discard && !strcmp(discard, "on"),
	};
	char *path = (char *)config_get(section, "path");
	char *words[] = { dir, path, NULL };

	return pager_add_device(2, words, &opts);
}

static int add_new(const struct config *config, const json_t *devices, char *dir)
{
	size_t i;
	int ret = 0, one;

	for (i = 0; i < config->count; i++) {
		const struct config_section *section = &config->sections[i];
		const char *path = config_get(section, "path");

		if (section->kind != CONFIG_DEVICE &&
		    section->kind != CONFIG_MIRROR)
			continue;
		if (has_leg(devices, path))
			continue;
		if (section->kind == CONFIG_MIRROR) {
			err("%s:%u: a mirror is taken when the pager is started again: 'systemctl restart tarn-pager@%s', guests wait meanwhile",
			    config->path, section->line, config->name);
			continue;
		}
		one = add_device(section, dir);
		ret = one ? one : ret;
	}
	return ret;
}

static int reload(const struct config *config, char *dir)
{
	const struct options opts = {
		.socket = config_value(config, CONFIG_PAGER, "control"),
	};
	json_t *answer;
	int sock = pager_open(dir, &opts), ret;

	if (sock < 0)
		return sock;
	ret = client_call(sock, json_pack("{s:s}", "cmd", "devices"), -1,
			  &answer);
	close(sock);
	if (ret)
		return ret;
	ret = add_new(config, json_object_get(answer, "devices"), dir);
	tell_missing(config, json_object_get(answer, "devices"));
	json_decref(answer);
	return ret;
}

int config_reload_pager_main(int argc, char **argv, const struct options *opts)
{
	struct config config;
	char dir[PATH_MAX];
	int ret;

	if (config_name_arg("tarnctl config reload-pager", argv[0]))
		return EXIT_USAGE;
	ret = config_load(&config, argv[0], false);
	if (!ret && config.wrong) {
		err("nothing is changed");
		ret = -EINVAL;
	}
	if (!ret) {
		pool_dir(dir, argv[0]);
		ret = reload(&config, dir);
	}
	config_free(&config);
	return ret;
}
