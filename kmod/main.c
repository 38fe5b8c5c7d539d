// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarn.ko: shared memory pools for KVM guests (S01). What is where:
 *
 *	fs.c file.c ctl.c	the filesystem, its files, their ioctls
 *	pool.c frame.c		pools and their frames
 *	partition.c entry.c	logical memories and the states of their pages
 *	fault.c asyncpf.c pagein.c	bringing pages in
 *	pending.c notify.c	what is under way of that, by number
 *	reclaim.c evict.c young.c	and giving them up
 *	truncate.c		taking them away
 *	io.c queue.c pager.c window.c drop.c grant.c	requests to the paging service
 *	stats.c sysfs.c event.c trace.h	what is seen of it
 */
#include <linux/module.h>

#include "asyncpf.h"
#include "fs.h"
#include "grant.h"
#include "io.h"
#include "hypercall.h"
#include "pager.h"
#include "pending.h"
#include "poison.h"
#include "sysfs.h"
#include "vm.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int __init tarn_init(void)
{
	int ret;

	tarn_frame_init();
	ret = tarn_poison_init();
	if (ret)
		return ret;
	ret = tarn_io_init();
	if (ret)
		goto err_poison;
	ret = tarn_pending_init();
	if (ret)
		goto err_io;
	ret = tarn_asyncpf_init();
	if (ret)
		goto err_pending;
	ret = tarn_grant_init();
	if (ret)
		goto err_asyncpf;
	ret = tarn_sysfs_init();
	if (ret)
		goto err_grant;
	ret = tarn_pager_init();
	if (ret)
		goto err_sysfs;
	ret = tarn_vm_init();
	if (ret)
		goto err_pager;
	ret = tarn_hypercall_init();
	if (ret)
		goto err_vm;
	ret = tarn_fs_init();
	if (ret)
		goto err_hypercall;
	return 0;

err_hypercall:
	tarn_hypercall_exit();
err_vm:
	tarn_vm_exit();
err_pager:
	tarn_pager_exit();
err_sysfs:
	tarn_sysfs_exit();
err_grant:
	tarn_grant_exit();
err_asyncpf:
	tarn_asyncpf_exit();
err_pending:
	tarn_pending_exit();
err_io:
	tarn_io_exit();
err_poison:
	tarn_poison_exit();
	return ret;
}
module_init(tarn_init);

static void __exit tarn_exit(void)
{
	tarn_fs_exit();
	/* Calls under way have their VM released by its workqueue. */
	tarn_hypercall_exit();
	tarn_vm_exit();
	tarn_pager_exit();
	/* Partitions and pagers are freed after a grace period. */
	rcu_barrier();
	tarn_sysfs_exit();
	tarn_grant_exit();
	tarn_asyncpf_exit();
	tarn_pending_exit();
	tarn_io_exit();
	tarn_poison_exit();
}
module_exit(tarn_exit);

MODULE_DESCRIPTION("Tarn: shared memory pools for KVM guests, paged by the hypervisor");
MODULE_AUTHOR("The Tarn authors");
MODULE_LICENSE("GPL");
