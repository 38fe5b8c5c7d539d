// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line: one table of options, in QEMU's syntax. Whatever is not in
 * the table, and whatever key an option does not know, is an error that names
 * it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advice.h"
#include "config.h"
#include "error.h"
#include "lib/json.h"
#include "lib/opts.h"
#include "lib/words.h"

#define DEFAULT_MEM MIB(128)

/**
 * struct option - one command line option.
 * @name: without its dash
 * @arg: how --help shows its argument; NULL when it has none
 * @implied: key of a leading bare value, for @fn and @list
 * @fn: takes the parsed argument
 * @keys: what it takes, with blanks between, checked before @fn runs
 * @list: offset of the config_list that collects it
 * @str: offset of the const char * that gets the argument as it is
 * @flag: offset of the bool that it sets
 */
struct option {
	const char *name;
	const char *arg;
	const char *help;
	const char *implied;
	int (*fn)(struct vm_config *cfg, struct opts *opts);
	const char *keys;
	size_t list;
	size_t str;
	size_t flag;
};

static int get_uint(struct opts *opts, const char *key, u64 max,
		    unsigned int *val)
{
	u64 v = *val;
	int ret = opts_get_uint(opts, key, max, &v);

	*val = v;
	return ret;
}

static int set_name(struct vm_config *cfg, struct opts *opts)
{
	/* Threads are always named. */
	opts_ignore(opts, "debug-threads");
	return opts_get_str(opts, "guest", &cfg->name);
}

static int want_enum(struct opts *opts, const char *key, const char *what)
{
	const char *const names[] = {what, NULL};
	int val;

	return opts_get_enum(opts, key, names, &val);
}

/* KVM first or at least among those that are fine. */
static int want_kvm(struct opts *opts)
{
	const char *accel = "kvm";
	int ret = opts_get_str(opts, "accel", &accel);
	size_t len;

	for (; !ret && *accel; accel += len + !!accel[len]) {
		len = strcspn(accel, ":");
		if (len == 3 && !strncmp(accel, "kvm", len))
			return 0;
	}
	return ret ?: opts_fail(opts, "the accelerator can only be kvm");
}

static int want_off(struct opts *opts, const char *key)
{
	bool val = false;
	int ret = opts_get_bool(opts, key, &val);

	if (!ret && val) {
		err("%s=on is not supported", key);
		ret = -EINVAL;
	}
	return ret;
}

/* A word that others know, and that is none of the few here. */
static int want_word(struct opts *opts, enum advice_kind kind,
		     const char *const *words)
{
	const char *word = NULL, *advice;
	int ret = opts_get_str(opts, "type", &word);

	if (ret || !word)
		return ret;
	for (; *words; words++)
		if (!strcmp(*words, word))
			return 0;
	advice = advice_find(kind, word);
	return advice ? opts_fail(opts, "'%s': %s", word, advice) : 0;
}

static int set_machine(struct vm_config *cfg, struct opts *opts)
{
	static const char *const tarn[] = {"auto", "on", "off", NULL};
	static const char *const dispatch[] = {"off", "soft", "strict", NULL};
	static const char *const types[] = {"pc", "none", NULL};
	int type = cfg->no_machine, ret;

	if ((ret = want_word(opts, ADVICE_MACHINE, types)) ||
	    (ret = opts_get_enum(opts, "type", types, &type)) ||
	    (ret = want_kvm(opts)) ||
	    (ret = opts_get_str(opts, "memory-backend",
				&cfg->memory_backend)) ||
	    (ret = opts_get_bool(opts, "dump-guest-core",
				 &cfg->dump_guest_core)) ||
	    (ret = opts_get_bool(opts, "mem-merge", &cfg->mem_merge)) ||
	    (ret = opts_get_enum(opts, "tarn", tarn, &cfg->tarn)) ||
	    (ret = opts_get_enum(opts, "dispatch", dispatch,
				 &cfg->dispatch)) ||
	    (ret = want_off(opts, "usb")) || (ret = want_off(opts, "vmport")) ||
	    (ret = want_off(opts, "graphics")) ||
	    (ret = want_off(opts, "hpet")))
		return ret;
	cfg->no_machine = type;
	return 0;
}

static int set_accel(struct vm_config *cfg, struct opts *opts)
{
	return want_kvm(opts);
}

/* A feature of the processor: NAME=on|off, or as one word -NAME. */
static int feature_hidden(struct opts *opts, const char *name,
			  const char *minus_name, bool *hidden)
{
	bool on = true, minus = false;
	int ret = opts_get_bool(opts, name, &on);

	if (!ret)
		ret = opts_get_bool(opts, minus_name, &minus);
	*hidden = !on || minus;
	return ret;
}

static int set_cpu(struct vm_config *cfg, struct opts *opts)
{
	static const char *const types[] = {"host", NULL};
	bool tarn = true;
	int ret = want_word(opts, ADVICE_CPU, types);

	ret = ret ? ret : opts_get_bool(opts, "tarn", &tarn);

	cfg->tarn_hidden = !tarn;
	if (ret ||
	    (ret = feature_hidden(opts, "vmx", "-vmx", &cfg->vmx_hidden)) ||
	    (ret = feature_hidden(opts, "svm", "-svm", &cfg->svm_hidden)))
		return ret;
	return want_enum(opts, "type", "host");
}

static int set_mem(struct vm_config *cfg, struct opts *opts)
{
	const char *text = NULL;
	u64 size;
	int ret = opts_need_str(opts, "size", &text);

	if (ret)
		return ret;
	if (opts_parse_size(text, MIB(1), &size) || !size ||
	    !IS_ALIGNED(size, 4096)) {
		err("bad memory size '%s'", text);
		return -EINVAL;
	}
	cfg->mem_size = size;
	return 0;
}

/* What is not given follows from the rest; cores are preferred to sockets. */
static int smp_complete(struct vm_config *cfg)
{
	unsigned int rest;

	cfg->dies = cfg->dies ?: 1;
	rest = (cfg->sockets ?: 1) * cfg->dies * (cfg->threads ?: 1);
	if (!cfg->max_cpus)
		cfg->max_cpus = cfg->cpus ?: rest * (cfg->cores ?: 1);
	cfg->cpus = cfg->cpus ?: cfg->max_cpus;
	if (!cfg->cores)
		cfg->cores = cfg->max_cpus / rest;
	rest = cfg->dies * cfg->cores * (cfg->threads ?: 1);
	if (!cfg->sockets)
		cfg->sockets = rest ? cfg->max_cpus / rest : 0;
	rest = cfg->dies * cfg->cores * cfg->sockets;
	if (!cfg->threads)
		cfg->threads = rest ? cfg->max_cpus / rest : 0;

	if (cfg->sockets * cfg->dies * cfg->cores * cfg->threads !=
	    cfg->max_cpus) {
		err("-smp: %u sockets x %u dies x %u cores x %u threads are not %u CPUs",
		    cfg->sockets, cfg->dies, cfg->cores, cfg->threads,
		    cfg->max_cpus);
		return -EINVAL;
	}
	if (cfg->cpus > cfg->max_cpus || cfg->max_cpus > CONFIG_MAX_CPUS) {
		err("-smp: %u CPUs are more than %u", cfg->cpus,
		    min_t(unsigned int, cfg->max_cpus, CONFIG_MAX_CPUS));
		return -EINVAL;
	}
	return 0;
}

static int set_smp(struct vm_config *cfg, struct opts *opts)
{
	unsigned int *const fields[] = {&cfg->cpus,    &cfg->max_cpus,
					&cfg->sockets, &cfg->dies,
					&cfg->cores,   &cfg->threads};
	static const char *const keys[] = {"cpus", "maxcpus", "sockets",
					   "dies", "cores",   "threads"};
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		*fields[i] = 0;
		ret = get_uint(opts, keys[i], CONFIG_MAX_CPUS, fields[i]);
		if (ret)
			return ret;
		if (opts_has(opts, keys[i]) && !*fields[i]) {
			err("-smp: %s must not be 0", keys[i]);
			return -EINVAL;
		}
	}
	return 0;
}

static int numa_cpus(struct config_node *node, const char *text)
{
	unsigned int first, last;
	int n = 0;

	if (sscanf(text, "%u-%u%n", &first, &last, &n) != 2 || text[n]) {
		n = 0;
		if (sscanf(text, "%u%n", &first, &n) != 1 || text[n])
			return -EINVAL;
		last = first;
	}
	if (first > last || last >= CONFIG_MAX_CPUS)
		return -EINVAL;
	for (; first <= last; first++)
		node->cpu[first] = true;
	return 0;
}

static int numa_node(struct vm_config *cfg, struct opts *opts)
{
	unsigned int id = cfg->nr_nodes;
	const char *cpus = NULL;
	struct config_node *node;
	int ret = get_uint(opts, "nodeid", CONFIG_MAX_NODES - 1, &id);

	if (ret)
		return ret;
	if (id >= CONFIG_MAX_NODES || cfg->node[id].present) {
		err("-numa: bad or duplicate node %u", id);
		return -EINVAL;
	}
	node = &cfg->node[id];
	if ((ret = opts_get_str(opts, "memdev", &node->memdev)) ||
	    (ret = opts_get_size(opts, "mem", &node->mem)) ||
	    (ret = opts_get_str(opts, "cpus", &cpus)))
		return ret;
	if (cpus && numa_cpus(node, cpus)) {
		err("-numa: bad cpus '%s'", cpus);
		return -EINVAL;
	}
	if (node->memdev && node->mem) {
		err("-numa: mem and memdev exclude each other");
		return -EINVAL;
	}
	node->present = true;
	cfg->nr_nodes = max_t(unsigned int, cfg->nr_nodes, id + 1);
	return 0;
}

static int numa_dist(struct vm_config *cfg, struct opts *opts)
{
	unsigned int src = CONFIG_MAX_NODES, dst = CONFIG_MAX_NODES, val = 0;
	int ret;

	if ((ret = get_uint(opts, "src", CONFIG_MAX_NODES - 1, &src)) ||
	    (ret = get_uint(opts, "dst", CONFIG_MAX_NODES - 1, &dst)) ||
	    (ret = get_uint(opts, "val", 255, &val)))
		return ret;
	if (src == CONFIG_MAX_NODES || dst == CONFIG_MAX_NODES || val < 10 ||
	    (src == dst) != (val == 10)) {
		err("-numa dist: needs src, dst and val, which is 10 for a node itself and more for others");
		return -EINVAL;
	}
	cfg->node[src].dist[dst] = val;
	/* One direction stands for both until the other is given. */
	if (!cfg->node[dst].dist[src])
		cfg->node[dst].dist[src] = val;
	return 0;
}

static int set_numa(struct vm_config *cfg, struct opts *opts)
{
	static const char *const types[] = {"node", "dist", NULL};
	int type = -1, ret = opts_get_enum(opts, "type", types, &type);

	if (ret)
		return ret;
	if (type < 0) {
		err("-numa: needs 'node' or 'dist'");
		return -EINVAL;
	}
	return type ? numa_dist(cfg, opts) : numa_node(cfg, opts);
}

static int set_rtc(struct vm_config *cfg, struct opts *opts)
{
	static const char *const bases[] = {"utc", "localtime", NULL};
	int base = 0, ret = opts_get_enum(opts, "base", bases, &base);

	cfg->rtc_localtime = base;
	opts_ignore(opts, "driftfix"); /* KVM's PIT does it */
	return ret ?: want_enum(opts, "clock", "host");
}

static int set_uuid(struct vm_config *cfg, struct opts *opts)
{
	unsigned int digits = 0;
	const char *text, *p;
	int ret = opts_need_str(opts, "uuid", &text);

	if (ret)
		return ret;
	for (p = text; *p; p++) {
		char digit[2] = {*p, 0};
		char *end;
		u8 val = strtoul(digit, &end, 16);

		if (*p == '-')
			continue;
		if (*end || digits == 32)
			goto err_bad;
		cfg->uuid[digits / 2] |= val << (digits % 2 ? 0 : 4);
		digits++;
	}
	if (digits == 32)
		return 0;
err_bad:
	err("bad -uuid '%s'", text);
	return -EINVAL;
}

static int set_display(struct vm_config *cfg, struct opts *opts)
{
	return want_enum(opts, "type", "none");
}

static int set_audiodev(struct vm_config *cfg, struct opts *opts)
{
	opts_ignore(opts, "id");
	return want_enum(opts, "driver", "none");
}

static int set_boot(struct vm_config *cfg, struct opts *opts)
{
	/* The kernel is given, so there is nothing to order. */
	opts_ignore(opts, "order");
	opts_ignore(opts, "strict");
	return want_off(opts, "menu");
}

static int set_overcommit(struct vm_config *cfg, struct opts *opts)
{
	int ret = want_off(opts, "mem-lock");

	return ret ?: want_off(opts, "cpu-pm");
}

/* Properties of what is always there, of which each has one value. */
static int set_global(struct vm_config *cfg, struct opts *opts)
{
	int ret;

	/* KVM's timer catches up on ticks that the guest missed. */
	if ((ret = want_enum(opts, "kvm-pit.lost_tick_policy", "delay")) ||
	    (ret = want_enum(opts, "PIIX4_PM.disable_s3", "1")))
		return ret;
	return want_enum(opts, "PIIX4_PM.disable_s4", "1");
}

static int set_msg(struct vm_config *cfg, struct opts *opts)
{
	opts_ignore(opts, "timestamp");
	opts_ignore(opts, "guest-name");
	return 0;
}

static int set_sandbox(struct vm_config *cfg, struct opts *opts)
{
	opts_ignore(opts, "obsolete");
	opts_ignore(opts, "elevateprivileges");
	opts_ignore(opts, "spawn");
	opts_ignore(opts, "resourcecontrol");
	return opts_get_bool(opts, "enable", &cfg->sandbox);
}

static int set_serial(struct vm_config *cfg, const char *text)
{
	if (cfg->nr_serial == CONFIG_MAX_SERIAL) {
		err("there are %d serial ports", CONFIG_MAX_SERIAL);
		return -EINVAL;
	}
	cfg->serial[cfg->nr_serial++] = text;
	return 0;
}

static int set_qmp(struct vm_config *cfg, const char *text)
{
	if (cfg->nr_qmp == CONFIG_MAX_QMP) {
		err("there are at most %d -qmp", CONFIG_MAX_QMP);
		return -EINVAL;
	}
	cfg->qmp[cfg->nr_qmp++] = text;
	return 0;
}

#define NONE ((size_t)-1)
#define OFF(field) offsetof(struct vm_config, field)
#define FN(n, a, i, f, k, h)                                                   \
	{                                                                      \
		n, a, h, i, f, k, NONE, NONE, NONE                             \
	}
#define LIST(n, a, i, field, h)                                                \
	{                                                                      \
		n, a, h, i, NULL, "", OFF(field), NONE, NONE                       \
	}
#define STR(n, a, field, h)                                                    \
	{                                                                      \
		n, a, h, NULL, NULL, "", NONE, OFF(field), NONE                    \
	}
#define FLAG(n, field, h)                                                      \
	{                                                                      \
		n, NULL, h, NULL, NULL, "", NONE, NONE, OFF(field)                 \
	}
#define PLAIN(n, a, h)                                                         \
	{                                                                      \
		n, a, h, NULL, NULL, "", NONE, NONE, NONE                          \
	}

#define MACHINE_KEYS                                                           \
	"type accel memory-backend dump-guest-core mem-merge tarn dispatch "   \
	"usb vmport graphics hpet"

static const struct option options[] = {
	FN("name", "[guest=]NAME", "guest", set_name,
	   "guest debug-threads", "name of the guest"),
	FN("machine", "pc|none[,memory-backend=ID][,tarn=][,dispatch=]", "type",
	   set_machine,
	   MACHINE_KEYS, "the machine; none only answers questions"),
	FN("M", "pc", "type", set_machine,
	   MACHINE_KEYS, "same as -machine"),
	FN("accel", "kvm", "accel", set_accel,
	   "accel", "the accelerator"),
	PLAIN("enable-kvm", NULL, "same as -accel kvm"),
	FN("cpu", "host[,tarn=off][,vmx=off][,svm=off]", "type", set_cpu,
	   "type tarn vmx -vmx svm -svm", "the CPU model"),
	FN("m", "[size=]SIZE", "size", set_mem,
	   "size", "size of the memory, in MiB or with k, M, G or T; 128"),
	FN("smp", "N[,sockets=,cores=,threads=]", "cpus", set_smp,
	   "cpus maxcpus sockets dies cores threads", "CPUs"),
	FN("numa", "node|dist,...", "type", set_numa,
	   "type nodeid memdev mem cpus src dst val", "a NUMA node"),
	LIST("object", "TYPE,id=ID,...", "qom-type", objects,
	     "memory-backend-*, iothread, rng-random, rng-builtin, secret"),
	STR("kernel", "FILE", kernel, "a bzImage or an ELF kernel with PVH"),
	STR("initrd", "FILE", initrd, "initial RAM disk"),
	STR("append", "TEXT", append, "the kernel's command line"),
	STR("bios", "FILE", bios,
	    "firmware that starts a disk where no kernel is given"),
	LIST("blockdev", "DRIVER,node-name=ID,...", "driver", blockdevs,
	     "a block backend"),
	LIST("netdev", "tap,id=ID,...", "type", netdevs, "a network backend"),
	LIST("chardev", "TYPE,id=ID,...", "backend", chardevs,
	     "a character device"),
	LIST("device", "TYPE,...", "driver", devices, "a device"),
	LIST("mon", "chardev=ID,mode=control", "chardev", monitors,
	     "a QMP monitor"),
	LIST("add-fd", "fd=N,set=ID", NULL, fds,
	     "an open file that options reach as /dev/fdset/ID"),
	PLAIN("qmp", "CHARDEV", "a QMP monitor: unix:PATH,server=on, stdio, ..."),
	PLAIN("serial", "CHARDEV", "a serial port: stdio, pty, file:PATH, ..."),
	FN("display", "none", "type", set_display,
	   "type", "there is no display"),
	FN("vga", "none", "type", set_display,
	   "type", "there is no display"),
	FN("audiodev", "none,id=ID", "driver", set_audiodev,
	   "driver id",
	   "there is no sound"),
	FLAG("nographic", nographic, "no display, first serial port on stdio"),
	PLAIN("no-acpi", NULL, "refused: the machine has ACPI"),
	PLAIN("no-hpet", NULL, "no HPET (there is none)"),
	PLAIN("nodefaults", NULL, "no default devices (there are none)"),
	PLAIN("no-user-config", NULL, "no configuration files (none are read)"),
	FN("boot", "strict=on", "order", set_boot,
	   "order strict menu", "accepted"),
	FN("overcommit", "mem-lock=off", NULL, set_overcommit,
	   "mem-lock cpu-pm", "accepted"),
	FN("rtc", "base=utc|localtime", NULL, set_rtc,
	   "base clock driftfix", "the clock"),
	FN("uuid", "UUID", "uuid", set_uuid,
	   "uuid", "the machine's UUID"),
	FN("global", "kvm-pit.lost_tick_policy=delay", NULL, set_global,
	   "kvm-pit PIIX4_PM", "accepted"),
	FN("msg", "timestamp=on", NULL, set_msg,
	   "timestamp guest-name", "accepted"),
	FN("sandbox", "on|off", "enable", set_sandbox,
	   "enable obsolete elevateprivileges spawn resourcecontrol",
	   "system call filter, on by default"),
	STR("incoming", "defer|fd:N|file:PATH", incoming,
	    "restore a saved guest instead of booting"),
	FLAG("S", start_paused, "do not start the CPUs"),
	FLAG("no-reboot", no_reboot, "end instead of rebooting"),
	FLAG("no-shutdown", no_shutdown, "stay when the guest powers off"),
	FLAG("daemonize", daemonize, "go to the background when started"),
	STR("pidfile", "FILE", pidfile, "write the process id there"),
	PLAIN("help", NULL, "show this"),
	PLAIN("h", NULL, "show this"),
	PLAIN("version", NULL, "show the version"),
};

static void help(void)
{
	unsigned int i;
	char left[80];

	printf("usage: tarn-vmm [-kernel FILE] [OPTION]...\n\n");
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		snprintf(left, sizeof(left), "-%s %s", options[i].name,
			 options[i].arg ?: "");
		printf("  %-38s %s\n", left, options[i].help);
	}
}

/* Messages about @opts, which report themselves, begin with @name. */
static int parse_tree(const char *name, const char *text, const char *implied,
		      struct opts **opts)
{
	int ret;

	if (*text != '{')
		return opts_parse(opts, name, text, implied);
	ret = json_to_opts(opts, text);
	if (!ret)
		opts_set_name(*opts, name);
	return ret;
}

static int check_key(const char *key, struct opts *opts, void *arg)
{
	const struct option *option = arg;

	if (words_have(option->keys, key))
		return 0;
	return opts_fail(opts, "parameter '%s' is not known", key);
}

static int run_option(struct vm_config *cfg, const struct option *option,
		      struct opts *opts)
{
	int ret = opts_for_each(opts, check_key, (void *)option);

	if (!ret)
		ret = option->fn(cfg, opts);
	return ret ? ret : opts_check_used(opts);
}

static int take_opts(struct vm_config *cfg, const struct option *option,
		     const char *name, const char *text)
{
	struct config_list *list =
		option->fn ? &cfg->parsed : (void *)((u8 *)cfg + option->list);
	struct config_item *item = calloc(1, sizeof(*item));
	int ret;

	if (!item)
		return -ENOMEM;
	item->text = text;
	STAILQ_INSERT_TAIL(list, item, link);
	ret = parse_tree(name, text, option->implied, &item->opts);
	if (!ret && option->fn)
		ret = run_option(cfg, option, item->opts);
	return ret;
}

static int take_plain(struct vm_config *cfg, const struct option *option,
		      const char *text)
{
	if (!strcmp(option->name, "serial"))
		return set_serial(cfg, text);
	if (!strcmp(option->name, "qmp"))
		return set_qmp(cfg, text);
	if (!strcmp(option->name, "version")) {
		printf("tarn-vmm %s\n", TARN_VERSION);
		return 1;
	}
	if (!strcmp(option->name, "no-acpi")) {
		err("there is no machine without ACPI: leave -no-acpi out (for libvirt: <features><acpi/></features>)");
		return -EINVAL;
	}
	if (*option->name == 'h') {
		help();
		return 1;
	}
	return 0;
}

static int take(struct vm_config *cfg, const struct option *option,
		const char *name, const char *text)
{
	if (option->str != NONE)
		*(const char **)((u8 *)cfg + option->str) = text;
	else if (option->flag != NONE)
		*(bool *)((u8 *)cfg + option->flag) = true;
	else if (option->fn || option->list != NONE)
		return take_opts(cfg, option, name, text);
	else
		return take_plain(cfg, option, text);
	return 0;
}

static const struct option *find(const char *arg)
{
	unsigned int i;

	if (*arg++ != '-')
		return NULL;
	if (*arg == '-')
		arg++;
	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (!strcmp(options[i].name, arg))
			return &options[i];
	return NULL;
}

bool config_option_info(unsigned int index, struct config_option_info *info)
{
	if (index >= ARRAY_SIZE(options))
		return false;
	info->name = options[index].name;
	info->keys = options[index].keys;
	return true;
}

static void config_init(struct vm_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	STAILQ_INIT(&cfg->objects);
	STAILQ_INIT(&cfg->chardevs);
	STAILQ_INIT(&cfg->blockdevs);
	STAILQ_INIT(&cfg->netdevs);
	STAILQ_INIT(&cfg->devices);
	STAILQ_INIT(&cfg->monitors);
	STAILQ_INIT(&cfg->fds);
	STAILQ_INIT(&cfg->parsed);
	cfg->mem_size = DEFAULT_MEM;
	cfg->dispatch = CONFIG_DISPATCH_SOFT;
	cfg->sandbox = true;
	cfg->dump_guest_core = true;
}

static void unknown_option(const char *arg)
{
	const char *name = arg + strspn(arg, "-");
	const char *advice = advice_find(ADVICE_OPTION, name);

	if (advice)
		err("no option '%s': %s", arg, advice);
	else
		err("unknown option '%s', -help lists all", arg);
}

int config_parse(struct vm_config *cfg, int argc, char **argv)
{
	int i, ret;

	config_init(cfg);
	for (i = 1; i < argc; i++) {
		const struct option *option = find(argv[i]);
		const char *name = argv[i], *text = NULL;

		if (!option) {
			unknown_option(argv[i]);
			return -EINVAL;
		}
		if (option->arg) {
			text = argv[++i];
			if (!text) {
				err("option '%s' needs an argument: %s",
				    argv[i - 1], option->arg);
				return -EINVAL;
			}
		}
		ret = take(cfg, option, name, text);
		if (ret)
			return ret;
	}
	if (cfg->nographic && !cfg->nr_serial)
		set_serial(cfg, "stdio");
	return smp_complete(cfg);
}

static void list_free(struct config_list *list)
{
	struct config_item *item;

	while ((item = STAILQ_FIRST(list))) {
		STAILQ_REMOVE_HEAD(list, link);
		opts_destroy(item->opts);
		free(item);
	}
}

void config_exit(struct vm_config *cfg)
{
	list_free(&cfg->objects);
	list_free(&cfg->chardevs);
	list_free(&cfg->blockdevs);
	list_free(&cfg->netdevs);
	list_free(&cfg->devices);
	list_free(&cfg->monitors);
	list_free(&cfg->fds);
	list_free(&cfg->parsed);
}

int config_for_each(struct config_list *list, const char *what,
		    int (*fn)(void *arg, struct opts *opts), void *arg)
{
	struct config_item *item;
	int ret;

	STAILQ_FOREACH(item, list, link)
	{
		ret = fn(arg, item->opts);
		if (!ret)
			ret = opts_check_used(item->opts);
		if (ret) {
			info("-%s %s failed", what, item->text);
			return ret;
		}
	}
	return 0;
}
