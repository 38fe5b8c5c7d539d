/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads of the VMM: named, with a small stack and with all signals blocked,
 * so that process-wide ones reach the main thread.
 */
#ifndef TARN_LIB_THREAD_H
#define TARN_LIB_THREAD_H

#include <pthread.h>

/**
 * thread_create() - start a joinable thread.
 * @name: as ps and libvirt show it, cut to 15 characters
 *
 * Return: 0 or -errno, reported.
 */
int thread_create(pthread_t *thread, const char *name, void *(*fn)(void *arg),
		  void *arg);

/** thread_create_deep() - likewise, with a stack for what the main thread may do. */
int thread_create_deep(pthread_t *thread, const char *name,
		       void *(*fn)(void *arg), void *arg);

/**
 * thread_end() - wait for a thread that was told to end, as the program does.
 * @doing: what that is "ended while" if the thread does not end in time: it may hang in the
 *	   kernel, and what it uses cannot go under it, so the program ends at once
 */
void thread_end(pthread_t thread, const char *doing);

#endif
