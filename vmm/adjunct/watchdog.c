// SPDX-License-Identifier: GPL-2.0-only
/*
 * The watchdog of an adjunct: a thread that has those leave that do not do so by themselves.
 *
 * What counts is CPU time of the thread that has entered, not time: an entry may wait for a
 * page of the guest's for as long as a pager takes, and a thread that gets no processor is
 * not to blame either. So nothing is set up for each entry, and nobody is woken while nobody
 * is inside: who enters wakes the watchdog if it sleeps, and it sleeps again when it has seen
 * nobody for a while. Who enters sets @inside and then looks at @watching; the watchdog clears
 * @watching and then looks at @inside.
 */
#include <time.h>

#include "adjunct/internal.h"
#include "error.h"
#include "lib/thread.h"
#include "sandbox.h"

/* A limit is looked at so often while it runs. */
#define LOOKS 5
/* A controller has 127.5 s to get ready, by its own account. */
#define SLOW_MS 300000

/* 0: not known, as the thread has gone meanwhile. */
static u64 cpu_time(const struct adjunct_cpu *cpu)
{
	struct timespec ts;
	clockid_t clock;

	if (pthread_getcpuclockid(cpu->thread, &clock) || clock_gettime(clock, &ts))
		return 0;
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Whether it was inside; has it leave if that takes too long. */
static bool look(struct adjunct_cpu *cpu)
{
	u32 ms = READ_ONCE(cpu->slow) ? SLOW_MS : cpu->adj->settings.watchdog_ms;
	u64 entries, now;

	if (!__atomic_load_n(&cpu->inside, __ATOMIC_SEQ_CST))
		return false;
	now = cpu_time(cpu);
	/* Last, as an entry is counted before it is inside: it has been that one all along. */
	entries = __atomic_load_n(&cpu->entries, __ATOMIC_SEQ_CST);
	if (!now)
		return true;
	if (entries != cpu->seen) {
		cpu->seen = entries;
		cpu->seen_ns = now;
	} else if (now - cpu->seen_ns >= ms * 1000000ULL) {
		adjunct_crashed(cpu->adj, "it has not come back within %u ms", ms);
		adjunct_evict(cpu, entries);
	}
	return true;
}

static bool look_at_all(struct adjunct *adj)
{
	unsigned int i;
	bool any = false;

	for (i = 0; i <= adj->nr_client; i++)
		any |= look(&adj->cpu[i]);
	return any;
}

/* With the lock. */
static void sleep_for(struct adjunct *adj, u64 ns)
{
	struct timespec ts;

	ns += loop_now();
	ts.tv_sec = ns / 1000000000;
	ts.tv_nsec = ns % 1000000000;
	pthread_cond_clockwait(&adj->watch_cond, &adj->lock, CLOCK_MONOTONIC, &ts);
}

static void *watchdog_main(void *arg)
{
	struct adjunct *adj = arg;
	u64 period = adj->settings.watchdog_ms * 1000000ULL / LOOKS;
	bool any;

	if (sandbox_enter(SANDBOX_ADJUNCT))
		return NULL;
	pthread_mutex_lock(&adj->lock);
	while (!adj->watch_end) {
		if (!adj->watching) {
			pthread_cond_wait(&adj->watch_cond, &adj->lock);
			continue;
		}
		sleep_for(adj, period);
		pthread_mutex_unlock(&adj->lock);
		any = look_at_all(adj);
		if (!any) {
			__atomic_store_n(&adj->watching, 0, __ATOMIC_SEQ_CST);
			if (adjunct_anybody_inside(adj, ADJUNCT_ANY_QUEUE))
				__atomic_store_n(&adj->watching, 1, __ATOMIC_SEQ_CST);
		}
		pthread_mutex_lock(&adj->lock);
	}
	pthread_mutex_unlock(&adj->lock);
	return NULL;
}

void adjunct_watchdog_wake(struct adjunct *adj)
{
	pthread_mutex_lock(&adj->lock);
	__atomic_store_n(&adj->watching, 1, __ATOMIC_SEQ_CST);
	pthread_cond_signal(&adj->watch_cond);
	pthread_mutex_unlock(&adj->lock);
}

int adjunct_watchdog_start(struct adjunct *adj)
{
	int ret;

	pthread_cond_init(&adj->watch_cond, NULL);
	ret = thread_create(&adj->watch, "adjunct watch", watchdog_main, adj);
	adj->has_watch = !ret;
	return ret;
}

void adjunct_watchdog_stop(struct adjunct *adj)
{
	if (!adj->has_watch)
		return;
	pthread_mutex_lock(&adj->lock);
	adj->watch_end = true;
	pthread_cond_signal(&adj->watch_cond);
	pthread_mutex_unlock(&adj->lock);
	pthread_join(adj->watch, NULL);
	pthread_cond_destroy(&adj->watch_cond);
	adj->has_watch = false;
}
