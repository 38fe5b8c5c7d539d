/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module shows below /sys/fs/tarn: one number a file. */
#ifndef TARNCTL_SYSFS_H
#define TARNCTL_SYSFS_H

#include <stdint.h>

#include <linux/tarn.h>

#include "field.h"

#define SYSFS_ROOT "/sys/fs/tarn"

/** sysfs_read() - Read one number of the directory @dirfd. */
int sysfs_read(int dirfd, const char *name, uint64_t *val);

/**
 * sysfs_read_fields() - Fill a structure from a directory with a file a field.
 *
 * A field that has no file stays as it is: the id is the directory's name, and
 * modules differ in age.
 *
 * Return: 0, or the errno of a file that cannot be read; -ENOENT if there is
 * none, as with a partition that has just gone.
 */
int sysfs_read_fields(int dirfd, const struct field *table, void *base);

/** sysfs_read_latency() - Read the file "latency", a number a bucket. */
int sysfs_read_latency(int dirfd, __u64 *buckets);

/**
 * sysfs_open() - Open a directory of a pool.
 * @root: SYSFS_ROOT
 * @uuid: of the pool
 * @sub: path below it, or NULL
 * Return: a descriptor or a negative errno.
 */
int sysfs_open(const char *root, const char *uuid, const char *sub);

#endif
