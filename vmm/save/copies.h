/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages of a restored guest that hold what others do (same.h). They come when all those are
 * there: they share with them, where that can be, or get the same content.
 */
#ifndef TARN_SAVE_COPIES_H
#define TARN_SAVE_COPIES_H

#include "mem.h"

struct same_list;

/**
 * copies_make() - make all of them.
 * @list: each within memory, as is what it is the same as
 * @cancel: NULL, or looked at meanwhile
 *
 * Return: 0, -ECANCELED, or -errno, reported.
 */
int copies_make(struct tarn_mem *mem, const struct same_list *list,
		const bool *cancel);

#endif
