// SPDX-License-Identifier: GPL-2.0-only
/* See report.h. */
#include <stdio.h>
#include <stdlib.h>

#include "cost.h"
#include "home.h"
#include "json.h"
#include "report.h"
#include "size.h"
#include "text.h"

/**
 * struct reason - what enum decide_reason means
 * @name: in JSON
 * @text: for people
 */
static const struct reason {
	const char *name;
	const char *text;
} reasons[] = {
	[DECIDE_GOOD] = { "good", "no other place is better by enough" },
	[DECIDE_RESTS] = { "rests", "another place is better, but it was moved a short while ago" },
	[DECIDE_SIZE] = { "size", "it needs another number of frames there" },
	[DECIDE_NEW] = { "new", "it had no homes" },
	[DECIDE_ROOM] = { "room", "it does not fit on its homes any more" },
	[DECIDE_NEARER] = { "nearer", "it is used from there" },
	[DECIDE_LOAD] = { "load", "processors there have less to do" },
	[DECIDE_SWAP] = { "swap", "another one takes its place" },
	[DECIDE_FULL] = { "full", "all frames are promised to others" },
};

static void put_place(const struct balance *b, const struct decide_place *place)
{
	char size[SIZE_TEXT_MAX];
	const char *comma = "";
	size_t i;

	for (i = 0; i < b->host.nodes.nr; i++) {
		if (!(place->homes & 1ULL << i))
			continue;
		printf("%s%u", comma, b->host.nodes.node[i].nid);
		if (place->frames[i])
			printf("=%s", size_format_pages(size, place->frames[i],
							false));
		comma = ",";
	}
	if (!*comma)
		fputs("none", stdout);
}

void report_change(const struct balance *b, const struct verdict *v, size_t i)
{
	const struct decide_part *part = &v->d.parts[i];
	char size[SIZE_TEXT_MAX];

	printf("%s: homes ", b->subjects[v->subjects[i]].name);
	put_place(b, &part->then);
	fputs(", were ", stdout);
	put_place(b, &part->now);
	printf(": %s; %s to move\n", reasons[part->reason].text,
	       size_format_pages(size, part->moves, false));
	fflush(stdout);
}

/* ---- for people --------------------------------------------------------- */

static void put_node(const struct verdict *v, size_t node)
{
	const struct decide_node *n = &v->d.nodes[node];
	char frames[SIZE_TEXT_MAX], free[SIZE_TEXT_MAX];

	printf("  node %-3u %s, %s free, %.1f of %g processors busy, beside what moves with homes\n",
	       n->nid, size_format_pages(frames, n->frames, false),
	       size_format_pages(free, n->free, false), n->busy, n->cpus);
}

static void put_part(const struct balance *b, const struct verdict *v, size_t i)
{
	const struct decide_part *part = &v->d.parts[i];
	char size[SIZE_TEXT_MAX];

	printf("  %s: homes ", b->subjects[v->subjects[i]].name);
	put_place(b, &part->now);
	if (!part->automatic) {
		puts(", which are not computed");
		return;
	}
	if (decide_changes(part)) {
		fputs(" -> ", stdout);
		put_place(b, &part->then);
	}
	printf(": %s\n", reasons[part->reason].text);
	printf("    distance costs %.3f of a processor, then %.3f; %s to move, %.3f s\n",
	       part->cost, part->cost_then,
	       size_format_pages(size, part->moves, false), part->moving);
}

void report_pool(const struct balance *b, const struct verdict *v)
{
	char *mount = text_clean(v->pool->mount);
	size_t i;

	puts(mount ? mount : "?");
	free(mount);
	for (i = 0; i < v->d.nr_nodes; i++)
		put_node(v, i);
	for (i = 0; i < v->d.nr_parts; i++)
		put_part(b, v, i);
}

/* ---- JSON --------------------------------------------------------------- */

static json_t *json_place(const struct balance *b,
			  const struct decide_place *place)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < b->host.nodes.nr; i++) {
		if (place->homes & 1ULL << i)
			json_array_append_new(array, json_pack(
				"{s:I, s:I}",
				"node", (json_int_t)b->host.nodes.node[i].nid,
				"wanted_frames",
				(json_int_t)place->frames[i]));
	}
	return array;
}

static json_t *json_by_node(const struct balance *b, const double *of)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < b->host.nodes.nr; i++)
		json_array_append_new(array, json_real(of[i]));
	return array;
}

static json_t *json_part(const struct balance *b, const struct verdict *v,
			 size_t i)
{
	const struct decide_part *part = &v->d.parts[i];
	const struct subject *s = &b->subjects[v->subjects[i]];

	return json_pack("{s:o, s:o, s:I, s:b, s:b, s:s, s:o, s:o, s:f, s:f, s:I, s:f, s:f, s:o, s:o}",
			 "name", json_text(s->name),
			 "path", s->path ? json_text(s->path) : json_null(),
			 "id", (json_int_t)s->id,
			 "auto", part->automatic,
			 "changes", decide_changes(part),
			 "reason", reasons[part->reason].name,
			 "homes", json_place(b, &part->now),
			 "homes_then", json_place(b, &part->then),
			 "cost", part->cost,
			 "cost_then", part->cost_then,
			 "move_pages", (json_int_t)part->moves,
			 "move_seconds", part->moving,
			 "hot_pages", part->hot,
			 "load", json_by_node(b, part->ran),
			 "load_fixed", json_by_node(b, part->fixed));
}

static json_t *json_node(const struct verdict *v, size_t node)
{
	const struct decide_node *n = &v->d.nodes[node];
	uint64_t promised = 0;
	size_t i;

	for (i = 0; i < v->d.nr_parts; i++)
		promised += v->d.parts[i].then.frames[node];
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f}",
			 "node", (json_int_t)n->nid,
			 "frames", (json_int_t)n->frames,
			 "free_frames", (json_int_t)n->free,
			 "reserve_frames", (json_int_t)n->reserve,
			 "promised_frames", (json_int_t)promised,
			 "cpus", n->cpus, "busy", n->busy);
}

json_t *report_json(const struct balance *b, const struct verdict *v)
{
	json_t *nodes = json_array(), *parts = json_array();
	size_t i;

	for (i = 0; i < v->d.nr_nodes; i++)
		json_array_append_new(nodes, json_node(v, i));
	for (i = 0; i < v->d.nr_parts; i++)
		json_array_append_new(parts, json_part(b, v, i));
	return json_pack("{s:o, s:s, s:o, s:o}",
			 "mount", json_text(v->pool->mount),
			 "uuid", v->pool->uuid, "nodes", nodes,
			 "partitions", parts);
}
