/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel tells of VFIO objects: structures that begin with their size, and may
 * have a chain of capabilities behind them, which makes them longer than their caller
 * can know.
 */
#ifndef TARN_VFIO_INFO_H
#define TARN_VFIO_INFO_H

#include "lib/types.h"

/**
 * vfio_info_get() - ask, with as much room as the answer takes.
 * @fd: whom
 * @request: an ioctl whose structure begins with argsz
 * @question: that structure, argsz aside
 * @size: of @question
 * @info: the answer, to be freed
 *
 * Return: 0 or -errno, not reported.
 */
int vfio_info_get(int fd, unsigned long request, const void *question,
		  size_t size, void **info);

/**
 * vfio_info_cap() - a capability of an answer.
 * @info: from vfio_info_get()
 * @first: where its chain begins (cap_offset), 0 for none
 * @id: which
 * @size: what it has at least
 *
 * Return: the capability, of which @size bytes are there, or NULL.
 */
const void *vfio_info_cap(const void *info, u32 first, u16 id, size_t size);

/** vfio_info_room() - bytes of @info from @from to its end, for what comes in arrays. */
size_t vfio_info_room(const void *info, const void *from);

#endif
