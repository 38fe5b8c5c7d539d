/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of one pager together, for main.c and control.c. */
#ifndef TARN_PAGER_PAGER_H
#define TARN_PAGER_PAGER_H

#include "attach.h"
#include "devices.h"
#include "options.h"
#include "queue.h"

/**
 * struct pager - the process
 * @opts: command line
 * @at: the pool
 * @devices: where its pages go
 * @queues: at.queues of them
 */
struct pager {
	struct options opts;
	struct attachment at;
	struct devices devices;
	struct queue *queues;
};

#endif
