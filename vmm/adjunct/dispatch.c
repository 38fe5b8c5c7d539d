// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entering an adjunct: a vCPU's thread after a kick of its guest, or the service thread. It
 * runs until the image halts, and what the image says of queues goes to the client.
 *
 * A thread that is sent out is so by a signal, whose handler sets immediate_exit: KVM_RUN
 * returns -EINTR whether the signal came before, in or after it. Signals that are for the
 * guest's own KVM_RUN let the adjunct go on: an entry is short, and one that waits for a page
 * of the guest's is where the guest itself would wait.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "adjunct/internal.h"
#include "error.h"

#define SIG_EVICT SIGUSR2
/* Whoever waits for users to go looks so often. */
#define LOOK_NS 200000

/*
 * Of this thread.
 * @run: of the vCPU that it is about to enter or has entered
 * @ready: it takes SIG_EVICT
 * @cpu: number of its vCPU, plus one; 0: it is none's
 * @noted, @noted_queues: what adjunct_note() has left
 */
static __thread struct {
	struct kvm_run *volatile run;
	bool ready;
	unsigned int cpu;
	struct adjunct *noted;
	u32 noted_queues;
} self;

static void evicted(int sig)
{
	if (self.run)
		self.run->immediate_exit = 1;
}

int adjunct_dispatch_init(void)
{
	struct sigaction sa = {.sa_handler = evicted};

	sigemptyset(&sa.sa_mask);
	return sigaction(SIG_EVICT, &sa, NULL) ? -errno : 0;
}

/* The gate */

static bool pass_gate(struct adjunct_cpu *cpu)
{
	__atomic_store_n(&cpu->inside, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&cpu->adj->closed, __ATOMIC_SEQ_CST))
		return true;
	__atomic_store_n(&cpu->inside, 0, __ATOMIC_SEQ_CST);
	adjunct_wake_waiters(cpu->adj);
	return false;
}

static void leave(struct adjunct_cpu *cpu)
{
	__atomic_store_n(&cpu->inside, 0, __ATOMIC_SEQ_CST);
	adjunct_wake_waiters(cpu->adj);
}

bool adjunct_anybody_inside(struct adjunct *adj, u32 queues)
{
	unsigned int i;

	for (i = 0; i <= adj->nr_client; i++)
		if (__atomic_load_n(&adj->cpu[i].inside, __ATOMIC_SEQ_CST) &&
		    READ_ONCE(adj->cpu[i].queues) & queues)
			return true;
	return false;
}

void adjunct_evict(struct adjunct_cpu *cpu, u64 entry)
{
	u64 evict = __atomic_load_n(&cpu->evict, __ATOMIC_SEQ_CST);

	/* One who comes late does not undo what another has asked for meanwhile. */
	while (evict < entry &&
	       !__atomic_compare_exchange_n(&cpu->evict, &evict, entry, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST))
		;
	if (__atomic_load_n(&cpu->inside, __ATOMIC_SEQ_CST))
		pthread_kill(cpu->thread, SIG_EVICT);
}

void adjunct_wake_waiters(struct adjunct *adj)
{
	if (!__atomic_load_n(&adj->waiting, __ATOMIC_SEQ_CST))
		return;
	pthread_mutex_lock(&adj->lock);
	pthread_cond_broadcast(&adj->cond);
	pthread_mutex_unlock(&adj->lock);
}

void adjunct_close_gate(struct adjunct *adj)
{
	unsigned int i;

	__atomic_store_n(&adj->closed, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i <= adj->nr_client; i++)
		adjunct_evict(&adj->cpu[i],
			      __atomic_load_n(&adj->cpu[i].entries, __ATOMIC_SEQ_CST));
	pthread_mutex_lock(&adj->lock);
	__atomic_add_fetch(&adj->waiting, 1, __ATOMIC_SEQ_CST);
	while (adjunct_anybody_inside(adj, ADJUNCT_ANY_QUEUE))
		pthread_cond_wait(&adj->cond, &adj->lock);
	__atomic_sub_fetch(&adj->waiting, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&adj->lock);
}

void adjunct_open_gate(struct adjunct *adj)
{
	__atomic_store_n(&adj->closed, 0, __ATOMIC_SEQ_CST);
}

/* Entering */

static struct adjunct_mailbox *mailbox(struct adjunct_cpu *cpu)
{
	return &cpu->adj->shared->mailbox[cpu->index];
}

static void describe_fault(struct adjunct_cpu *cpu, char *why, size_t size)
{
	const struct adjunct_mailbox *box = mailbox(cpu);

	snprintf(why, size, "exception %u at %#llx, error %#llx, address %#llx",
		 box->fault - 1, (unsigned long long)box->rip,
		 (unsigned long long)box->error, (unsigned long long)box->cr2);
}

/* 0: it has halted. -EFAULT: it has crashed, @why says how. */
static int handle_exit(struct adjunct_cpu *cpu, char *why, size_t size)
{
	const struct kvm_run *run = cpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_HLT:
		return 0;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return -EAGAIN;
	case KVM_EXIT_IO:
		if (run->io.port == ADJUNCT_FAULT_PORT && mailbox(cpu)->fault)
			describe_fault(cpu, why, size);
		else
			snprintf(why, size, "access to port %#x", run->io.port);
		return -EFAULT;
	case KVM_EXIT_MMIO:
		snprintf(why, size, "%s of %#llx, where it has nothing",
			 run->mmio.is_write ? "write" : "read",
			 (unsigned long long)run->mmio.phys_addr);
		return -EFAULT;
	case KVM_EXIT_SHUTDOWN:
		snprintf(why, size, "triple fault");
		return -EFAULT;
	default:
		snprintf(why, size, "exit %u", run->exit_reason);
		return -EFAULT;
	}
}

static int run_until_halt(struct adjunct_cpu *cpu, char *why, size_t size)
{
	int ret;

	cpu->run->immediate_exit = 0;
	self.run = cpu->run;
	do {
		/* Behind the store of self.run: a signal before it has set nothing. */
		if (__atomic_load_n(&cpu->evict, __ATOMIC_SEQ_CST) == cpu->entries) {
			snprintf(why, size, "it was stopped");
			ret = -ECANCELED;
			break;
		}
		if (!ioctl(cpu->fd, KVM_RUN, 0)) {
			ret = handle_exit(cpu, why, size);
		} else if (errno == EINTR || errno == EAGAIN) {
			cpu->run->immediate_exit = 0;
			ret = -EAGAIN;
		} else {
			snprintf(why, size, "KVM_RUN: %s", strerror(errno));
			ret = -EFAULT;
		}
	} while (ret == -EAGAIN);
	self.run = NULL;
	return ret;
}

static void be_evictable(void)
{
	sigset_t set;

	if (self.ready)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIG_EVICT);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	self.ready = true;
}

static void prepare(struct adjunct_cpu *cpu, u32 command, u32 argument)
{
	struct adjunct_mailbox *box = mailbox(cpu);

	memset(box, 0, sizeof(*box));
	box->argument = argument;
	box->command = command;
	box->result = -EINPROGRESS;
}

/* For the watchdog and the gate, before they can see the vCPU inside. */
static void begin(struct adjunct_cpu *cpu, u32 command)
{
	cpu->thread = pthread_self();
	WRITE_ONCE(cpu->slow, command == ADJUNCT_INIT || command == ADJUNCT_SHUTDOWN ||
				      command == ADJUNCT_SYNC);
	__atomic_add_fetch(&cpu->entries, 1, __ATOMIC_SEQ_CST);
}

/* Run with @cpu->inside set. The gate may be closed meanwhile, but opens when it is out. */
static int run_command(struct adjunct_cpu *cpu, u32 command, u32 argument, char *why,
		       size_t size)
{
	u64 start = loop_now();
	int ret;

	be_evictable();
	prepare(cpu, command, argument);
	if (!__atomic_load_n(&cpu->adj->watching, __ATOMIC_SEQ_CST))
		adjunct_watchdog_wake(cpu->adj);
	ret = run_until_halt(cpu, why, size);
	cpu->dispatches++;
	cpu->ns += loop_now() - start;
	return ret;
}

static void tell_loop(struct adjunct *adj, u32 more, u32 broken)
{
	if (!more && !broken)
		return;
	__atomic_or_fetch(&adj->more, more, __ATOMIC_SEQ_CST);
	__atomic_or_fetch(&adj->broken, broken, __ATOMIC_SEQ_CST);
	loop_post(adj->loop, &adj->told_work);
}

static void tell_client(struct adjunct *adj, const struct adjunct_mailbox *box)
{
	u32 queues = box->notify & __atomic_load_n(&adj->attached, __ATOMIC_SEQ_CST);
	u16 i;

	for (i = 0; queues; i++, queues >>= 1)
		if (queues & 1)
			adj->ops->notify(adj->arg, i);
	tell_loop(adj, box->more, box->broken);
	if (box->pending)
		adjunct_reap(adj);
}

int __adjunct_enter(struct adjunct_cpu *cpu, u32 command, u32 argument)
{
	char why[160] = "";
	int ret;

	cpu->queues = ADJUNCT_ANY_QUEUE;
	begin(cpu, command);
	__atomic_store_n(&cpu->inside, 1, __ATOMIC_SEQ_CST);
	ret = run_command(cpu, command, argument, why, sizeof(why));
	if (!ret)
		ret = READ_ONCE(mailbox(cpu)->result);
	else
		err("adjunct of '%s': %s", cpu->adj->device, why);
	leave(cpu);
	return ret;
}

int adjunct_enter(struct adjunct_cpu *cpu, u32 command, u32 argument)
{
	struct adjunct *adj = cpu->adj;
	struct adjunct_mailbox box;
	char why[160] = "";
	int ret;

	WRITE_ONCE(cpu->queues, argument ?: ADJUNCT_ANY_QUEUE);
	begin(cpu, command);
	if (!pass_gate(cpu))
		return -EAGAIN;
	ret = run_command(cpu, command, argument, why, sizeof(why));
	/* A copy: it is the image's as long as that runs anywhere. */
	memcpy(&box, mailbox(cpu), sizeof(box));
	if (ret == -EFAULT)
		adjunct_crashed(adj, "%s", why);
	else if (!ret && command != ADJUNCT_SHUTDOWN &&
		 (box.result == -EIO || box.result == -ETIMEDOUT))
		adjunct_crashed(adj, box.result == -EIO ?
				"the device has failed" :
				"the device does not complete a request");
	if (!ret) {
		cpu->requests += box.requests;
		/* Inside still: until all are out, the client is there. */
		tell_client(adj, &box);
	}
	leave(cpu);
	return ret ? -EFAULT : box.result;
}

/* vCPUs */

void adjunct_thread_is(unsigned int cpu)
{
	self.cpu = cpu + 1;
}

bool adjunct_note(struct adjunct *adj, u16 index)
{
	if (!self.cpu || self.cpu > adj->nr_client || (self.noted && self.noted != adj))
		return false;
	if (!self.noted)
		__atomic_add_fetch(&adj->users, 1, __ATOMIC_SEQ_CST);
	self.noted = adj;
	self.noted_queues |= 1U << index;
	return true;
}

void adjunct_serve_noted(void)
{
	struct adjunct *adj = self.noted;
	u32 queues = self.noted_queues;

	if (!adj)
		return;
	self.noted = NULL;
	self.noted_queues = 0;
	/* A gate that is closed opens with all queues being served. */
	adjunct_enter(&adj->cpu[self.cpu - 1], ADJUNCT_SERVE, queues);
	/* The last of it: it may be gone after that. */
	__atomic_sub_fetch(&adj->users, 1, __ATOMIC_SEQ_CST);
}

void adjunct_wait_unused(struct adjunct *adj)
{
	struct timespec ts;
	u64 ns;

	/*
	 * Looked at again and again, as who drops it cannot wake anybody through it afterwards.
	 * By the condition, as threads that are confined have no other way to sleep.
	 */
	pthread_mutex_lock(&adj->lock);
	while (__atomic_load_n(&adj->users, __ATOMIC_SEQ_CST)) {
		ns = loop_now() + LOOK_NS;
		ts.tv_sec = ns / 1000000000;
		ts.tv_nsec = ns % 1000000000;
		pthread_cond_clockwait(&adj->cond, &adj->lock, CLOCK_MONOTONIC, &ts);
	}
	pthread_mutex_unlock(&adj->lock);
}
