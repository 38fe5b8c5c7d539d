// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pool show */
#include <stdlib.h>

#include "commands.h"
#include "error.h"
#include "field.h"
#include "home.h"
#include "json.h"
#include "latency.h"
#include "pool.h"
#include "pool_node.h"
#include "size.h"
#include "text.h"

static void print_nodes(const struct pool *pool, bool bytes)
{
	uint64_t frames, free_frames;
	unsigned int node;

	for (node = 0; node <= NODE_MAX; node++) {
		char total[SIZE_TEXT_MAX], left[SIZE_TEXT_MAX], label[32];

		if (pool_node_read(pool, node, &frames, &free_frames))
			continue;
		snprintf(label, sizeof(label), "NUMA node %u", node);
		printf("  " FIELD_LABEL " %s, %s free\n", label,
		       size_format_pages(total, frames, bytes),
		       size_format_pages(left, free_frames, bytes));
	}
}

static json_t *json_nodes(const struct pool *pool)
{
	json_t *array = json_array();
	uint64_t frames, free_frames;
	unsigned int node;

	for (node = 0; node <= NODE_MAX; node++) {
		if (pool_node_read(pool, node, &frames, &free_frames))
			continue;
		json_array_append_new(array, json_pack(
			"{s:i, s:I, s:I}", "node", (int)node,
			"frames", (json_int_t)frames,
			"free_frames", (json_int_t)free_frames));
	}
	return array;
}

static int print_json(const struct pool *pool)
{
	json_t *object = json_pool(pool);

	if (object && json_object_set_new(object, "nodes", json_nodes(pool))) {
		json_decref(object);
		object = NULL;
	}
	return json_print(object, JSON_INDENT(2));
}

static int print_text(const struct pool *pool, bool bytes)
{
	char *mount = text_clean(pool->mount);

	if (!mount)
		return err_nomem();
	printf("%s\n", mount);
	free(mount);
	printf("  " FIELD_LABEL " %s\n", "uuid", pool->uuid);
	printf("  " FIELD_LABEL " %s\n", "paging", pool_state(&pool->info));
	field_print_all(pool_fields, &pool->info, bytes);
	print_nodes(pool, bytes);
	latency_summary(stdout, pool->info.latency);
	return 0;
}

int pool_show_main(int argc, char **argv, const struct options *opts)
{
	struct pool pool;
	int ret;

	ret = pool_get(&pool, argv[0]);
	if (ret)
		return ret;
	ret = opts->json ? print_json(&pool) : print_text(&pool, opts->bytes);
	pool_put(&pool);
	return ret;
}
