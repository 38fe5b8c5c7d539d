/* SPDX-License-Identifier: GPL-2.0-only */
/* What the file of a pool says of a partition, by patterns of names. */
#ifndef TARNCTL_CONFIG_WISH_H
#define TARNCTL_CONFIG_WISH_H

#include <sys/types.h>

#include "config.h"

/**
 * struct config_wish - what a partition is to have
 * @words: of 'tarnctl partition set', as weight=256
 * @count: of them
 * @home: of --home, or NULL
 * @dispatch: of --dispatch, or NULL
 * @domain: of --domain, or NULL
 */
struct config_wish {
	char *words[8];
	int count;
	const char *home;
	const char *dispatch;
	const char *domain;
};

/**
 * config_wish() - Gather it from all sections that fit; of a key the last one counts.
 * @path: of the partition in its pool
 * @uid: owner of its file
 * @wish: to be freed by config_wish_free(), as long as @config is there
 * Return: 1 if a section fits, 0, or -ENOMEM, reported.
 */
int config_wish(struct config_wish *wish, const struct config *config,
		const char *path, uid_t uid);
void config_wish_free(struct config_wish *wish);

#endif
