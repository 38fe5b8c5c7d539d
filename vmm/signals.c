// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals have a thread of their own. A thread that touches a page of the guest
 * that nobody brings waits until the process ends, and runs no handler before;
 * that can be any vCPU and any iothread, and the main thread can be waiting for
 * one of those. This one touches no memory of the guest and takes no lock but
 * that of the main loop's posted work.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "error.h"
#include "lib/thread.h"
#include "sandbox.h"
#include "signals.h"

/* From the signal until the main thread has ended the vCPUs. */
#define SIGNAL_SECONDS 2

static struct {
	const struct signal_ops *ops;
	struct loop *loop;
	struct loop_work end;
	struct loop_work power;
	pthread_t thread;
	int fd;
	int poke_fd; /* the two below have changed */
	u64 deadline; /* CLOCK_MONOTONIC in ns, 0 for none */
	bool stop;
} sg = {.fd = -1, .poke_fd = -1};

static void run_end(struct loop_work *work)
{
	sg.ops->end();
}

static void run_power(struct loop_work *work)
{
	sg.ops->power();
}

static void poke(void)
{
	eventfd_write(sg.poke_fd, 1);
}

void signals_end_within(unsigned int seconds)
{
	u64 ns = seconds ? loop_now() + seconds * 1000000000ULL : 0;

	__atomic_store_n(&sg.deadline, ns, __ATOMIC_SEQ_CST);
	poke();
}

static void read_signals(void)
{
	struct signalfd_siginfo si;

	while (read(sg.fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGPWR) {
			loop_post(sg.loop, &sg.power);
			continue;
		}
		info("ended by signal %u from process %u", si.ssi_signo,
		     si.ssi_pid);
		loop_post(sg.loop, &sg.end);
		signals_end_within(SIGNAL_SECONDS);
	}
}

/* How long to sleep, in ms; 0 when the time is up. */
static int time_left(void)
{
	u64 deadline = __atomic_load_n(&sg.deadline, __ATOMIC_SEQ_CST);
	u64 now = loop_now();

	if (!deadline)
		return -1;
	return deadline > now ? (deadline - now) / 1000000 + 1 : 0;
}

static void *signals_main(void *arg)
{
	struct pollfd fds[] = {
		{.fd = sg.fd, .events = POLLIN},
		{.fd = sg.poke_fd, .events = POLLIN},
	};
	eventfd_t n;
	int ms;

	if (sandbox_enter(SANDBOX_SIGNALS))
		sg.ops->give_up();
	while (!__atomic_load_n(&sg.stop, __ATOMIC_SEQ_CST)) {
		ms = time_left();
		if (!ms)
			sg.ops->give_up();
		if (poll(fds, ARRAY_SIZE(fds), ms) < 0)
			continue;
		eventfd_read(sg.poke_fd, &n);
		read_signals();
	}
	return NULL;
}

int signals_init(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGPWR); /* somebody presses the power button */
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	sg.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sg.fd < 0)
		return err_errno(-errno, "signalfd");
	sg.poke_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sg.poke_fd < 0)
		return err_errno(-errno, "eventfd");
	return 0;
}

void signals_exit(void)
{
	close(sg.poke_fd);
	close(sg.fd);
}

int signals_start(struct loop *loop, const struct signal_ops *ops)
{
	sg.loop = loop;
	sg.ops = ops;
	sg.end.fn = run_end;
	sg.power.fn = run_power;
	return thread_create(&sg.thread, "signals", signals_main, NULL);
}

void signals_stop(void)
{
	__atomic_store_n(&sg.stop, true, __ATOMIC_SEQ_CST);
	poke();
	pthread_join(sg.thread, NULL);
}
