/* SPDX-License-Identifier: GPL-2.0-only */
/* The sections and keys that the file of a pool can have, and what each takes. */
#ifndef TARNCTL_CONFIG_KEY_H
#define TARNCTL_CONFIG_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "config.h"

/**
 * struct config_key - a key
 * @name: as on command lines and in mount options, where it is there as well
 * @most: how often a section can have it
 * @check: NULL if @value is right, or what is wrong and what to write
 */
struct config_key {
	const char *name;
	unsigned int most;
	const char *(*check)(const char *value);
};

/** config_kind_name() - The heading of sections of a kind, without brackets. */
const char *config_kind_name(enum config_kind kind);

/**
 * config_kind_find() - Whatever the case.
 * Return: the kind, or CONFIG_KINDS: files about that have none of this name.
 */
enum config_kind config_kind_find(enum config_about about, const char *name);

/** config_key_find() - Whatever the case. Return: the key, or NULL. */
const struct config_key *config_key_find(enum config_kind kind, const char *name);

/** config_key_suggest() - What to write instead of a key that there is not. */
const char *config_key_suggest(enum config_kind kind, const char *name,
			       char *buf, size_t size);

/** config_kind_suggest() - Likewise of a heading. */
const char *config_kind_suggest(enum config_about about, const char *name,
				char *buf, size_t size);

/* Keys of files of adapters (config_adapter.c). */
extern const struct config_key config_adapter_keys[];
extern const struct config_key config_group_keys[];

/**
 * config_amount() - Read a value of a key that takes an amount of a pool: 64M or 2%.
 * @whole: pages that 100 % are
 * Return: 0 or -EINVAL or -ERANGE, which no value has that was checked.
 */
int config_amount(const char *value, uint64_t whole, uint64_t *pages);

/** config_share() - Read a share of a processor. Return: thousandths, or -EINVAL. */
int config_share(const char *value);

/**
 * config_mount_size() - A value of size= or nodes= as the mount option takes it.
 * Return: text to be freed, or NULL: it is none, or memory ran out.
 */
char *config_mount_size(const char *value);

/** config_uid() - The number of a user, by name or number. Return: it, or -1. */
long config_uid(const char *value);

/** config_gid() - Likewise of a group. */
long config_gid(const char *value);

#endif
