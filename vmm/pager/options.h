/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line. Values of --device and --mirror are lists of KEY=VALUE
 * separated by commas; a comma in a path is written twice.
 */
#ifndef TARN_PAGER_OPTIONS_H
#define TARN_PAGER_OPTIONS_H

#include <linux/tarn_pager.h>

#include "types.h"

#define OPTIONS_MAX_DEVICES TARN_GRANT_MAX_DEVICES
#define OPTIONS_MAX_CPUS 64
#define OPTIONS_ERROR 256

/** What options_parse() returns beside 0 and -errno. */
#define OPTIONS_HELP 1
#define OPTIONS_VERSION 2

/**
 * struct device_option - one --device or --mirror
 * @paths: of its legs
 * @nr_paths: 1, or 2 for a mirror
 * @priority: devices of a higher one are filled first
 * @size: bytes to use, 0: all there are
 * @discard: tell the device which slots are free
 * @degraded: start with a leg of a mirror that may lack pages
 */
struct device_option {
	char *paths[2];
	unsigned int nr_paths;
	int priority;
	u64 size;
	bool discard;
	bool degraded;
};

/**
 * struct options - the command line
 * @pool: mount point
 * @devices: in the order given
 * @nr_devices: how many
 * @queues: 0: one per CPU, at most four
 * @depth: requests in flight per queue
 * @cpus: the threads of the queues run on these, in turn
 * @nr_cpus: 0: anywhere
 * @user: to run as, "user" or "user:group", or NULL
 * @control: path of the control socket
 * @wait: seconds to wait for a device or a pool that is busy
 * @force: use devices whatever is on them
 * @grant: let the module read block devices by itself
 * @mlock: keep the pager's own memory in RAM
 * @seccomp: confine system calls
 * @debug: say more
 */
struct options {
	char *pool;
	struct device_option devices[OPTIONS_MAX_DEVICES];
	unsigned int nr_devices;
	unsigned int queues;
	unsigned int depth;
	unsigned int cpus[OPTIONS_MAX_CPUS];
	unsigned int nr_cpus;
	char *user;
	char *control;
	unsigned int wait;
	bool force;
	bool grant;
	bool mlock;
	bool seccomp;
	bool debug;
};

int options_parse(struct options *opts, int argc, char **argv, char *error);
void options_free(struct options *opts);
const char *options_help(void);
int options_parse_size(const char *text, u64 *size);

#endif
