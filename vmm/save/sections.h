/* SPDX-License-Identifier: GPL-2.0-only */
/* The sections of a saved machine, to be taken by name, each once. */
#ifndef TARN_SAVE_SECTIONS_H
#define TARN_SAVE_SECTIONS_H

#include "state.h"

#define SECTIONS_MAX 1024

/** struct sections - those of one record; its bytes must stay. */
struct sections {
	unsigned int nr;
	struct {
		struct state_in in;
		bool taken;
	} sec[SECTIONS_MAX];
};

/** sections_parse() - find all; -EINVAL, reported, when that makes no sense. */
int sections_parse(struct sections *s, const void *data, size_t len);

/**
 * sections_take() - the section called @name.
 * @version: the greatest that the caller knows
 *
 * Return: it, or NULL, reported, when it is missing, was taken or is newer.
 */
struct state_in *sections_take(struct sections *s, const char *name,
			       u32 version);

/** sections_check() - -EINVAL, reported, when one was not taken. */
int sections_check(const struct sections *s);

#endif
