// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl events: follows the events of one pool or all. */
#include <errno.h>
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
 * @pool: the pool
 * @fd: from TARN_POOL_EVENTS
 * @known: its partitions when it was last looked, and those seen before
 */
struct source {
	const struct pool *pool;
	int fd;
	struct partition_list known;
};

struct follower {
	struct source *sources;
	size_t count;
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
	if (follower->count > 1)
		printf("%s  ", source->pool->mount);
	printf("%s\n", event_text(text, room, event, name));
	if (fflush(stdout))
		ret = err_errno(-errno, "write to stdout");
out_free:
	free(text);
	free(name);
	return ret;
}

static int show_event(struct follower *follower, struct source *source,
		      const struct tarn_event *event)
{
	const struct partition *part = known_find(&source->known, source->pool,
						  event);
	int ret;

	if (follower->opts->json)
		ret = json_print(event_json(event, source->pool->mount,
					    part ? part->path : NULL),
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
				  source->pool->mount);
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

static int follow(struct follower *follower)
{
	struct pollfd *fds = calloc(follower->count, sizeof(*fds));
	size_t i, open = follower->count;
	int ret = 0;

	if (!fds)
		return err_nomem();
	while (!ret && open && !is_done(follower)) {
		for (i = 0; i < follower->count; i++) {
			fds[i].fd = follower->sources[i].fd;
			fds[i].events = POLLIN;
		}
		if (poll(fds, follower->count, -1) < 0 && errno != EINTR)
			ret = err_errno(-errno, "poll");
		open = 0;
		for (i = 0; !ret && i < follower->count; i++) {
			if (fds[i].fd >= 0 && fds[i].revents)
				ret = read_events(follower,
						  &follower->sources[i]);
			open += follower->sources[i].fd >= 0;
		}
	}
	free(fds);
	return ret;
}

static int source_init(struct source *source, const struct pool *pool)
{
	int fd, ret = 0;

	source->pool = pool;
	fd = pool_open(pool);
	if (fd < 0)
		return fd;
	source->fd = ioctl(fd, TARN_POOL_EVENTS);
	if (source->fd < 0)
		ret = pool_fail(pool, -errno, "follow the events of");
	close(fd);
	if (!ret)
		known_learn(&source->known, pool);
	return ret;
}

static int follow_pools(const struct pool *pools, size_t count,
			const struct options *opts)
{
	struct follower follower = { .opts = opts };
	int ret = 0;
	size_t i;

	follower.sources = calloc(count, sizeof(*follower.sources));
	if (!follower.sources)
		return err_nomem();
	for (i = 0; !ret && i < count; i++) {
		ret = source_init(&follower.sources[i], &pools[i]);
		if (!ret)
			follower.count++;
	}
	if (!ret)
		ret = follow(&follower);
	for (i = 0; i < follower.count; i++) {
		if (follower.sources[i].fd >= 0)
			close(follower.sources[i].fd);
		partition_list_free(&follower.sources[i].known);
	}
	free(follower.sources);
	return ret;
}

int events_main(int argc, char **argv, const struct options *opts)
{
	const struct pool *pool;
	struct pool_list list;
	int ret;

	ret = pool_list_read(&list);
	if (ret)
		return ret;
	if (!list.count || argc) {
		pool = pool_list_select(&list, argv[0]);
		ret = pool ? follow_pools(pool, 1, opts) : -ENOENT;
	} else {
		ret = follow_pools(list.items, list.count, opts);
	}
	pool_list_free(&list);
	return ret;
}
