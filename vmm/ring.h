/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The io_urings of loops. The system call filter does not see what a ring is asked to
 * do, so each is made with restrictions of its own, and once the program is sealed
 * none is made any more: loops to come get theirs of a reserve.
 */
#ifndef TARN_RING_H
#define TARN_RING_H

#include <liburing.h>

#include "lib/types.h"

/**
 * ring_seal() - make no ring any more, but @nr now for loops that come later.
 *
 * Whoever may make rings may make one that opens files, whatever its thread may
 * do itself. Loops that are destroyed give their rings back.
 */
int ring_seal(unsigned int nr);

/** ring_sealed() - whether that has been done. */
bool ring_sealed(void);

/** ring_get() - a ring of @entries; -ENOSPC when none is left of the reserve. */
int ring_get(struct io_uring *ring, unsigned int entries);

/** ring_put() - give it back. @idle: nothing is in flight, another may have it */
void ring_put(struct io_uring *ring, bool idle);

/** ring_report() - say why ring_get(), or a loop's start, has failed. */
void ring_report(int ret);

#endif
