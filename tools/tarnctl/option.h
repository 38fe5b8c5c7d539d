/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options of the command line. All that exist stand in one table; a subcommand
 * names those that it takes by a mask, which makes its help as well.
 */
#ifndef TARNCTL_OPTION_H
#define TARNCTL_OPTION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define OPTION_JSON	(1ULL << 0)
#define OPTION_BYTES	(1ULL << 1)
#define OPTION_COUNT	(1ULL << 2)
#define OPTION_DELAY	(1ULL << 3)
#define OPTION_PLAIN	(1ULL << 4)
#define OPTION_SORT	(1ULL << 5)
#define OPTION_RUNS	(1ULL << 6)
#define OPTION_POOL	(1ULL << 7)
#define OPTION_SOCKET	(1ULL << 8)
#define OPTION_PRIORITY	(1ULL << 9)
#define OPTION_SIZE	(1ULL << 10)
#define OPTION_DISCARD	(1ULL << 11)
#define OPTION_DEVICE	(1ULL << 12)
#define OPTION_REPLACE	(1ULL << 13)
#define OPTION_OFF	(1ULL << 14)
#define OPTION_SVG	(1ULL << 15)
#define OPTION_FORCE	(1ULL << 16)
#define OPTION_HOME	(1ULL << 17)
#define OPTION_TO	(1ULL << 18)
#define OPTION_AWAY_FROM (1ULL << 19)
#define OPTION_VM	(1ULL << 20)
#define OPTION_RANGE	(1ULL << 21)
#define OPTION_HERE	(1ULL << 22)
#define OPTION_REFUSE	(1ULL << 23)
#define OPTION_GRANULE	(1ULL << 24)
#define OPTION_BACKGROUND (1ULL << 25)
#define OPTION_STATUS	(1ULL << 26)
#define OPTION_CANCEL	(1ULL << 27)
#define OPTION_PLACEMENT (1ULL << 28)
#define OPTION_SHRINK	(1ULL << 29)
#define OPTION_DISPATCH	(1ULL << 30)
#define OPTION_COLUMNS	(1ULL << 31)
#define OPTION_HEADLESS	(1ULL << 32)
#define OPTION_RAW	(1ULL << 33)
#define OPTION_REVERSE	(1ULL << 34)
#define OPTION_DRY_RUN	(1ULL << 35)
#define OPTION_WATCH	(1ULL << 36)
#define OPTION_UNHEALTHY (1ULL << 37)
#define OPTION_TIME	(1ULL << 38)
#define OPTION_CSV	(1ULL << 39)
#define OPTION_FILTER	(1ULL << 40)
#define OPTION_PERSISTENT (1ULL << 41)
#define OPTION_SINCE	(1ULL << 42)
#define OPTION_UNTIL	(1ULL << 43)
#define OPTION_BY	(1ULL << 44)
#define OPTION_PARTITION (1ULL << 45)
#define OPTION_REPLAY	(1ULL << 46)
#define OPTION_HISTORY	(1ULL << 47)
#define OPTION_EVENTS	(1ULL << 48)
#define OPTION_DOMAIN	(1ULL << 49)
#define OPTION_COMPACT	(1ULL << 50)
#define OPTION_BLOCKED_MOST (1ULL << 51)
#define OPTION_FROM	(1ULL << 52)
#define OPTION_ALL	(~0ULL)

/** What a list takes. */
#define OPTION_TABLE                                                           \
	(OPTION_JSON | OPTION_BYTES | OPTION_COLUMNS | OPTION_HEADLESS |       \
	 OPTION_RAW | OPTION_SORT | OPTION_REVERSE)

/** What part of the history is meant. */
#define OPTION_QUERY                                                           \
	(OPTION_SINCE | OPTION_UNTIL | OPTION_BY | OPTION_HISTORY)

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
 * @domain: with which others a partition shares
 * @to: number of a node
 * @away_from: number of a node
 * @compact: into 2 MiB frames
 * @refuse: end at what is held
 * @granule: pages that are blocked together
 * @blocked_most: for how long a granule may be blocked
 * @background: do not wait for the end
 * @status: tell how it is
 * @cancel: end it
 * @placement: which pages come home first
 * @shrink: a pool may become smaller
 * @columns: names of columns of a table, with commas
 * @headless: no titles, tabs between cells
 * @raw: a table for programs, blanks within cells escaped
 * @reverse: sort the other way round
 * @dry_run: only say what would be done
 * @watch: go on, and tell what changes
 * @unhealthy: only what is not healthy
 * @time: with times
 * @csv: values with commas between
 * @filter: part of the name of what is shown
 * @persistent: write it into the pool's file as well
 * @since: the first moment
 * @until: the last one
 * @by: second or minute
 * @partition: pattern of names, paths and domains
 * @replay: what was rather than what is
 * @history: file of the history
 * @events: of the history
 * @from: group of an adapter that gives
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
	const char *domain;
	const char *to;
	const char *away_from;
	bool compact;
	bool refuse;
	const char *granule;
	const char *blocked_most;
	bool background;
	bool status;
	bool cancel;
	const char *placement;
	bool shrink;
	const char *columns;
	bool headless;
	bool raw;
	bool reverse;
	bool dry_run;
	bool watch;
	bool unhealthy;
	bool time;
	bool csv;
	const char *filter;
	bool persistent;
	const char *since;
	const char *until;
	const char *by;
	const char *partition;
	bool replay;
	const char *history;
	bool events;
	const char *from;
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
int options_parse(struct options *opts, uint64_t accepted, const char *path,
		  int *argc, char **argv);

/** options_help() - List the options of @accepted. */
void options_help(FILE *f, uint64_t accepted);

#endif
