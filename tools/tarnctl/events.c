// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl events: follows the events of one pool, or of all and those that come. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "commands.h"
#include "error.h"
#include "event.h"
#include "json.h"
#include "known.h"
#include "partition.h"
#include "pool.h"
#include "text.h"

#define BATCH 64

/**
 * struct source - a pool whose events are read
 * @pool: the pool, a copy
 * @fd: from TARN_POOL_EVENTS
 * @known: its partitions when it was last looked, and those seen before
 */
struct source {
	struct pool pool;
	int fd;
	struct partition_list known;
};

/**
 * struct follower - what is followed
 * @sources: the pools, also those that went
 * @count: number of them
 * @mounts: /proc/self/mountinfo, which tells when pools come; -1: one pool is meant
 * @opts: the options
 * @shown: events so far
 */
struct follower {
	struct source *sources;
	size_t count;
	int mounts;
	const struct options *opts;
	unsigned int shown;
};

static int show_text(const struct follower *follower,
		     const struct source *source,
		     const struct tarn_event *event,
		     const struct partition *part)
{
	struct partition unknown = { .info.id = event->partition };
	char *name = partition_name(part ? part : &unknown);
	size_t room = EVENT_TEXT_MAX + (name ? strlen(name) : 0);
	char *text = malloc(room), time[40];
	int ret = 0;

	if (!name || !text) {
		ret = err_nomem();
		goto out_free;
	}
	printf("%s  ", event_time(time, sizeof(time), event));
	if (follower->count > 1 || follower->mounts >= 0)
		printf("%s  ", pool_title(&source->pool));
	printf("%s\n", event_text(text, room, event, name));
	ret = err_stdout();
out_free:
	free(text);
	free(name);
	return ret;
}

static int show_event(struct follower *follower, struct source *source,
		      const struct tarn_event *event)
{
	const struct partition *part = known_find(&source->known, &source->pool,
						  event);
	int ret;

	if (follower->opts->json)
		ret = json_print(event_json(event, source->pool.mount,
					    part ? part->path : NULL,
					    part ? part->name : NULL),
				 JSON_COMPACT);
	else
		ret = show_text(follower, source, event, part);
	if (event->type == TARN_EVENT_PARTITION_DESTROYED)
		known_forget(&source->known, event->partition);
	follower->shown++;
	return ret;
}

static bool is_done(const struct follower *follower)
{
	return follower->opts->count &&
	       follower->shown >= follower->opts->count;
}

static int read_events(struct follower *follower, struct source *source)
{
	struct tarn_event events[BATCH];
	ssize_t len;
	size_t i;
	int ret = 0;

	len = read(source->fd, events, sizeof(events));
	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 :
			err_errno(-errno, "read the events of %s",
				  source->pool.mount);
	if (!len) {
		close(source->fd);
		source->fd = -1;
	}
	for (i = 0; !ret && i < len / sizeof(*events); i++) {
		if (!is_done(follower))
			ret = show_event(follower, source, &events[i]);
	}
	return ret;
}

static int source_init(struct source *source, const struct pool *pool)
{
	int fd, ret = 0;

	*source = (struct source){ .pool = *pool, .fd = -1 };
	source->pool.mount = strdup(pool->mount);
	if (!source->pool.mount)
		return err_nomem();
	fd = pool_open(pool);
	if (fd < 0) {
		ret = fd;
		goto err_put;
	}
	source->fd = ioctl(fd, TARN_POOL_EVENTS);
	if (source->fd < 0)
		ret = pool_fail(pool, -errno, "follow the events of");
	close(fd);
	if (ret)
		goto err_put;
	known_learn(&source->known, &source->pool);
	return 0;

err_put:
	pool_put(&source->pool);
	return ret;
}

static int add_source(struct follower *follower, const struct pool *pool)
{
	struct source *sources;
	int ret;

	sources = reallocarray(follower->sources, follower->count + 1,
			       sizeof(*sources));
	if (!sources)
		return err_nomem();
	follower->sources = sources;
	ret = source_init(&sources[follower->count], pool);
	follower->count += !ret;
	return ret;
}

static bool is_followed(const struct follower *follower,
			const struct pool *pool)
{
	size_t i;

	for (i = 0; i < follower->count; i++) {
		/* The number of a device that went may be that of another pool. */
		if (follower->sources[i].fd >= 0 &&
		    follower->sources[i].pool.dev == pool->dev)
			return true;
	}
	return false;
}

/* Pools may have come. One that is gone again is none. */
static int find_pools(struct follower *follower)
{
	struct pool_list list;
	int ret = pool_list_read(&list);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; !ret && i < list.count; i++) {
		if (is_followed(follower, &list.items[i]))
			continue;
		ret = add_source(follower, &list.items[i]);
		if (ret == -ENOENT || ret == -ESTALE)
			ret = 0;
	}
	pool_list_free(&list);
	return ret;
}

/*
 * Wait for events, or for mounts. Return: a positive number if pools may have come, 0,
 * or an errno, reported.
 */
static int wait_events(const struct follower *follower, struct pollfd *fds)
{
	size_t i;

	for (i = 0; i < follower->count; i++)
		fds[i] = (struct pollfd){ .fd = follower->sources[i].fd,
					  .events = POLLIN };
	fds[i] = (struct pollfd){ .fd = follower->mounts, .events = POLLPRI };
	if (poll(fds, follower->count + 1, -1) < 0) {
		if (errno != EINTR)
			return err_errno(-errno, "poll");
		for (i = 0; i <= follower->count; i++)
			fds[i].revents = 0;
	}
	return !!fds[follower->count].revents;
}

/* Whether there is anything left to wait for: not when the last pool has gone. */
static bool goes_on(const struct follower *follower)
{
	size_t i;

	if (is_done(follower))
		return false;
	for (i = 0; i < follower->count; i++) {
		if (follower->sources[i].fd >= 0)
			return true;
	}
	return false;
}

static int follow(struct follower *follower)
{
	int ret = 0, mounts;
	size_t i, count;

	while (!ret && goes_on(follower)) {
		struct pollfd *fds = calloc(follower->count + 1, sizeof(*fds));

		if (!fds)
			return err_nomem();
		count = follower->count;
		mounts = wait_events(follower, fds);
		ret = mounts < 0 ? mounts : 0;
		for (i = 0; !ret && i < count; i++) {
			if (fds[i].fd >= 0 && fds[i].revents)
				ret = read_events(follower,
						  &follower->sources[i]);
		}
		if (!ret && mounts > 0)
			ret = find_pools(follower);
		free(fds);
	}
	return ret;
}

static void follower_free(struct follower *follower)
{
	size_t i;

	for (i = 0; i < follower->count; i++) {
		struct source *source = &follower->sources[i];

		if (source->fd >= 0)
			close(source->fd);
		partition_list_free(&source->known);
		pool_put(&source->pool);
	}
	free(follower->sources);
	if (follower->mounts >= 0)
		close(follower->mounts);
}

/* A pool that is named, or all, with those that come. */
int events_main(int argc, char **argv, const struct options *opts)
{
	struct follower follower = { .opts = opts, .mounts = -1 };
	struct pool_list list;
	int ret;
	size_t i;

	if (!argc) {
		follower.mounts = open("/proc/self/mountinfo",
				       O_RDONLY | O_CLOEXEC);
		if (follower.mounts < 0)
			return err_errno(-errno, "/proc/self/mountinfo");
	}
	ret = pools_get(&list, argv[0]);
	if (ret)
		goto out_free;
	for (i = 0; !ret && i < list.count; i++)
		ret = add_source(&follower, &list.items[i]);
	pool_list_free(&list);
	if (!ret)
		ret = follow(&follower);
out_free:
	follower_free(&follower);
	return ret;
}
