/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of one pager together, for main.c and control.c. */
#ifndef TARN_PAGER_PAGER_H
#define TARN_PAGER_PAGER_H

#include "attach.h"
#include "devices.h"
#include "options.h"
#include "queue.h"
#include "security.h"

/** What the process ends with where options can't be right: no second try */
#define EXIT_USAGE 2

/**
 * struct pager - the process
 * @opts: command line
 * @user: opts.user, if there is one
 * @at: the pool
 * @devices: where its pages go
 * @queues: at.queues of them
 */
struct pager {
	struct options opts;
	struct pager_user user;
	struct attachment at;
	struct devices devices;
	struct queue *queues;
};

#endif
