/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file of a pool, /etc/tarn/pools.d/NAME.conf: what it is mounted with, its
 * settings, its pager, and what its partitions are to have. tarn-pool.conf(5). That of
 * an adapter, /etc/tarn/adapters.d/BDF.conf, is of the same form: tarn-adapter(8).
 *
 * It is read as a list of sections of pairs, which stay text: each was checked when it
 * was read (config_key.h), and is read as a value by what it is for. A pair that is
 * wrong is reported and is not in the list.
 */
#ifndef TARNCTL_CONFIG_H
#define TARNCTL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifndef CONFIG_DIR
#define CONFIG_DIR "/etc/tarn/pools.d"
#endif
/** Where the files of earlier versions are, variables of a shell. */
#ifndef CONFIG_OLD_DIR
#define CONFIG_OLD_DIR "/etc/tarn"
#endif
#define CONFIG_SUFFIX ".conf"
/** Longest name of a pool. */
#define CONFIG_NAME_MAX 64
/** Largest file, in bytes. */
#define CONFIG_FILE_MAX (1U << 20)

/** enum config_about - what a file is about */
enum config_about {
	CONFIG_OF_POOL,
	CONFIG_OF_ADAPTER,
};

/** enum config_kind - of a section */
enum config_kind {
	CONFIG_POOL,
	CONFIG_PINS,
	CONFIG_PAGER,
	CONFIG_DEVICE,
	CONFIG_MIRROR,
	CONFIG_PARTITION,
	CONFIG_ADAPTER,
	CONFIG_GROUP,
	CONFIG_KINDS,
};

/**
 * struct config_pair - KEY=VALUE
 * @key: as in the table of keys, whose memory it is
 * @value: not empty
 * @line: where it stands, 0: not in a file
 */
struct config_pair {
	const char *key;
	char *value;
	unsigned int line;
};

/**
 * struct config_section - a section
 * @kind: what it is about
 * @line: of its heading
 * @wrong: lines in it that are
 */
struct config_section {
	enum config_kind kind;
	unsigned int line;
	unsigned int wrong;
	struct config_pair *pairs;
	size_t count;
};

/**
 * struct config - a file
 * @path: of it
 * @name: of the pool, or of the adapter
 * @about: which sections it can have
 * @old: it is one of an earlier version
 * @sections: in the order of the file
 * @wrong: lines that are, outside of sections too
 */
struct config {
	char *path;
	char *name;
	enum config_about about;
	bool old;
	struct config_section *sections;
	size_t count;
	unsigned int wrong;
};

/** config_name_ok() - Whether a pool can be called so: letters, digits, '.', '_' and '-'. */
bool config_name_ok(const char *name);

/** config_path() - The path of the file of a pool. Return: to be freed, or NULL. */
char *config_path(const char *name);

/**
 * config_read() - Read a file; what is wrong in it is reported and counted.
 * @config: to be freed by config_free() whatever is returned
 * Return: 0, also if lines are wrong, or an errno, reported.
 */
int config_read(struct config *config, const char *path);

/** config_read_adapter() - Likewise the file of an adapter. */
int config_read_adapter(struct config *config, const char *path);

/**
 * config_load() - Read the file of a pool, or that of an earlier version.
 * Return: as config_read(); -ENOENT if there is none, reported unless @optional.
 */
int config_load(struct config *config, const char *name, bool optional);
void config_free(struct config *config);

/** config_wrong() - Lines that are wrong in sections of a kind, or in none. */
unsigned int config_wrong(const struct config *config, enum config_kind kind);

/** config_find() - The first section of a kind, or NULL. */
const struct config_section *config_find(const struct config *config,
					 enum config_kind kind);

/** config_get() - The value of a key of a section that may be NULL, or NULL. */
const char *config_get(const struct config_section *section, const char *key);

/** config_value() - That of the first section of a kind. */
const char *config_value(const struct config *config, enum config_kind kind,
			 const char *key);

/* ---- making one, for what reads files ---------------------------------------- */

/** config_add_section() - Return: the section, valid until the next one, or NULL. */
struct config_section *config_add_section(struct config *config,
					  enum config_kind kind,
					  unsigned int line);

/**
 * config_add() - Add a pair, if it is right.
 * @section: the last one of @config
 * Return: 0, -EINVAL, reported and counted, or -ENOMEM, reported.
 */
int config_add(struct config *config, struct config_section *section,
	       const char *key, const char *value, unsigned int line);

/**
 * config_complain() - Report that a line is wrong, and count it.
 * @section: where it is, or NULL
 * @line: 0: what is read has none
 */
void config_complain(struct config *config, struct config_section *section,
		     unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * config_section_of() - The first section of a kind, made where there is none.
 * Return: as config_add_section().
 */
struct config_section *config_section_of(struct config *config,
					 enum config_kind kind,
					 unsigned int line);

/**
 * config_add_device() - Add a section from the value of an option of tarn-pager.
 * @text: it is changed
 * Return: as config_add().
 */
int config_add_device(struct config *config, enum config_kind kind, char *text,
		      unsigned int line);

/** config_print_device() - The reverse. */
void config_print_device(FILE *f, const struct config_section *section);

/** config_check_whole() - Report what sections lack, or have too much of. */
void config_check_whole(struct config *config);

/** config_parse() - Read the text of a file into @config, which has its path. */
int config_parse(struct config *config, FILE *f);

/** config_parse_old() - Likewise of a file of an earlier version. */
int config_parse_old(struct config *config, FILE *f);

/** config_write() - Write it as a file. Return: 0 or -EIO, not reported. */
int config_write(const struct config *config, FILE *f);

#endif
