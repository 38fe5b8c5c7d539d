// SPDX-License-Identifier: GPL-2.0-only
/*
 * See host_use.h. With multipath, which Debian's kernels have, the disk of a namespace lies
 * below the subsystem of its controller, otherwise below the controller.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "host_use.h"

/* Name of the controller, as "nvme0"; "" if there is none. */
static void controller_of(const struct pci_function *pf, char *name, size_t size)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	*name = '\0';
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/nvme", pf->roots->sysfs, pf->name);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			snprintf(name, size, "%s", entry->d_name);
	}
	if (dir)
		closedir(dir);
}

/* Whether the disk @name is of the controller, or of its subsystem. */
static bool is_of(const struct pci_function *pf, const char *controller, const char *name)
{
	char path[PATH_MAX], real[PATH_MAX], *slash;

	snprintf(path, sizeof(path), "%s/block/%s", pf->roots->sysfs, name);
	if (!realpath(path, real))
		return false;
	slash = strrchr(real, '/');
	*slash = '\0';
	slash = strrchr(real, '/');
	if (slash && !strcmp(slash + 1, controller))
		return true;
	return snprintf(path, sizeof(path), "%s/%s", real, controller) < PATH_MAX &&
	       !access(path, F_OK);
}

static bool has_number(const struct pci_function *pf, const char *name, uint32_t nsid)
{
	char path[PATH_MAX];
	unsigned int number = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/block/%s/nsid", pf->roots->sysfs, name);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fscanf(f, "%u", &number) != 1)
		number = 0;
	fclose(f);
	return number == nsid;
}

/*
 * A partition of it that is mounted has the whole disk, too. What is not there is not used;
 * what cannot be found out may be.
 */
static int check_disk(const struct pci_function *pf, const char *name, uint32_t nsid)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", pf->roots->dev, name);
	fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return 0;
	if (errno != EBUSY)
		return err_errno(-errno, "%s: whether this host uses namespace %u", path, nsid);
	err("namespace %u is %s, which this host uses itself: it is not given to a guest", nsid,
	    path);
	return -EBUSY;
}

int host_use_check(const struct pci_function *pf, uint32_t nsid)
{
	char controller[NAME_MAX + 1], path[PATH_MAX];
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	controller_of(pf, controller, sizeof(controller));
	snprintf(path, sizeof(path), "%s/block", pf->roots->sysfs);
	dir = opendir(path);
	while (dir && !ret && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "nvme", 4) && has_number(pf, entry->d_name, nsid) &&
		    is_of(pf, controller, entry->d_name))
			ret = check_disk(pf, entry->d_name, nsid);
	}
	if (dir)
		closedir(dir);
	return ret;
}
