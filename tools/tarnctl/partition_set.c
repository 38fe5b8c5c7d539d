// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl partition set */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "home.h"
#include "home_mark.h"
#include "huge.h"
#include "partition.h"
#include "partition_set.h"
#include "setting.h"
#include "sharing.h"
#include "size.h"

enum {
	SET_WEIGHT,
	SET_MIN,
	SET_DESIRED,
	SET_HUGE,
};

static int fill_weight(struct tarn_partition_set *set,
		       const struct setting *setting)
{
	uint64_t weight;

	if (!setting->value)
		return 0;
	if (setting_number(setting, 1, TARN_WEIGHT_MAX, &weight))
		return -EINVAL;
	set->flags |= TARN_PARTITION_SET_WEIGHT;
	set->weight = weight;
	return 0;
}

/* An amount of frames; @whole is the pool. */
static int fill_frames(struct tarn_partition_set *set,
		       const struct setting *setting, uint64_t whole,
		       unsigned int flag, __u64 *to)
{
	uint64_t frames;

	if (!setting->value)
		return 0;
	if (setting_pages(setting, whole, &frames))
		return -EINVAL;
	set->flags |= flag;
	*to = frames;
	return 0;
}

static int fill_huge(struct tarn_partition_set *set,
		     const struct setting *setting)
{
	if (!setting->value)
		return 0;
	set->flags |= TARN_PARTITION_SET_HUGE;
	return huge_parse(setting->key, setting->value, &set->huge);
}

static int set_fail(const char *path, int ret)
{
	switch (-ret) {
	case EPERM:
		err("%s: only root may raise a weight or a minimum, or change what is desired",
		    path);
		return ret;
	case EINVAL:
		err("%s: the loaded module does not know all of these settings, load the one that came with this tarnctl",
		    path);
		return ret;
	case ENOSPC:
		err("%s: the minimums of all partitions together would be more than the pool has",
		    path);
		return ret;
	}
	return partition_fail(path, ret, "change the settings of");
}

/* @done: other settings were made before. */
static int homes_fail(const char *path, int ret, const char *nodes, bool done)
{
	const char *rest = done ? "; the other settings are made" : "";

	switch (-ret) {
	case EPERM:
		err("%s: only root may set home nodes%s", path, rest);
		return ret;
	case EINVAL:
		err("%s: the pool does not have frames on all of the nodes %s; 'tarnctl numa' shows where it has, 'tarnctl pool resize' with a size for each node gives it some%s",
		    path, nodes, rest);
		return ret;
	case ENOTTY:
		err("%s: the loaded module knows no home nodes, load the one that came with this tarnctl%s",
		    path, rest);
		return ret;
	}
	return partition_fail(path, ret, "set the home nodes of");
}

/**
 * struct wish - what the options say of homes
 * @nodes: text of --home, or NULL
 * @automatic: that is 'auto'
 * @homes: what it says otherwise
 * @dispatch: of --dispatch
 * @dispatches: it was given
 */
struct wish {
	const char *nodes;
	bool automatic;
	struct homes homes;
	enum home_dispatch dispatch;
	bool dispatches;
};

static int parse_wish(struct wish *wish, const struct options *opts,
		      uint64_t whole)
{
	wish->nodes = opts->home;
	wish->automatic = opts->home && !strcmp(opts->home, "auto");
	wish->dispatches = opts->dispatch;
	if (opts->dispatch &&
	    home_dispatch_parse(opts->dispatch, &wish->dispatch)) {
		err("--dispatch: '%s' is none of soft, strict, off and default",
		    opts->dispatch);
		return -EINVAL;
	}
	if (!opts->home || wish->automatic)
		return 0;
	return homes_parse(&wish->homes, "--home", opts->home, whole);
}

static int mark_fail(const char *path, int ret, bool done)
{
	const char *rest = done ? "; the other settings are made" : "";

	if (ret == -EACCES || ret == -EPERM) {
		err("%s: only root may set home nodes%s", path, rest);
		return ret;
	}
	return err_errno(ret, "%s: write to %s", path, HOME_MARK_DIR);
}

/* A module without homes has no use for a mark. */
static int check_homes(int fd)
{
	struct homes homes;
	int ret = homes_read(fd, &homes);

	homes_free(&homes);
	return ret;
}

/* What was there before stays as long as the mark can't be set. */
static int change(int fd, const char *path, const struct wish *wish, bool done,
		  const char *uuid, __u32 id)
{
	struct home_mark old = home_mark_read(uuid, id), mark = old;
	int ret;

	if (wish->nodes)
		mark.automatic = wish->automatic;
	if (wish->dispatches)
		mark.dispatch = wish->dispatch;
	ret = home_mark_write(uuid, id, &mark);
	if (ret)
		return mark_fail(path, ret, done);
	if (!wish->nodes || wish->automatic)
		return 0;
	ret = homes_set(fd, &wish->homes);
	if (!ret)
		return 0;
	home_mark_write(uuid, id, &old);
	return homes_fail(path, ret, wish->nodes, done);
}

/* What was set is done by a service, which has nothing to do where there is one node. */
static void note_service(const struct wish *wish)
{
	if ((!wish->automatic && !wish->dispatches) || !home_has_choice() ||
	    home_mark_served(NULL))
		return;
	if (wish->automatic)
		err("note: tarn-balanced does not run, which computes the homes; 'systemctl enable --now tarn-balanced' has it run");
	else
		err("note: tarn-balanced does not run, so only vCPUs of libvirt's domains follow, by tarn-listener; 'systemctl enable --now tarn-balanced' has all others follow");
}

static int set_homes(int fd, const char *path, const struct wish *wish,
		     bool done)
{
	char uuid[POOL_UUID_TEXT];
	int ret = check_homes(fd), lock;
	__u32 id;

	if (ret)
		return homes_fail(path, ret, "", done);
	ret = home_mark_find(fd, uuid, &id);
	if (ret)
		return ret;
	lock = home_mark_lock();
	if (lock < 0)
		return mark_fail(path, lock, done);
	ret = change(fd, path, wish, done, uuid, id);
	close(lock);
	if (!ret)
		note_service(wish);
	return ret;
}

/* ---- or what would be ---------------------------------------------------- */

/* Beyond what is wanted on a home a page is as far from home as on another node. */
static uint64_t pages_to_move(const struct homes *now, const struct homes *wish)
{
	uint64_t pages = 0;
	unsigned int i;

	for (i = 0; i < now->count; i++) {
		const struct tarn_home *home = homes_find(wish, now->items[i].node);
		uint64_t here = now->items[i].resident_pages;
		uint64_t stay = !home ? 0 : home->wanted_frames ?
				home->wanted_frames : here;

		pages += here > stay ? here - stay : 0;
	}
	return pages;
}

static int tell_homes(int fd, const char *path, const struct wish *wish)
{
	char size[SIZE_TEXT_MAX];
	struct homes now;
	int ret = homes_read(fd, &now);

	if (ret)
		return homes_fail(path, ret, "", false);
	/* Without homes no page is away from one. */
	if (wish->homes.count)
		printf("%s: up to %s would be moved\n", path,
		       size_format_pages(size, pages_to_move(&now, &wish->homes),
					 false));
	homes_free(&now);
	return 0;
}

static void tell_word(const char *path, const char *key, const char *value)
{
	if (value)
		printf("%s: %s=%s would be set\n", path, key, value);
}

/* Whether the kernel takes it nobody knows before it is asked. */
static int tell(int fd, const char *path, const struct setting *settings,
		const struct options *opts, const struct wish *wish)
{
	for (; settings->key; settings++)
		tell_word(path, settings->key, settings->value);
	tell_word(path, "home", opts->home);
	tell_word(path, "dispatch", opts->dispatch);
	tell_word(path, "domain", opts->domain);
	return wish->nodes && !wish->automatic ? tell_homes(fd, path, wish) : 0;
}

/* All is read before anything is set. */
static int set_partition(int fd, const char *path,
			 const struct setting *settings,
			 const struct options *opts)
{
	struct tarn_partition_set set = { .size = sizeof(set) };
	char domain[TARN_DOMAIN_NAME];
	struct wish wish = { 0 };
	struct statfs fs;
	int ret = 0;

	if (fstatfs(fd, &fs))
		return partition_fail(path, -errno, "look at the pool of");
	if (fill_weight(&set, &settings[SET_WEIGHT]) ||
	    fill_frames(&set, &settings[SET_MIN], fs.f_blocks,
			TARN_PARTITION_SET_MIN, &set.min_frames) ||
	    fill_frames(&set, &settings[SET_DESIRED], fs.f_blocks,
			TARN_PARTITION_SET_DESIRED, &set.desired_frames) ||
	    fill_huge(&set, &settings[SET_HUGE]))
		return EXIT_USAGE;
	if (opts->domain && sharing_parse(opts->domain, domain))
		return EXIT_USAGE;
	if (parse_wish(&wish, opts, fs.f_blocks))
		return EXIT_USAGE;
	if (opts->dry_run) {
		ret = tell(fd, path, settings, opts, &wish);
		goto out_free;
	}
	if (set.flags && ioctl(fd, TARN_PARTITION_SET, &set))
		ret = set_fail(path, -errno);
	else if (wish.nodes || wish.dispatches)
		ret = set_homes(fd, path, &wish, set.flags);
	/* Last: it may take long. */
	if (!ret && opts->domain)
		ret = sharing_set(fd, path, domain);
out_free:
	homes_free(&wish.homes);
	return ret;
}

static const struct setting keys[] = {
	[SET_WEIGHT] = { .key = "weight" },
	[SET_MIN] = { .key = "min" },
	[SET_DESIRED] = { .key = "desired" },
	[SET_HUGE] = { .key = "huge" },
	{ .key = "home", .instead = "the option --home" },
	{ .key = "dispatch", .instead = "the option --dispatch" },
	{ .key = "domain", .instead = "the option --domain" },
	{ .key = "placement", .instead = "the option --placement of 'tarnctl pool set', of a whole pool" },
	{ .key = "readahead", .instead = "'tarnctl pool set', of a whole pool" },
	{ .key = "low", .instead = "'tarnctl pool set', of a whole pool" },
	{ .key = "high", .instead = "'tarnctl pool set', of a whole pool" },
	{ .key = "scan", .instead = "'tarnctl pool set', of a whole pool" },
	{ 0 },
};

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

static int parse_words(struct setting *settings, int argc, char **argv)
{
	memcpy(settings, keys, sizeof(keys));
	return settings_parse(settings, "tarnctl partition set", argc, argv);
}

int partition_set_words(int fd, const char *path, int argc, char **argv,
			const struct options *opts)
{
	struct setting settings[NR_KEYS];

	if (parse_words(settings, argc, argv))
		return EXIT_USAGE;
	return set_partition(fd, path, settings, opts);
}

int partition_set_main(int argc, char **argv, const struct options *opts)
{
	struct setting settings[NR_KEYS];
	int fd, ret;

	if (argc == 1 && !opts->home && !opts->dispatch && !opts->domain) {
		err("tarnctl partition set: say what to set, as in 'tarnctl partition set %s weight=256' or '--home 0'",
		    argv[0]);
		return EXIT_USAGE;
	}
	if (parse_words(settings, argc - 1, argv + 1))
		return EXIT_USAGE;
	fd = partition_open(argv[0], opts->dry_run ? O_RDONLY : O_RDWR);
	if (fd < 0)
		return fd;
	ret = set_partition(fd, argv[0], settings, opts);
	close(fd);
	return ret;
}
