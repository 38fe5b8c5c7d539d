// SPDX-License-Identifier: GPL-2.0-only
/* See config_words.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_words.h"
#include "error.h"

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

char **config_words(const struct config *config, const char *dir)
{
	struct words words = { 0 };
	size_t i;

	add_copy(&words, "tarn-pager");
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
	config_words_free(words.items);
	return NULL;
}

void config_words_free(char **words)
{
	size_t i;

	for (i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}
