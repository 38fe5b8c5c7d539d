// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pager show: a pager, its devices and its queues. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "error.h"
#include "field.h"
#include "json.h"
#include "pager.h"
#include "size.h"
#include "table.h"
#include "text.h"

static const struct table_column device_columns[] = {
	{ .title = "DEVICE" },
	{ .title = "PRIO", .rank = 3 },
	{ .title = "SIZE" },
	{ .title = "USED" },
	{ .title = "BAD", .rank = 2 },
	{ .title = "STATE", .left = true, .whole = true },
	{ .title = "READ-ERR" },
	{ .title = "WRITE-ERR" },
	{ .title = "MISMATCH", .rank = 1 },
	{ .title = "PATH", .left = true },
};

static const struct table_column queue_columns[] = {
	{ .title = "QUEUE" },
	{ .title = "LOADS" },
	{ .title = "STORES" },
	{ .title = "DROPS" },
	{ .title = "LOAD-ERR" },
	{ .title = "STORE-ERR" },
	{ .title = "IN-FLIGHT" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* State of a leg, and what holds for its whole device. */
static void add_state(struct table *table, const json_t *device,
		      const json_t *leg)
{
	table_cell(table, "%s%s%s%s", client_text(leg, "state"),
		   client_flag(device, "granted") ? ",granted" : "",
		   client_flag(device, "draining") ? ",draining" : "",
		   client_flag(device, "no_space") ? ",no-space" : "");
}

/* A line a leg; the second one of a mirror repeats nothing of its device. */
static void add_leg(struct table *table, const json_t *device,
		    const json_t *leg, bool first, bool bytes)
{
	char size[SIZE_TEXT_MAX];
	char *path = text_clean(client_text(leg, "path"));

	if (first) {
		table_number(table, client_number(device, "device"));
		table_number(table, client_number(device, "priority"));
		table_cell(table, "%s",
			   size_format_pages(size, client_number(device,
								 "slots"),
					     bytes));
		table_cell(table, "%s",
			   size_format_pages(size, client_number(device,
								 "used"),
					     bytes));
		table_number(table, client_number(device, "bad"));
	} else {
		int i;

		for (i = 0; i < 5; i++)
			table_cell(table, "%s", i ? "" : "+");
	}
	add_state(table, device, leg);
	table_number(table, client_number(leg, "read_errors"));
	table_number(table, client_number(leg, "write_errors"));
	table_number(table, client_number(leg, "mismatches"));
	table_cell(table, "%s", path ? path : "?");
	free(path);
}

/* How far the re-silvering of a mirror is or was, and what its legs gave each other. */
static void print_mirror(const json_t *device, bool bytes)
{
	char passed[SIZE_TEXT_MAX], slots[SIZE_TEXT_MAX];
	long long repaired = 0;
	json_t *leg;
	size_t i;

	json_array_foreach(json_object_get(device, "legs"), i, leg)
		repaired += client_number(leg, "repaired");
	printf("mirror %lld: %s of %s re-silvered, %lld pages lost, %lld repaired\n",
	       client_number(device, "device"),
	       size_format_pages(passed, client_number(device, "resilvered"), bytes),
	       size_format_pages(slots, client_number(device, "slots"), bytes),
	       client_number(device, "lost"), repaired);
}

static void print_mirrors(const json_t *devices, bool bytes)
{
	json_t *device;
	size_t i;

	json_array_foreach(devices, i, device) {
		if (json_array_size(json_object_get(device, "legs")) > 1)
			print_mirror(device, bytes);
	}
}

static int print_devices(const json_t *devices, bool bytes)
{
	struct table *table = table_create(device_columns, COUNT(device_columns), NULL);
	json_t *device, *leg;
	size_t i, j;
	int ret;

	if (!table)
		return err_nomem();
	json_array_foreach(devices, i, device) {
		json_array_foreach(json_object_get(device, "legs"), j, leg)
			add_leg(table, device, leg, !j, bytes);
	}
	putchar('\n');
	ret = table_print(table, stdout);
	table_destroy(table);
	if (ret)
		return ret;
	print_mirrors(devices, bytes);
	return 0;
}

static int print_queues(const json_t *queues)
{
	static const char *const keys[] = {
		"queue", "loads", "stores", "drops", "load_errors",
		"store_errors", "in_flight",
	};
	struct table *table = table_create(queue_columns, COUNT(queue_columns), NULL);
	json_t *queue;
	size_t i, j;
	int ret;

	if (!table)
		return err_nomem();
	json_array_foreach(queues, i, queue) {
		for (j = 0; j < COUNT(keys); j++)
			table_cell(table, "%lld",
				   client_number(queue, keys[j]));
	}
	putchar('\n');
	ret = table_print(table, stdout);
	table_destroy(table);
	return ret ? err_nomem() : 0;
}

static int print_text(const json_t *status, const json_t *devices, bool bytes)
{
	char *pool = text_clean(client_text(status, "pool"));
	char used[SIZE_TEXT_MAX], capacity[SIZE_TEXT_MAX];
	int ret;

	printf("%s\n", pool ? pool : "?");
	free(pool);
	printf("  " FIELD_LABEL " %s\n", "uuid", client_text(status, "uuid"));
	printf("  " FIELD_LABEL " %lld\n", "pid", client_number(status, "pid"));
	printf("  " FIELD_LABEL " %s%s\n", "state",
	       client_flag(status, "full") ? "full" : "serving",
	       client_flag(status, "degraded") ? ", degraded" : "");
	printf("  " FIELD_LABEL " %s of %s\n", "paging space used",
	       size_format_pages(used, client_number(status, "used_pages"),
				 bytes),
	       size_format_pages(capacity,
				 client_number(status, "capacity_pages"),
				 bytes));
	ret = print_devices(devices, bytes);
	return ret ? ret : print_queues(json_object_get(status, "queues"));
}

static int print_json(json_t *status, json_t *devices)
{
	json_object_del(status, "ok");
	if (json_object_set(status, "devices", devices))
		return err_nomem();
	return json_print(json_incref(status), JSON_INDENT(2));
}

int pager_show_main(int argc, char **argv, const struct options *opts)
{
	json_t *status = NULL, *answer = NULL, *devices;
	int sock, ret;

	sock = pager_open(argv[0], opts);
	if (sock < 0)
		return sock;
	ret = client_call(sock, json_pack("{s:s}", "cmd", "status"), -1,
			  &status);
	if (ret)
		goto out_close;
	ret = client_call(sock, json_pack("{s:s}", "cmd", "devices"), -1,
			  &answer);
	if (ret)
		goto out_status;
	devices = json_object_get(answer, "devices");
	ret = opts->json ? print_json(status, devices) :
			   print_text(status, devices, opts->bytes);
	json_decref(answer);
out_status:
	json_decref(status);
out_close:
	close(sock);
	return ret;
}
