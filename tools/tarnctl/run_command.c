// SPDX-License-Identifier: GPL-2.0-only
/* The command line of tarn-vmm for a guest. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "run.h"

static void push(struct run_words *words, char *word)
{
	char **items = reallocarray(words->items, words->count + 2,
				    sizeof(*items));

	if (items)
		words->items = items;
	if (!items || !word) {
		words->failed = true;
		free(word);
		return;
	}
	words->items[words->count++] = word;
	words->items[words->count] = NULL;
}

static void add(struct run_words *words, const char *fmt, ...) __printf(2, 3);

static void add(struct run_words *words, const char *fmt, ...)
{
	char *word = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&word, fmt, ap) < 0)
		word = NULL;
	va_end(ap);
	push(words, word);
}

/* A value in a list of keys: its commas are doubled. */
static char *escape(const char *text)
{
	char *out = malloc(2 * strlen(text) + 1), *p = out;

	for (; out && *text; text++) {
		if (*text == ',')
			*p++ = ',';
		*p++ = *text;
	}
	if (out)
		*p = '\0';
	return out;
}

static void add_memory(struct run_words *words, const struct run_plan *plan)
{
	unsigned long long size = plan->memory;
	char *path, *raw = NULL;

	add(words, "-m");
	add(words, "%lluk", size / 1024);
	if (!plan->dir)
		return;
	if (asprintf(&raw, "%s/%s", plan->dir, plan->run->name) < 0)
		raw = NULL;
	path = raw ? escape(raw) : NULL;
	free(raw);
	if (!path) {
		words->failed = true;
		return;
	}
	add(words, "-object");
	add(words, "memory-backend-file,id=ram0,size=%lluk,share=on,mem-path=%s",
	    size / 1024, path);
	add(words, "-machine");
	add(words, "pc,memory-backend=ram0");
	free(path);
}

static void add_disk(struct run_words *words, unsigned int index,
		     const struct run_disk *disk)
{
	char *path = escape(disk->path);

	if (!path) {
		words->failed = true;
		return;
	}
	add(words, "-blockdev");
	add(words, "%s,node-name=disk%u,%sfile.driver=file,file.filename=%s",
	    disk->kind == RUN_QCOW2 ? "qcow2" : "raw", index,
	    disk->read_only ? "read-only=on," : "discard=unmap,", path);
	add(words, "-device");
	/* Firmware starts the first. */
	add(words, "virtio-blk-pci,id=vd%u,drive=disk%u%s", index, index,
	    index ? "" : ",bootindex=1");
	free(path);
}

/* A descriptor; a dry run has none, and says N. */
static const char *fd_text(char number[16], int fd)
{
	if (fd == RUN_FD_DRY)
		return "N";
	snprintf(number, 16, "%d", fd);
	return number;
}

static void add_seed(struct run_words *words, int fd)
{
	char number[16];

	add(words, "-blockdev");
	add(words, "raw,node-name=seed,read-only=on,file.driver=file,file.filename=/dev/fd/%s",
	    fd_text(number, fd));
	add(words, "-device");
	add(words, "virtio-blk-pci,id=seed0,drive=seed");
}

static void add_net(struct run_words *words, unsigned int index,
		    const struct run_net *net, bool vhost)
{
	char *name = *net->tap ? escape(net->tap) : NULL, number[16];

	add(words, "-netdev");
	if (name)
		add(words, "tap,id=net%u,ifname=%s%s", index, name,
		    vhost ? ",vhost=on" : "");
	else if (*net->tap)
		words->failed = true;
	else
		add(words, "tap,id=net%u,fd=%s%s", index,
		    fd_text(number, net->fd), vhost ? ",vhost=on" : "");
	add(words, "-device");
	add(words, "virtio-net-pci,id=nic%u,netdev=net%u,mac=%s", index, index,
	    net->mac);
	free(name);
}

static void add_start(struct run_words *words, const struct run_plan *plan)
{
	const struct run *run = plan->run;

	if (plan->kernel) {
		add(words, "-kernel");
		add(words, "%s", plan->kernel);
		add(words, "-append");
		add(words, "%s", run->append ? run->append : "console=ttyS0");
	}
	if (run->initrd) {
		add(words, "-initrd");
		add(words, "%s", run->initrd);
	}
	if (run->firmware) {
		add(words, "-bios");
		add(words, "%s", run->firmware);
	}
}

static void add_console(struct run_words *words, const struct run *run)
{
	if (run->console || run->daemon) {
		add(words, "-serial");
		add(words, "%s", run->console ? run->console : "null");
	} else {
		add(words, "-chardev");
		add(words, "stdio,id=console,escape=on");
		add(words, "-device");
		add(words, "isa-serial,chardev=console");
	}
	add(words, "-display");
	add(words, "none");
	if (run->qmp) {
		char *path = escape(run->qmp);

		add(words, "-qmp");
		add(words, "unix:%s,server=on,wait=off", path ? path : "");
		words->failed |= !path;
		free(path);
	}
	if (run->daemon)
		add(words, "-daemonize");
}

int run_command_make(struct run_words *words, const struct run_plan *plan)
{
	const struct run *run = plan->run;
	char *name = escape(run->name);
	unsigned int i;
	char **word;

	memset(words, 0, sizeof(*words));
	add(words, "tarn-vmm");
	add(words, "-name");
	add(words, "guest=%s", name ? name : "");
	words->failed |= !name;
	free(name);
	add(words, "-cpu");
	add(words, "host");
	add(words, "-smp");
	add(words, "%u", plan->cpus);
	add_memory(words, plan);
	add_start(words, plan);
	for (i = 0; i < plan->nr_disks; i++)
		add_disk(words, i, &plan->disks[i]);
	if (plan->seed != -1)
		add_seed(words, plan->seed);
	for (i = 0; i < run->nets.count; i++)
		add_net(words, i, &plan->nets[i], plan->vhost);
	add(words, "-device");
	add(words, "virtio-balloon-pci,free-page-reporting=on");
	add(words, "-device");
	add(words, "virtio-rng-pci");
	add_console(words, run);
	for (word = run->vmm; word && *word; word++)
		add(words, "%s", *word);
	return words->failed ? err_nomem() : 0;
}

void run_words_free(struct run_words *words)
{
	size_t i;

	for (i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
	memset(words, 0, sizeof(*words));
}

/* Without these a word is itself to any shell. */
static bool is_plain(const char *word)
{
	return *word && strspn(word, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-_=+.,/:@%") == strlen(word);
}

static void print_word(const char *word)
{
	if (is_plain(word)) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	}
	putchar('\'');
}

/* An option a line. */
void run_words_print(const struct run_words *words)
{
	size_t i;

	for (i = 0; i < words->count; i++) {
		if (i)
			fputs(words->items[i][0] == '-' ? " \\\n  " : " ",
			      stdout);
		print_word(words->items[i]);
	}
	putchar('\n');
}
