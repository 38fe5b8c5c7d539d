// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl config check and show. */
#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "config_commands.h"
#include "config.h"
#include "error.h"

/* ---- what is not wrong, but may be meant otherwise ------------------------------ */

static void note_device(const struct config *config,
			const struct config_section *section)
{
	struct stat st;
	size_t i;

	for (i = 0; i < section->count; i++) {
		const struct config_pair *pair = &section->pairs[i];

		if (strcmp(pair->key, "path"))
			continue;
		if (!stat(pair->value, &st) || errno != ENOENT)
			continue;
		if (config_get(section, "size"))
			continue;
		printf("%s:%u: note: there is no %s now; a file is made where size= says how large\n",
		       config->path, pair->line, pair->value);
	}
	if (config_get(section, "degraded"))
		printf("%s:%u: note: degraded= is for one start; take it away once the mirror is whole\n",
		       config->path, section->line);
}

static void note_user(const struct config *config)
{
	const char *user = config_value(config, CONFIG_PAGER, "user");
	char *name = user ? strndup(user, strcspn(user, ":")) : NULL;

	if (name && !getpwnam(name) && strspn(name, "0123456789") != strlen(name))
		printf("%s: note: this host has no user %s for the pager\n",
		       config->path, name);
	free(name);
}

static void note_all(const struct config *config)
{
	bool devices = false;
	size_t i;

	for (i = 0; i < config->count; i++) {
		const struct config_section *section = &config->sections[i];

		if (section->kind != CONFIG_DEVICE &&
		    section->kind != CONFIG_MIRROR)
			continue;
		devices = true;
		note_device(config, section);
	}
	note_user(config);
	if (!devices && strcmp(config_value(config, CONFIG_POOL, "paging") ?: "",
			       "none"))
		printf("%s: note: it has no [device] and no [mirror], so its pager cannot start\n",
		       config->path);
}

/* ---- files ---------------------------------------------------------------------- */

static int check_file(const char *path)
{
	struct config config;
	int ret = config_read(&config, path);

	if (!ret && !config_name_ok(config.name))
		config_complain(&config, NULL, 0,
				"a pool has 1 to %d letters, digits, '.', '_' and '-' for a name; name the file so",
				CONFIG_NAME_MAX);
	if (!ret && !config.wrong) {
		note_all(&config);
		printf("%s: good\n", path);
	} else if (!ret) {
		ret = -EINVAL;
	}
	config_free(&config);
	return ret;
}

/* A path as it is, a name below /etc/tarn/pools.d. */
static int check_named(const char *word)
{
	char *path;
	int ret;

	if (strchr(word, '/') || !config_name_ok(word))
		return check_file(word);
	path = config_path(word);
	if (!path)
		return err_nomem();
	ret = check_file(path);
	free(path);
	return ret;
}

static bool is_config(const char *name)
{
	size_t len = strlen(name), end = strlen(CONFIG_SUFFIX);

	return name[0] != '.' && len > end &&
	       !strcmp(name + len - end, CONFIG_SUFFIX);
}

static int check_entry(const char *name)
{
	char *path;
	int ret = 0;

	if (!is_config(name)) {
		if (name[0] != '.')
			printf("%s/%s: note: it is not read, as its name does not end in .conf\n",
			       CONFIG_DIR, name);
		return 0;
	}
	if (asprintf(&path, "%s/%s", CONFIG_DIR, name) < 0)
		return err_nomem();
	ret = check_file(path);
	free(path);
	return ret;
}

static int check_all(void)
{
	struct dirent **entries;
	int count = scandir(CONFIG_DIR, &entries, NULL, alphasort), i, ret = 0;

	if (count < 0) {
		if (errno != ENOENT)
			return err_errno(-errno, "%s", CONFIG_DIR);
		puts("there is no " CONFIG_DIR ": no pool is configured");
		return 0;
	}
	for (i = 0; i < count; i++) {
		int one = check_entry(entries[i]->d_name);

		ret = one ? one : ret;
		free(entries[i]);
	}
	free(entries);
	return ret;
}

int config_check_main(int argc, char **argv, const struct options *opts)
{
	int i, ret = 0;

	if (!argc)
		return check_all();
	for (i = 0; i < argc; i++) {
		int one = check_named(argv[i]);

		ret = one ? one : ret;
	}
	return ret;
}

int config_show_main(int argc, char **argv, const struct options *opts)
{
	struct config config;
	int ret;

	if (config_name_arg("tarnctl config show", argv[0]))
		return EXIT_USAGE;
	ret = config_load(&config, argv[0], false);
	if (!ret && config_write(&config, stdout))
		ret = err_errno(-EIO, "write to stdout");
	if (!ret && config.wrong)
		ret = -EINVAL;
	config_free(&config);
	return ret;
}
