/* SPDX-License-Identifier: GPL-2.0-only */
/* Open files that were handed over, for those who open files by a path. */
#ifndef TARN_QMP_FDS_H
#define TARN_QMP_FDS_H

#include <sys/types.h>

struct opts;

/** qmp_fdset_add() - put what an -add-fd option names into its set. */
int qmp_fdset_add(struct opts *opts);

/**
 * qmp_open() - open(2), but "/dev/fdset/N" is a descriptor of that set.
 *
 * Return: a descriptor that closes on exec, or -errno.
 */
int qmp_open(const char *path, int flags, mode_t mode);

/** qmp_fds_close() - at the end. */
void qmp_fds_close(void);

#endif
