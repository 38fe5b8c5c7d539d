// SPDX-License-Identifier: GPL-2.0-only
/* A workqueue has to say that it is bound to processors: 7.2 warns of one that does not. */
#include <linux/module.h>
#include <linux/workqueue.h>

unsigned int probe(void);
unsigned int probe(void)
{
	return system_percpu_wq && system_dfl_wq ? WQ_PERCPU : 0;
}

MODULE_LICENSE("GPL");
