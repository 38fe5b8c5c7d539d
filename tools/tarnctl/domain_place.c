// SPDX-License-Identifier: GPL-2.0-only
/*
 * The directories of libvirt's domains and their links into pools.
 *
 * The directory above them is owned by the user that guests run as, so that one
 * of them that broke out of its VMM may put anything there. Nothing there is
 * followed: a link is made and read, and what it says is used only if it is
 * what would have been made.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "domain_place.h"
#include "error.h"

#define DEFAULT_DIR "/var/lib/libvirt/qemu/ram"
#define RUN_DIR "/run/tarn/"
/*
 * In a pool, the memory of domains that are linked is in
 * domains/libvirt-UUID/NAME/. The first of it is the name of the AppArmor profile
 * that libvirt makes for a domain, so that one rule lets each have its own.
 */
#define POOL_DIR "domains"
#define PROFILE_FORMAT "libvirt-%s"
#define PROFILE_MAX 48

/* ---- the configuration ------------------------------------------------------ */

/* A line 'memory_backing_dir = "..."', as the last one counts. */
static void read_line(struct domain_place *place, const char *line)
{
	static const char key[] = "memory_backing_dir";
	size_t len;

	line += strspn(line, " \t");
	if (strncmp(line, key, sizeof(key) - 1))
		return;
	line += sizeof(key) - 1;
	line += strspn(line, " \t");
	if (*line++ != '=')
		return;
	line += strspn(line, " \t");
	if (*line++ != '"')
		return;
	len = strcspn(line, "\"\n");
	if (line[len] == '"' && len && len < sizeof(place->dir))
		snprintf(place->dir, sizeof(place->dir), "%.*s", (int)len, line);
}

int domain_place_read(struct domain_place *place, const char *conf)
{
	char *line = NULL;
	struct statfs fs;
	struct stat st;
	size_t size = 0;
	FILE *f;

	memset(place, 0, sizeof(*place));
	strcpy(place->dir, DEFAULT_DIR);
	f = fopen(conf, "re");
	if (!f && errno != ENOENT)
		return err_errno(-errno, "open %s", conf);
	while (f && getline(&line, &size, f) > 0)
		read_line(place, line);
	free(line);
	if (f)
		fclose(f);
	if (!statfs(place->dir, &fs) && !stat(place->dir, &st)) {
		place->in_pool = fs.f_type == TARN_SUPER_MAGIC;
		place->dev = st.st_dev;
	}
	place->links = !place->in_pool &&
		       !strncmp(place->dir, RUN_DIR, strlen(RUN_DIR));
	return 0;
}

int domain_place_check(const struct domain_place *place,
		       const struct domain *dom, const struct pool *pool)
{
	if (place->links || (place->in_pool && place->dev == pool->dev))
		return 0;
	if (place->in_pool)
		return domain_err(dom, dom->settings,
				  "it wants the pool %s, but memory_backing_dir of /etc/libvirt/qemu.conf is %s in another one; set that to \"/run/tarn/domains\", so that each domain may have its own, and restart libvirtd",
				  pool->mount, place->dir);
	return domain_err(dom, dom->settings,
			  "libvirt would not put its memory into the pool %s: set memory_backing_dir = \"/run/tarn/domains\" in /etc/libvirt/qemu.conf and restart libvirtd",
			  pool->mount);
}

/* ---- libvirt's directory of a domain ---------------------------------------- */

static int open_base(const struct domain_place *place)
{
	char path[1100];
	int fd;

	snprintf(path, sizeof(path), "%s/libvirt/qemu", place->dir);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_errno(-errno, "open %s", path) : fd;
}

/* Its name can be that of a directory. */
static bool has_place(const struct domain *dom)
{
	return dom->uuid[0] && !strchr(dom->name, '/') && strcmp(dom->name, ".") &&
	       strcmp(dom->name, "..") && strlen(dom->name) <= NAME_MAX;
}

/* libvirt shortens long names, so the number and a beginning have to do. */
static bool is_of(const struct domain *dom, const char *entry)
{
	char prefix[16];
	size_t len;

	len = snprintf(prefix, sizeof(prefix), "%u-", dom->id);
	return !strncmp(entry, prefix, len) && entry[len] &&
	       !strncmp(entry + len, dom->name, strlen(entry + len));
}

/* Find the name of its directory. Return: 0, -ENOENT, another errno. */
static int find_entry(int base, const struct domain *dom, char *name)
{
	struct dirent *entry;
	int ret = -ENOENT, fd;
	DIR *dir;

	fd = openat(base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (ret && (entry = readdir(dir))) {
		if (!is_of(dom, entry->d_name))
			continue;
		strcpy(name, entry->d_name);
		ret = 0;
	}
	closedir(dir);
	return ret;
}

/* ---- the directory in the pool ----------------------------------------------- */

/* Remove a directory, and the files in it: memory of a domain that is gone. */
static void remove_dir(int parent, const char *name)
{
	struct dirent *entry;
	DIR *dir;
	int fd;

	fd = openat(parent, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	unlinkat(parent, name, AT_REMOVEDIR);
}

/*
 * Others may be allowed to make files in a pool, and may have been there first: who
 * made a directory may have it open, and who may write above one puts another in its
 * place. Where they may not remove what is not theirs (mode=1770), root is safe enough.
 */
static bool is_ours(const struct stat *st, bool sticky)
{
	return st->st_uid == geteuid() &&
	       (!(st->st_mode & 0022) || (sticky && st->st_mode & S_ISVTX));
}

/* Return: 0, or an errno, reported. */
static int check_root(const struct pool *pool, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_errno(-errno, "look at %s", pool->mount);
	if (is_ours(&st, true))
		return 0;
	err("%s: others may replace directories of domains in it: mount the pool with mode=0755, or mode=1770 for a group that makes files in it, and without uid=",
	    pool->mount);
	return -EPERM;
}

/* Make or find one of those above. Return: a descriptor, or an errno, reported. */
static int open_trusted(const struct pool *pool, int parent, const char *name,
			const char *path)
{
	struct stat st;
	int fd, ret = 0;

	if (mkdirat(parent, name, 0711) && errno != EEXIST)
		return err_errno(-errno, "make %s/%s", pool->mount, path);
	fd = openat(parent, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(-errno, "open %s/%s", pool->mount, path);
	if (fstat(fd, &st)) {
		ret = err_errno(-errno, "look at %s/%s", pool->mount, path);
	} else if (!is_ours(&st, false)) {
		ret = -EPERM;
		err("%s/%s: others than root own it or may write to it, memory of domains is not put there: end what uses it and remove it",
		    pool->mount, path);
	}
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

/*
 * Make the directories above that of a domain.
 * Return: a descriptor of the lowest one, or an errno, reported.
 */
static int open_above(const struct pool *pool, const struct domain *dom)
{
	char path[sizeof(POOL_DIR) + PROFILE_MAX + 1];
	int root = pool_open(pool), domains = -1, fd;

	if (root < 0)
		return root;
	snprintf(path, sizeof(path), POOL_DIR "/" PROFILE_FORMAT, dom->uuid);
	fd = check_root(pool, root);
	if (!fd)
		fd = domains = open_trusted(pool, root, POOL_DIR, POOL_DIR);
	if (domains >= 0) {
		fd = open_trusted(pool, domains, path + sizeof(POOL_DIR), path);
		close(domains);
	}
	close(root);
	return fd;
}

/* It is new: in one that was there, somebody may have files open. */
static int make_new(int above, const struct pool *pool, const struct domain *dom,
		    const struct stat *like)
{
	int fd, ret = 0;

	if (mkdirat(above, dom->name, 0700)) {
		if (errno != EEXIST)
			return err_errno(-errno, "make a directory for %s in %s",
					 dom->source, pool->mount);
		err("%s/" POOL_DIR "/" PROFILE_FORMAT "/%s is there and cannot be emptied: remove it",
		    pool->mount, dom->uuid, dom->name);
		return -EEXIST;
	}
	fd = openat(above, dom->name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchown(fd, like->st_uid, like->st_gid))
		ret = err_errno(-errno, "give away the directory for %s in %s",
				dom->source, pool->mount);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int make_dir(const struct pool *pool, const struct domain *dom,
		    const struct stat *like)
{
	int above = open_above(pool, dom), ret;

	if (above < 0)
		return above;
	remove_dir(above, dom->name);
	ret = make_new(above, pool, dom, like);
	close(above);
	return ret;
}

static void remove_place(const struct pool *pool, const struct domain *dom)
{
	char profile[sizeof(POOL_DIR) + PROFILE_MAX + 1];
	int above = open_above(pool, dom), root;

	if (above < 0)
		return;
	remove_dir(above, dom->name);
	close(above);
	root = pool_open(pool);
	if (root < 0)
		return;
	snprintf(profile, sizeof(profile), POOL_DIR "/" PROFILE_FORMAT,
		 dom->uuid);
	unlinkat(root, profile, AT_REMOVEDIR);
	close(root);
}

static void format_place(char *path, size_t size, const struct pool *pool,
			 const struct domain *dom)
{
	snprintf(path, size, "%s/" POOL_DIR "/" PROFILE_FORMAT "/%s",
		 pool->mount, dom->uuid, dom->name);
}

/* ---- links ------------------------------------------------------------------- */

static int replace(int base, const char *name, const char *target)
{
	if (unlinkat(base, name, AT_REMOVEDIR) || symlinkat(target, base, name))
		return err_errno(-errno, "make the link %s to %s", name, target);
	return 0;
}

int domain_place_link(const struct domain_place *place,
		      const struct domain *dom, const struct pool *pool)
{
	char name[NAME_MAX + 1], target[PATH_MAX];
	struct stat st;
	int base, ret;

	if (!has_place(dom))
		return domain_err(dom, NULL,
				  "its name cannot be that of a directory");
	base = open_base(place);
	if (base < 0)
		return base;
	ret = find_entry(base, dom, name);
	if (!ret && fstatat(base, name, &st, AT_SYMLINK_NOFOLLOW))
		ret = -errno;
	if (ret) {
		domain_err(dom, NULL,
			   "libvirt has made no directory for its memory below %s; restart libvirtd if memory_backing_dir has changed",
			   place->dir);
	} else if (!S_ISLNK(st.st_mode)) {
		format_place(target, sizeof(target), pool, dom);
		ret = make_dir(pool, dom, &st);
		if (!ret)
			ret = replace(base, name, target);
	}
	close(base);
	return ret;
}

/* The pool whose directory of the domain a link leads to, or NULL. */
static const struct pool *find_target(const struct pool_list *pools,
				      const char *target,
				      const struct domain *dom)
{
	char expected[PATH_MAX];
	size_t i;

	for (i = 0; i < pools->count; i++) {
		format_place(expected, sizeof(expected), &pools->items[i], dom);
		if (!strcmp(expected, target))
			return &pools->items[i];
	}
	return NULL;
}

/* The domain has no number any more when it is released: its uuid has to do. */
static void unlink_entry(const struct pool_list *pools, int base,
			 const char *entry, const struct domain *dom)
{
	const struct pool *pool;
	char target[PATH_MAX];
	ssize_t len;

	len = readlinkat(base, entry, target, sizeof(target) - 1);
	if (len < 0)
		return;
	target[len] = '\0';
	pool = find_target(pools, target, dom);
	if (!pool)
		return;
	unlinkat(base, entry, 0);
	remove_place(pool, dom);
}

void domain_place_unlink(const struct domain_place *place,
			 const struct domain *dom)
{
	struct pool_list pools;
	struct dirent *entry;
	int base, fd;
	DIR *dir;

	if (!has_place(dom) || pool_list_read(&pools))
		return;
	base = open_base(place);
	fd = base < 0 ? -1 : openat(base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (entry = readdir(dir)))
		unlink_entry(&pools, base, entry->d_name, dom);
	if (dir)
		closedir(dir);
	if (base >= 0)
		close(base);
	pool_list_free(&pools);
}
