/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadows <linux/workqueue.h>: WQ_PERCPU says what every queue was that was not
 * unbound, and the name of the system's says it, too. 7.2 warns of a queue that says
 * neither, and of work for the system's by its old name.
 */
#ifndef TARN_COMPAT_WORKQUEUE_H
#define TARN_COMPAT_WORKQUEUE_H

#include_next <linux/workqueue.h>

#ifndef HAVE_WORKQUEUE_PERCPU
#define WQ_PERCPU		0
#define system_percpu_wq	system_wq
#define system_dfl_wq		system_unbound_wq
#endif

#endif
