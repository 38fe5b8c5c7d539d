/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting for a page or a frame. Such a wait can last until an operator starts
 * a pager, so it has to end when the waiter is killed, by any signal where the
 * caller can go back to user space and come again, and it must not hold up a
 * host that goes to sleep.
 *
 * A kernel thread that faults for somebody else (KVM's worker for asynchronous
 * page faults) gets no signal, and the exit of the VM waits for it: it looks at
 * the owner of the address space instead, a few times a second.
 */
#ifndef TARN_WAIT_H
#define TARN_WAIT_H

#include <linux/freezer.h>
#include <linux/mm_types.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/wait_bit.h>

#include "pool/pool.h"

#define TARN_WAIT_LOOK	(HZ / 10)

/**
 * enum tarn_wait_end - what ends a wait besides what it is for
 * @TARN_WAIT_KILL: a fatal signal
 * @TARN_WAIT_SIGNAL: any signal
 * @TARN_WAIT_LATE: any signal, but one that is not fatal only after
 *	TARN_WAIT_LOOK. For a fault that may be the kernel's own copy from or to
 *	user memory: that is done again, whatever is pending, and would spin.
 */
enum tarn_wait_end {
	TARN_WAIT_KILL,
	TARN_WAIT_SIGNAL,
	TARN_WAIT_LATE,
};

/**
 * struct tarn_wait - how a thread waits
 * @mm: address space that a fault is about, or NULL
 * @end: what ends it
 * @late: TARN_WAIT_LOOK has passed
 * @locked: pool whose pager is waited for with the lock of an address space, or
 *	NULL: that is in vain when it is not there, see tarn_pool_served()
 */
struct tarn_wait {
	struct mm_struct *mm;
	enum tarn_wait_end end;
	bool late;
	struct tarn_pool *locked;
};

/* Nobody is left in @mm who wants what a kernel thread waits for. */
static inline bool tarn_wait_left(struct mm_struct *mm)
{
	bool left = false;

#ifdef CONFIG_MEMCG
	if (mm) {
		struct task_struct *owner;

		rcu_read_lock();
		owner = rcu_dereference(mm->owner);
		left = !owner || READ_ONCE(owner->signal->flags) &
					SIGNAL_GROUP_EXIT;
		rcu_read_unlock();
	}
#endif
	return left;
}

/* It is a kernel thread, and waits for nobody. */
static inline bool tarn_wait_is_pointless(struct mm_struct *mm)
{
	return current->flags & PF_KTHREAD && tarn_wait_left(mm);
}

/* Nobody wants what this thread waits for, or it has to wait elsewhere. */
static inline bool tarn_wait_in_vain(const struct tarn_wait *w)
{
	if (w->locked && !tarn_pool_served(w->locked))
		return true;
	if (current->flags & PF_KTHREAD)
		return tarn_wait_left(w->mm);
	if (w->end == TARN_WAIT_SIGNAL || (w->end == TARN_WAIT_LATE && w->late))
		return signal_pending(current);
	return fatal_signal_pending(current);
}

/*
 * Who waits for any signal is woken to be frozen. Others freeze where they are,
 * with whatever locks their callers have, as they would stay in any case.
 */
static inline unsigned int tarn_wait_state(const struct tarn_wait *w)
{
	return w->end == TARN_WAIT_SIGNAL ? TASK_INTERRUPTIBLE :
	       TASK_KILLABLE | TASK_FREEZABLE_UNSAFE;
}

static inline void tarn_wait_sleep(struct tarn_wait *w)
{
	if (!(current->flags & PF_KTHREAD) && w->end != TARN_WAIT_LATE &&
	    !w->locked)
		schedule();
	else if (!schedule_timeout(TARN_WAIT_LOOK))
		w->late = true;
}

/* Sleep on @var until @condition; -ERESTARTSYS if that would be in vain. */
#define tarn_wait_var(var, condition, w)				\
({									\
	might_sleep();							\
	(condition) ? 0 :						\
	({ ___wait_var_event(var, (condition) || tarn_wait_in_vain(w),	\
			     tarn_wait_state(w), 0, 0,			\
			     tarn_wait_sleep(w));			\
	   (condition) ? 0 : -ERESTARTSYS; });				\
})

#endif
