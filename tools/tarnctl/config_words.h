/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of a pager, from the file of its pool. */
#ifndef TARNCTL_CONFIG_WORDS_H
#define TARNCTL_CONFIG_WORDS_H

#include "config.h"

/**
 * config_words() - Make it.
 * @dir: where the pool is mounted
 * Return: words, NULL behind the last one, to be freed by config_words_free(); or NULL,
 * reported.
 */
char **config_words(const struct config *config, const char *dir);
void config_words_free(char **words);

#endif
