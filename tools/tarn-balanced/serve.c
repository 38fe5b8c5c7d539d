// SPDX-License-Identifier: GPL-2.0-only
/*
 * See serve.h. What can be seen without looking at processes, partitions and their
 * marks in sysfs and in /run, is looked at twice a second; what takes a walk over
 * /proc, in each round, and when one of these has changed.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "balance.h"
#include "error.h"
#include "json.h"
#include "report.h"
#include "sample.h"
#include "serve.h"
#include "sysfs.h"

/* A load is measured for so long at least. */
#define MEASURE 1.0
/* Part of the time that a walk over /proc may take. */
#define SCAN_SHARE 100

/**
 * struct server - all there is
 * @opts: of the command line
 * @balance: what is known
 * @pools: as they were at the last look
 * @signature: of what can be seen without a walk
 * @next: when the next round is due, in seconds
 * @latest: when it is whatever changes meanwhile
 * @scanned: when processes were looked for
 * @scan_took: processor time that it took, in seconds
 * @look_took: processor time of the last look, in seconds
 * @output: JSON of all pools
 * @signals: descriptor of signals that end it
 * @served: lock that is held while it runs
 */
struct server {
	const struct serve_options *opts;
	struct balance balance;
	struct pool_list pools;
	uint64_t signature;
	double next;
	double latest;
	double scanned;
	double scan_took;
	double look_took;
	json_t *output;
	int signals;
	int served;
};

static double clock_seconds(void)
{
	return sample_clock() / 1e9;
}

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* ---- what has changed --------------------------------------------------- */

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		hash = (hash ^ *p++) * 0x100000001b3ULL;
	return hash;
}

/* When a mark was set the last time. */
static uint64_t mix_marks(uint64_t hash, const char *uuid)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", HOME_MARK_DIR, uuid);
	if (stat(path, &st))
		return hash;
	return mix(hash, &st.st_mtim, sizeof(st.st_mtim));
}

/* In no order: what is mixed for each of them is added up. */
static uint64_t sum_partitions(const char *uuid)
{
	int fd = sysfs_open(SYSFS_ROOT, uuid, "partitions");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t sum = 0;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((entry = readdir(dir))) {
		char path[280];
		uint64_t vms = 0, hash = 1;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/vms", entry->d_name);
		sysfs_read(dirfd(dir), path, &vms);
		hash = mix(hash, entry->d_name, strlen(entry->d_name));
		sum += mix(hash, &vms, sizeof(vms));
	}
	closedir(dir);
	return sum;
}

/* Of all pools, their partitions, which of them have a VM, and their marks. */
static uint64_t make_signature(const struct pool_list *pools)
{
	uint64_t hash = 1, sum;
	size_t i;

	for (i = 0; i < pools->count; i++) {
		const char *uuid = pools->items[i].uuid;

		sum = sum_partitions(uuid);
		hash = mix(hash, uuid, strlen(uuid));
		hash = mix(hash, &sum, sizeof(sum));
		hash = mix_marks(hash, uuid);
	}
	return hash;
}

/* ---- looking ------------------------------------------------------------ */

static void sweep(void)
{
	int lock = home_mark_lock();

	home_mark_sweep();
	if (lock >= 0)
		close(lock);
}

static int scan(struct server *s, double now)
{
	double began = cpu_seconds();
	int ret;

	if (host_refresh(&s->balance.host))
		balance_forget_loads(&s->balance);
	ret = users_scan(&s->balance.users, &s->pools, &s->balance.host, now);
	s->scanned = now;
	s->scan_took = cpu_seconds() - began;
	return ret;
}

static bool scan_is_due(const struct server *s, double now)
{
	return now - s->scanned >= s->scan_took * SCAN_SHARE;
}

static void tell(const struct balance *b, const struct verdict *v, void *arg)
{
	struct server *s = arg;

	if (s->opts->json)
		json_array_append_new(s->output, report_json(b, v));
	else
		report_pool(b, v);
}

static int round_now(struct server *s, double now)
{
	s->next = now + s->opts->interval;
	s->latest = s->next + s->opts->interval;
	return balance_round(&s->balance, &s->pools, now,
			     s->opts->dry ? tell : NULL, s);
}

static int read_pools(struct server *s)
{
	pool_list_free(&s->pools);
	memset(&s->pools, 0, sizeof(s->pools));
	return pool_list_read(&s->pools);
}

/*
 * A look. What goes wrong has been reported, and may be right the next time.
 * Return: whether that was all, without a round or a walk.
 */
static bool look(struct server *s)
{
	double now = clock_seconds();
	uint64_t signature;
	bool due = now >= s->next, changed;

	if (read_pools(s)) {
		users_look(&s->balance.users, &s->balance.host);
		return false;
	}
	signature = make_signature(&s->pools);
	changed = signature != s->signature;
	/* Who changes things all the time neither keeps it busy nor puts a round off. */
	if ((changed || due) && scan_is_due(s, now)) {
		s->signature = signature;
		if (changed)
			sweep();
		scan(s, now);
	} else {
		changed = false;
		users_look(&s->balance.users, &s->balance.host);
	}
	/* What is new is measured first. */
	if (changed) {
		s->next = fmin(s->next, now + MEASURE);
		due = now >= s->latest;
	}
	if (due)
		round_now(s, now);
	follow(&s->balance.users, &s->pools, &s->balance.host,
	       s->opts->dispatch);
	return !due && s->scanned != now;
}

/* ---- running ------------------------------------------------------------ */

static int block_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return err_errno(-errno, "block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_errno(-errno, "wait for signals") : fd;
}

/* Until a signal, the next look, or the end of a process whose memory is held. */
static bool wait_for(struct server *s)
{
	const struct users *users = &s->balance.users;
	struct pollfd *fds = calloc(users->count + 1, sizeof(*fds));
	double pause = follow_pause(s->look_took);
	bool goes_on = true;
	size_t i;

	if (!fds) {
		sample_sleep(sample_clock(), pause);
		return true;
	}
	fds[0] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	for (i = 0; i < users->count; i++)
		fds[i + 1] = (struct pollfd){
			.fd = users->items[i].proc.pidfd,
			.events = POLLIN,
		};
	if (poll(fds, users->count + 1, pause * 1000) > 0)
		goes_on = !fds[0].revents;
	free(fds);
	return goes_on;
}

static int run(struct server *s)
{
	double began;

	if (s->balance.host.nodes.nr < 2) {
		puts("this host has one NUMA node: there is nothing to do");
		return 0;
	}
	if (home_mark_served(&s->served)) {
		err("another tarn-balanced runs");
		return -EBUSY;
	}
	if (s->served < 0)
		return err_errno(s->served, "write to %s", HOME_MARK_DIR);
	s->signals = block_signals();
	if (s->signals < 0)
		return s->signals;
	s->latest = clock_seconds() + s->opts->interval;
	do {
		began = cpu_seconds();
		if (look(s))
			s->look_took = cpu_seconds() - began;
	} while (wait_for(s));
	follow_end(&s->balance.users);
	return 0;
}

/* Loads are measured for a second. */
static int run_once(struct server *s)
{
	double busy[DECIDE_NODES], now = clock_seconds();
	int ret = read_pools(s);

	if (!ret)
		ret = scan(s, now);
	if (ret)
		return ret;
	host_busy(&s->balance.host, 0, busy);
	s->balance.since = now;
	sample_sleep(sample_clock(), MEASURE);
	s->output = json_array();
	if (!s->opts->dry)
		sweep();
	ret = round_now(s, clock_seconds());
	if (s->opts->json && !ret)
		return json_print(s->output, JSON_INDENT(2));
	json_decref(s->output);
	return ret;
}

/* Each guest has a few; without one a partition can't be looked at. */
static void want_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const struct serve_options *opts)
{
	struct server s = {
		.opts = opts,
		.balance = { .dispatch = opts->dispatch, .dry = opts->dry },
		.signals = -1,
		.served = -1,
	};
	int ret = host_read(&s.balance.host);

	if (ret)
		return ret;
	want_descriptors();
	ret = opts->once ? run_once(&s) : run(&s);
	if (!ret && opts->once)
		ret = err_stdout();
	if (s.signals >= 0)
		close(s.signals);
	if (s.served >= 0)
		close(s.served);
	pool_list_free(&s.pools);
	balance_free(&s.balance);
	return ret;
}
