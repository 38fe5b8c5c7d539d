/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file that a guest was restored from, as long as pages of it are there: a guest that
 * is saved to it would lose them.
 */
#ifndef TARN_SAVE_SOURCE_H
#define TARN_SAVE_SOURCE_H

#include <sys/stat.h>

#include "mem.h"

/**
 * struct source - a file; zeroed, there is none.
 * @known: there is one
 * @dev, @ino: which file, or with @block which block device
 */
struct source {
	bool known;
	bool block;
	dev_t dev;
	ino_t ino;
};

/** source_set() - pages stay in what @fd is. */
void source_set(struct source *source, int fd);

/** source_is() - whether what @st is about is that file, and has pages of @mem still. */
bool source_is(const struct source *source, const struct stat *st,
	       const struct tarn_mem *mem);

#endif
