// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl config mount: what tarn-pool@NAME runs. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "config_commands.h"
#include "config_key.h"
#include "error.h"
#include "pool.h"

#define SIZE_DEFAULT "50%"
#define RUN_DIR "/run/tarn"

/* What the file system said: "e tarn: bad value for 'size'". */
static int mount_fail(int fs, int ret, const char *dir)
{
	static const char mark[] = "e tarn: ";
	char reason[256];
	ssize_t len = read(fs, reason, sizeof(reason) - 1);

	if (len > 0) {
		reason[len] = '\0';
		reason[strcspn(reason, "\n")] = '\0';
		err("mount %s: %s", dir,
		    strncmp(reason, mark, strlen(mark)) ?
			    reason : reason + strlen(mark));
		return ret;
	}
	switch (-ret) {
	case ENODEV:
		err("mount %s: the module is not there; 'tarnctl doctor' says how to get it",
		    dir);
		return ret;
	case ENOMEM:
		err("mount %s: this machine has not so much memory free in pieces of 2 MiB; make the pool smaller, or mount it right after the boot",
		    dir);
		return ret;
	case EPERM:
		err("mount %s: not permitted, run it as root", dir);
		return ret;
	}
	return err_errno(ret, "mount %s", dir);
}

static int set_option(int fs, const char *key, const char *value)
{
	if (!value)
		return 0;
	return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) ? -errno : 0;
}

static int set_id(int fs, const char *key, const char *value,
		  long (*find)(const char *value))
{
	char text[24];

	if (!value)
		return 0;
	snprintf(text, sizeof(text), "%ld", find(value));
	return set_option(fs, key, text);
}

static int set_size(int fs, const struct config_section *section)
{
	const char *nodes = config_get(section, "nodes");
	const char *size = config_get(section, "size");
	char *value = config_mount_size(nodes ? nodes :
					size ? size : SIZE_DEFAULT);
	int ret = value ? set_option(fs, nodes ? "nodes" : "size", value) :
			  -ENOMEM;

	free(value);
	return ret;
}

static int set_options(int fs, const struct config_section *section)
{
	int ret = set_size(fs, section);

	if (!ret)
		ret = set_option(fs, "mode", config_get(section, "mode"));
	if (!ret)
		ret = set_id(fs, "uid", config_get(section, "uid"), config_uid);
	if (!ret)
		ret = set_id(fs, "gid", config_get(section, "gid"), config_gid);
	if (!ret)
		ret = set_option(fs, "paging", config_get(section, "paging"));
	if (!ret)
		ret = set_option(fs, "huge", config_get(section, "huge"));
	return ret;
}

/* There may be one from before, but nothing in it. */
static int make_dir(const char *dir)
{
	if (mkdir(RUN_DIR, 0755) && errno != EEXIST)
		return err_errno(-errno, "make " RUN_DIR);
	if (mkdir(dir, 0755) && errno != EEXIST)
		return err_errno(-errno, "make %s", dir);
	return 0;
}

static int mount_at(int fs, const struct config_section *section, const char *dir)
{
	int ret = set_options(fs, section), mnt;

	if (!ret && fsconfig(fs, FSCONFIG_SET_STRING, "source", "tarn", 0))
		ret = -errno;
	if (!ret && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		ret = -errno;
	if (ret)
		return mount_fail(fs, ret, dir);
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mnt < 0)
		return mount_fail(fs, -errno, dir);
	if (move_mount(mnt, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_PATH))
		ret = err_errno(-errno, "mount %s", dir);
	close(mnt);
	return ret;
}

/* A pool there is another file system than what is around it. */
bool config_is_mounted(const char *dir)
{
	struct stat here, above;

	return !stat(dir, &here) && !stat(RUN_DIR, &above) &&
	       here.st_dev != above.st_dev;
}

static int mount_pool(const struct config *config)
{
	char dir[PATH_MAX];
	int fs, ret;

	pool_dir(dir, config->name);
	if (config_is_mounted(dir)) {
		err("%s: something is mounted there already", dir);
		return -EBUSY;
	}
	ret = make_dir(dir);
	if (ret)
		return ret;
	fs = fsopen("tarnfs", FSOPEN_CLOEXEC);
	if (fs < 0) {
		ret = mount_fail(-1, -errno, dir);
	} else {
		ret = mount_at(fs, config_find(config, CONFIG_POOL), dir);
		close(fs);
	}
	if (ret)
		rmdir(dir);
	return ret;
}

int config_mount_main(int argc, char **argv, const struct options *opts)
{
	struct config config;
	int ret;

	if (config_name_arg("tarnctl config mount", argv[0]))
		return EXIT_USAGE;
	ret = config_load(&config, argv[0], true);
	/* A unit that is enabled without a file has always had a pool. */
	if (ret == -ENOENT) {
		err("note: there is no " CONFIG_DIR "/%s" CONFIG_SUFFIX ", so the pool has half of the memory",
		    argv[0]);
		config.name = strdup(argv[0]);
		ret = config.name ? 0 : err_nomem();
	}
	if (!ret && config_wrong(&config, CONFIG_POOL))
		ret = EXIT_USAGE;
	else if (!ret)
		ret = mount_pool(&config);
	config_free(&config);
	return ret;
}
