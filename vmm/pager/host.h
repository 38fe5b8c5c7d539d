/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which host this is, for superblocks: of a pool of another one nobody here can say
 * whether it is still mounted.
 */
#ifndef TARN_PAGER_HOST_H
#define TARN_PAGER_HOST_H

#include "types.h"

/**
 * struct host_ids - what tells hosts from each other; zeros where it is not known
 * @machine: made from /etc/machine-id, which itself is not for others to see
 * @boot: of the kernel that runs, whichever root directory a process has
 */
struct host_ids {
	u8 machine[16];
	u8 boot[16];
};

const struct host_ids *host_ids(void);
bool host_is_ours(const struct host_ids *ids);

#endif
