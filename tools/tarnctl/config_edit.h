/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes of the file of a pool that leave the rest of it, comments too, as it is. The
 * file is replaced as a whole, or stays as it was.
 */
#ifndef TARNCTL_CONFIG_EDIT_H
#define TARNCTL_CONFIG_EDIT_H

#include "config.h"

/**
 * struct config_edit - a file that is being changed
 * @path: of it, behind links
 * @name: of the pool
 * @text: what it will have
 */
struct config_edit {
	char *path;
	char *name;
	char *text;
};

/**
 * config_edit_begin() - Read the file of a pool, in which nothing may be wrong.
 * @edit: to be freed by config_edit_free() whatever is returned
 * Return: 0, or an errno, reported.
 */
int config_edit_begin(struct config_edit *edit, const char *name);

/**
 * config_edit_set() - Set a key of the first section of a kind.
 * Return: 0, ERR_USAGE if the value is wrong, or an errno; reported.
 */
int config_edit_set(struct config_edit *edit, enum config_kind kind,
		    const char *key, const char *value);

/** config_edit_drop() - Take a key out, if it is there. Return: 0 or an errno, reported. */
int config_edit_drop(struct config_edit *edit, enum config_kind kind,
		     const char *key);

/**
 * config_edit_pool() - As config_edit_begin(), of a pool that is mounted.
 * @mount: where; a pool that is elsewhere than in /run/tarn has no file
 */
int config_edit_pool(struct config_edit *edit, const char *mount);

/** config_edit_commit() - Write it. Return: 0, or an errno, reported. */
int config_edit_commit(const struct config_edit *edit);
void config_edit_free(struct config_edit *edit);

/**
 * config_replace() - Write a file so that it is there as a whole or not at all.
 * @exclusive: it must not be there yet
 * Return: 0, or an errno, reported.
 */
int config_replace(const char *path, const char *text, bool exclusive);

/** config_save() - Write a file that is not there yet, and its folder. Return: likewise. */
int config_save(const struct config *config, const char *path);

#endif
