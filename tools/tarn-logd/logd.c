// SPDX-License-Identifier: GPL-2.0-only
/*
 * See logd.h. One thread waits for events of pools, for mounts that come and go, for
 * scripts to end, and for the next second, when the counters of all pools are read.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "alert.h"
#include "error.h"
#include "guest.h"
#include "keeper.h"
#include "logd.h"
#include "record.h"
#include "source.h"

#define SECOND_NS 1000000000ULL
/* Reading counters may take a part of the time: of pools with many partitions fewer seconds are kept. */
#define SAMPLE_SHARE 5
/* Guests are looked for so often, as that takes long, and when a partition was made. */
#define GUESTS_AGE_NS (10 * SECOND_NS)
/* From one look to the next where there is no pool. */
#define IDLE_MS 5000
/* Waits for the rest, when it ends. */
#define LAST_WAIT_MS 5000

/* Where descriptors are among those that are waited for. */
enum { WAIT_SIGNALS, WAIT_MOUNTS, WAIT_SCRIPT, WAIT_SOURCES };

/**
 * struct logd - all there is
 * @opts: of the command line
 * @sources: the pools
 * @count: of them
 * @keeper: of the history
 * @guests: of the host, found some samples ago
 * @guests_time: when, as of sample_clock(); 0: they are to be found anew
 * @alerts: for scripts
 * @signals: descriptor of signals that end it
 * @mounts: of /proc/self/mountinfo, which tells of changes
 * @second: that was sampled last
 * @next: the next one, in seconds
 * @minute: likewise, that was kept last
 * @missed: a pool could not be followed, and is tried again with the next sample
 * @serves: pools that are found now were mounted now
 * @said: the last message about a failure, which is not said every second
 */
struct logd {
	const struct logd_options *opts;
	struct source *sources;
	size_t count;
	struct keeper keeper;
	struct guests guests;
	uint64_t guests_time;
	struct alerts alerts;
	int signals;
	int mounts;
	int64_t second;
	int64_t next;
	int64_t minute;
	bool missed;
	bool serves;
	char said[1200];
};

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * SECOND_NS + ts.tv_nsec;
}

/* ---- telling ------------------------------------------------------------ */

static void tell(const struct source *source, const struct tarn_event *event,
		 const struct partition *part, bool changes, void *arg)
{
	struct logd *logd = arg;
	struct notice notice;

	if (notice_init(&notice, &source->pool, event, part, changes))
		return;
	if (event->type == TARN_EVENT_PARTITION_CREATED)
		logd->guests_time = 0;
	notice_journal(&notice);
	/* First what does not depend on anything else. */
	if (notice_is_alert(&notice))
		alerts_add(&logd->alerts, &notice);
	if (keeper_ready(&logd->keeper))
		history_write_event(logd->keeper.history, &notice.event);
	notice_exit(&notice);
}

static void tell_pool(struct logd *logd, const struct source *source, __u32 type)
{
	struct tarn_event event = { .type = type, .time_ns = wall_ns() };

	tell(source, &event, NULL, true, logd);
}

/* ---- pools -------------------------------------------------------------- */

static struct source *find_source(struct logd *logd, const char *uuid)
{
	size_t i;

	for (i = 0; i < logd->count; i++) {
		if (!strcmp(logd->sources[i].pool.uuid, uuid))
			return &logd->sources[i];
	}
	return NULL;
}

static int add_source(struct logd *logd, struct pool *pool)
{
	struct source *sources;
	int ret;

	sources = reallocarray(logd->sources, logd->count + 1, sizeof(*sources));
	if (!sources)
		return err_nomem();
	logd->sources = sources;
	ret = source_open(&sources[logd->count], pool);
	if (ret)
		return ret;
	logd->count++;
	logd->guests_time = 0;
	if (logd->serves)
		tell_pool(logd, &sources[logd->count - 1], KIND_POOL_MOUNTED);
	return 0;
}

/* A pool that was moved, or of whose mounts one is gone. */
static void note_mount(struct source *source, struct pool *pool)
{
	if (!strcmp(source->pool.mount, pool->mount))
		return;
	free(source->pool.mount);
	source->pool.mount = pool->mount;
	source->pool.dev = pool->dev;
	pool->mount = NULL;
}

static void remove_gone(struct logd *logd)
{
	size_t i = 0;

	while (i < logd->count) {
		struct source *source = &logd->sources[i];

		if (source->fd >= 0) {
			i++;
			continue;
		}
		tell_pool(logd, source, KIND_POOL_UNMOUNTED);
		source_close(source);
		*source = logd->sources[--logd->count];
	}
}

static void find_pools(struct logd *logd)
{
	struct pool_list list;
	size_t i;

	if (pool_list_read(&list))
		return;
	logd->missed = false;
	for (i = 0; i < list.count; i++) {
		struct source *source = find_source(logd, list.items[i].uuid);

		if (source)
			note_mount(source, &list.items[i]);
		else if (add_source(logd, &list.items[i]))
			logd->missed = true;
	}
	pool_list_free(&list);
}

static void read_sources(struct logd *logd)
{
	size_t i;

	for (i = 0; i < logd->count; i++)
		source_read(&logd->sources[i], tell, logd);
	remove_gone(logd);
}

/* ---- seconds ------------------------------------------------------------ */

/* What goes wrong is said once, not every second. */
static void hush(struct logd *logd, bool begin)
{
	const char *text;

	if (begin) {
		err_defer(true);
		return;
	}
	text = err_take();
	if (*text && strcmp(text, logd->said))
		fputs(text, stderr);
	strcpy(logd->said, text);
	err_defer(false);
}

static void keep(struct logd *logd, struct history_moment *moment, bool minute)
{
	struct keeper *keeper = &logd->keeper;

	if (!keeper_ready(keeper) ||
	    history_write(keeper->history, HISTORY_SECOND, moment) || !minute)
		return;
	moment->time -= moment->time % HISTORY_MINUTE;
	history_write(keeper->history, HISTORY_MINUTE, moment);
}

static void sample_source(struct logd *logd, struct source *source, bool minute)
{
	struct history_moment moment;

	source_tell_more(source, wall_ns(), tell, logd);
	if (record_take(&moment, &source->pool, &logd->guests, logd->second))
		return;
	source_name(source, &moment);
	source_compare(source, moment.pool.info.flags, wall_ns(), tell, logd);
	keep(logd, &moment, minute);
	history_moment_free(&moment);
}

/* They keep their names where this fails. */
static void find_guests(struct logd *logd)
{
	struct pool_list pools = { 0 };
	uint64_t now = sample_clock();
	struct guests guests;
	size_t i;

	if (!logd->count || (logd->guests_time &&
			     now - logd->guests_time < GUESTS_AGE_NS))
		return;
	pools.items = calloc(logd->count, sizeof(*pools.items));
	if (!pools.items) {
		err_nomem();
		return;
	}
	for (i = 0; i < logd->count; i++)
		pools.items[pools.count++] = logd->sources[i].pool;
	if (!guests_read(&guests, &pools)) {
		guests_free(&logd->guests);
		logd->guests = guests;
		logd->guests_time = now;
	}
	free(pools.items);
}

static void sample_all(struct logd *logd)
{
	int64_t minute = logd->second / HISTORY_MINUTE;
	uint64_t began = sample_clock(), took;
	size_t i;

	hush(logd, true);
	if (logd->missed)
		find_pools(logd);
	find_guests(logd);
	for (i = 0; i < logd->count; i++)
		sample_source(logd, &logd->sources[i], minute != logd->minute);
	keeper_end(&logd->keeper);
	hush(logd, false);
	logd->minute = minute;
	took = sample_clock() - began;
	/* One that takes long is still one that is well. */
	took = took * SAMPLE_SHARE / SECOND_NS;
	logd->next = logd->second + 1 + (took < HISTORY_REST_MOST ?
					  took : HISTORY_REST_MOST);
}

/* The clock may be set back, or forth. */
static void look_at_clock(struct logd *logd)
{
	int64_t now = wall_ns() / SECOND_NS;

	sd_notify(0, "WATCHDOG=1");
	if (now < logd->next && now >= logd->second)
		return;
	logd->second = now;
	sample_all(logd);
	sd_notify(0, "WATCHDOG=1");
}

static int until_next(const struct logd *logd)
{
	uint64_t now = wall_ns(), next = logd->next * SECOND_NS;
	int ms = next > now ? (next - now) / 1000000 + 1 : 0;

	/* Not longer than a watchdog wants to hear of it, whatever the clock does. */
	return ms < IDLE_MS && logd->count ? ms : IDLE_MS;
}

/* ---- waiting ------------------------------------------------------------ */

static int least(int a, int b)
{
	return b >= 0 && b < a ? b : a;
}

/* Return: whether it is to go on. */
static bool wait_for(struct logd *logd)
{
	struct pollfd *fds = calloc(WAIT_SOURCES + logd->count, sizeof(*fds));
	int timeout = least(until_next(logd), alerts_timeout(&logd->alerts));
	bool goes_on = true, mounts = false;
	size_t i;

	if (!fds) {
		err_nomem();
		sleep(1);
		return true;
	}
	fds[WAIT_SIGNALS] = (struct pollfd){ logd->signals, POLLIN, 0 };
	fds[WAIT_MOUNTS] = (struct pollfd){ logd->mounts, POLLPRI, 0 };
	fds[WAIT_SCRIPT] = (struct pollfd){
		logd->alerts.script.pid ? logd->alerts.script.pidfd : -1,
		POLLIN, 0,
	};
	for (i = 0; i < logd->count; i++)
		fds[WAIT_SOURCES + i] =
			(struct pollfd){ logd->sources[i].fd, POLLIN, 0 };
	if (poll(fds, WAIT_SOURCES + logd->count, timeout) > 0) {
		goes_on = !fds[WAIT_SIGNALS].revents;
		mounts = fds[WAIT_MOUNTS].revents;
	}
	free(fds);
	read_sources(logd);
	if (mounts)
		find_pools(logd);
	return goes_on;
}

/*
 * Scripts for what was told last, a pager that went with the host, get a moment, and so
 * does what is held back: that a condition is over would be told by nobody.
 */
static void finish_alerts(struct logd *logd)
{
	uint64_t until = sample_clock() + LAST_WAIT_MS * 1000000ULL;

	alerts_flush(&logd->alerts);
	while (alerts_busy(&logd->alerts) && sample_clock() < until) {
		struct pollfd fd = { logd->alerts.script.pidfd, POLLIN, 0 };

		poll(&fd, 1, 100);
		alerts_look(&logd->alerts);
	}
	alerts_end(&logd->alerts);
}

static void serve(struct logd *logd)
{
	find_pools(logd);
	look_at_clock(logd);
	sd_notify(0, "READY=1");
	logd->serves = true;
	do {
		alerts_look(&logd->alerts);
		look_at_clock(logd);
		keeper_end(&logd->keeper);
	} while (wait_for(logd));
	keeper_end(&logd->keeper);
	sd_notify(0, "STOPPING=1");
	finish_alerts(logd);
}

/* ---- beginning ---------------------------------------------------------- */

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

static int begin(struct logd *logd)
{
	int ret;

	logd->signals = block_signals();
	if (logd->signals < 0)
		return logd->signals;
	logd->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (logd->mounts < 0)
		return err_errno(-errno, "/proc/self/mountinfo");
	ret = script_rules_check(&logd->alerts.rules);
	return ret ? ret : keeper_open(&logd->keeper);
}

int logd_run(const struct logd_options *opts)
{
	struct logd logd = {
		.opts = opts,
		.keeper = { .path = opts->history,
			    .limit = opts->history_size },
		.alerts = { .rules = opts->scripts, .repeat = opts->repeat,
			    .script.pidfd = -1 },
		.signals = -1,
		.mounts = -1,
	};
	int ret = begin(&logd);

	if (!ret)
		serve(&logd);
	while (logd.count)
		source_close(&logd.sources[--logd.count]);
	free(logd.sources);
	guests_free(&logd.guests);
	keeper_close(&logd.keeper);
	if (logd.signals >= 0)
		close(logd.signals);
	if (logd.mounts >= 0)
		close(logd.mounts);
	return ret;
}
