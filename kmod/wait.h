/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting for a page or a frame. Such a wait can last until an operator starts
 * a pager, so it has to end when the waiter is killed. A kernel thread that
 * faults for somebody else (KVM's worker for asynchronous page faults) gets no
 * signal, and the exit of the VM waits for it: it looks at the owner of the
 * address space instead, a few times a second.
 */
#ifndef TARN_WAIT_H
#define TARN_WAIT_H

#include <linux/mm_types.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/wait_bit.h>

#define TARN_WAIT_LOOK	(HZ / 10)

/* Nobody is left who wants what this thread waits for. */
static inline bool tarn_wait_in_vain(struct mm_struct *mm)
{
	bool vain = false;

	if (!(current->flags & PF_KTHREAD))
		return fatal_signal_pending(current);
#ifdef CONFIG_MEMCG
	if (mm) {
		struct task_struct *owner;

		rcu_read_lock();
		owner = rcu_dereference(mm->owner);
		vain = !owner || READ_ONCE(owner->signal->flags) &
					SIGNAL_GROUP_EXIT;
		rcu_read_unlock();
	}
#endif
	return vain;
}

static inline void tarn_wait_sleep(void)
{
	if (current->flags & PF_KTHREAD)
		schedule_timeout(TARN_WAIT_LOOK);
	else
		schedule();
}

/* Sleep on @var until @condition; -EINTR if that would be in vain. */
#define tarn_wait_var(var, condition, mm)				\
({									\
	might_sleep();							\
	(condition) ? 0 :						\
	({ ___wait_var_event(var, (condition) || tarn_wait_in_vain(mm),	\
			     TASK_KILLABLE, 0, 0, tarn_wait_sleep());	\
	   (condition) ? 0 : -EINTR; });				\
})

#endif
