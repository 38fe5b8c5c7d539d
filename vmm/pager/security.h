/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a pager does about itself: it must not be paged out, not be killed for
 * memory, not wait for its own work when it needs memory, and be worth little
 * to whoever breaks into it.
 */
#ifndef TARN_PAGER_SECURITY_H
#define TARN_PAGER_SECURITY_H

#include <sys/types.h>
#include "types.h"

/** struct pager_user - whom to become */
struct pager_user {
	uid_t uid;
	gid_t gid;
};

int security_protect(bool mlock);
int security_lock_later(bool mlock, bool later);
int security_find_user(const char *name, struct pager_user *user);
int security_drop(const struct pager_user *user);
int security_confine(void);

#endif
