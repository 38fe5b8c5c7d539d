// SPDX-License-Identifier: GPL-2.0-only
/*
 * See asyncpf.h. The worker is known by the function of its work item, and that by
 * its name, as nothing else says so. Others that fault for somebody else's address
 * space, drivers for one, do need the page that they ask for.
 */
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "kvm/asyncpf.h"

/* KVM's function, once it was seen; NULL again when a module goes. */
static work_func_t known;

static bool is_named(work_func_t func)
{
	static const char name[] = "async_pf_execute+0x0/";
	char symbol[KSYM_SYMBOL_LEN];

	sprint_symbol(symbol, (unsigned long)func);
	return !strncmp(symbol, name, sizeof(name) - 1);
}

/**
 * tarn_asyncpf_is_worker() - is a fault that of KVM's worker?
 * @vmf: the fault
 *
 * Context: process.
 */
bool tarn_asyncpf_is_worker(const struct vm_fault *vmf)
{
	const unsigned int want = FAULT_FLAG_WRITE | FAULT_FLAG_REMOTE |
				  FAULT_FLAG_ALLOW_RETRY;
	struct work_struct *work;
	work_func_t func;

	if ((vmf->flags & want) != want || !(current->flags & PF_WQ_WORKER) ||
	    current->mm == vmf->vma->vm_mm)
		return false;
	work = current_work();
	/* An item may be freed while its function runs, KVM's is not. */
	if (!work ||
	    copy_from_kernel_nofault(&func, &work->func, sizeof(func)))
		return false;
	if (func == READ_ONCE(known))
		return true;
	if (!is_named(func))
		return false;
	WRITE_ONCE(known, func);
	return true;
}

static int module_event(struct notifier_block *nb, unsigned long what,
			void *module)
{
	if (what == MODULE_STATE_GOING)
		WRITE_ONCE(known, NULL);
	return NOTIFY_OK;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_event,
};

int tarn_asyncpf_init(void)
{
	return register_module_notifier(&module_notifier);
}

void tarn_asyncpf_exit(void)
{
	unregister_module_notifier(&module_notifier);
}
