// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl config follow: partitions of a pool get what its file says when they appear.
 *
 * An event only says that it is time to look: what is new is what was not there at the
 * last look. The numbers of those that were are kept in a file below /run, so that what
 * an operator set since stays when this is started again. A number comes again some time:
 * it is forgotten when its partition goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "config_commands.h"
#include "config_partition.h"
#include "error.h"
#include "id_set.h"
#include "partition.h"
#include "pool.h"

#define KEPT_DIR "/run/tarn/partitions"
#define BATCH 64

/**
 * struct follower - all there is
 * @config: the file, as it was read last
 * @pool: its pool
 * @events: descriptor of events
 * @signals: that of signals
 * @seen: numbers of partitions that were looked at
 */
struct follower {
	struct config config;
	struct pool pool;
	int events;
	int signals;
	struct id_set seen;
};

/* ---- what was looked at --------------------------------------------------------- */

static void kept_path(char *path, const struct follower *f)
{
	snprintf(path, PATH_MAX, KEPT_DIR "/%s", f->pool.uuid);
}

/* What an earlier version has looked at is all up to the highest number. */
static int take_highest(struct follower *f, __u32 highest)
{
	struct partition_list list;
	int ret = partition_list_read(&list, &f->pool);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; !ret && i < list.count; i++) {
		if (list.items[i].info.id <= highest)
			ret = id_set_add(&f->seen, list.items[i].info.id);
	}
	partition_list_free(&list);
	return ret ? err_nomem() : 0;
}

/* Of a pool that none has followed yet, all partitions are new. */
static int read_kept(struct follower *f)
{
	char path[PATH_MAX];
	__u32 highest;
	int ret;

	kept_path(path, f);
	ret = id_set_read(&f->seen, path, &highest);
	if (ret)
		return err_errno(ret, "%s", path);
	return highest ? take_highest(f, highest) : 0;
}

static int write_kept(const struct follower *f)
{
	char path[PATH_MAX];
	int ret;

	if (mkdir(KEPT_DIR, 0755) && errno != EEXIST)
		return err_errno(-errno, "make " KEPT_DIR);
	kept_path(path, f);
	ret = id_set_write(&f->seen, path);
	return ret ? err_errno(ret, "%s", path) : 0;
}

static void remove_kept(const struct follower *f)
{
	char path[PATH_MAX];

	kept_path(path, f);
	unlink(path);
}

/* ---- partitions ----------------------------------------------------------------- */

static void set_up(struct follower *f, int dirfd, const struct partition *part)
{
	char *name;

	if (config_partition_apply(&f->config, &f->pool, dirfd, part, false) <= 0)
		return;
	name = partition_name(part);
	printf("%s: set up as %s says\n", name ? name : "?", f->config.path);
	fflush(stdout);
	free(name);
}

static int look(struct follower *f)
{
	struct id_set now = { 0 };
	struct partition_list list;
	int dirfd, ret;
	bool changed;
	size_t i;

	ret = partition_list_read(&list, &f->pool);
	if (ret)
		return ret;
	dirfd = pool_open(&f->pool);
	changed = dirfd >= 0 && list.count != f->seen.count;
	for (i = 0; dirfd >= 0 && !ret && i < list.count; i++) {
		__u32 id = list.items[i].info.id;

		ret = id_set_add(&now, id) ? err_nomem() : 0;
		if (id_set_has(&f->seen, id))
			continue;
		set_up(f, dirfd, &list.items[i]);
		changed = true;
	}
	if (dirfd >= 0)
		close(dirfd);
	partition_list_free(&list);
	if (dirfd < 0 || ret) {
		id_set_free(&now);
		return dirfd < 0 ? dirfd : ret;
	}
	id_set_free(&f->seen);
	f->seen = now;
	return changed ? write_kept(f) : 0;
}

/* Return: 1 if there may be a new one, 0, or -ENODEV once the pool is gone. */
static int read_events(struct follower *f)
{
	struct tarn_event events[BATCH];
	ssize_t len = read(f->events, events, sizeof(events));
	int any = 0;
	size_t i;

	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 :
			err_errno(-errno, "read the events of %s",
				  f->pool.mount);
	if (!len)
		return -ENODEV;
	for (i = 0; i < len / sizeof(*events); i++) {
		if (events[i].type == TARN_EVENT_PARTITION_DESTROYED)
			id_set_remove(&f->seen, events[i].partition);
		any |= events[i].type == TARN_EVENT_PARTITION_CREATED ||
		       events[i].type == TARN_EVENT_LOST;
	}
	return any;
}

/* ---- running -------------------------------------------------------------------- */

/* One that is wrong takes nothing away from what is known. */
static void reload(struct follower *f)
{
	struct config config;
	int ret = config_load(&config, f->config.name, false);

	if (ret || config.wrong) {
		err("%s stays as it was read before", f->config.path);
		config_free(&config);
		return;
	}
	config_free(&f->config);
	f->config = config;
	printf("%s: read anew\n", config.path);
	fflush(stdout);
}

/* Return: 1 to end, or 0. */
static int handle_signal(struct follower *f)
{
	struct signalfd_siginfo info;

	if (read(f->signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo != SIGHUP)
		return 1;
	reload(f);
	return 0;
}

static int serve(struct follower *f)
{
	struct pollfd fds[] = {
		{ .fd = f->signals, .events = POLLIN },
		{ .fd = f->events, .events = POLLIN },
	};
	int ret = look(f);

	while (!ret) {
		if (poll(fds, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return err_errno(-errno, "poll");
		}
		if (fds[0].revents && handle_signal(f))
			return 0;
		if (!fds[1].revents)
			continue;
		ret = read_events(f);
		if (ret == -ENODEV) {
			remove_kept(f);
			return 0;
		}
		if (ret > 0)
			ret = look(f);
	}
	return ret;
}

static int open_signals(struct follower *f)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return err_errno(-errno, "block signals");
	f->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return f->signals < 0 ? err_errno(-errno, "wait for signals") : 0;
}

/* Before the first look, so that nothing comes between the two. */
static int open_events(struct follower *f)
{
	int fd = pool_open(&f->pool);

	if (fd < 0)
		return fd;
	f->events = ioctl(fd, TARN_POOL_EVENTS);
	if (f->events < 0)
		pool_fail(&f->pool, -errno, "follow the events of");
	close(fd);
	return f->events < 0 ? -EIO : 0;
}

static int follow(struct follower *f, const char *name)
{
	char dir[PATH_MAX];
	int ret = config_load(&f->config, name, false);

	if (ret)
		return ret;
	if (f->config.wrong)
		return EXIT_USAGE;
	if (!config_find(&f->config, CONFIG_PARTITION)) {
		printf("%s: it has no [partition], so there is nothing to do\n",
		       f->config.path);
		return 0;
	}
	pool_dir(dir, name);
	ret = pool_get(&f->pool, dir);
	if (!ret)
		ret = open_signals(f);
	if (!ret)
		ret = open_events(f);
	if (ret)
		return ret;
	ret = read_kept(f);
	return ret ? ret : serve(f);
}

int config_follow_main(int argc, char **argv, const struct options *opts)
{
	struct follower f = { .events = -1, .signals = -1 };
	int ret;

	if (config_name_arg("tarnctl config follow", argv[0]))
		return EXIT_USAGE;
	ret = follow(&f, argv[0]);
	if (f.events >= 0)
		close(f.events);
	if (f.signals >= 0)
		close(f.signals);
	pool_put(&f.pool);
	config_free(&f.config);
	id_set_free(&f.seen);
	return ret;
}

int config_has_partitions_main(int argc, char **argv,
			       const struct options *opts)
{
	struct config config;
	int ret;

	if (config_name_arg("tarnctl config has-partitions", argv[0]))
		return EXIT_USAGE;
	ret = config_load(&config, argv[0], true);
	if (!ret && !config_find(&config, CONFIG_PARTITION))
		ret = -ENOENT;
	config_free(&config);
	return ret;
}
