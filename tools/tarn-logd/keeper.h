/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The history as the daemon keeps it: where it cannot be written, on a disk that is full
 * or while somebody holds it, it pauses, and all else goes on.
 */
#ifndef TARN_LOGD_KEEPER_H
#define TARN_LOGD_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "history.h"

/**
 * struct keeper - it
 * @path: of the file, NULL: none is kept
 * @limit: of its size
 * @history: NULL while it could not be opened
 * @begun: something was written to it that is to be ended
 * @again: when it is tried again, sample_clock(); 0: it does not pause
 * @wait: seconds from one try to the next
 */
struct keeper {
	const char *path;
	uint64_t limit;
	struct history *history;
	bool begun;
	uint64_t again;
	unsigned int wait;
};

/**
 * keeper_open() - Begin.
 * Return: 0, also if it pauses, or an errno, reported: it is not as it was said to be.
 */
int keeper_open(struct keeper *keeper);

/** keeper_ready() - Whether @history can be written to now; it is begun then. */
bool keeper_ready(struct keeper *keeper);

/** keeper_end() - End what was begun. */
void keeper_end(struct keeper *keeper);

void keeper_close(struct keeper *keeper);

#endif
