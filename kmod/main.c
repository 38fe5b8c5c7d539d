// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarn.ko: shared memory pools for KVM guests (S01). Its rooms, from the bottom up;
 * each calls only what lies below it:
 *
 *	pool/	the objects: pools, frames, partitions, entries of pages
 *	pager/	requests to the paging service, and who serves them
 *	page/	what happens to a page: it is brought, given up, taken away
 *	policy/	which pages, and whose
 *	kvm/	virtual machines, and what their guests ask for
 *	fs/	what user space sees: the filesystem, ioctls, sysfs
 */
#include <linux/module.h>

#include "fs/dev.h"
#include "fs/fs.h"
#include "fs/sysfs.h"
#include "kvm/asyncpf.h"
#include "kvm/hypercall.h"
#include "kvm/vm.h"
#include "page/balloon.h"
#include "page/pending.h"
#include "pager/grant.h"
#include "pager/import.h"
#include "pager/io.h"
#include "policy/relocate.h"
#include "pool/chunk.h"
#include "pool/poison.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int __init tarn_init(void)
{
	int ret;

	tarn_chunk_init();
	ret = tarn_poison_init();
	if (ret)
		return ret;
	ret = tarn_io_init();
	if (ret)
		goto err_poison;
	ret = tarn_pending_init();
	if (ret)
		goto err_io;
	ret = tarn_balloon_init();
	if (ret)
		goto err_pending;
	ret = tarn_relocate_init();
	if (ret)
		goto err_balloon;
	ret = tarn_asyncpf_init();
	if (ret)
		goto err_relocate;
	ret = tarn_grant_init();
	if (ret)
		goto err_asyncpf;
	ret = tarn_import_init();
	if (ret)
		goto err_grant;
	ret = tarn_sysfs_init();
	if (ret)
		goto err_import;
	ret = tarn_dev_init();
	if (ret)
		goto err_sysfs;
	ret = tarn_vm_init();
	if (ret)
		goto err_dev;
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
err_dev:
	tarn_dev_exit();
err_sysfs:
	tarn_sysfs_exit();
err_import:
	tarn_import_exit();
err_grant:
	tarn_grant_exit();
err_asyncpf:
	tarn_asyncpf_exit();
err_relocate:
	tarn_relocate_exit();
err_balloon:
	tarn_balloon_exit();
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
	tarn_dev_exit();
	/* Partitions and pagers are freed after a grace period. */
	rcu_barrier();
	tarn_sysfs_exit();
	tarn_import_exit();
	tarn_grant_exit();
	tarn_asyncpf_exit();
	tarn_relocate_exit();
	tarn_balloon_exit();
	tarn_pending_exit();
	tarn_io_exit();
	tarn_poison_exit();
}
module_exit(tarn_exit);

MODULE_DESCRIPTION("Tarn: shared memory pools for KVM guests, paged by the hypervisor");
MODULE_AUTHOR("The Tarn authors");
MODULE_LICENSE("GPL");
