/* SPDX-License-Identifier: GPL-2.0-only */
/* Arguments of the form KEY=VALUE. */
#ifndef TARNCTL_SETTING_H
#define TARNCTL_SETTING_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct setting - a key that a subcommand knows
 * @key: its name; NULL ends a table
 * @instead: NULL, or what sets it, as this subcommand does not; those come last
 * @value: what was given for it, NULL: nothing
 */
struct setting {
	const char *key;
	const char *instead;
	const char *value;
};

/** setting_is() - Whether a word is one, rather than the name of a thing. */
bool setting_is(const char *word);

/**
 * settings_parse() - Sort words into a table.
 * @table: the keys known
 * @cmd: name of the subcommand, for messages
 * Return: 0 or -EINVAL, reported: a word that is no setting, an unknown key or one
 * that something else sets, a key given twice, an empty value.
 */
int settings_parse(struct setting *table, const char *cmd, int argc,
		   char **argv);

/** setting_number() - Read a value as a number from @min to @max, or report. */
int setting_number(const struct setting *setting, uint64_t min, uint64_t max,
		   uint64_t *val);

/**
 * setting_pages() - Read a value as an amount of memory, or report.
 * @whole: pages that 100 % stand for
 */
int setting_pages(const struct setting *setting, uint64_t whole, uint64_t *val);

#endif
