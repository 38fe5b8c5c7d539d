// SPDX-License-Identifier: GPL-2.0-only
/* Adjuncts, and who has served them for how long: x-query-adjunct. Tarn's own. */
#include "adjunct/adjunct.h"
#include "qmp/commands.h"
#include "qmp/internal.h"

static json_t *disk_info(const struct adjunct_disk *disk)
{
	return json_pack("{sIsisisbsbsbsb}", "size", (json_int_t)disk->size, "block",
			 disk->block, "queues", disk->nr_queues, "cache", disk->cache,
			 "discard", disk->discard, "write-zeroes", disk->zeroes, "unmap",
			 disk->unmap);
}

static json_t *stats_info(const struct adjunct *adj)
{
	struct adjunct_stats st;

	adjunct_get_stats(adj, &st);
	return json_pack("{sIsIsIsIsIsIsIsI}", "donated", (json_int_t)st.donated,
			 "service", (json_int_t)st.service, "requests",
			 (json_int_t)st.requests, "donated-ns", (json_int_t)st.donated_ns,
			 "service-ns", (json_int_t)st.service_ns, "errors",
			 (json_int_t)st.errors, "stray", (json_int_t)st.stray, "restarts",
			 (json_int_t)st.restarts);
}

static const char *status(const struct adjunct *adj)
{
	if (adjunct_has_failed(adj))
		return "failed";
	return adjunct_is_up(adj) ? "up" : "down";
}

static void add_adjunct(struct adjunct *adj, void *arg)
{
	const struct adjunct_disk *disk = adjunct_disk(adj);
	json_t *info;

	info = json_pack("{sososssssIsbso}", "node-name", qmp_text(adjunct_node(adj)),
			 "device", qmp_text(adjunct_device(adj)), "status", status(adj),
			 "dispatch", adjunct_is_donated(adj) ? "donated" : "thread",
			 "pinned", (json_int_t)adjunct_pinned(adj), "donated-memory",
			 adjunct_has_donated_memory(adj), "stats", stats_info(adj));
	if (disk)
		json_object_set_new(info, "disk", disk_info(disk));
	json_array_append_new(arg, info);
}

static void query_adjunct(struct vm *vm, struct qmp_call *call, json_t *args)
{
	json_t *list = json_array();

	adjunct_for_each(add_adjunct, list);
	qmp_reply(call, list);
}

static const struct qmp_command commands[] = {
	{.name = "x-query-adjunct", .run = query_adjunct},
	{0},
};

const struct qmp_table qmp_adjunct_table = {.commands = commands};
