/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one way in for ioctls: a table of calls, each with the size that it was
 * first published with; all the checking of sizes is in tarn_ctl_call().
 */
#ifndef TARN_CTL_H
#define TARN_CTL_H

#include <linux/stddef.h>
#include <linux/tarn_pager.h>
#include <linux/types.h>

struct file;

/**
 * struct tarn_donate_call - TARN_PARTITION_DONATE under way
 * @donate: what user space knows of
 * @child: the file that is to be at @donate.fd
 */
struct tarn_donate_call {
	struct tarn_partition_donate donate;
	struct file *child;
};

/**
 * union tarn_ctl_arg - the kernel's copy of a call's structure
 *
 * A call fills in what it returns; that much of it as user space has room for
 * is copied back when the call returns 0.
 */
union tarn_ctl_arg {
	struct tarn_features features;
	struct tarn_pool_info pool_info;
	struct tarn_pool_set pool_set;
	struct tarn_pool_faults pool_faults;
	struct tarn_pool_detach pool_detach;
	struct tarn_pool_drain pool_drain;
	struct tarn_pool_sharing pool_sharing;
	struct tarn_partition_info partition_info;
	struct tarn_partition_set partition_set;
	struct tarn_partition_pages pages;
	struct tarn_partition_heat heat;
	struct tarn_partition_range range;
	struct tarn_partition_read read;
	struct tarn_partition_homes homes;
	struct tarn_partition_domain domain;
	struct tarn_partition_balloon balloon;
	struct tarn_partition_shared shared;
	struct tarn_partition_fill fill;
	struct tarn_partition_copy copy;
	struct tarn_partition_import import;
	struct tarn_donate_call donate;
	struct tarn_partition_relocate relocate;
	struct tarn_partition_attach vm;
	struct tarn_partition_register area;
	struct tarn_partition_areas areas;
	struct tarn_partition_metrics metrics;
	struct tarn_pool_pin_policy pin_policy;
	struct tarn_partition_notify notify;
	struct tarn_pager_attach attach;
	struct tarn_pager_stored stored;
	struct tarn_pager_start start;
	struct tarn_pager_status status;
	struct tarn_pager_grant grant;
};

/**
 * struct tarn_ctl - a call
 * @cmd: number, compared without the size in it
 * @size: of its structure now
 * @min_size: of its structure as first published
 * @settle: NULL; of a call that makes something that nobody has who is not told of it, ends it:
 *	user space was told, or could not be
 */
struct tarn_ctl {
	unsigned int cmd;
	u32 size;
	u32 min_size;
	void (*settle)(union tarn_ctl_arg *arg, bool told);
};

#define TARN_CTL_SETTLED(_cmd, _type, _last, _settle) {			\
	.cmd = _cmd,							\
	.size = sizeof(_type),						\
	.min_size = offsetofend(_type, _last),				\
	.settle = _settle,						\
}

#define TARN_CTL(_cmd, _type, _last)	TARN_CTL_SETTLED(_cmd, _type, _last, NULL)

long tarn_ctl_call(struct file *file, unsigned int cmd, void __user *arg,
		   const struct tarn_ctl *calls, unsigned int nr,
		   long (*fn)(struct file *file, unsigned int cmd,
			      union tarn_ctl_arg *arg));
long tarn_ctl_features(struct tarn_features *f);
long tarn_fs_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif
