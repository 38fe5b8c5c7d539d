/* SPDX-License-Identifier: GPL-2.0-only */
/* A block device that takes seconds for each request. */
#ifndef SELFTESTS_LIB_SLOW_H
#define SELFTESTS_LIB_SLOW_H

/* Of null_blk: some kernels name the device as the directory, others number it. */
#define SLOW_DEVICE "/dev/nullb0"

/**
 * slow_device_make() - make it; without null_blk the test is skipped
 * @from: file whose first MiB is what it has
 */
void slow_device_make(const char *from);

/** slow_device_drop() - remove it, once nobody has it open. */
void slow_device_drop(void);

#endif
