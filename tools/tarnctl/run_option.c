// SPDX-License-Identifier: GPL-2.0-only
/*
 * Options of 'tarnctl run': a table of their own, as none of them is another
 * subcommand's, and as what follows "--" is the VMM's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "run.h"
#include "suggest.h"

enum run_option_kind {
	KIND_FLAG,
	KIND_TEXT,
	KIND_LIST,
};

struct run_option {
	char letter;
	const char *name;
	const char *arg;
	enum run_option_kind kind;
	size_t offset;
	const char *help;
};

#define DEST(field) offsetof(struct run, field)

static const struct run_option run_options[] = {
	{ 0, "name", "NAME", KIND_TEXT, DEST(name),
	  "name of the guest, and of its file in the pool" },
	{ 'm', "memory", "SIZE", KIND_TEXT, DEST(memory),
	  "memory of the guest (default 1G)" },
	{ 'c', "cpus", "N", KIND_TEXT, DEST(cpus), "its CPUs (default 2)" },
	{ 'p', "pool", "POOL", KIND_TEXT, DEST(pool),
	  "the pool of its memory; none: not in a pool" },
	{ 0, "disk", "FILE[,ro]", KIND_LIST, DEST(disks),
	  "a further disk, ,format=raw or qcow2; repeat" },
	{ 0, "net", "BRIDGE|TAP[,mac=MAC]", KIND_LIST, DEST(nets),
	  "a network card on this bridge or tap; repeat" },
	{ 'k', "kernel", "FILE", KIND_TEXT, DEST(kernel),
	  "start this kernel, not what is on the disk" },
	{ 0, "initrd", "FILE", KIND_TEXT, DEST(initrd),
	  "the kernel's initial RAM disk" },
	{ 'a', "append", "TEXT", KIND_TEXT, DEST(append),
	  "the kernel's command line (default console=ttyS0)" },
	{ 0, "firmware", "FILE", KIND_TEXT, DEST(firmware),
	  "firmware to start a disk with (default SeaBIOS)" },
	{ 0, "user-data", "FILE", KIND_TEXT, DEST(user_data),
	  "what cloud-init in the guest is to do" },
	{ 0, "ssh-key", "FILE", KIND_LIST, DEST(ssh_keys),
	  "a public key for its user, by cloud-init; repeat" },
	{ 0, "console", "WHERE", KIND_TEXT, DEST(console),
	  "serial console: stdio, pty, file:PATH, none, ..." },
	{ 0, "qmp", "PATH", KIND_TEXT, DEST(qmp),
	  "a monitor on this socket" },
	{ 'd', "daemon", NULL, KIND_FLAG, DEST(daemon),
	  "return when it runs; no console unless one is named" },
	{ 'n', "dry-run", NULL, KIND_FLAG, DEST(dry_run),
	  "print the command line of tarn-vmm, start nothing" },
	{ 'h', "help", NULL, KIND_FLAG, DEST(help), "show this help" },
};

#define NR_OPTIONS (sizeof(run_options) / sizeof(run_options[0]))

static const struct run_option *find_long(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < NR_OPTIONS; i++) {
		if (strlen(run_options[i].name) == len &&
		    !strncmp(run_options[i].name, name, len))
			return &run_options[i];
	}
	return NULL;
}

static const struct run_option *find_letter(char letter)
{
	size_t i;

	for (i = 0; i < NR_OPTIONS; i++) {
		if (run_options[i].letter == letter)
			return &run_options[i];
	}
	return NULL;
}

static int unknown_option(const char *word, size_t len)
{
	struct suggest s;
	const char *near;
	char name[64];
	size_t i;

	snprintf(name, sizeof(name), "%.*s", (int)len, word);
	suggest_begin(&s, name);
	for (i = 0; i < NR_OPTIONS; i++)
		suggest_offer(&s, run_options[i].name);
	near = suggest_end(&s);
	if (near)
		err("tarnctl run: unknown option '--%s', did you mean '--%s'?",
		    name, near);
	else
		err("tarnctl run: unknown option '--%s', 'tarnctl run --help' lists all; those of tarn-vmm stand behind --",
		    name);
	return -EINVAL;
}

static int set(struct run *run, const struct run_option *option,
	       const char *val)
{
	void *dest = (char *)run + option->offset;
	struct option_list *list = dest;

	switch (option->kind) {
	case KIND_FLAG:
		*(bool *)dest = true;
		return 0;
	case KIND_TEXT:
		*(const char **)dest = val;
		return 0;
	case KIND_LIST:
		if (list->count < OPTION_LIST_MAX) {
			list->items[list->count++] = val;
			return 0;
		}
		err("tarnctl run: give --%s at most %d times", option->name,
		    OPTION_LIST_MAX);
		break;
	}
	return -EINVAL;
}

/*
 * @rest is what follows the option in its word, NULL for nothing. Returns the number
 * of words taken.
 */
static int take(struct run *run, const struct run_option *option,
		const char *rest, const char *next)
{
	const char *val = rest ? rest : next;

	if (option->kind == KIND_FLAG) {
		if (!rest)
			return set(run, option, NULL) ? -EINVAL : 1;
		err("tarnctl run: --%s takes no value", option->name);
		return -EINVAL;
	}
	if (!val) {
		err("tarnctl run: --%s wants a value: --%s %s", option->name,
		    option->name, option->arg);
		return -EINVAL;
	}
	if (set(run, option, val))
		return -EINVAL;
	return rest ? 1 : 2;
}

static int take_long(struct run *run, const char *word, const char *next)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct run_option *option = find_long(word, len);

	if (!option)
		return unknown_option(word, len);
	return take(run, option, equals ? equals + 1 : NULL, next);
}

static int take_letters(struct run *run, const char *word, const char *next)
{
	for (; *word; word++) {
		const struct run_option *option = find_letter(*word);

		if (!option) {
			err("tarnctl run: unknown option '-%c', 'tarnctl run --help' lists all",
			    *word);
			return -EINVAL;
		}
		if (option->kind != KIND_FLAG)
			return take(run, option, word[1] ? word + 1 : NULL,
				    next);
		set(run, option, NULL);
	}
	return 1;
}

static int take_image(struct run *run, const char *word)
{
	if (!run->image) {
		run->image = word;
		return 1;
	}
	err("tarnctl run: '%s' is too much: one file is started, --disk FILE adds others",
	    word);
	return -EINVAL;
}

int run_options_parse(struct run *run, int argc, char **argv)
{
	int i = 0, ret;

	memset(run, 0, sizeof(*run));
	while (i < argc) {
		const char *word = argv[i];
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(word, "--")) {
			i++;
			break;
		}
		if (word[0] != '-' || !word[1])
			ret = take_image(run, word);
		else if (word[1] == '-')
			ret = take_long(run, word + 2, next);
		else
			ret = take_letters(run, word + 1, next);
		if (ret < 0)
			return ret;
		i += ret;
	}
	run->vmm = argv + i;
	if (run->image || run->help)
		return 0;
	err("tarnctl run: what is to be started is missing: tarnctl run IMAGE|KERNEL");
	return -EINVAL;
}

void run_options_help(void)
{
	size_t i;

	fputs("Usage: tarnctl run [OPTION]... IMAGE|KERNEL [-- OPTION-OF-TARN-VMM...]\n"
	      "\n"
	      "Starts a guest of tarn-vmm whose memory is in a pool, with a console here.\n"
	      "\n"
	      "IMAGE is a disk that boots by itself, raw or qcow2 (named .qcow2), such as the\n"
	      "cloud images of distributions are; KERNEL is a Linux kernel. The name is that of\n"
	      "the file, unless one is given. Without --memory the guest has 1G; a size has a\n"
	      "suffix: 512M, 4G.\n"
	      "\nOptions:\n", stdout);
	for (i = 0; i < NR_OPTIONS; i++) {
		const struct run_option *option = &run_options[i];
		char left[64];

		snprintf(left, sizeof(left), "%c%c%c --%s%s%s",
			 option->letter ? '-' : ' ',
			 option->letter ? option->letter : ' ',
			 option->letter ? ',' : ' ', option->name,
			 option->arg ? " " : "", option->arg ? option->arg : "");
		printf("  %-22s %s\n", left, option->help);
	}
}
