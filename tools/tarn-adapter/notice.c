// SPDX-License-Identifier: GPL-2.0-only
/* Events: a line for the journal, an object for who follows them. The last ones are kept. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "manager.h"

static json_t *make(struct manager *m, const struct vf *vf, const char *kind, json_t *more,
		    const char *text)
{
	json_t *event = more ? more : json_object();
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	json_object_set_new(event, "type", json_string("event"));
	json_object_set_new(event, "adapter", json_string(m->adapter.pf.name));
	json_object_set_new(event, "seq", json_integer(m->event_seq));
	json_object_set_new(event, "time", json_real(ts.tv_sec + ts.tv_nsec / 1e9));
	json_object_set_new(event, "event", json_string(kind));
	json_object_set_new(event, "text", json_string(text));
	if (!vf)
		return event;
	json_object_set_new(event, "bdf", json_string(vf->fn.name));
	if (vf->group)
		json_object_set_new(event, "group", json_string(vf->group->name));
	if (vf->peer)
		json_object_set_new(event, "guest", json_string(vf->peer->guest));
	return event;
}

void notice(struct manager *m, const struct vf *vf, const char *kind, json_t *more,
	    const char *fmt, ...)
{
	char text[400];
	struct peer *peer;
	json_t *event;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	printf("%s: %s: %s\n", vf ? vf->fn.name : m->adapter.pf.name, kind, text);
	fflush(stdout);
	event = make(m, vf, kind, more, text);
	if (!event)
		return;
	json_decref(m->events[m->event_seq % EVENTS_MAX]);
	m->events[m->event_seq++ % EVENTS_MAX] = event;
	LIST_FOREACH(peer, &m->peers, link) {
		if (peer->follows)
			peer_send(peer, json_incref(event), -1);
	}
}
