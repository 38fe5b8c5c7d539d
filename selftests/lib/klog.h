/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's log, record by record. */
#ifndef SELFTESTS_LIB_KLOG_H
#define SELFTESTS_LIB_KLOG_H

#include "harness.h"

/** struct klog_record - what was said once */
struct klog_record {
	/** That of printk(): 3 is an error, 4 a warning, 6 an information. */
	int level;
	char text[1024];
};

/** What it says from now on. */
int klog_open(void);
/** From the oldest record on that there still is. */
void klog_rewind(int fd);
/** The next record; false: there is none yet. */
bool klog_next(int fd, struct klog_record *r);
/** Read on until one contains @text, or there is none. */
bool klog_has(int fd, const char *text);

#endif /* SELFTESTS_LIB_KLOG_H */
