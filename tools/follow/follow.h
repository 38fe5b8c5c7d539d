/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vCPUs of guests that do not do it themselves are put where their memory is at home.
 *
 * Two services do that: tarn-balanced for all guests, and tarn-listener for libvirt's. Two
 * that set masks of the same threads would each take the other's for somebody else's will.
 * So one at a time is in charge, who has /run/tarn/homes/dispatch locked: tarn-balanced
 * when it runs, else the listener. Masks that were given and not taken back are in a file
 * beside it, from which the next one goes on, also after one that was killed.
 */
#ifndef TARN_FOLLOW_H
#define TARN_FOLLOW_H

#include "home_mark.h"
#include "users.h"

/**
 * follow() - Look at the homes of all guests, and put the vCPUs where these changed, if
 * nobody else is in charge of that.
 * @all: how, for partitions that say nothing else
 * @pools: where marks belong
 */
void follow(struct users *users, const struct pool_list *pools,
	    const struct host *host, enum home_dispatch all);

/** follow_again() - What somebody has pinned may be otherwise: put them anew. */
void follow_again(struct user *user);

/** follow_leave() - Leave it to somebody else, who finds them where they are. */
void follow_leave(struct users *users);

/** follow_end() - Let all vCPUs run where they might at first. */
void follow_end(struct users *users);

/**
 * follow_pause() - Seconds until the next look.
 * @took: processor time of the last one
 */
double follow_pause(double took);

/** follow_mode() - How the vCPUs of a guest follow its memory. */
enum home_dispatch follow_mode(const struct user *user,
			       const struct pool_list *pools,
			       enum home_dispatch all);

#endif
