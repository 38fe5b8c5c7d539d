// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>

#include "wait.h"

/*
 * Of this thread.
 * @lock: what it lets go of, NULL: nothing
 * @what: who looks what it waits for
 * @allowed: accesses within accesses
 * @depth: waits within waits
 */
static __thread struct {
	pthread_mutex_t *lock;
	enum wait_for *what;
	unsigned int allowed;
	unsigned int depth;
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

void wait_begin(enum wait_for what)
{
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
