/* SPDX-License-Identifier: GPL-2.0-only */
/* What the subcommands of 'tarnctl pager' share. */
#ifndef TARNCTL_PAGER_H
#define TARNCTL_PAGER_H

#include "option.h"

/**
 * pager_open() - Connect to the pager that is meant.
 * @pool: see pool_list_select()
 * Return: a descriptor, or an errno, reported.
 */
int pager_open(const char *pool, const struct options *opts);

/** pager_add_device() - What 'tarnctl pager add' does, without hints for files. */
int pager_add_device(int argc, char **argv, const struct options *opts);

#endif
