// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which partition is meant, and opening it. A path that is there is meant first; what
 * is no path is the number of a partition or the name of its guest. A file may be
 * somebody's who would like to be taken for another one's guest: a name without a
 * slash that is both, found from the root of a pool, is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "error.h"
#include "guest.h"
#include "partition.h"
#include "suggest.h"
#include "text.h"

#define RUN_DIR "/run/tarn"
#define ID_PREFIX "id:"

/* ---- paths --------------------------------------------------------------- */

/*
 * Open @path only if it is a partition. The check comes first, as opening
 * anything else may do something (a tape rewinds).
 */
static int open_checked(int dirfd, const char *path, int flags)
{
	struct statfs fs;
	struct stat st;
	int fd, ret;

	fd = openat(dirfd, path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = -ENOTTY;
	if (fstat(fd, &st) || fstatfs(fd, &fs)) {
		ret = -errno;
	} else if (S_ISREG(st.st_mode) && fs.f_type == TARN_SUPER_MAGIC) {
		char self[32];

		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		ret = open(self, flags | O_NONBLOCK | O_CLOEXEC);
		if (ret < 0)
			ret = -errno;
	}
	close(fd);
	return ret;
}

/* A relative path may also begin at the root of a pool. */
static int open_in_pools(const struct pool_list *pools, const char *path,
			 int flags)
{
	int found = -ENOENT;
	size_t i;

	for (i = 0; i < pools->count; i++) {
		int dirfd = pool_open(&pools->items[i]), fd;

		if (dirfd < 0)
			continue;
		fd = open_checked(dirfd, path, flags);
		close(dirfd);
		if (fd >= 0 && found >= 0) {
			close(fd);
			close(found);
			err("%s: several pools have this file, give its whole path",
			    path);
			return -EEXIST;
		}
		if (fd >= 0 || (found < 0 && fd != -ENOENT))
			found = fd;
	}
	return found;
}

/* "pool0/vm/ram" */
static int open_below_run(const char *path, int flags)
{
	int dirfd = open(RUN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (dirfd < 0)
		return -ENOENT;
	fd = open_checked(dirfd, path, flags);
	close(dirfd);
	return fd;
}

/* ---- names --------------------------------------------------------------- */

/**
 * struct search - partitions of a name
 * @text: the name
 * @id: the number that it is, or 0
 * @flags: for opening
 * @count: how many have it
 * @fd: the first one, or an errno, reported
 * @dev: of its pool
 * @ino: of its file, 0 if that was removed
 * @several: what they are called, for a report
 * @near: a name that may have been meant
 */
struct search {
	const char *text;
	__u32 id;
	int flags;
	unsigned int count;
	int fd;
	dev_t dev;
	ino_t ino;
	char several[512];
	struct suggest near;
	char *best;
};

int partition_id_parse(const char *text, __u32 *id)
{
	bool round = *text == '(';
	unsigned long val;
	char *end;

	text += round;
	if (strncmp(text, ID_PREFIX, strlen(ID_PREFIX)))
		return -ENOENT;
	text += strlen(ID_PREFIX);
	errno = 0;
	val = strtoul(text, &end, 10);
	if (round && *end != ')')
		return -EINVAL;
	end += round;
	if (errno || *text < '0' || *text > '9' || *end || !val ||
	    val > UINT32_MAX)
		return -EINVAL;
	*id = val;
	return 0;
}

static bool is_text(const char *name, const char *text)
{
	char *clean;
	bool same;

	if (!strcmp(name, text))
		return true;
	clean = text_clean(name);
	same = clean && !strcmp(clean, text);
	free(clean);
	return same;
}

/* By its number, its name, or that of its guest, which may have several. */
static bool is_meant(const struct search *search, const struct partition *part,
		     const struct guest *guest)
{
	if (search->id)
		return part->info.id == search->id;
	return part->name && (is_text(part->name, search->text) ||
			      (guest && is_text(guest->name, search->text)));
}

static int open_listed(const struct pool *pool, const struct partition *part,
		       const struct guest *guest,
		       const struct guest_file *file, int flags)
{
	int dirfd, fd, again;
	char self[32];

	if (!part->path && guest)
		return guest_open(guest, file, flags);
	if (!part->path) {
		err("id:%u: its file was removed, and no process that may be looked at has it mapped",
		    part->info.id);
		return -ENOENT;
	}
	dirfd = pool_open(pool);
	if (dirfd < 0)
		return dirfd;
	fd = partition_reopen(dirfd, part);
	close(dirfd);
	if (fd < 0)
		return partition_fail(part->path, fd, "open");
	if (flags == O_RDONLY)
		return fd;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	again = open(self, flags | O_NONBLOCK | O_CLOEXEC);
	if (again < 0)
		again = partition_fail(part->path, -errno, "open");
	close(fd);
	return again;
}

/* By its own name, where only that of its guest was given; else by its path. */
static char *describe_found(const struct search *search,
			    const struct pool *pool,
			    const struct partition *part)
{
	char *text = NULL, *clean = NULL;

	if (!part->path || (part->name && !search->id &&
			    !is_text(part->name, search->text)))
		text = partition_title(part);
	else if (asprintf(&text, "%s/%s", pool->mount, part->path) < 0)
		text = NULL;
	if (text)
		clean = text_clean(text);
	free(text);
	return clean;
}

static void note_found(struct search *search, const struct pool *pool,
		       const struct partition *part, const struct guest *guest,
		       const struct guest_file *file)
{
	size_t len = strlen(search->several);
	char *clean;

	if (!search->count++) {
		search->fd = open_listed(pool, part, guest, file,
					 search->flags);
		search->dev = pool->dev;
		search->ino = part->ino;
	}
	clean = describe_found(search, pool, part);
	snprintf(search->several + len, sizeof(search->several) - len, "%s%s",
		 len ? ", " : "", clean ? clean : "?");
	free(clean);
}

/* The list goes; the best name so far is kept. */
static void offer(struct search *search, const struct partition *part)
{
	if (!part->name)
		return;
	suggest_offer(&search->near, part->name);
	if (search->near.best != part->name)
		return;
	free(search->best);
	search->best = text_clean(part->name);
	search->near.best = search->best;
}

static int search_pool(struct search *search, const struct pool *pool,
		       const struct guests *guests)
{
	struct partition_list list;
	int ret = partition_list_read(&list, pool);
	size_t i;

	if (ret)
		return ret;
	ret = guests_name(guests, pool, &list);
	for (i = 0; !ret && i < list.count; i++) {
		const struct partition *part = &list.items[i];
		const struct guest_file *file = NULL;
		const struct guest *guest = guests_find(guests, pool->dev, part,
							&file);

		if (is_meant(search, part, guest))
			note_found(search, pool, part, guest, file);
		offer(search, part);
	}
	partition_list_free(&list);
	return ret;
}

/* @only: in this pool, NULL: in all. Return: 0 or an errno, reported. */
static int search_names(struct search *search, const struct pool_list *pools,
			const struct pool *only)
{
	struct guests guests;
	int ret;
	size_t i;

	suggest_begin(&search->near, search->text);
	ret = guests_read(&guests, pools);
	for (i = 0; !ret && i < pools->count; i++) {
		if (!only || only == &pools->items[i])
			ret = search_pool(search, &pools->items[i], &guests);
	}
	guests_free(&guests);
	return ret;
}

static void end_search(struct search *search)
{
	if (search->count && search->fd >= 0)
		close(search->fd);
	free(search->best);
}

/* "pool0/web": the pool, and what stands behind it; NULL: none stands before it. */
static const struct pool *split_pool(const struct pool_list *pools,
				     const char *name, const char **rest)
{
	const char *slash = strchr(name, '/');
	const struct pool *pool = NULL;
	char *prefix;

	if (!slash)
		return NULL;
	prefix = strndup(name, slash - name);
	if (prefix && pool_list_names(pools, prefix))
		pool = pool_list_select(pools, prefix);
	free(prefix);
	*rest = slash + 1;
	return pool;
}

/* @other: there is something of this name, but no partition. */
static int not_found(const struct search *search, const char *name, bool other)
{
	const char *near = suggest_end(&search->near);

	if (other)
		return partition_fail(name, -ENOTTY, "open");
	if (near)
		err("%s: no such partition, did you mean '%s'?", name, near);
	else
		err("%s: no such partition, 'tarnctl partition list' shows them",
		    name);
	return -ENOENT;
}

/* By number or name. Return: a descriptor, or an errno, reported. */
static int open_named(const struct pool_list *pools, const char *name, int flags,
		      bool other)
{
	struct search search = { .text = name, .flags = flags };
	const char *rest = name;
	const struct pool *pool = split_pool(pools, name, &rest);
	int ret;

	if (pool)
		search.text = rest;
	if (partition_id_parse(search.text, &search.id) == -EINVAL) {
		err("%s: wants the number of a partition, as in id:5", name);
		return ERR_USAGE;
	}
	ret = search_names(&search, pools, pool);
	if (!ret && !search.count)
		ret = not_found(&search, name, other);
	if (!ret && search.count > 1) {
		err("'%s' are %u partitions, name one of them: %s", name,
		    search.count, search.several);
		ret = -EEXIST;
	}
	if (!ret) {
		ret = search.fd;
		search.fd = -1;
	}
	end_search(&search);
	return ret;
}

/* A file from the root of a pool must not pass for another's guest. */
static int check_file(const struct pool_list *pools, const char *name, int fd)
{
	struct search search = { .text = name, .flags = O_RDONLY };
	struct stat st;
	int ret = 0;

	if (strchr(name, '/'))
		return fd;
	if (fstat(fd, &st))
		ret = -errno;
	if (!ret)
		ret = search_names(&search, pools, NULL);
	if (!ret && search.count &&
	    (search.count > 1 || search.dev != st.st_dev ||
	     search.ino != st.st_ino)) {
		err("'%s' is a file of a pool and a guest of another one, name one by its path: %s",
		    name, search.several);
		ret = -EEXIST;
	}
	end_search(&search);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

int partition_open(const char *name, int flags)
{
	int fd = open_checked(AT_FDCWD, name, flags), ret;
	struct pool_list pools;

	if ((fd != -ENOENT && fd != -ENOTTY) || name[0] == '/') {
		if (fd == -ENOENT)
			err("%s: no such partition, 'tarnctl partition list' shows them",
			    name);
		else if (fd < 0)
			partition_fail(name, fd, "open");
		return fd;
	}
	ret = pool_list_read(&pools);
	if (ret)
		return ret;
	ret = open_in_pools(&pools, name, flags);
	if (ret >= 0)
		ret = check_file(&pools, name, ret);
	else if (ret == -ENOENT)
		ret = open_below_run(name, flags);
	if (ret == -ENOENT)
		ret = open_named(&pools, name, flags, fd == -ENOTTY);
	else if (ret < 0 && ret != -EEXIST)
		partition_fail(name, ret, "open");
	pool_list_free(&pools);
	return ret;
}
