// SPDX-License-Identifier: GPL-2.0-only
/* See source.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "error.h"
#include "known.h"
#include "sample.h"
#include "source.h"

#define SECOND_NS 1000000000ULL

#define BATCH 64
/* Then others have their turn, however much happens in one pool. */
#define ROUNDS 8

int source_open(struct source *source, struct pool *pool)
{
	int fd = pool_open(pool), flags;

	if (fd < 0)
		return fd;
	memset(source, 0, sizeof(*source));
	source->fd = ioctl(fd, TARN_POOL_EVENTS);
	close(fd);
	if (source->fd < 0)
		return pool_fail(pool, -errno, "follow the events of");
	flags = fcntl(source->fd, F_GETFL);
	if (flags < 0 || fcntl(source->fd, F_SETFL, flags | O_NONBLOCK)) {
		int ret = pool_fail(pool, -errno, "follow the events of");

		close(source->fd);
		return ret;
	}
	source->pool = *pool;
	pool->mount = NULL;
	known_learn(&source->known, &source->pool);
	return 0;
}

void source_close(struct source *source)
{
	if (source->fd >= 0)
		close(source->fd);
	partition_list_free(&source->known);
	pool_put(&source->pool);
}

/* Return: whether the event began or ended its condition. */
static bool note_condition(struct source *source, const struct tarn_event *event)
{
	enum kind_condition condition = kind_find(event->type)->condition;
	unsigned int before = source->conditions;

	if (kind_begins(event))
		source->conditions |= condition;
	else
		source->conditions &= ~condition;
	return before != source->conditions;
}

/*
 * Users make and remove files as fast as they like, a guest can lose its balloon as often,
 * and a VMM can say of any file that it has pages of its guest. All of that in the journal would take the time for what is important, and its
 * room. Each has a limit of its own, so that none is hidden by the other.
 */
static struct source_limit *limit_of(struct source *source, __u32 type)
{
	switch (type) {
	case TARN_EVENT_PARTITION_CREATED:
	case TARN_EVENT_PARTITION_DESTROYED:
		return &source->files;
	case TARN_EVENT_BALLOON_GONE:
		return &source->balloons;
	case TARN_EVENT_IMPORT_ERROR:
		return &source->imports;
	}
	return NULL;
}

static bool is_told(struct source *source, const struct tarn_event *event)
{
	struct source_limit *limit = limit_of(source, event->type);
	uint64_t now;

	if (!limit)
		return true;
	now = sample_clock();
	if (now - limit->time >= SECOND_NS) {
		limit->time = now;
		limit->count = 0;
	}
	if (limit->count++ < SOURCE_TOLD)
		return true;
	limit->more++;
	return false;
}

static void tell_limit(struct source *source, struct source_limit *limit,
		       __u32 type, uint64_t time_ns, source_teller *tell,
		       void *arg)
{
	struct tarn_event event = {
		.type = type,
		.time_ns = time_ns,
		.value = limit->more,
	};

	if (!limit->more)
		return;
	limit->more = 0;
	tell(source, &event, NULL, true, arg);
}

void source_tell_more(struct source *source, uint64_t time_ns,
		      source_teller *tell, void *arg)
{
	tell_limit(source, &source->files, KIND_FILES_MORE, time_ns, tell, arg);
	tell_limit(source, &source->balloons, KIND_BALLOONS_MORE, time_ns, tell,
		   arg);
	tell_limit(source, &source->imports, KIND_IMPORTS_MORE, time_ns, tell,
		   arg);
}

static void tell_one(struct source *source, const struct tarn_event *event,
		     source_teller *tell, void *arg)
{
	const struct partition *part = known_find(&source->known, &source->pool,
						  event);

	bool changes = note_condition(source, event);

	if (is_told(source, event))
		tell(source, event, part, changes, arg);
	if (event->type == TARN_EVENT_PARTITION_DESTROYED)
		known_forget(&source->known, event->partition);
}

void source_read(struct source *source, source_teller *tell, void *arg)
{
	struct tarn_event events[BATCH];
	unsigned int round;
	ssize_t len = 0;
	size_t i;

	for (round = 0; round < ROUNDS; round++) {
		len = read(source->fd, events, sizeof(events));
		if (len <= 0)
			break;
		for (i = 0; i < len / sizeof(*events); i++)
			tell_one(source, &events[i], tell, arg);
	}
	if (len > 0 || (len < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	if (len < 0)
		pool_fail(&source->pool, -errno, "read the events of");
	close(source->fd);
	source->fd = -1;
}

void source_name(struct source *source, const struct history_moment *moment)
{
	size_t i;

	for (i = 0; i < moment->count; i++)
		known_name(&source->known, &moment->items[i].part);
}

void source_compare(struct source *source, __u32 flags, uint64_t time_ns,
		    source_teller *tell, void *arg)
{
	unsigned int now = kind_conditions(flags);
	unsigned int differ = now ^ source->conditions;
	unsigned int bit;

	if (!differ) {
		source->differ = 0;
		return;
	}
	if (source->differ++ < SOURCE_GRACE)
		return;
	source->differ = 0;
	for (bit = KIND_UNSERVED; bit <= KIND_DEGRADED; bit <<= 1) {
		struct tarn_event event = kind_event(bit, now & bit);

		if (!(differ & bit))
			continue;
		event.time_ns = time_ns;
		tell_one(source, &event, tell, arg);
	}
}
