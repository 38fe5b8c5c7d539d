/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options of the command line. All that exist stand in one table; a subcommand
 * names those that it takes by a mask, which makes its help as well.
 */
#ifndef TARNCTL_OPTION_H
#define TARNCTL_OPTION_H

#include <stdbool.h>
#include <stdio.h>

#define OPTION_JSON	(1U << 0)
#define OPTION_BYTES	(1U << 1)
#define OPTION_COUNT	(1U << 2)
#define OPTION_DELAY	(1U << 3)
#define OPTION_PLAIN	(1U << 4)
#define OPTION_SORT	(1U << 5)
#define OPTION_RUNS	(1U << 6)
#define OPTION_POOL	(1U << 7)
#define OPTION_SOCKET	(1U << 8)
#define OPTION_PRIORITY	(1U << 9)
#define OPTION_SIZE	(1U << 10)
#define OPTION_DISCARD	(1U << 11)
#define OPTION_DEVICE	(1U << 12)
#define OPTION_REPLACE	(1U << 13)
#define OPTION_OFF	(1U << 14)
#define OPTION_SVG	(1U << 15)
#define OPTION_FORCE	(1U << 16)
#define OPTION_HOME	(1U << 17)
#define OPTION_TO	(1U << 18)
#define OPTION_AWAY_FROM (1U << 19)
#define OPTION_VM	(1U << 20)
#define OPTION_RANGE	(1U << 21)
#define OPTION_HERE	(1U << 22)
#define OPTION_REFUSE	(1U << 23)
#define OPTION_GRANULE	(1U << 24)
#define OPTION_BACKGROUND (1U << 25)
#define OPTION_STATUS	(1U << 26)
#define OPTION_CANCEL	(1U << 27)
#define OPTION_PLACEMENT (1U << 28)
#define OPTION_SHRINK	(1U << 29)
#define OPTION_DISPATCH	(1U << 30)
#define OPTION_SINCE	(1ULL << 31)
#define OPTION_UNTIL	(1ULL << 32)
#define OPTION_BY	(1ULL << 33)
#define OPTION_PARTITION (1ULL << 34)
#define OPTION_CSV	(1ULL << 35)
#define OPTION_REPLAY	(1ULL << 36)
#define OPTION_HISTORY	(1ULL << 37)
#define OPTION_EVENTS	(1ULL << 38)
#define OPTION_ALL	(~0ULL)

/** Most values of an option that may be given several times. */
#define OPTION_LIST_MAX	64

/**
 * struct option_list - what such an option was given
 * @count: how many
 * @items: the values
 */
struct option_list {
	unsigned int count;
	const char *items[OPTION_LIST_MAX];
};

/**
 * struct options - what was given
 * @help: of the subcommand is wanted; nothing else counts then
 * @json: print JSON
 * @bytes: print sizes exactly
 * @plain: text, though stdout is a terminal
 * @runs: every run of pages of one state
 * @count: rounds or records to end after, 0: never
 * @delay: seconds from round to round
 * @sort: name of a column
 * @pool: mount point or uuid of a pool
 * @socket: of the pager
 * @priority: of a device
 * @size: of a device
 * @discard: tell a device what is free
 * @force: do what is refused otherwise
 * @device: number of a device
 * @replace: device that takes the place of a failed one
 * @off: end what was begun
 * @svg: file for a picture
 * @vm: number of a descriptor
 * @ranges: of guest memory
 * @here: check against this host as well
 * @home: home nodes of a partition
 * @dispatch: how vCPUs follow these
 * @to: number of a node
 * @away_from: number of a node
 * @refuse: end at what is held
 * @granule: pages that are blocked together
 * @background: do not wait for the end
 * @status: tell how it is
 * @cancel: end it
 * @placement: which pages come home first
 * @shrink: a pool may become smaller
 * @since: the first moment
 * @until: the last one
 * @by: second or minute
 * @partition: pattern of paths
 * @csv: print comma-separated values
 * @replay: what was rather than what is
 * @history: file of the history
 * @events: of the history
 */
struct options {
	bool help;
	bool json;
	bool bytes;
	bool plain;
	bool runs;
	unsigned int count;
	double delay;
	const char *sort;
	const char *pool;
	const char *socket;
	const char *priority;
	const char *size;
	bool discard;
	bool force;
	const char *device;
	const char *replace;
	bool off;
	const char *svg;
	const char *vm;
	struct option_list ranges;
	bool here;
	const char *home;
	const char *dispatch;
	const char *to;
	const char *away_from;
	bool refuse;
	const char *granule;
	bool background;
	bool status;
	bool cancel;
	const char *placement;
	bool shrink;
	const char *since;
	const char *until;
	const char *by;
	const char *partition;
	bool csv;
	bool replay;
	const char *history;
	bool events;
};

/**
 * options_parse() - Take the options out of a command line.
 * @opts: set to what was given
 * @accepted: OPTION_* of the subcommand
 * @path: of the subcommand, for messages ("tarnctl pool list")
 * @argc: in: words in @argv, out: what is left
 * @argv: the options are removed from it, "--" ends them
 *
 * Return: 0, or -EINVAL, reported.
 */
int options_parse(struct options *opts, unsigned long long accepted, const char *path,
		  int *argc, char **argv);

/** options_help() - List the options of @accepted. */
void options_help(FILE *f, unsigned long long accepted);

#endif
