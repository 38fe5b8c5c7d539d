// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Hypercalls
 *
 * KVM has no place where a module could add a hypercall, so while a VM is attached
 * kvm_emulate_hypercall() is hooked by ftrace, as live patches do it. For a number of
 * ours, from a VM that is attached, the hook has the call go on in answer() instead, in
 * the same thread and context, where it may sleep; all others pass through it untouched.
 * Kprobes and tracers of others may be there, too. Where another live patch is, or
 * tracing is off, hypercalls are not answered, and everything else goes on.
 *
 * answer() leaves to KVM what is architecture: it puts a number that no call
 * has into RAX and calls the original, which skips the instruction and writes the
 * error for such a number into RAX, as 64 bits for 64-bit code of the guest's
 * kernel and for nobody else. For that error it does the work and writes its own
 * result over it.
 *
 * While the hook is set it has a reference of the module. The number of threads in
 * answer() is counted from the hook on. The hook goes first, which waits for those in
 * it; when the module is unloaded that count has to become 0, and then every task has
 * to have scheduled by itself once (RCU tasks), for those that are on their last
 * instructions here, outside of the count. The count is polled: who wakes somebody up
 * may sleep for a lock where locks do.
 */
#include <linux/ftrace.h>
#include <linux/kvm_host.h>
#include <linux/kvm_para.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/tarn_para.h>

#include "kvm/hint.h"
#include "kvm/hypercall.h"
#include "kvm/vm.h"
#include "page/pending.h"
#include "policy/area.h"
#include "pool/partition.h"

/* Neither KVM's nor Tarn's, so that the hook lets it pass. */
#define NO_CALL	(TARN_HC_BASE - 1)

typedef int (*hypercall_fn)(struct kvm_vcpu *vcpu);

/*
 * To take the hook away takes long, so it stays for a while when the last VM was
 * detached, as another one may follow, or the same.
 */
#define HOOK_STAYS	(2 * HZ)

/* Protects the three below. */
static DEFINE_MUTEX(hook_lock);
static struct ftrace_ops hook;
static bool hook_is_set;
static unsigned int hook_users;

static hypercall_fn original;
static atomic_t running = ATOMIC_INIT(0);

/* ---- the calls ---------------------------------------------------------- */

/**
 * struct call - one hypercall under way
 * @vm: the attachment that @gpa is in, referenced
 * @map: the part of it
 * @vcpu: who calls
 * @a: arguments
 */
struct call {
	struct tarn_vm *vm;
	const struct tarn_vm_map *map;
	struct kvm_vcpu *vcpu;
	u64 a[3];
};

/* The page of the partition at @gpa of the part that the call is about. */
static u64 index_of(const struct call *c, u64 gpa)
{
	return c->map->index + ((gpa >> PAGE_SHIFT) - c->map->gfn);
}

/* Do @bytes from @gpa on lie in that part, too? */
static bool in_map(const struct call *c, u64 gpa, u64 bytes)
{
	u64 start = c->map->gfn << PAGE_SHIFT;
	u64 size = c->map->pages << PAGE_SHIFT;

	return bytes <= size && gpa - start <= size - bytes;
}

/*
 * Pages may have to be read. Who changes the VM's memory slots meanwhile does not wait
 * for that: nothing here looks at them.
 */
static long register_waiting(struct call *c,
			     long (*fn)(struct tarn_partition *part,
					const struct tarn_area_want *want),
			     const struct tarn_area_want *want)
{
	long ret;

	kvm_vcpu_srcu_read_unlock(c->vcpu);
	ret = fn(c->vm->part, want);
	kvm_vcpu_srcu_read_lock(c->vcpu);
	/* The VMM wants its processor back, and the guest comes again. */
	if (ret == -ERESTARTSYS)
		return -TARN_HC_EAGAIN;
	/* Arguments were looked at before: the file has become shorter. */
	return ret == -EINVAL ? -TARN_HC_EFAULT : ret;
}

static long register_area(struct call *c)
{
	u64 gpa = c->a[1], bytes = c->a[2];
	struct tarn_area_want want = {
		.type = c->a[0],
		.origin = TARN_AREA_BY_GUEST,
		.gone = &c->vm->gone,
		.offset = (index_of(c, gpa) << PAGE_SHIFT) +
			  offset_in_page(gpa),
		.bytes = bytes,
	};

	if (!c->a[0] || c->a[0] >= TARN_AREA_TYPES || !bytes ||
	    bytes > TARN_AREA_MAX_BYTES)
		return -TARN_HC_EINVAL;
	if (!in_map(c, gpa, bytes))
		return -TARN_HC_EFAULT;
	return register_waiting(c, tarn_area_register, &want);
}

static long metrics(struct call *c)
{
	u64 gpa = c->a[0];
	struct tarn_area_want want = {
		.type = TARN_AREA_METRICS,
		.origin = TARN_AREA_BY_GUEST,
		.gone = &c->vm->gone,
		.offset = index_of(c, gpa) << PAGE_SHIFT,
		.bytes = PAGE_SIZE,
	};

	if (offset_in_page(gpa))
		return -TARN_HC_EINVAL;
	return register_waiting(c, tarn_area_set_metrics, &want);
}

static long hint(struct call *c)
{
	u64 kind = c->a[0], gpa = c->a[1], pages = c->a[2];

	if (kind < TARN_HINT_UNUSED || kind > TARN_HINT_COLD ||
	    offset_in_page(gpa) || !pages)
		return -TARN_HC_EINVAL;
	pages = min_t(u64, pages, TARN_HINT_MAX_PAGES);
	if (!in_map(c, gpa, pages << PAGE_SHIFT))
		return -TARN_HC_EFAULT;
	/* What the guest can't write now is not its to give up. */
	if (kind == TARN_HINT_UNUSED &&
	    !tarn_vm_writable(c->vcpu, c->map, gpa >> PAGE_SHIFT, pages))
		return -TARN_HC_EFAULT;
	return tarn_hint_apply(c->vm->part, kind, index_of(c, gpa), pages);
}

static long fault_number(struct call *c)
{
	return tarn_pending_number(c->vm->part, index_of(c, c->a[0]));
}

/* Calls that are about an address: which argument it is, and what they cost. */
static const struct {
	long (*fn)(struct call *c);
	unsigned int gpa;
	unsigned int cost;
} at_address[TARN_HC_COUNT] = {
	[TARN_HC_REGISTER - TARN_HC_BASE] = { register_area, 1, 64 },
	[TARN_HC_METRICS - TARN_HC_BASE] = { metrics, 0, 64 },
	[TARN_HC_HINT - TARN_HC_BASE] = { hint, 1, 16 },
	[TARN_HC_FAULT - TARN_HC_BASE] = { fault_number, 0, 1 },
};

static long call_at_address(struct call *c, unsigned int n)
{
	u64 gpa = c->a[at_address[n].gpa];
	long ret;

	c->vm = tarn_vm_find(c->vcpu->kvm, gpa);
	if (!c->vm)
		return -TARN_HC_EFAULT;
	c->map = tarn_vm_map(c->vm, gpa);
	ret = -TARN_HC_EAGAIN;
	if (tarn_throttle_take(&c->vm->calls, at_address[n].cost))
		ret = at_address[n].fn(c);
	tarn_vm_put(c->vm);
	return ret;
}

/* Calls without an address are about all partitions of the VM. */
static long on_each(struct call *c, long (*fn)(struct call *c))
{
	long ret = -TARN_HC_ENOENT;
	unsigned int n;

	for (n = 0; ret == -TARN_HC_ENOENT &&
	     (c->vm = tarn_vm_nth(c->vcpu->kvm, n)); n++) {
		ret = -TARN_HC_EAGAIN;
		if (tarn_throttle_take(&c->vm->calls, 16))
			ret = fn(c);
		tarn_vm_put(c->vm);
	}
	return ret;
}

/* A handle is of one partition alone. */
static long unregister_area(struct call *c)
{
	if (c->a[0] > U32_MAX)
		return -TARN_HC_ENOENT;
	return tarn_area_unregister(c->vm->part, c->a[0], TARN_AREA_BY_GUEST);
}

static long query_area(struct call *c)
{
	if (c->a[0] > U32_MAX)
		return -TARN_HC_ENOENT;
	return tarn_area_query(c->vm->part, c->a[0], TARN_AREA_BY_GUEST);
}

static long metrics_off(struct call *c)
{
	tarn_area_set_metrics(c->vm->part, NULL);
	/* On to the next one. */
	return -TARN_HC_ENOENT;
}

static long dispatch(struct call *c, u64 nr)
{
	switch (nr) {
	case TARN_HC_QUERY:
		if (c->a[0])
			return -TARN_HC_EINVAL;
		return TARN_PARA_AREAS | TARN_PARA_METRICS | TARN_PARA_HINTS |
		       TARN_PARA_FAULTS;
	case TARN_HC_UNREGISTER:
		return on_each(c, unregister_area);
	case TARN_HC_QUERY_AREA:
		return on_each(c, query_area);
	case TARN_HC_METRICS:
		if (c->a[0] == TARN_METRICS_OFF) {
			long ret = on_each(c, metrics_off);

			return ret == -TARN_HC_ENOENT ? 0 : ret;
		}
		fallthrough;
	default:
		return call_at_address(c, nr - TARN_HC_BASE);
	}
}

/* ---- between KVM and the calls ------------------------------------------ */

/* In place of kvm_emulate_hypercall(); returns what that does. */
static noinline int answer(struct kvm_vcpu *vcpu)
{
	unsigned long *regs = vcpu->arch.regs;
	u64 nr = regs[VCPU_REGS_RAX];
	struct call c = {
		.vcpu = vcpu,
		.a = {
			regs[VCPU_REGS_RBX],
			regs[VCPU_REGS_RCX],
			regs[VCPU_REGS_RDX],
		},
	};
	int ret;

	regs[VCPU_REGS_RAX] = NO_CALL;
	ret = READ_ONCE(original)(vcpu);
	/* Another one for user code, a shorter one for 32-bit code: it stands. */
	if (regs[VCPU_REGS_RAX] == (unsigned long)-KVM_ENOSYS)
		regs[VCPU_REGS_RAX] = dispatch(&c, nr);
	atomic_dec(&running);
	return ret;
}

/*
 * Registers of a guest in 64-bit mode that are not hidden from the host, of a VM
 * whose hypercalls are KVM's own and not those of another hypervisor.
 */
static bool speaks_to_us(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.efer & EFER_LMA &&
	       !vcpu->arch.guest_state_protected &&
	       !tarn_kvm_speaks_hyperv(vcpu->kvm) &&
	       !tarn_kvm_speaks_xen(vcpu->kvm);
}

/* The function's own start, where a call may land; its trace call may lie behind it. */
static hypercall_fn start_of(unsigned long ip)
{
#ifdef CONFIG_X86_KERNEL_IBT
	if (__is_endbr(*((u32 *)ip - 1)))
		return (hypercall_fn)(ip - sizeof(u32));
#endif
	return (hypercall_fn)ip;
}

/* Another one may modify the registers of a call before and after, but not its IP. */
static void notrace on_entry(unsigned long ip, unsigned long parent,
			     struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ftrace_get_regs(fregs);
	struct kvm_vcpu *vcpu = regs ? (struct kvm_vcpu *)regs->di : NULL;

	if (!vcpu || likely(vcpu->arch.regs[VCPU_REGS_RAX] - TARN_HC_BASE >=
			    TARN_HC_COUNT) || !speaks_to_us(vcpu) ||
	    !tarn_vm_attached(vcpu->kvm))
		return;
	atomic_inc(&running);
	WRITE_ONCE(original, start_of(ip));
	regs->ip = (unsigned long)answer;
}

/* ---- the hook ----------------------------------------------------------- */

static int set_hook(void)
{
	unsigned char name[] = "kvm_emulate_hypercall";
	int ret;

	lockdep_assert_held(&hook_lock);
	/* All of it anew: KVM may have been loaded again since. */
	hook = (struct ftrace_ops){
		.func = on_entry,
		.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY |
			 FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_RECURSION,
	};
	ret = ftrace_set_filter(&hook, name, sizeof(name) - 1, 0);
	if (!ret)
		ret = register_ftrace_function(&hook);
	if (ret) {
		ftrace_free_filter(&hook);
		return ret;
	}
	/* The caller's file keeps the module until then. */
	__module_get(THIS_MODULE);
	hook_is_set = true;
	return 0;
}

/* While it can't be removed, as ftrace has shut itself down, the module stays. */
static void clear_hook(void)
{
	lockdep_assert_held(&hook_lock);
	if (!hook_is_set || hook_users ||
	    WARN_ON_ONCE(unregister_ftrace_function(&hook)))
		return;
	ftrace_free_filter(&hook);
	hook_is_set = false;
	module_put(THIS_MODULE);
}

static void clear_work(struct work_struct *work)
{
	mutex_lock(&hook_lock);
	clear_hook();
	mutex_unlock(&hook_lock);
}

static DECLARE_DELAYED_WORK(hook_work, clear_work);

/* An attached VM keeps KVM; a hook that stays goes before what it is at. */
static int module_event(struct notifier_block *nb, unsigned long what,
			void *module)
{
	if (what == MODULE_STATE_GOING &&
	    !strcmp(((struct module *)module)->name, "kvm"))
		clear_work(NULL);
	return NOTIFY_OK;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_event,
};

/**
 * tarn_hypercall_get() - have hypercalls answered
 *
 * Context: process; a VM of KVM exists and is kept by the caller until after
 * tarn_hypercall_put().
 * Return: 0; an errno: tracing is off (-EBUSY, -ENODEV), a live patch has the function
 * (-EBUSY), this KVM has no such function (-EINVAL).
 */
int tarn_hypercall_get(void)
{
	int ret = 0;

	mutex_lock(&hook_lock);
	if (!hook_is_set)
		ret = set_hook();
	if (!ret)
		hook_users++;
	mutex_unlock(&hook_lock);
	return ret;
}

/* Context: process; soon after the last one the kernel is as before the first. */
void tarn_hypercall_put(void)
{
	mutex_lock(&hook_lock);
	if (!--hook_users && hook_is_set)
		mod_delayed_work(system_percpu_wq, &hook_work, HOOK_STAYS);
	mutex_unlock(&hook_lock);
}

int tarn_hypercall_init(void)
{
	return register_module_notifier(&module_notifier);
}

/*
 * A pool has ended, so no VM may follow soon: the hook goes now, and does not keep the
 * module from being unloaded. Context: process; the caller keeps the module.
 */
void tarn_hypercall_settle(void)
{
	clear_work(NULL);
}

/* The hook is gone, but calls that it has go on here may be under way. */
void tarn_hypercall_exit(void)
{
	cancel_delayed_work_sync(&hook_work);
	unregister_module_notifier(&module_notifier);
	/* Who found a VM attached is counted: nobody is in the hook. */
	while (atomic_read(&running))
		schedule_timeout_uninterruptible(1);
	synchronize_rcu_tasks();
}
