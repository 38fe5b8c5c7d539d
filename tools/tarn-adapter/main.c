// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarn-adapter: divides an adapter that virtualizes itself (SR-IOV) among guests, by groups
 * of its resources, and knows who has which of its virtual functions.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "json.h"
#include "manager.h"
#include "table.h"

#ifndef TARN_VERSION
#define TARN_VERSION "unknown"
#endif

/**
 * struct arguments - of the command line
 * @bdf: of the physical function
 * @config: its file, or NULL
 * @socket: where to listen, or NULL
 * @dry: print the plan, and end
 * @json: as JSON
 */
struct arguments {
	struct bdf bdf;
	const char *config;
	const char *socket;
	bool dry;
	bool json;
};

static void usage(void)
{
	puts("Usage: tarn-adapter [OPTION]... ADAPTER\n"
	     "\n"
	     "Divide an adapter with virtual functions (SR-IOV) among guests. ADAPTER is the\n"
	     "address of its physical function, as in 0000:02:00.0.\n"
	     "\n"
	     "  -c, --config FILE  what is for whom (default /etc/tarn/adapters.d/ADAPTER.conf)\n"
	     "  -s, --socket PATH  where guests connect (default /run/tarn/adapter/ADAPTER.sock)\n"
	     "  -n, --dry-run      print what groups would get, change nothing, and end\n"
	     "  -j, --json         print that as JSON\n"
	     "  -h, --help         show this help\n"
	     "      --version      print the version");
}

static int take_address(int argc, char **argv, struct arguments *args)
{
	if (optind >= argc) {
		err("which adapter? Give the address of its physical function, see --help");
		return EXIT_USAGE;
	}
	if (optind + 1 < argc) {
		err("'%s' is too much, see --help", argv[optind + 1]);
		return EXIT_USAGE;
	}
	if (bdf_parse(argv[optind], &args->bdf)) {
		err("'%s' is no address of a PCI function, as in 0000:02:00.0", argv[optind]);
		return EXIT_USAGE;
	}
	if (args->json && !args->dry) {
		err("--json goes with --dry-run");
		return EXIT_USAGE;
	}
	return -1;
}

/* Return: what to end with, and -1 to go on. */
static int parse(int argc, char **argv, struct arguments *args)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "c:s:njh", options, NULL)) != -1) {
		switch (letter) {
		case 'c':
			args->config = optarg;
			break;
		case 's':
			args->socket = optarg;
			break;
		case 'n':
			args->dry = true;
			break;
		case 'j':
			args->json = true;
			break;
		case 'h':
			usage();
			return err_finish(EXIT_SUCCESS);
		case 'V':
			puts("tarn-adapter " TARN_VERSION);
			return err_finish(EXIT_SUCCESS);
		default:
			return EXIT_USAGE;
		}
	}
	return take_address(argc, argv, args);
}

/* ---- a dry run ---------------------------------------------------------------------------- */

static int print_table(const struct plan_group *groups, size_t count)
{
	static const struct table_column columns[] = {
		{ .title = "GROUP", .left = true },
		{ .title = "SHARE", .left = true, .whole = true },
		{ .title = "QUEUES" },
		{ .title = "INTERRUPTS" },
	};
	struct table *table = table_create(columns, 4, NULL);
	size_t i;
	int ret;

	if (!table)
		return err_nomem();
	for (i = 0; i < count; i++) {
		table_cell(table, "%s", groups[i].name);
		table_cell(table, "%s", group_share_name(groups[i].share));
		table_cell(table, "%u", groups[i].gets.of[RESOURCE_QUEUES]);
		table_cell(table, "%u", groups[i].gets.of[RESOURCE_INTERRUPTS]);
	}
	ret = table_print(table, stdout);
	table_destroy(table);
	return ret;
}

static int print_json(const struct plan_group *groups, size_t count)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(array, json_pack("{s:s, s:s, s:I, s:I}",
			"group", groups[i].name, "share", group_share_name(groups[i].share),
			"queues", (json_int_t)groups[i].gets.of[RESOURCE_QUEUES],
			"interrupts", (json_int_t)groups[i].gets.of[RESOURCE_INTERRUPTS]));
	return json_print(array, JSON_INDENT(2));
}

static unsigned int wanted_vfs(const struct manager *m)
{
	return m->file.vfs ? m->file.vfs : m->file.count;
}

static int dry_run(struct manager *m, const struct arguments *args)
{
	struct plan_group *groups = calloc(m->file.count, sizeof(*groups));
	struct plan_adapter adapter;
	char why[PLAN_WHY_MAX] = "";
	enum resource r;
	int ret;

	if (!groups)
		return err_nomem();
	/* As if it had just begun: what the physical function is to keep is all that it has. */
	for_each_resource(r)
		m->adapter.primary.of[r].primary = m->file.keep.of[r];
	manager_plan(m, &m->file, groups, why);
	adapter_describe(&m->adapter, &m->file.spare, &adapter);
	adapter.vfs = wanted_vfs(m);
	ret = plan(&adapter, groups, m->file.count, why);
	if (ret)
		err("%s: %s", m->path, why);
	else
		ret = args->json ? print_json(groups, m->file.count) :
				   print_table(groups, m->file.count);
	free(groups);
	return ret;
}

/* ---- running ------------------------------------------------------------------------------- */

static int check_count(const struct manager *m)
{
	long most = adapter_most_vfs(&m->adapter);

	if (wanted_vfs(m) <= most)
		return 0;
	err("%s: %u virtual functions are wanted, and %s can have %ld", m->path, wanted_vfs(m),
	    m->adapter.pf.name, most);
	return -EINVAL;
}

/* What is wrong in the file is not tried again: EXIT_USAGE. */
static int run(struct manager *m, const struct arguments *args)
{
	char socket[64];
	int ret;

	if (group_file_read(&m->file, m->path))
		return EXIT_USAGE;
	ret = adapter_open(&m->adapter, &pci_roots, &args->bdf);
	if (ret)
		return EXIT_FAILURE;
	if (check_count(m))
		return EXIT_USAGE;
	if (args->dry)
		return err_finish(dry_run(m, args));
	if (adapter_prepare(&m->adapter, wanted_vfs(m), &m->file.keep))
		return EXIT_FAILURE;
	snprintf(socket, sizeof(socket), WIRE_DIR "/%s" WIRE_SUFFIX, m->adapter.pf.name);
	return err_status(serve(m, args->socket ? args->socket : socket));
}

int main(int argc, char **argv)
{
	static struct manager m = { .adapter.nvme = -1 };
	struct arguments args = { 0 };
	char name[BDF_TEXT_MAX];
	int ret;

	err_program("tarn-adapter");
	ret = parse(argc, argv, &args);
	if (ret >= 0)
		return ret;
	if (args.config)
		snprintf(m.path, sizeof(m.path), "%s", args.config);
	else
		snprintf(m.path, sizeof(m.path), GROUP_DIR "/%s.conf",
			 bdf_format(name, &args.bdf));
	LIST_INIT(&m.peers);
	ret = run(&m, &args);
	manager_free(&m);
	return ret;
}
