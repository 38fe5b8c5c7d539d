// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread that serves block devices for which no iothread was named. Block
 * queues never run in the main loop: a driver's reset waits for requests in
 * flight under the VM's lock, which completions there would need.
 */
#include <semaphore.h>

#include "backend/block.h"
#include "error.h"
#include "lib/thread.h"
#include "sandbox.h"
#include "sandbox.h"

#define BLOCK_RING 256

static struct {
	struct loop *loop;
	pthread_t thread;
	sem_t started;
	unsigned int users;
} bt;

static void *block_thread_main(void *arg)
{
	bt.loop = loop_create(BLOCK_RING);
	if (bt.loop && sandbox_enter(SANDBOX_IO)) {
		loop_destroy(bt.loop);
		bt.loop = NULL;
	}
	sem_post(&bt.started);
	if (bt.loop)
		loop_run(bt.loop);
	return NULL;
}

struct loop *block_thread_get(void)
{
	if (bt.users++)
		return bt.loop;
	sem_init(&bt.started, 0, 0);
	if (thread_create(&bt.thread, "IO block", block_thread_main, NULL))
		goto err_users;
	while (sem_wait(&bt.started))
		;
	if (bt.loop)
		return bt.loop;
	pthread_join(bt.thread, NULL);
err_users:
	bt.users--;
	return NULL;
}

void block_thread_put(void)
{
	if (--bt.users)
		return;
	loop_stop(bt.loop);
	pthread_join(bt.thread, NULL);
	loop_destroy(bt.loop);
	bt.loop = NULL;
	sem_destroy(&bt.started);
}
