// SPDX-License-Identifier: GPL-2.0-only
/*
 * The disk for cloud-init, by its data source NoCloud: an ISO 9660 file system named
 * CIDATA with user-data and meta-data, made by xorriso or genisoimage. It is kept in
 * memory, and goes with the guest.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "error.h"
#include "run.h"

#define FILE_MAX (1 << 20)
#define NO_USER_DATA "#cloud-config\n{}\n"

/**
 * struct seed - what is on the disk; @dir has the two files while it is made.
 * @mask: signals that are blocked otherwise
 */
struct seed {
	sigset_t mask;
	char dir[32];
	char *user_data;
	char *keys; /* a line each */
};

static char *read_file(const char *path)
{
	char *text = NULL;
	size_t len;
	FILE *f;

	f = fopen(path, "re");
	if (!f) {
		err_errno(-errno, "cannot open '%s'", path);
		return NULL;
	}
	text = malloc(FILE_MAX + 1);
	len = text ? fread(text, 1, FILE_MAX + 1, f) : 0;
	if (!text) {
		err_nomem();
	} else if (ferror(f) || len > FILE_MAX) {
		err("'%s' cannot be read, or is larger than 1 MiB", path);
		free(text);
		text = NULL;
	} else {
		text[len] = '\0';
	}
	fclose(f);
	return text;
}

static bool has_control(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	}
	return false;
}

static int add_keys(struct seed *seed, const char *path)
{
	char *text = read_file(path), *line, *pos = text, *keys;
	bool any = false;

	while (text && (line = strsep(&pos, "\r\n"))) {
		line += strspn(line, " \t");
		if (!*line || *line == '#')
			continue;
		/* It stands in quotes of YAML, which a key has none of. */
		if (strstr(line, "PRIVATE KEY") || strpbrk(line, "\"\\") ||
		    has_control(line)) {
			err("'%s' is no file of public keys of ssh (~/.ssh/*.pub)",
			    path);
			goto err_free;
		}
		if (asprintf(&keys, "%s  - \"%s\"\n", seed->keys, line) < 0) {
			err_nomem();
			goto err_free;
		}
		free(seed->keys);
		seed->keys = keys;
		any = true;
	}
	if (text && !any)
		err("'%s' has no key", path);
	free(text);
	return any ? 0 : -EINVAL;

err_free:
	free(text);
	return -EINVAL;
}

static FILE *create_file(const struct seed *seed, const char *name)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", seed->dir, name);
	f = fopen(path, "wxe");
	if (!f)
		err_errno(-errno, "cannot create '%s'", path);
	return f;
}

static int finish(FILE *f, const struct seed *seed)
{
	bool failed = ferror(f);

	if (!fclose(f) && !failed)
		return 0;
	return err_errno(errno ? -errno : -EIO, "cannot write to '%s'",
			 seed->dir);
}

/* cloud-init does its work once for an id: another one where the data is another. */
static int write_files(const struct seed *seed, const char *name)
{
	unsigned long sum = crc32(0, (const void *)seed->user_data,
				  strlen(seed->user_data));
	FILE *f = create_file(seed, "user-data");
	int ret;

	if (!f)
		return -EIO;
	sum = crc32(sum, (const void *)seed->keys, strlen(seed->keys));
	fputs(seed->user_data, f);
	ret = finish(f, seed);
	if (ret)
		return ret;
	f = create_file(seed, "meta-data");
	if (!f)
		return -EIO;
	fprintf(f, "instance-id: \"%s-%08lx\"\nlocal-hostname: \"%s\"\n", name,
		sum, name);
	if (*seed->keys)
		fprintf(f, "public-keys:\n%s", seed->keys);
	return finish(f, seed);
}

/*
 * Nothing of what the user has told these programs to do in general: files in his home
 * and variables could have them write elsewhere, or something else.
 */
static bool clean_env(const struct seed *seed)
{
	const char *path = getenv("PATH");
	char *copy = strdup(path ? path : "/usr/bin:/bin");

	return copy && !clearenv() && !setenv("PATH", copy, 1) &&
	       !setenv("HOME", seed->dir, 1) && !setenv("LC_ALL", "C", 1);
}

static void exec_tool(const struct seed *seed, int fd)
{
	int null = open("/dev/null", O_RDWR);

	sigprocmask(SIG_SETMASK, &seed->mask, NULL);
	if (!clean_env(seed) || chdir(seed->dir) || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(fd, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(126);
	execlp("xorriso", "xorriso", "-as", "mkisofs", "-quiet", "-V", "CIDATA",
	       "-J", "-R", "user-data", "meta-data", (char *)NULL);
	execlp("genisoimage", "genisoimage", "-quiet", "-V", "CIDATA", "-J",
	       "-R", "user-data", "meta-data", (char *)NULL);
	_exit(127);
}

static int run_tool(const struct seed *seed, int fd)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return err_errno(-errno, "fork");
	if (!pid)
		exec_tool(seed, fd);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(-errno, "waitpid");
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		err("the disk for cloud-init is made by xorriso or genisoimage, and neither is here: apt install xorriso");
	else
		err("the disk for cloud-init could not be made");
	return -ENOENT;
}

/* With what the program may have left there. */
static void remove_dir(const struct seed *seed)
{
	DIR *dir = opendir(seed->dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(seed->dir);
}

/* Keys of users are in it: who interrupts this does so when it is removed. */
static void hold_signals(struct seed *seed)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &seed->mask);
}

static int make_disk(struct seed *seed, const char *name)
{
	int fd, ret;

	snprintf(seed->dir, sizeof(seed->dir), "/tmp/tarnctl-XXXXXX");
	hold_signals(seed);
	if (!mkdtemp(seed->dir)) {
		ret = err_errno(-errno, "cannot make a directory in /tmp");
		sigprocmask(SIG_SETMASK, &seed->mask, NULL);
		return ret;
	}
	/* The VMM inherits it. */
	fd = memfd_create("cidata", 0);
	ret = fd < 0 ? err_errno(-errno, "memfd_create")
		     : write_files(seed, name);
	if (!ret)
		ret = run_tool(seed, fd);
	remove_dir(seed);
	sigprocmask(SIG_SETMASK, &seed->mask, NULL);
	if (ret && fd >= 0)
		close(fd);
	return ret ? ret : fd;
}

int run_seed_make(const struct run *run)
{
	struct seed seed = { .keys = strdup("") };
	unsigned int i;
	int ret = 0;

	seed.user_data = run->user_data ? read_file(run->user_data)
					: strdup(NO_USER_DATA);
	if (!seed.user_data || !seed.keys)
		ret = -EINVAL;
	for (i = 0; i < run->ssh_keys.count && !ret; i++)
		ret = add_keys(&seed, run->ssh_keys.items[i]);
	if (!ret)
		ret = run->dry_run ? RUN_FD_DRY : make_disk(&seed, run->name);
	free(seed.user_data);
	free(seed.keys);
	return ret;
}
