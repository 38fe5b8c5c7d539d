// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parser of the command line's options. Written by hand rather than on
 * getopt_long(), as an unknown option is answered with the one that was
 * probably meant, and as the help is made from the same table.
 */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "option.h"
#include "suggest.h"

#define DELAY_MIN 0.1
#define DELAY_MAX 86400.0

enum option_kind {
	KIND_FLAG,
	KIND_STRING,
	KIND_LIST,
	KIND_COUNT,
	KIND_SECONDS,
};

struct option_def {
	uint64_t bit;
	char letter;
	enum option_kind kind;
	const char *name;
	const char *arg;
	size_t offset;
	const char *help;
};

#define DEST(field) offsetof(struct options, field)

static const struct option_def option_defs[] = {
	{ OPTION_JSON, 'j', KIND_FLAG, "json", NULL, DEST(json),
	  "print JSON, sizes in pages, whatever else is given" },
	{ OPTION_BYTES, 'b', KIND_FLAG, "bytes", NULL, DEST(bytes),
	  "print numbers exactly, sizes in bytes; -p is the same" },
	{ OPTION_COUNT, 'n', KIND_COUNT, "count", "N", DEST(count),
	  "end after N tables, lines or events" },
	{ OPTION_DELAY, 'd', KIND_SECONDS, "delay", "SECONDS", DEST(delay),
	  "time from one sample to the next (default 2)" },
	{ OPTION_PLAIN, 0, KIND_FLAG, "plain", NULL, DEST(plain),
	  "print as if this were no terminal" },
	{ OPTION_SORT, 's', KIND_STRING, "sort", "COLUMN", DEST(sort),
	  "sort by this column, large numbers first" },
	{ OPTION_RUNS, 0, KIND_FLAG, "runs", NULL, DEST(runs),
	  "list every run of pages of one state" },
	{ OPTION_POOL, 0, KIND_STRING, "pool", "POOL", DEST(pool),
	  "the pool that is meant, by mount point, name or uuid" },
	{ OPTION_SOCKET, 0, KIND_STRING, "socket", "PATH", DEST(socket),
	  "control socket of the pager" },
	{ OPTION_PRIORITY, 0, KIND_STRING, "priority", "N", DEST(priority),
	  "devices of a higher priority fill first" },
	{ OPTION_SIZE, 0, KIND_STRING, "size", "SIZE", DEST(size),
	  "room to use on it; needed for a file that is to be made" },
	{ OPTION_DISCARD, 0, KIND_FLAG, "discard", NULL, DEST(discard),
	  "tell the device which of its room is free" },
	{ OPTION_FORCE, 0, KIND_FLAG, "force", NULL, DEST(force),
	  "do it all the same, though something may be destroyed" },
	{ OPTION_DEVICE, 0, KIND_STRING, "device", "N", DEST(device),
	  "only this device ('tarnctl pager show' numbers them)" },
	{ OPTION_REPLACE, 0, KIND_STRING, "replace", "PATH", DEST(replace),
	  "put this device in the place of the failed one" },
	{ OPTION_OFF, 0, KIND_FLAG, "off", NULL, DEST(off),
	  "end the draining" },
	{ OPTION_SVG, 0, KIND_STRING, "svg", "FILE", DEST(svg),
	  "draw it into this file as well, - is stdout" },
	{ OPTION_VM, 0, KIND_STRING, "vm", "FD", DEST(vm),
	  "its VM, by number of descriptor, if it has several" },
	{ OPTION_RANGE, 0, KIND_LIST, "range", "GPA:BYTES:OFFSET", DEST(ranges),
	  "where part of the file is in the guest; repeat" },
	{ OPTION_HERE, 0, KIND_FLAG, "here", NULL, DEST(here),
	  "check against the pools and nodes of this host as well" },
	{ OPTION_HOME, 0, KIND_STRING, "home", "NODES", DEST(home),
	  "NUMA nodes for its frames: none, 0,1, 0=4G,1=2G, auto" },
	{ OPTION_DISPATCH, 0, KIND_STRING, "dispatch", "HOW", DEST(dispatch),
	  "how vCPUs follow them: soft, strict, off or default" },
	{ OPTION_DOMAIN, 0, KIND_STRING, "domain", "NAME", DEST(domain),
	  "share equal pages in this sharing domain, or none" },
	{ OPTION_TO, 0, KIND_STRING, "to", "NODE", DEST(to),
	  "the NUMA node that they go to" },
	{ OPTION_AWAY_FROM, 0, KIND_STRING, "away-from", "NODE",
	  DEST(away_from), "the NUMA node that they leave, for the nearest" },
	{ OPTION_COMPACT, 0, KIND_FLAG, "compact", NULL, DEST(compact),
	  "gather blocks of small frames into 2 MiB ones" },
	{ OPTION_REFUSE, 0, KIND_FLAG, "refuse", NULL, DEST(refuse),
	  "end at a page that somebody holds, do not wait for it" },
	{ OPTION_GRANULE, 0, KIND_STRING, "granule", "PAGES", DEST(granule),
	  "pages that are blocked together, 1 to 512" },
	{ OPTION_BLOCKED_MOST, 0, KIND_STRING, "blocked-most", "TIME", DEST(blocked_most),
	  "as many as are blocked for no longer than that: 2ms" },
	{ OPTION_BACKGROUND, 0, KIND_FLAG, "background", NULL,
	  DEST(background), "do not wait until it has ended" },
	{ OPTION_STATUS, 0, KIND_FLAG, "status", NULL, DEST(status),
	  "tell how the one under way is, or the last one was" },
	{ OPTION_CANCEL, 0, KIND_FLAG, "cancel", NULL, DEST(cancel),
	  "end it: a relocation where it is; draining is undone" },
	{ OPTION_PLACEMENT, 0, KIND_STRING, "placement", "ORDER",
	  DEST(placement), "pages that come home first: class, density, refault" },
	{ OPTION_SHRINK, 0, KIND_FLAG, "shrink", NULL, DEST(shrink),
	  "let the pool become smaller if other nodes lack memory" },
	{ OPTION_COLUMNS, 'o', KIND_STRING, "columns", "LIST", DEST(columns),
	  "these columns, as in name,size; +name: one more" },
	{ OPTION_HEADLESS, 'H', KIND_FLAG, "noheadings", NULL, DEST(headless),
	  "no titles, and a tab between two columns" },
	{ OPTION_RAW, 'r', KIND_FLAG, "raw", NULL, DEST(raw),
	  "a blank between two columns, and none within" },
	{ OPTION_REVERSE, 'R', KIND_FLAG, "reverse", NULL, DEST(reverse),
	  "sort the other way round" },
	{ OPTION_DRY_RUN, 'n', KIND_FLAG, "dry-run", NULL, DEST(dry_run),
	  "say what would be done, and do nothing" },
	{ OPTION_WATCH, 'w', KIND_FLAG, "watch", NULL, DEST(watch),
	  "go on, and print what changes" },
	{ OPTION_UNHEALTHY, 'x', KIND_FLAG, "unhealthy", NULL, DEST(unhealthy),
	  "only those that are not healthy" },
	{ OPTION_TIME, 'T', KIND_FLAG, "time", NULL, DEST(time),
	  "the time of each line" },
	{ OPTION_CSV, 0, KIND_FLAG, "csv", NULL, DEST(csv),
	  "print values with commas between, exactly" },
	{ OPTION_FILTER, 'f', KIND_STRING, "filter", "TEXT", DEST(filter),
	  "only partitions whose name or path has this in it" },
	{ OPTION_PERSISTENT, 0, KIND_FLAG, "persistent", NULL,
	  DEST(persistent), "write it into the pool's file as well" },
	{ OPTION_SINCE, 0, KIND_STRING, "since", "TIME", DEST(since),
	  "from then on: 30m, 2h, 3d ago, 20:15, '2026-11-29 20:15'" },
	{ OPTION_UNTIL, 0, KIND_STRING, "until", "TIME", DEST(until),
	  "until then (default now)" },
	{ OPTION_BY, 0, KIND_STRING, "by", "PERIOD", DEST(by),
	  "one sample a second (kept an hour) or minute (a week)" },
	{ OPTION_PARTITION, 0, KIND_STRING, "partition", "PATTERN",
	  DEST(partition), "partitions of such a name, path or domain: web, '*'" },
	{ OPTION_REPLAY, 0, KIND_FLAG, "replay", NULL, DEST(replay),
	  "play what tarn-logd has kept, a sample a delay" },
	{ OPTION_HISTORY, 0, KIND_STRING, "history", "FILE", DEST(history),
	  "the history, where it is not /var/lib/tarn-logd/history.db" },
	{ OPTION_EVENTS, 0, KIND_FLAG, "events", NULL, DEST(events),
	  "what happened rather than counters" },
	{ OPTION_FROM, 0, KIND_STRING, "from", "GROUP", DEST(from),
	  "what it gets more, this group loses" },
	{ OPTION_ALL, 'h', KIND_FLAG, "help", NULL, DEST(help),
	  "show this help" },
};

#define NR_DEFS (sizeof(option_defs) / sizeof(option_defs[0]))

static const struct option_def *find_long(const char *name, size_t len,
					  uint64_t accepted)
{
	size_t i;

	for (i = 0; i < NR_DEFS; i++) {
		const struct option_def *def = &option_defs[i];

		if ((def->bit & accepted || def->letter == 'h') &&
		    strlen(def->name) == len && !strncmp(def->name, name, len))
			return def;
	}
	return NULL;
}

static const struct option_def *find_letter(char letter, uint64_t accepted)
{
	size_t i;

	for (i = 0; i < NR_DEFS; i++) {
		const struct option_def *def = &option_defs[i];

		if ((def->bit & accepted || def->letter == 'h') &&
		    def->letter == letter)
			return def;
	}
	/* Programs that print sizes have either letter for that. */
	if (letter == 'p' && accepted & OPTION_BYTES)
		return find_letter('b', accepted);
	return NULL;
}

static int set_count(void *dest, const char *val)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(val, &end, 10);
	if (errno || end == val || *end || *val == '-' || !n || n > UINT_MAX)
		return -EINVAL;
	*(unsigned int *)dest = n;
	return 0;
}

static int set_seconds(void *dest, const char *val)
{
	double seconds;
	char *end;

	seconds = strtod(val, &end);
	/* The comparison is false for NaN. */
	if (end == val || *end ||
	    !(seconds >= DELAY_MIN && seconds <= DELAY_MAX))
		return -EINVAL;
	*(double *)dest = seconds;
	return 0;
}

static int list_add(struct option_list *list, const char *val)
{
	if (list->count == OPTION_LIST_MAX)
		return -E2BIG;
	list->items[list->count++] = val;
	return 0;
}

static int set_option(struct options *opts, const struct option_def *def,
		      const char *path, const char *val)
{
	void *dest = (char *)opts + def->offset;

	switch (def->kind) {
	case KIND_FLAG:
		*(bool *)dest = true;
		return 0;
	case KIND_STRING:
		*(const char **)dest = val;
		return 0;
	case KIND_LIST:
		if (!list_add(dest, val))
			return 0;
		err("%s: give --%s at most %d times", path, def->name,
		    OPTION_LIST_MAX);
		return -EINVAL;
	case KIND_COUNT:
		if (!set_count(dest, val))
			return 0;
		err("%s: --%s wants a number from 1 to %u, not '%s'", path,
		    def->name, UINT_MAX, val);
		return -EINVAL;
	case KIND_SECONDS:
		if (!set_seconds(dest, val))
			return 0;
		err("%s: --%s wants seconds from %.1f to %.0f, not '%s'", path,
		    def->name, DELAY_MIN, DELAY_MAX, val);
		return -EINVAL;
	}
	return -EINVAL;
}

static int unknown_long(const char *path, const char *name, size_t len,
			uint64_t accepted)
{
	char word[64];
	struct suggest s;
	const char *near;
	size_t i;

	snprintf(word, sizeof(word), "%.*s", (int)len, name);
	suggest_begin(&s, word);
	for (i = 0; i < NR_DEFS; i++) {
		if (option_defs[i].bit & accepted ||
		    option_defs[i].letter == 'h')
			suggest_offer(&s, option_defs[i].name);
	}
	near = suggest_end(&s);
	if (near)
		err("%s: unknown option '--%s', did you mean '--%s'?", path,
		    word, near);
	else
		err("%s: unknown option '--%s', '%s --help' lists all", path,
		    word, path);
	return -EINVAL;
}

/*
 * The value of an option is what follows in the same word, else the next word.
 * Returns the number of words taken.
 */
static int take_value(struct options *opts, const struct option_def *def,
		      const char *path, const char *rest, const char *next)
{
	const char *val = rest ? rest : next;
	int ret;

	if (!val) {
		err("%s: --%s wants a value: --%s %s", path, def->name,
		    def->name, def->arg);
		return -EINVAL;
	}
	ret = set_option(opts, def, path, val);
	return ret ? ret : rest ? 1 : 2;
}

static int parse_long(struct options *opts, uint64_t accepted,
		      const char *path, const char *word, const char *next)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct option_def *def = find_long(word, len, accepted);

	if (!def)
		return unknown_long(path, word, len, accepted);
	if (def->kind != KIND_FLAG)
		return take_value(opts, def, path, equals ? equals + 1 : NULL,
				  next);
	if (equals) {
		err("%s: --%s takes no value", path, def->name);
		return -EINVAL;
	}
	set_option(opts, def, path, NULL);
	return 1;
}

static int parse_letters(struct options *opts, uint64_t accepted,
			 const char *path, const char *word, const char *next)
{
	for (; *word; word++) {
		const struct option_def *def = find_letter(*word, accepted);

		if (!def) {
			err("%s: unknown option '-%c', '%s --help' lists all",
			    path, *word, path);
			return -EINVAL;
		}
		if (def->kind != KIND_FLAG)
			return take_value(opts, def, path,
					  word[1] ? word + 1 : NULL, next);
		set_option(opts, def, path, NULL);
	}
	return 1;
}

int options_parse(struct options *opts, uint64_t accepted, const char *path,
		  int *argc, char **argv)
{
	int from = 0, to = 0;

	memset(opts, 0, sizeof(*opts));
	opts->delay = 2;
	while (from < *argc) {
		char *word = argv[from];
		char *next = from + 1 < *argc ? argv[from + 1] : NULL;
		int ret;

		if (!strcmp(word, "--")) {
			from++;
			break;
		}
		if (word[0] != '-' || !word[1]) {
			argv[to++] = argv[from++];
			continue;
		}
		if (word[1] == '-')
			ret = parse_long(opts, accepted, path, word + 2, next);
		else
			ret = parse_letters(opts, accepted, path, word + 1,
					    next);
		if (ret < 0)
			return ret;
		from += ret;
	}
	while (from < *argc)
		argv[to++] = argv[from++];
	*argc = to;
	argv[to] = NULL;
	return 0;
}

void options_help(FILE *f, uint64_t accepted)
{
	size_t i;

	fputs("\nOptions:\n", f);
	for (i = 0; i < NR_DEFS; i++) {
		const struct option_def *def = &option_defs[i];
		char left[64];

		if (!(def->bit & accepted) && def->letter != 'h')
			continue;
		snprintf(left, sizeof(left), "%c%c%c --%s%s%s",
			 def->letter ? '-' : ' ',
			 def->letter ? def->letter : ' ',
			 def->letter ? ',' : ' ', def->name,
			 def->arg ? " " : "", def->arg ? def->arg : "");
		fprintf(f, "  %-22s %s\n", left, def->help);
	}
}
