// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process that attached, which detaches when it dies or becomes another program. The
 * last close of its descriptor says neither: others may have that in common with it.
 *
 * Its death is seen as a pidfd sees it. Of an exec no module is told. What it leaves behind
 * is a process with another address space, which can have no window: so who has the pager's
 * place is looked at once a second.
 */
#include <linux/io_uring_cmd.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "pager/pager.h"
#include "pager/process.h"

/* With the RCU lock. A first thread that ended before the others has no memory. */
static bool is_gone(const struct tarn_pager *pager, struct task_struct *task)
{
	const struct mm_struct *mm = task ? READ_ONCE(task->mm) : NULL;

	return !task || (mm && mm != pager->mm) ||
	       (READ_ONCE(task->exit_state) && thread_group_empty(task));
}

static void look(struct work_struct *work)
{
	struct tarn_pager *pager = container_of(to_delayed_work(work),
						struct tarn_pager, look);
	struct task_struct *task;
	bool gone, stopped;

	rcu_read_lock();
	task = pid_task(pager->pid, PIDTYPE_TGID);
	gone = is_gone(pager, task);
	stopped = !gone && tarn_uring_stops_exec(task);
	rcu_read_unlock();
	if (gone)
		tarn_pager_detach(pager);
	else if (stopped)
		tarn_pager_unpark(pager);
	if (!READ_ONCE(pager->gone))
		queue_delayed_work(system_dfl_wq, &pager->look,
				   round_jiffies_relative(HZ));
}

/* With a lock held. It may have been a thread only. */
static int death_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
		      void *key)
{
	mod_delayed_work(system_dfl_wq,
			 &container_of(entry, struct tarn_pager, death)->look, 0);
	return 0;
}

/* From here on it detaches. */
void tarn_process_watch(struct tarn_pager *pager)
{
	pager->tgid = current->tgid;
	pager->pid = get_pid(task_tgid(current));
	pager->files = current->files;
	pager->mm = current->mm;
	mmgrab(pager->mm);
	INIT_DELAYED_WORK(&pager->look, look);
	init_waitqueue_func_entry(&pager->death, death_wake);
	add_wait_queue(&pager->pid->wait_pidfd, &pager->death);
	queue_delayed_work(system_dfl_wq, &pager->look, HZ);
}

void tarn_process_forget(struct tarn_pager *pager)
{
	remove_wait_queue(&pager->pid->wait_pidfd, &pager->death);
	cancel_delayed_work_sync(&pager->look);
	put_pid(pager->pid);
	mmdrop(pager->mm);
}
