/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads: named, detached, with all signals blocked and a small stack, as all
 * of it is kept in memory.
 */
#ifndef TARN_PAGER_THREAD_H
#define TARN_PAGER_THREAD_H

int thread_create(const char *name, void *(*fn)(void *arg), void *arg);

#endif
