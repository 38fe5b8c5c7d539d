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
#include "config_pager.h"
#include "error.h"
#include "pool.h"

#define PAGER "tarn-pager"

/** struct words - a command line that grows */
struct words {
	char **items;
	size_t count;
	bool failed;
};

/* Takes over @text. */
static void add(struct words *words, char *text)
{
	char **items;

	items = text ? reallocarray(words->items, words->count + 2,
				    sizeof(*items)) : NULL;
	if (!items) {
		words->failed = true;
		free(text);
		return;
	}
	words->items = items;
	items[words->count++] = text;
	items[words->count] = NULL;
}

static void add_copy(struct words *words, const char *text)
{
	add(words, strdup(text));
}

static void add_option(struct words *words, const struct config_pair *pair)
{
	char *text;

	add(words, asprintf(&text, "--%s=%s", pair->key, pair->value) < 0 ?
			   NULL : text);
}

static bool is_switch(const char *key)
{
	return !strcmp(key, "grant") || !strcmp(key, "mlock") ||
	       !strcmp(key, "seccomp");
}

static void add_switch(struct words *words, const struct config_pair *pair)
{
	char *text;

	if (strcmp(pair->value, "off"))
		return;
	add(words, asprintf(&text, "--no-%s", pair->key) < 0 ? NULL : text);
}

static void add_settings(struct words *words,
			 const struct config_section *section)
{
	size_t i;

	for (i = 0; section && i < section->count; i++) {
		const struct config_pair *pair = &section->pairs[i];

		if (is_switch(pair->key))
			add_switch(words, pair);
		else if (strcmp(pair->key, "debug"))
			add_option(words, pair);
		else if (!strcmp(pair->value, "on"))
			add_copy(words, "--debug");
	}
}

static void add_device(struct words *words, const struct config_section *section)
{
	size_t size;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	if (f)
		config_print_device(f, section);
	if (!f || fclose(f)) {
		free(text);
		text = NULL;
	}
	add_copy(words, section->kind == CONFIG_MIRROR ? "--mirror" :
							 "--device");
	add(words, text);
}

char **config_pager_words(const struct config *config, const char *dir)
{
	struct words words = { 0 };
	size_t i;

	add_copy(&words, PAGER);
	add_copy(&words, "--pool");
	add_copy(&words, dir);
	add_settings(&words, config_find(config, CONFIG_PAGER));
	for (i = 0; i < config->count; i++) {
		if (config->sections[i].kind == CONFIG_DEVICE ||
		    config->sections[i].kind == CONFIG_MIRROR)
			add_device(&words, &config->sections[i]);
	}
	if (!words.failed)
		return words.items;
	err_nomem();
	config_pager_free(words.items);
	return NULL;
}

void config_pager_free(char **words)
{
	size_t i;

	for (i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

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
		words = config_pager_words(&config, dir);
		ret = words ? become_pager(words) : -ENOMEM;
		config_pager_free(words);
	}
	config_free(&config);
	return ret;
}
