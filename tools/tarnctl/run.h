/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Starting a guest of tarn-vmm by one line: what was asked for (run_option.c), what
 * an image is (run_image.c), its network (run_net.c), the data for cloud-init
 * (run_seed.c) and the command line of the VMM that comes of it (run_command.c). run.c puts them together.
 */
#ifndef TARNCTL_RUN_H
#define TARNCTL_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "option.h"

/** enum run_kind - what a file to start is. */
enum run_kind {
	RUN_KERNEL,
	RUN_RAW,
	RUN_QCOW2,
};

/**
 * struct run_disk - a disk of the guest
 * @path: the image or block device
 * @kind: RUN_RAW or RUN_QCOW2
 * @read_only: it is not written
 */
struct run_disk {
	char *path;
	enum run_kind kind;
	bool read_only;
};

/**
 * struct run - a guest as it was asked for
 * @image: the file to start: a kernel or a disk
 * @name: of the guest, and of its file in the pool
 * @memory: its size, as it was written
 * @cpus: their number, likewise
 * @pool: NULL for the only one, "none" for memory that is in none
 * @disks: further ones, as they were written
 * @nets: names of taps and bridges
 * @kernel: one to start in place of what is on the disk
 * @firmware: a file of it
 * @console: how its console is reached, as in -serial of tarn-vmm
 * @qmp: path of a socket for a monitor
 * @user_data: file for cloud-init
 * @ssh_keys: files with public keys, likewise
 * @daemon: in the background
 * @dry_run: print the command line only
 * @vmm: what is passed to tarn-vmm as it is, NULL at its end
 */
struct run {
	const char *image;
	const char *name;
	const char *memory;
	const char *cpus;
	const char *pool;
	struct option_list disks;
	struct option_list nets;
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *firmware;
	const char *console;
	const char *qmp;
	const char *user_data;
	struct option_list ssh_keys;
	bool daemon;
	bool dry_run;
	bool help;
	char **vmm;
};

/**
 * run_options_parse() - Take a command line apart.
 * Return: 0, or -EINVAL, reported.
 */
int run_options_parse(struct run *run, int argc, char **argv);
void run_options_help(void);

/**
 * run_image_kind() - Find out what a file is, by its content.
 * @kind: result
 *
 * An image is taken for qcow2 only if its name says so, too: a guest writes what it
 * likes to a raw disk, and a header of qcow2 names files of the host.
 *
 * Return: 0 or an errno, reported.
 */
int run_image_kind(const char *path, enum run_kind *kind);

/**
 * run_disk_parse() - Read "PATH[,ro][,format=raw|qcow2]".
 * @disk: result, to be freed by run_disk_free() whatever is returned
 */
int run_disk_parse(struct run_disk *disk, const char *text);
void run_disk_free(struct run_disk *disk);

/** In place of a descriptor that a dry run has none of. */
#define RUN_FD_DRY (-2)

/**
 * struct run_net - a network card
 * @tap: the interface that it is on; empty: @fd is open on one
 * @mac: its address
 */
struct run_net {
	char tap[16];
	int fd;
	char mac[18];
};

/**
 * run_net_open() - Find the tap of "NAME[,mac=MAC]", or add one to the bridge of that name.
 * @guest: name of the guest, from which the card's address follows, with the id of the
 *	host and @index
 * @dry: look only; @fd is RUN_FD_DRY
 */
int run_net_open(struct run_net *net, const char *text, const char *guest,
		 unsigned int index, bool dry);
void run_net_close(struct run_net *net);

/**
 * run_seed_make() - Make the disk on which cloud-init looks for its data (NoCloud).
 * Return: a descriptor of it, in a dry run RUN_FD_DRY, or an errno, reported.
 */
int run_seed_make(const struct run *run);

/**
 * struct run_plan - all that the command line of the VMM is made of
 * @run: what was asked for
 * @memory: bytes
 * @cpus: their number
 * @dir: of the pool, NULL for none
 * @kernel: to be loaded, NULL where firmware starts what is on the first disk
 * @disks: the first one first
 * @nets: as many as were asked for
 * @vhost: the kernel serves them
 * @seed: descriptor of the disk for cloud-init, -1 for none, or RUN_FD_DRY
 */
struct run_plan {
	const struct run *run;
	uint64_t memory;
	unsigned int cpus;
	const char *dir;
	const char *kernel;
	const struct run_disk *disks;
	unsigned int nr_disks;
	const struct run_net *nets;
	bool vhost;
	int seed;
};

/** struct run_words - a command line, NULL at its end. */
struct run_words {
	char **items;
	size_t count;
	bool failed;
};

/**
 * run_command_make() - Make the command line.
 * @words: result, to be freed by run_words_free() whatever is returned
 * Return: 0 or -ENOMEM.
 */
int run_command_make(struct run_words *words, const struct run_plan *plan);
void run_words_free(struct run_words *words);

/** run_words_print() - Write it to stdout so that a shell can read it. */
void run_words_print(const struct run_words *words);

#endif
