// SPDX-License-Identifier: GPL-2.0-only
/* See vm.h. */
#include <linux/file.h>
#include <linux/hashtable.h>
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "kvm/hypercall.h"
#include "kvm/paravirt.h"
#include "kvm/tarn_kvm.h"
#include "kvm/vm.h"
#include "page/block.h"
#include "page/lock.h"
#include "policy/area.h"
#include "policy/search.h"
#include "policy/young.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* How often it is looked whether a VM is still there. */
#define LOOK		(HZ / 4)

static DEFINE_HASHTABLE(vms, 6);
static DEFINE_SPINLOCK(vms_lock);
static struct workqueue_struct *vm_queue;

/* ---- finding ------------------------------------------------------------ */

/**
 * tarn_vm_attached() - is any partition attached to this VM?
 * @kvm: any VM
 *
 * Context: any, that of a kprobe too.
 */
bool tarn_vm_attached(struct kvm *kvm)
{
	struct tarn_vm *vm;
	bool found = false;

	rcu_read_lock();
	hash_for_each_possible_rcu(vms, vm, node, (unsigned long)kvm) {
		found = vm->kvm == kvm;
		if (found)
			break;
	}
	rcu_read_unlock();
	return found;
}

/**
 * tarn_vm_map() - where a guest physical address lies
 * @vm: an attached VM
 * @gpa: any number
 *
 * Return: the part that it is in, or NULL.
 */
const struct tarn_vm_map *tarn_vm_map(struct tarn_vm *vm, u64 gpa)
{
	u64 gfn = gpa >> PAGE_SHIFT;
	unsigned int i;

	for (i = 0; i < vm->nr_maps; i++)
		if (gfn - vm->map[i].gfn < vm->map[i].pages)
			return &vm->map[i];
	return NULL;
}

/**
 * tarn_vm_find() - the attachment of a VM that has an address
 * @kvm: VM of the calling vCPU, so it stays
 * @gpa: guest physical address
 *
 * Context: process.
 * Return: with a reference (tarn_vm_put()), or NULL.
 */
struct tarn_vm *tarn_vm_find(struct kvm *kvm, u64 gpa)
{
	struct tarn_vm *vm, *found = NULL;

	rcu_read_lock();
	hash_for_each_possible_rcu(vms, vm, node, (unsigned long)kvm) {
		if (vm->kvm != kvm || !tarn_vm_map(vm, gpa) ||
		    !kref_get_unless_zero(&vm->ref))
			continue;
		found = vm;
		break;
	}
	rcu_read_unlock();
	return found;
}

/* The attachment number @n of a VM with a reference, or NULL after the last. */
struct tarn_vm *tarn_vm_nth(struct kvm *kvm, unsigned int n)
{
	struct tarn_vm *vm, *found = NULL;

	rcu_read_lock();
	hash_for_each_possible_rcu(vms, vm, node, (unsigned long)kvm) {
		if (vm->kvm != kvm || n--)
			continue;
		if (kref_get_unless_zero(&vm->ref))
			found = vm;
		break;
	}
	rcu_read_unlock();
	return found;
}

/* How many VMs a partition has, and of how many hypercalls are answered. */
void tarn_vm_count(struct tarn_partition *part, u32 *vms, u32 *hypercalls)
{
	struct tarn_vm *vm;

	rcu_read_lock();
	vm = rcu_dereference(part->vm);
	*vms = vm ? 1 : 0;
	*hypercalls = vm && vm->hypercalls ? 1 : 0;
	rcu_read_unlock();
}

/**
 * tarn_vm_has() - is a VM attached that has any page of a range?
 * @part: partition
 * @first: first page
 * @end: page after the last one
 *
 * Context: process; an attachment under way is waited for.
 */
bool tarn_vm_has(struct tarn_partition *part, u64 first, u64 end)
{
	const struct tarn_vm *vm;
	bool has = false;
	unsigned int i;

	mutex_lock(&part->vm_lock);
	vm = rcu_dereference_protected(part->vm,
				       lockdep_is_held(&part->vm_lock));
	for (i = 0; vm && i < vm->nr_maps && !has; i++)
		has = vm->map[i].index < end &&
		      first < vm->map[i].index + vm->map[i].pages;
	mutex_unlock(&part->vm_lock);
	return has;
}

/* The VM of a partition with a reference, or NULL. */
struct tarn_vm *tarn_vm_of(struct tarn_partition *part)
{
	struct tarn_vm *vm;

	rcu_read_lock();
	vm = rcu_dereference(part->vm);
	if (vm && !kref_get_unless_zero(&vm->ref))
		vm = NULL;
	rcu_read_unlock();
	return vm;
}

/* ---- slots -------------------------------------------------------------- */

/* The user address of a guest frame, 0 if it is in no slot. */
static unsigned long slot_hva(struct kvm *kvm, u64 gfn)
{
	struct kvm_memory_slot *slot = __gfn_to_memslot(kvm_memslots(kvm), gfn);

	if (!slot || slot->flags & KVM_MEMSLOT_INVALID)
		return 0;
	return __gfn_to_hva_memslot(slot, gfn);
}

/*
 * Are these frames of @map in slots without @flags, where its memory is? Slots that
 * follow each other may be one range if their memory does, too.
 */
static bool slots_agree(struct kvm_memslots *slots,
			const struct tarn_vm_map *map, u64 gfn, u64 pages,
			u32 flags)
{
	u64 end = gfn + pages;

	while (gfn < end) {
		struct kvm_memory_slot *slot = __gfn_to_memslot(slots, gfn);

		if (!slot || slot->flags & (KVM_MEMSLOT_INVALID | flags) ||
		    __gfn_to_hva_memslot(slot, gfn) !=
		    map->hva + ((gfn - map->gfn) << PAGE_SHIFT))
			return false;
		gfn = slot->base_gfn + slot->npages;
	}
	return true;
}

/**
 * tarn_vm_writable() - may a vCPU write to a part of its partition?
 * @vcpu: the calling one, which holds off changes of the slots
 * @map: a part of an attached VM
 * @gfn: first guest frame, in @map
 * @pages: as many, in @map
 *
 * What it may depends on its mode: memory of system management is hidden from all
 * others. What was attached may have been taken away since, or locked.
 */
bool tarn_vm_writable(struct kvm_vcpu *vcpu, const struct tarn_vm_map *map,
		      u64 gfn, u64 pages)
{
	return slots_agree(kvm_vcpu_memslots(vcpu), map, gfn, pages,
			   KVM_MEM_READONLY);
}

/* ---- KVM's references --------------------------------------------------- */

/* tarn_kvm.ko, if it is of this build. While it is held KVM can't be unloaded. */
static const struct tarn_kvm_ops *hold_kvm(void)
{
	static const u32 layout[TARN_KVM_LAYOUT_WORDS] = TARN_KVM_LAYOUT;
	const struct tarn_kvm_ops *ops = symbol_request(tarn_kvm_ops);

	if (ops && !memcmp(ops->layout, layout, sizeof(layout)))
		return ops;
	pr_warn_ratelimited("tarn: VMs can't be attached: %s\n", ops ?
			    "tarn_kvm.ko was built for another KVM than tarn.ko" :
			    "there is no tarn_kvm.ko for this kernel's KVM");
	if (ops)
		symbol_put(tarn_kvm_ops);
	return NULL;
}

static bool get_kvm(struct kvm *kvm)
{
	const struct tarn_kvm_ops *ops = hold_kvm();

	if (ops)
		ops->get(kvm);
	return ops;
}

static void put_kvm(struct kvm *kvm)
{
	const struct tarn_kvm_ops *ops = symbol_get(tarn_kvm_ops);

	/* It is there, as the reference from get_kvm() keeps it. */
	if (WARN_ON_ONCE(!ops))
		return;
	ops->put(kvm);
	symbol_put(tarn_kvm_ops);
	symbol_put(tarn_kvm_ops);
}

/* ---- end ---------------------------------------------------------------- */

/* In a workqueue: the last reference of a VM makes KVM take it to pieces. */
static void release_work(struct work_struct *work)
{
	struct tarn_vm *vm = container_of(work, struct tarn_vm, release);

	if (vm->hypercalls)
		tarn_hypercall_put();
	put_kvm(vm->kvm);
	tarn_partition_put(vm->part);
	kfree(vm->kvm_areas);
	kfree_rcu(vm, rcu);
}

static void vm_release(struct kref *ref)
{
	struct tarn_vm *vm = container_of(ref, struct tarn_vm, ref);

	queue_work(vm_queue, &vm->release);
}

void tarn_vm_put(struct tarn_vm *vm)
{
	kref_put(&vm->ref, vm_release);
}

/*
 * Take the attachment away from its partition, and areas of these origins with it,
 * before another VM can be attached, whose areas must stay. False if it was gone
 * already.
 */
static bool unlink_vm(struct tarn_vm *vm, unsigned int origins)
{
	struct tarn_partition *part = vm->part;

	lockdep_assert_held(&part->vm_lock);
	if (vm->gone)
		return false;
	WRITE_ONCE(vm->gone, true);
	RCU_INIT_POINTER(part->vm, NULL);
	spin_lock(&vms_lock);
	hash_del_rcu(&vm->node);
	spin_unlock(&vms_lock);
	tarn_areas_drop(part, origins);
	return true;
}


/**
 * tarn_vm_detach() - end the attachment of a partition, if there is one
 * @part: partition
 *
 * Context: process; waits for a look under way, not for I/O.
 */
void tarn_vm_detach(struct tarn_partition *part)
{
	struct tarn_vm *vm;
	bool ours;

	mutex_lock(&part->vm_lock);
	vm = rcu_dereference_protected(part->vm,
				       lockdep_is_held(&part->vm_lock));
	ours = vm && unlink_vm(vm, BIT(TARN_AREA_BY_GUEST) |
				   BIT(TARN_AREA_BY_KVM));
	mutex_unlock(&part->vm_lock);
	if (!ours)
		return;
	/* It does not begin anew, as the VM is gone. */
	cancel_delayed_work_sync(&vm->look);
	tarn_vm_put(vm);
}

/*
 * Nobody but us has the VM: each attachment in the table has one reference, as it gets
 * it before it is put there, and gives it back after it was taken out.
 */
static bool is_ours_alone(struct kvm *kvm)
{
	unsigned int attachments = 0;
	struct tarn_vm *vm;
	bool alone;

	spin_lock(&vms_lock);
	hash_for_each_possible(vms, vm, node, (unsigned long)kvm)
		attachments += vm->kvm == kvm;
	alone = refcount_read(&kvm->users_count) == attachments;
	spin_unlock(&vms_lock);
	return alone;
}

/*
 * That, or its process has let go of its memory. Neither comes back from there: who
 * attaches a VM holds a descriptor of it.
 */
static bool vm_is_dead(struct tarn_vm *vm)
{
	return is_ours_alone(vm->kvm) || !atomic_read(&vm->kvm->mm->mm_users);
}

static void look_work(struct work_struct *work)
{
	struct tarn_vm *vm = container_of(to_delayed_work(work), struct tarn_vm,
					  look);
	bool ours = false;

	if (vm_is_dead(vm)) {
		mutex_lock(&vm->part->vm_lock);
		/* All of them, as a VMM that was killed did not tidy up. */
		ours = unlink_vm(vm, ~0U);
		mutex_unlock(&vm->part->vm_lock);
		if (ours)
			tarn_vm_put(vm);
		return;
	}
	tarn_paravirt_look(vm);
	if (!READ_ONCE(vm->gone))
		queue_delayed_work(vm_queue, &vm->look, LOOK);
}

/* ---- attaching ---------------------------------------------------------- */

/*
 * Is this what KVM_CREATE_VM returned? KVM's own test of it is not open to all
 * modules, but the function that serves its ioctls has a name.
 */
static bool is_kvm_vm(struct file *file)
{
	static const char name[] = "kvm_vm_ioctl+0x0/";
	char symbol[KSYM_SYMBOL_LEN];

	if (strcmp(file->f_path.dentry->d_name.name, "kvm-vm"))
		return false;
	sprint_symbol(symbol, (unsigned long)file->f_op->unlocked_ioctl);
	return !strncmp(symbol, name, strlen(name));
}

/* Is this user memory the shared mapping of the partition at that place? */
static bool maps_part(struct tarn_partition *part, struct mm_struct *mm,
		      const struct tarn_vm_map *map)
{
	u64 done = 0;

	mmap_assert_locked(mm);
	while (done < map->pages) {
		unsigned long addr = map->hva + (done << PAGE_SHIFT);
		struct vm_area_struct *vma = vma_lookup(mm, addr);

		if (!vma || !vma->vm_file ||
		    file_inode(vma->vm_file) != part->inode ||
		    !(vma->vm_flags & VM_SHARED) ||
		    linear_page_index(vma, addr) != map->index + done)
			return false;
		done += (vma->vm_end - addr) >> PAGE_SHIFT;
	}
	return true;
}

static bool in_slots(struct kvm *kvm, struct tarn_vm_map *map)
{
	int idx = srcu_read_lock(&kvm->srcu);
	bool in;

	map->hva = slot_hva(kvm, map->gfn);
	in = map->hva && slots_agree(kvm_memslots(kvm), map, map->gfn,
				     map->pages, 0);
	srcu_read_unlock(&kvm->srcu, idx);
	return in;
}

static int check_maps(struct tarn_vm *vm)
{
	struct mm_struct *mm = vm->kvm->mm;
	unsigned int i;
	int ret = 0;

	if (!mmget_not_zero(mm))
		return -EFAULT;
	for (i = 0; i < vm->nr_maps && !ret; i++) {
		if (!in_slots(vm->kvm, &vm->map[i])) {
			ret = -EFAULT;
			break;
		}
		mmap_read_lock(mm);
		if (!maps_part(vm->part, mm, &vm->map[i]))
			ret = -EFAULT;
		mmap_read_unlock(mm);
	}
	mmput(mm);
	return ret;
}

static bool page_aligned(u64 a)
{
	return !(a & (PAGE_SIZE - 1));
}

/* Ranges that are no sets of whole pages of the file, or meet each other. */
static int take_ranges(struct tarn_vm *vm, const struct tarn_vm_range *r)
{
	u64 pages = atomic64_read(&vm->part->pages);
	unsigned int i, j;

	for (i = 0; i < vm->nr_maps; i++) {
		struct tarn_vm_map *m = &vm->map[i];

		if (!page_aligned(r[i].gpa | r[i].bytes | r[i].offset) ||
		    !r[i].bytes || r[i].gpa + r[i].bytes < r[i].gpa ||
		    r[i].offset + r[i].bytes < r[i].offset)
			return -EINVAL;
		m->gfn = r[i].gpa >> PAGE_SHIFT;
		m->pages = r[i].bytes >> PAGE_SHIFT;
		m->index = r[i].offset >> PAGE_SHIFT;
		if (m->index + m->pages > pages)
			return -EINVAL;
		for (j = 0; j < i; j++) {
			const struct tarn_vm_map *o = &vm->map[j];

			if (m->gfn < o->gfn + o->pages ||
			    (m->index < o->index + o->pages &&
			     o->index < m->index + m->pages))
				return -EINVAL;
		}
	}
	return 0;
}

static struct tarn_vm *vm_create(struct tarn_partition *part,
				 const struct tarn_partition_attach *a)
{
	struct tarn_vm_range *ranges;
	struct tarn_vm *vm;
	int ret;

	ranges = memdup_user(u64_to_user_ptr(a->ranges),
			     array_size(a->count, sizeof(*ranges)));
	if (IS_ERR(ranges))
		return ERR_CAST(ranges);
	vm = kzalloc(struct_size(vm, map, a->count), GFP_KERNEL_ACCOUNT);
	if (!vm) {
		kfree(ranges);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&vm->ref);
	vm->part = part;
	vm->nr_maps = a->count;
	INIT_DELAYED_WORK(&vm->look, look_work);
	INIT_WORK(&vm->release, release_work);
	tarn_throttle_init(&vm->calls);
	ret = take_ranges(vm, ranges);
	kfree(ranges);
	if (!ret)
		return vm;
	kfree(vm);
	return ERR_PTR(ret);
}

/* Is any of its memory donated? */
static bool has_locked(const struct tarn_vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_maps; i++)
		if (tarn_pages_locked(vm->part, vm->map[i].index,
				      vm->map[i].index + vm->map[i].pages))
			return true;
	return false;
}

/* Who donates looks for a VM after he has locked the pages (tarn_vm_has()). */
static int link_vm(struct tarn_vm *vm)
{
	struct tarn_partition *part = vm->part;
	int ret = 0;

	mutex_lock(&part->vm_lock);
	if (rcu_access_pointer(part->vm)) {
		ret = -EBUSY;
	} else if (has_locked(vm)) {
		ret = -EACCES;
	} else {
		rcu_assign_pointer(part->vm, vm);
		spin_lock(&vms_lock);
		hash_add_rcu(vms, &vm->node, (unsigned long)vm->kvm);
		spin_unlock(&vms_lock);
		queue_delayed_work(vm_queue, &vm->look, 0);
	}
	mutex_unlock(&part->vm_lock);
	return ret;
}

/* Without them the rest of an attachment is of use, too. */
static void start_hypercalls(struct tarn_vm *vm)
{
	int ret = tarn_hypercall_get();

	vm->hypercalls = !ret;
	if (ret)
		pr_warn_ratelimited("tarn: hypercalls of guests are not answered: kvm_emulate_hypercall() can't be hooked (error %d)\n",
				    ret);
}

static int attach_file(struct tarn_vm *vm, struct file *file, u32 *hypercalls)
{
	int ret;

	if (!is_kvm_vm(file))
		return -EBADF;
	/* The file keeps the VM until we have a reference of our own. */
	vm->kvm = file->private_data;
	if (!get_kvm(vm->kvm))
		return -EOPNOTSUPP;
	ret = check_maps(vm);
	if (!ret)
		start_hypercalls(vm);
	if (ret)
		goto err_kvm;
	*hypercalls = vm->hypercalls;
	tarn_partition_get(vm->part);
	ret = link_vm(vm);
	if (!ret)
		return 0;
	tarn_partition_put(vm->part);
	if (vm->hypercalls)
		tarn_hypercall_put();
err_kvm:
	put_kvm(vm->kvm);
	return ret;
}

/* A guest boots, of whose balloon nothing is known yet. */
static void begin_guest(struct tarn_partition *part)
{
	WRITE_ONCE(part->balloon.holes, false);
	tarn_search_soon(part);
}

/**
 * tarn_vm_attach() - TARN_PARTITION_ATTACH
 * @part: partition; the caller has its inode
 * @a: the call; @a->hypercalls is set
 *
 * Context: process.
 * Return: 0 or an error of the call.
 */
long tarn_vm_attach(struct tarn_partition *part,
		    struct tarn_partition_attach *a)
{
	struct tarn_vm *vm;
	struct file *file;
	int ret;

	if (a->flags || a->count > TARN_VM_MAX_RANGES || a->reserved)
		return -EINVAL;
	a->hypercalls = 0;
	if (!a->count) {
		if (a->vm_fd != -1)
			return -EINVAL;
		tarn_vm_detach(part);
		return 0;
	}
	file = fget(a->vm_fd);
	if (!file)
		return -EBADF;
	vm = vm_create(part, a);
	ret = PTR_ERR_OR_ZERO(vm);
	if (!ret) {
		ret = attach_file(vm, file, &a->hypercalls);
		if (ret)
			kfree(vm);
		else
			begin_guest(part);
	}
	fput(file);
	return ret;
}

/* ---- accessed bits ------------------------------------------------------ */

/* Idle pages are asked about so many at once. */
#define IDLE_RUN	32

static bool clear_young(struct kvm *kvm, unsigned long hva, u64 pages)
{
	struct mmu_notifier *mn = &kvm->mmu_notifier;

	return mn->ops->clear_young(mn, kvm->mm, hva,
				    hva + (pages << PAGE_SHIFT));
}

/* Pages that were not used lately are not likely to be by now. */
static bool seems_idle(struct tarn_partition *part, u64 index, u64 pages)
{
	u64 i;

	for (i = index; i < index + pages; i++) {
		atomic64_t *entry = tarn_partition_entry(part, i);
		u64 e = entry ? atomic64_read(entry) : 0;

		if ((tarn_entry_has_frame(e) || tarn_entry_is_shared(e)) &&
		    tarn_entry_hint(e))
			return false;
	}
	return true;
}

/* May KVM have mapped it, and does it matter whether it was used? */
static bool is_of_interest(struct tarn_partition *part, u64 index)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 e = entry ? atomic64_read(entry) : 0;

	return tarn_entry_has_frame(e) ||
	       ((tarn_entry_is_pattern(e) || tarn_entry_is_shared(e)) &&
		e & TARN_ENTRY_MAPPED);
}

static bool is_in_place(struct kvm *kvm, const struct tarn_vm_map *map,
			u64 first, u64 end)
{
	int idx = srcu_read_lock(&kvm->srcu);
	bool in_place = slots_agree(kvm_memslots(kvm), map,
				    map->gfn + (first - map->index),
				    end - first, 0);

	srcu_read_unlock(&kvm->srcu, idx);
	return in_place;
}

/*
 * How many pages from one on, up to @end, are asked about at once, as KVM's entry for
 * them is likely to be one, or none of them is likely to have been used.
 */
static u64 pages_at_once(struct tarn_partition *part, u64 index, u64 end)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 n = min_t(u64, end - index, IDLE_RUN);

	if (entry && tarn_block_is_whole(part->pool, atomic64_read(entry)))
		return min(end, ALIGN(index + 1, TARN_BLOCK_PAGES)) - index;
	return seems_idle(part, index, n) ? n : 1;
}

static void young_of_map(struct tarn_vm *vm, const struct tarn_vm_map *map,
			 u64 first, u64 end, u64 origin, unsigned long *young)
{
	u64 i = first, n;

	for (; i < end; i += n) {
		unsigned long hva = map->hva + ((i - map->index) << PAGE_SHIFT);

		n = pages_at_once(vm->part, i, end);
		if (n == 1 && !is_of_interest(vm->part, i))
			continue;
		/* Which of them it was does not show; of small ones it does next time. */
		if (clear_young(vm->kvm, hva, n))
			bitmap_set(young, i - origin, n);
	}
}

/*
 * KVM's accessed bits of a range, read and cleared. True if a VM is attached that has
 * all of the range, where it had it then.
 */
static bool collect_young(struct tarn_partition *part, u64 first, u64 count,
			  unsigned long *young)
{
	u64 end = min_t(u64, first + count, atomic64_read(&part->pages));
	struct tarn_vm *vm = tarn_vm_of(part);
	u64 covered = 0;
	unsigned int i;

	if (!vm)
		return false;
	for (i = 0; i < vm->nr_maps; i++) {
		const struct tarn_vm_map *m = &vm->map[i];
		u64 from = max(first, m->index);
		u64 to = min(end, m->index + m->pages);

		if (from >= to)
			continue;
		/* Elsewhere by now it would look idle. */
		if (!is_in_place(vm->kvm, m, from, to))
			continue;
		covered += to - from;
		young_of_map(vm, m, from, to, first, young);
	}
	tarn_vm_put(vm);
	return first + covered >= end;
}

static const struct tarn_young_source young_source = {
	.collect = collect_young,
};

/* ---- module ------------------------------------------------------------- */

/*
 * A pool has ended: nothing of the VMs that were attached in it keeps the module, but
 * for calls of theirs that are under way. Context: process; the caller keeps the module.
 */
void tarn_vm_settle(void)
{
	flush_workqueue(vm_queue);
	tarn_hypercall_settle();
}

int tarn_vm_init(void)
{
	vm_queue = alloc_workqueue("tarn_vm", WQ_UNBOUND, 0);
	if (!vm_queue)
		return -ENOMEM;
	tarn_young_set_source(&young_source);
	return 0;
}

void tarn_vm_exit(void)
{
	destroy_workqueue(vm_queue);
}
