// SPDX-License-Identifier: GPL-2.0-only
/* See notice.h. Names of files are their owners' to choose: all texts are made clean. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* The fields with the place in the source would be the same in each entry. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "error.h"
#include "event.h"
#include "notice.h"
#include "partition_domain.h"
#include "text.h"

#define FIELDS_MAX 16

/* ---- making ------------------------------------------------------------- */

static char *make_message(const struct tarn_event *event, const char *name,
			  const char *mount)
{
	size_t room = EVENT_TEXT_MAX + strlen(name);
	char *text, *message = NULL;

	if (event->type == KIND_POOL_MOUNTED)
		return asprintf(&message, "%s: the pool is mounted", mount) < 0 ?
			NULL : message;
	if (event->type == KIND_POOL_UNMOUNTED)
		return asprintf(&message, "%s: the pool is unmounted", mount) < 0 ?
			NULL : message;
	if (event->type == KIND_FILES_MORE)
		return asprintf(&message,
				"%s: %lld more partitions were made or removed",
				mount, (long long)event->value) < 0 ?
			NULL : message;
	if (event->type == KIND_BALLOONS_MORE)
		return asprintf(&message,
				"%s: %lld more balloons of guests are gone",
				mount, (long long)event->value) < 0 ?
			NULL : message;
	if (event->type == KIND_IMPORTS_MORE)
		return asprintf(&message,
				"%s: %lld more pages could not be read from files",
				mount, (long long)event->value) < 0 ?
			NULL : message;
	text = malloc(room);
	if (!text)
		return NULL;
	if (asprintf(&message, "%s: %s", mount,
		     event_text(text, room, event, name)) < 0)
		message = NULL;
	free(text);
	return message;
}

/* Of a partition that was only now made the path alone tells. */
static char *make_domain(const struct partition *part)
{
	char *domain = part && !part->guest ? partition_domain(part->path) : NULL;
	const char *name = part && part->guest ? part->guest : domain;
	char *clean = name ? text_clean(name) : NULL;

	free(domain);
	return clean;
}

static int make_texts(struct notice *notice, const struct pool *pool,
		      const struct tarn_event *event,
		      const struct partition *part)
{
	struct partition unknown = { .info.id = event->partition };
	char *name = partition_name(part ? part : &unknown);

	notice->mount = text_clean(pool->mount);
	if (part && part->path)
		notice->path = text_clean(part->path);
	notice->domain = make_domain(part);
	if (name && notice->mount)
		notice->message = make_message(event, name, notice->mount);
	free(name);
	return notice->message && (!part || !part->path || notice->path) ?
		0 : -1;
}

static const char *state_of(const struct kind *kind,
			    const struct tarn_event *event, bool changes)
{
	if (!kind->condition || !changes)
		return "";
	return kind_begins(event) ? "raised" : "cleared";
}

int notice_init(struct notice *notice, const struct pool *pool,
		const struct tarn_event *event, const struct partition *part,
		bool changes)
{
	const struct kind *kind = kind_find(event->type);

	memset(notice, 0, sizeof(*notice));
	notice->kind = kind;
	notice->partition = event->partition;
	if (make_texts(notice, pool, event, part)) {
		notice_exit(notice);
		return err_nomem();
	}
	notice->event = (struct history_event){
		.time_ns = event->time_ns,
		.uuid = pool->uuid,
		.mount = pool->mount,
		.event = kind->name,
		.state = state_of(kind, event, changes),
		.priority = kind->priority,
		.path = part ? part->path : NULL,
		.domain = notice->domain,
		.page = event->index,
		.value = event->value,
		.message = notice->message,
	};
	/* The end of trouble is none. */
	if (kind->condition && !kind_begins(event) &&
	    kind->priority < LOG_NOTICE)
		notice->event.priority = LOG_NOTICE;
	return 0;
}

void notice_exit(struct notice *notice)
{
	free(notice->path);
	free(notice->domain);
	free(notice->message);
	free(notice->mount);
	memset(notice, 0, sizeof(*notice));
}

bool notice_is_alert(const struct notice *notice)
{
	return notice->event.priority <= KIND_ALERT_PRIORITY ||
	       !strcmp(notice->event.state, "cleared");
}

/* ---- the journal -------------------------------------------------------- */

/**
 * struct entry - an entry of the journal that is made
 * @fields: "NAME=value", of memory of their own
 * @count: of them
 * @failed: memory ran out
 */
struct entry {
	struct iovec fields[FIELDS_MAX];
	int count;
	bool failed;
};

static void add(struct entry *entry, const char *fmt, ...) __printf(2, 3);
static void add(struct entry *entry, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0 || entry->count == FIELDS_MAX) {
		if (len >= 0)
			free(text);
		entry->failed = true;
		return;
	}
	entry->fields[entry->count].iov_base = text;
	entry->fields[entry->count++].iov_len = len;
}

static void add_fields(struct entry *entry, const struct notice *notice)
{
	const struct history_event *event = &notice->event;

	add(entry, "MESSAGE=%s", notice->message);
	if (notice->kind->message_id)
		add(entry, "MESSAGE_ID=%s", notice->kind->message_id);
	add(entry, "PRIORITY=%d", event->priority);
	add(entry, "SYSLOG_IDENTIFIER=tarn-logd");
	add(entry, "POOL=%s", notice->mount);
	add(entry, "POOL_UUID=%s", event->uuid);
	add(entry, "EVENT=%s", event->event);
	add(entry, "EVENT_TIME_NS=%llu", (unsigned long long)event->time_ns);
	if (*event->state)
		add(entry, "STATE=%s", event->state);
	if (notice->path)
		add(entry, "PARTITION=%s", notice->path);
	if (notice->domain)
		add(entry, "DOMAIN=%s", notice->domain);
	if (notice->partition != TARN_PARTITION_NONE) {
		add(entry, "PARTITION_ID=%u", notice->partition);
		add(entry, "PAGE=%llu", (unsigned long long)event->page);
	}
	add(entry, "VALUE=%lld", (long long)event->value);
}

void notice_journal(const struct notice *notice)
{
	struct entry entry = { .count = 0 };

	add_fields(&entry, notice);
	/* It returns 0 where nobody listens: stderr is where errors go anyway. */
	if (entry.failed || access("/run/systemd/journal/socket", W_OK) ||
	    sd_journal_sendv(entry.fields, entry.count) < 0)
		fprintf(stderr, "<%d>%s [%s%s%s]\n", notice->event.priority,
			notice->message, notice->event.event,
			*notice->event.state ? " " : "", notice->event.state);
	while (entry.count)
		free(entry.fields[--entry.count].iov_base);
}
