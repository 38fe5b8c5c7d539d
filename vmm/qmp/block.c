// SPDX-License-Identifier: GPL-2.0-only
/* Block nodes and the disks on them: what there is, statistics, add and remove. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/block.h"
#include "lib/json.h"
#include "lib/opts.h"
#include "qmp/block.h"
#include "qmp/commands.h"
#include "qmp/internal.h"
#include "qmp/qom.h"
#include "vm.h"

static json_t *integer(u64 val)
{
	return json_integer(val);
}

/* The file at the bottom of the chain. */
static const char *filename(const struct block *blk)
{
	while (blk->child)
		blk = blk->child;
	return blk->filename ? blk->filename : "";
}

static json_t *image_info(const struct block *blk)
{
	const char *name = filename(blk);
	u64 actual = blk->size;
	struct stat st;

	if (!stat(name, &st) && S_ISREG(st.st_mode))
		actual = st.st_blocks * 512ULL;
	return json_pack("{sosssososb}", "filename", qmp_text(name), "format",
			 blk->ops->name, "virtual-size", integer(blk->size),
			 "actual-size", integer(actual), "dirty-flag", 0);
}

static json_t *node_info(const struct block *blk)
{
	static const char *const limits[] = {"iops", "iops_rd", "iops_wr",
					     "bps", "bps_rd", "bps_wr",
					     "write_threshold"};
	json_t *info;
	size_t i;

	info = json_pack("{sosssosbsbss}", "node-name",
			 qmp_text(blk->node_name ? blk->node_name : ""), "drv",
			 blk->ops->name, "file", qmp_text(filename(blk)), "ro",
			 blk->read_only, "encrypted", 0, "detect_zeroes",
			 "off");
	/* None of them can be set. */
	for (i = 0; i < ARRAY_SIZE(limits); i++)
		json_object_set_new(info, limits[i], json_integer(0));
	json_object_set_new(info, "cache",
			    json_pack("{sbsbsb}", "no-flush", blk->no_flush,
				      "direct", blk->direct, "writeback", 1));
	json_object_set_new(info, "image", image_info(blk));
	return info;
}

static json_t *qdev(const struct block *blk)
{
	char path[256];

	snprintf(path, sizeof(path), QOM_PERIPHERAL "/%.150s/virtio-backend",
		 blk->device);
	return qmp_text(path);
}

static const char *io_status(const struct block *blk)
{
	int error = READ_ONCE(blk->error);

	if (!error)
		return "ok";
	return block_no_space(error) ? "nospace" : "failed";
}

/* Events */

static const char *const operation_names[] = {"read", "write", NULL};

/* In the order of enum block_action. */
static const char *const action_names[] = {"report", "ignore", "stop", NULL};

static void on_error(const struct block *blk, const struct block_error *error)
{
	qmp_event("BLOCK_IO_ERROR",
		  json_pack("{sososssssbss}", "device",
			    qmp_text(blk->device ? blk->device : ""),
			    "node-name",
			    qmp_text(blk->node_name ? blk->node_name : ""),
			    "operation", operation_names[error->write],
			    "action", action_names[error->action], "nospace",
			    block_no_space(error->error), "reason",
			    strerror(error->error)));
}

void qmp_block_listen(void)
{
	block_set_listener(on_error);
}

/* Visitors */

static void add_node(struct block *blk, void *arg)
{
	if (blk->node_name)
		json_array_append_new(arg, node_info(blk));
}

static void add_disk(struct block *blk, void *arg)
{
	if (!blk->device)
		return;
	json_array_append_new(
		arg, json_pack("{sssssbsbsssoso}", "device", "", "io-status",
			       io_status(blk), "locked", 0, "removable", 0, "type",
			       "unknown", "qdev", qdev(blk), "inserted",
			       node_info(blk)));
}

static json_t *stats(const struct block *blk)
{
	const struct block_stats *st = &blk->stats;
	static const struct {
		const char *name;
		enum block_op op;
	} kinds[] = {{"rd", BLOCK_READ}, {"wr", BLOCK_WRITE},
		     {"flush", BLOCK_FLUSH}, {"unmap", BLOCK_DISCARD}};
	json_t *info = json_object();
	char key[40];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		enum block_op op = kinds[i].op;

		snprintf(key, sizeof(key), "%s_operations", kinds[i].name);
		json_object_set_new(info, key, integer(READ_ONCE(st->ops[op])));
		snprintf(key, sizeof(key), "%s_total_time_ns", kinds[i].name);
		json_object_set_new(info, key, integer(READ_ONCE(st->ns[op])));
		snprintf(key, sizeof(key), "failed_%s_operations",
			 kinds[i].name);
		json_object_set_new(info, key,
				    integer(READ_ONCE(st->failed[op])));
		if (op == BLOCK_FLUSH)
			continue;
		snprintf(key, sizeof(key), "%s_bytes", kinds[i].name);
		json_object_set_new(info, key,
				    integer(READ_ONCE(st->bytes[op])));
	}
	json_object_set_new(info, "wr_highest_offset",
			    integer(READ_ONCE(st->highest)));
	return info;
}

static void add_node_stats(struct block *blk, void *arg)
{
	if (blk->node_name)
		json_array_append_new(
			arg, json_pack("{soso}", "node-name",
				       qmp_text(blk->node_name), "stats",
				       stats(blk)));
}

static void add_disk_stats(struct block *blk, void *arg)
{
	if (blk->device)
		json_array_append_new(
			arg, json_pack("{sssososo}", "device", "", "qdev",
				       qdev(blk), "node-name",
				       qmp_text(blk->node_name ?
						blk->node_name : ""), "stats",
				       stats(blk)));
}

/* Commands */

static void reply_each(struct qmp_call *call,
		       void (*fn)(struct block *blk, void *arg))
{
	json_t *list = json_array();

	block_for_each(fn, list);
	qmp_reply(call, list);
}

static void query_block(struct vm *vm, struct qmp_call *call, json_t *args)
{
	reply_each(call, add_disk);
}

static void query_nodes(struct vm *vm, struct qmp_call *call, json_t *args)
{
	reply_each(call, add_node);
}

static void query_blockstats(struct vm *vm, struct qmp_call *call, json_t *args)
{
	bool nodes = json_is_true(json_object_get(args, "query-nodes"));

	reply_each(call, nodes ? add_node_stats : add_disk_stats);
}

/* There are no jobs: nothing copies or commits images in the background. */
static void query_jobs(struct vm *vm, struct qmp_call *call, json_t *args)
{
	qmp_reply(call, json_array());
}

static void blockdev_add(struct vm *vm, struct qmp_call *call, json_t *args)
{
	struct opts *opts;
	int ret = json_value_to_opts(&opts, "blockdev-add", args);

	if (!ret)
		ret = blockdev_create(opts);
	opts_destroy(opts);
	if (ret)
		qmp_fail(call, ret);
	else
		qmp_reply(call, NULL);
}

static void blockdev_del(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const char *name = json_string_value(json_object_get(args,
							     "node-name"));
	int ret = blockdev_delete(name);

	if (ret == -EBUSY)
		qmp_error(call, QMP_GENERIC, "Node '%.100s' is in use", name);
	else if (ret)
		qmp_error(call, QMP_GENERIC, "Failed to find node '%.100s'",
			  name);
	else
		qmp_reply(call, NULL);
}

static const char *const aio_names[] = {"threads", "native", "io_uring", NULL};

static const struct qmp_command commands[] = {
	{.name = "query-block", .run = query_block},
	{
		.name = "query-named-block-nodes",
		.run = query_nodes,
		.args = (const struct qmp_member[]){
			{"flat", QMP_BOOL, QMP_OPTIONAL, NULL},
			{0},
		},
	},
	{
		.name = "query-blockstats",
		.run = query_blockstats,
		.args = (const struct qmp_member[]){
			{"query-nodes", QMP_BOOL, QMP_OPTIONAL, NULL},
			{0},
		},
	},
	{.name = "query-jobs", .run = query_jobs},
	{.name = "query-block-jobs", .run = query_jobs},
	{
		.name = "blockdev-add",
		.run = blockdev_add,
		.args = (const struct qmp_member[]){
			{"driver", QMP_STR, false, NULL},
			{"node-name", QMP_STR, false, NULL},
			{"aio", QMP_STR, QMP_OPTIONAL, aio_names},
			{0},
		},
		.open = true,
	},
	{
		.name = "blockdev-del",
		.run = blockdev_del,
		.args = (const struct qmp_member[]){
			{"node-name", QMP_STR, false, NULL},
			{0},
		},
	},
	{0},
};

static const struct qmp_event_type events[] = {
	{
		.name = "BLOCK_IO_ERROR",
		.data = (const struct qmp_member[]){
			{"device", QMP_STR, false, NULL},
			{"node-name", QMP_STR, QMP_OPTIONAL, NULL},
			{"operation", QMP_STR, false, operation_names},
			{"action", QMP_STR, false, action_names},
			{"nospace", QMP_BOOL, QMP_OPTIONAL, NULL},
			{"reason", QMP_STR, false, NULL},
			{0},
		},
	},
	{0},
};

const struct qmp_table qmp_block_table = {
	.commands = commands,
	.events = events,
};
