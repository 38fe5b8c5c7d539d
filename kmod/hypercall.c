// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Hypercalls
 *
 * KVM has no place where a module could add a hypercall, so a kprobe stands at the
 * entry of kvm_emulate_hypercall(). For a number of ours, from a VM that is
 * attached, it has the call go on in answer() instead, in the same thread and
 * context, where it may sleep; all others pass through it untouched.
 *
 * answer() leaves to KVM what is architecture: it puts a number that no call
 * has into RAX and calls the original, which skips the instruction and writes the
 * error for such a number into RAX, as 64 bits for 64-bit code of the guest's
 * kernel and for nobody else. For that error it does the work and writes its own
 * result over it.
 *
 * The number of threads in answer() is counted from the probe on. At the end the
 * probe goes first, then that count has to become 0, and then every task has to
 * have scheduled once (RCU tasks), for those that are on their first or last
 * instructions here, outside of the count.
 */
#include <linux/kprobes.h>
#include <linux/kvm_host.h>
#include <linux/kvm_para.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/tarn_para.h>

#include "hint.h"
#include "hypercall.h"
#include "partition.h"
#include "pending.h"
#include "pin.h"
#include "vm.h"

/* Neither KVM's nor Tarn's, so that the probe lets it pass. */
#define NO_CALL	(TARN_HC_BASE - 1)

typedef int (*hypercall_fn)(struct kvm_vcpu *vcpu);

static DEFINE_MUTEX(probe_lock);
static bool probing;
static hypercall_fn original;
static atomic_t running = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(idle_wait);

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
	return tarn_area_register(c->vm->part, &want);
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
	return tarn_area_set_metrics(c->vm->part, &want);
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
	ret = original(vcpu);
	/* Another one for user code, a shorter one for 32-bit code: it stands. */
	if (regs[VCPU_REGS_RAX] == (unsigned long)-KVM_ENOSYS)
		regs[VCPU_REGS_RAX] = dispatch(&c, nr);
	if (atomic_dec_and_test(&running))
		wake_up(&idle_wait);
	return ret;
}

/*
 * Registers of a guest in 64-bit mode that are not hidden from the host, of a VM
 * whose hypercalls are KVM's own and not those of another hypervisor.
 */
static bool speaks_to_us(struct kvm_vcpu *vcpu)
{
	struct kvm_arch *arch = &vcpu->kvm->arch;

	return vcpu->arch.efer & EFER_LMA &&
	       !vcpu->arch.guest_state_protected &&
	       !tarn_kvm_speaks_hyperv(vcpu->kvm) &&
	       !(arch->xen_hvm_config.flags &
		 KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL);
}

static int probe_entry(struct kprobe *p, struct pt_regs *regs)
{
	struct kvm_vcpu *vcpu = (struct kvm_vcpu *)regs->di;
	u64 n = vcpu->arch.regs[VCPU_REGS_RAX] - TARN_HC_BASE;

	if (likely(n >= TARN_HC_COUNT) || !speaks_to_us(vcpu) ||
	    !tarn_vm_attached(vcpu->kvm))
		return 0;
	atomic_inc(&running);
	regs->ip = (unsigned long)answer;
	return 1;
}
NOKPROBE_SYMBOL(probe_entry);

/*
 * Where a probe is not on a call of ftrace, it may be made a jump after a while, and
 * such a jump goes back to where it came from whatever probe_entry() says. One with
 * a handler behind the instruction never is.
 */
static void probe_after(struct kprobe *p, struct pt_regs *regs,
			unsigned long flags)
{
}

static struct kprobe probe = {
	.pre_handler = probe_entry,
	.post_handler = probe_after,
};

/* The function's own start, where a call may land; the probe may lie behind it. */
static hypercall_fn start_of(kprobe_opcode_t *addr)
{
#ifdef CONFIG_X86_KERNEL_IBT
	const u32 *before = (const u32 *)addr - 1;

	if (is_endbr(*before))
		return (hypercall_fn)before;
#endif
	return (hypercall_fn)addr;
}

static int begin_probing(void)
{
	int ret;

	lockdep_assert_held(&probe_lock);
	if (probing && !kprobe_gone(&probe))
		return 0;
	/* KVM was unloaded since, and loaded again. */
	if (probing)
		unregister_kprobe(&probe);
	probing = false;
	probe = (struct kprobe){
		.symbol_name = "kvm_emulate_hypercall",
		.pre_handler = probe_entry,
		.post_handler = probe_after,
		.flags = KPROBE_FLAG_DISABLED,
	};
	ret = register_kprobe(&probe);
	if (ret)
		return -EOPNOTSUPP;
	original = start_of(probe.addr);
	ret = enable_kprobe(&probe);
	if (ret) {
		unregister_kprobe(&probe);
		return -EOPNOTSUPP;
	}
	probing = true;
	return 0;
}

/**
 * tarn_hypercall_start() - see that hypercalls are answered
 *
 * Context: process; a VM of KVM exists and is kept by the caller.
 * Return: 0 or -EOPNOTSUPP: this KVM is not known.
 */
int tarn_hypercall_start(void)
{
	int ret;

	mutex_lock(&probe_lock);
	ret = begin_probing();
	mutex_unlock(&probe_lock);
	return ret;
}

/* No VM is attached any more. */
void tarn_hypercall_exit(void)
{
	if (!probing)
		return;
	unregister_kprobe(&probe);
	wait_event(idle_wait, !atomic_read(&running));
	synchronize_rcu_tasks();
}
