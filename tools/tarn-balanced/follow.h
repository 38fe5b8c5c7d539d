/* SPDX-License-Identifier: GPL-2.0-only */
/* vCPUs of guests that do not do it themselves are put where their memory is at home. */
#ifndef TARN_BALANCED_FOLLOW_H
#define TARN_BALANCED_FOLLOW_H

#include "home_mark.h"
#include "users.h"

/**
 * follow() - Look at the homes of all guests, and put the vCPUs where these changed.
 * @all: how, for partitions that say nothing else
 * @pools: where marks belong
 */
void follow(struct users *users, const struct pool_list *pools,
	    const struct host *host, enum home_dispatch all);

/** follow_begin() - Know what one before this has done, that was killed. */
void follow_begin(struct users *users);

/** follow_end() - Let all vCPUs run where they might at first. */
void follow_end(struct users *users);

/** follow_mode() - How the vCPUs of a guest follow its memory. */
enum home_dispatch follow_mode(const struct user *user,
			       const struct pool_list *pools,
			       enum home_dispatch all);

#endif
