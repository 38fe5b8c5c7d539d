/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Option values: a tree of dictionaries as given by QEMU's option syntax.
 *
 * opts.c turns "key=value,key.sub=value" into the tree; whoever understands an
 * option takes its keys out by the typed getters. A getter marks its key as
 * used, and opts_check_used() at the end makes a key that nobody asked for an
 * error that names it. The tree knows native booleans, numbers and lists, so
 * that a JSON object can feed the same getters.
 *
 * A getter leaves *val alone and returns 0 when the key is absent, so a default
 * is set by the caller before the call. It returns -EINVAL, reported, when the
 * value does not fit.
 */
#ifndef TARN_LIB_OPTS_H
#define TARN_LIB_OPTS_H

#include "lib/types.h"

struct opts;

/* Nesting of dotted keys, and the length of one component. */
#define OPTS_DEPTH_MAX 8
#define OPTS_KEY_MAX 64

/**
 * opts_parse() - Parse one option argument.
 * @out: the tree, to be destroyed even when the syntax is wrong; NULL only when
 *	 memory ran out
 * @name: of the option, for messages ("-device"); not copied
 * @text: "implied-value,key=value,..." with a doubled comma for a comma
 * @implied: the key that a leading bare value belongs to, or NULL
 *
 * A bare word other than the implied value is a flag: "share" is "share=on"
 * and "nowait" is "wait=off". When a key is given twice the last one counts.
 *
 * Return: 0, -EINVAL for bad syntax, -ENOMEM.
 */
int opts_parse(struct opts **out, const char *name, const char *text,
	       const char *implied);
struct opts *opts_create(void);
void opts_destroy(struct opts *opts);

/* What messages begin with, for a tree that was not parsed from text. */
void opts_set_name(struct opts *opts, const char *name);

/* Report a reason why @opts cannot be used and return -EINVAL. */
int opts_fail(struct opts *opts, const char *fmt, ...) __printf(2, 3);

/* The message of the last failure anywhere in the tree. */
const char *opts_error(const struct opts *opts);

/* Feeders; @key may be dotted, digits address a list. */
int opts_set_str(struct opts *opts, const char *key, const char *val);
int opts_set_bool(struct opts *opts, const char *key, bool val);
int opts_set_int(struct opts *opts, const char *key, s64 val);

/* Getters; @key may be dotted: "cache.direct". */
bool opts_has(const struct opts *opts, const char *key);
/* Whether @key holds a dictionary or a list rather than one value. */
bool opts_has_dict(const struct opts *opts, const char *key);
int opts_get_str(struct opts *opts, const char *key, const char **val);
/* As opts_get_str(), but an absent or empty value is an error. */
int opts_need_str(struct opts *opts, const char *key, const char **val);
int opts_get_bool(struct opts *opts, const char *key, bool *val);
int opts_get_uint(struct opts *opts, const char *key, u64 max,
		  u64 *val);
/* An amount of memory (amount.h), in bytes where it has no unit; or a hex number. */
int opts_get_size(struct opts *opts, const char *key, u64 *val);
/* @names ends with NULL; *val becomes the index. */
int opts_get_enum(struct opts *opts, const char *key,
		  const char *const *names, int *val);
/**
 * opts_get_dict() - The dictionary (or list) below a key.
 * @val: NULL when the key is absent; owned by the tree
 *
 * Keys inside it are the caller's to use up. A list is a dictionary with the
 * keys "0", "1" and so on.
 */
int opts_get_dict(struct opts *opts, const char *key, struct opts **val);
/* The number of entries of this dictionary or list. */
size_t opts_count(const struct opts *opts);
/* Call @fn with each key of this dictionary until one does not return 0. */
int opts_for_each(struct opts *opts,
		  int (*fn)(const char *key, struct opts *opts, void *arg),
		  void *arg);
/* Mark a key used whatever is below it: accepted and without effect here. */
void opts_ignore(struct opts *opts, const char *key);

/* Fail with a message that names the first key that no getter asked for. */
int opts_check_used(struct opts *opts);

/**
 * opts_parse_size() - An amount of memory (amount.h), or a hex number, to bytes.
 * @unit: what a number without a suffix is counted in; 1, or 1 << 20 for -m
 *
 * Return: 0, -EINVAL, or -ERANGE when it does not fit 64 bits.
 */
int opts_parse_size(const char *text, u64 unit, u64 *val);

#endif
