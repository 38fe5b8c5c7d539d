// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "wait.h"

/*
 * Of this thread.
 * @lock: what it lets go of, NULL: nothing
 * @what: who looks what it waits for
 * @allowed: accesses within accesses
 * @depth: waits within waits
 * @never: it comes to no such place
 */
static __thread struct {
	pthread_mutex_t *lock;
	enum wait_for *what;
	unsigned int allowed;
	unsigned int depth;
	bool never;
} self;

static void note(enum wait_for what)
{
	if (self.what)
		__atomic_store_n(self.what, what, __ATOMIC_SEQ_CST);
}

void wait_allow(pthread_mutex_t *lock, enum wait_for *what)
{
	if (self.allowed++)
		return;
	self.lock = lock;
	self.what = what;
}

void wait_forbid(void)
{
	if (--self.allowed)
		return;
	self.lock = NULL;
	self.what = NULL;
}

void wait_never(bool never)
{
	self.never = never;
}

/* What would wait here with the lock held is a mistake in who calls it. */
static void check_allowed(void)
{
#ifdef TARN_CHECK_WAITS
	if (!self.never || self.lock)
		return;
	fprintf(stderr, "a thread that must not wait does\n");
	abort();
#endif
}

void wait_begin(enum wait_for what)
{
	check_allowed();
	if (!self.lock || self.depth++)
		return;
	note(what);
	pthread_mutex_unlock(self.lock);
}

void wait_end(void)
{
	if (!self.lock || --self.depth)
		return;
	pthread_mutex_lock(self.lock);
	note(WAIT_NOTHING);
}
