// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../error.h"
#include "thread.h"
#include "types.h"

/* glibc takes its thread-local storage from it, too. */
#define THREAD_STACK KIB(128)

/* Of one that does all kinds of things. */
#define DEEP_STACK KIB(1024)

/* How long the end of the program waits for one that may hang, s. */
#define END_WAIT 5

static int create(pthread_t *thread, const char *name, size_t stack,
		  void *(*fn)(void *arg), void *arg)
{
	sigset_t all, old;
	pthread_attr_t attr;
	char buf[16];
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, stack);
	sigfillset(&all);
	/* Those that say what the thread itself did wrong. */
	sigdelset(&all, SIGSYS);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(thread, &attr, fn, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (ret)
		return err_errno(-ret, "cannot start thread '%s'", name);
	snprintf(buf, sizeof(buf), "%s", name);
	pthread_setname_np(*thread, buf);
	return 0;
}

int thread_create(pthread_t *thread, const char *name, void *(*fn)(void *arg),
		  void *arg)
{
	return create(thread, name, THREAD_STACK, fn, arg);
}

int thread_create_deep(pthread_t *thread, const char *name,
		       void *(*fn)(void *arg), void *arg)
{
	return create(thread, name, DEEP_STACK, fn, arg);
}

void thread_end(pthread_t thread, const char *doing)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_WAIT;
	if (!pthread_timedjoin_np(thread, NULL, &until))
		return;
	err("ended while %s", doing);
	_exit(EXIT_FAILURE);
}
