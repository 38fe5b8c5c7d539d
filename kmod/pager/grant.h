/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grants: block devices of the pager's from which the module reads by itself,
 * so that a page-in is one bio of the faulting thread and no turn of the pager.
 */
#ifndef TARN_GRANT_H
#define TARN_GRANT_H

#include <linux/rcupdate.h>
#include <linux/tarn_pager.h>
#include <linux/types.h>

struct file;
struct tarn_io;
struct tarn_pager;
struct tarn_read;

/**
 * struct tarn_grant - a device
 * @rcu: for its end
 * @file: keeps it open
 * @offset: byte at which slot 0 lies
 */
struct tarn_grant {
	struct rcu_head rcu;
	struct file *file;
	u64 offset;
};

long tarn_grant_set(struct tarn_pager *pager, const struct tarn_pager_grant *g);
void tarn_grant_clear(struct tarn_pager *pager);
struct tarn_read *tarn_grant_take(struct tarn_io *io);
void tarn_grant_read(struct tarn_read *read);
void tarn_read_abandon(struct tarn_read *read);

int tarn_grant_init(void);
void tarn_grant_exit(void);

#endif
