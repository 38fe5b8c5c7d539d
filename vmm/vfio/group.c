// SPDX-License-Identifier: GPL-2.0-only
/* See group.h. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "error.h"
#include "vfio/group.h"

/* Base class and subclass of bridges between PCI buses. */
#define CLASS_BRIDGE 0x0604

/* Some hex digits, and what comes behind them; NULL if there are others. */
static const char *hex_digits(const char *p, size_t min, size_t max)
{
	size_t n;

	for (n = 0; n < max && isxdigit((unsigned char)p[n]); n++)
		;
	return n < min ? NULL : p + n;
}

static bool well_formed(const char *text)
{
	const char *p = hex_digits(text, 4, 8);

	if (!p || *p++ != ':')
		return false;
	p = hex_digits(p, 2, 2);
	if (!p || *p++ != ':')
		return false;
	p = hex_digits(p, 2, 2);
	return p && p[0] == '.' && p[1] >= '0' && p[1] <= '7' && !p[2];
}

int vfio_bdf_parse(char bdf[VFIO_BDF_MAX], const char *text)
{
	size_t i;

	if (!well_formed(text)) {
		err("'%.40s' is no address of a PCI function, which looks like 0000:01:00.0 (\"lspci -D\" lists them)",
		    text);
		return -EINVAL;
	}
	for (i = 0; text[i]; i++)
		bdf[i] = tolower((unsigned char)text[i]);
	bdf[i] = '\0';
	return 0;
}

/* The last name of what a link of a function leads to: 0 or -errno. */
static int read_link(const char *sysfs, const char *bdf, const char *name,
		     char base[NAME_MAX + 1])
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *last;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", sysfs, bdf, name);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	if (strlen(last) > NAME_MAX)
		return -ENAMETOOLONG;
	strcpy(base, last);
	return 0;
}

/* Not known counts as none: then it is in the way. */
static bool is_bridge(const char *sysfs, const char *bdf)
{
	char path[PATH_MAX];
	unsigned int class = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/class", sysfs, bdf);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fscanf(f, "%x", &class) != 1)
		class = 0;
	fclose(f);
	return class >> 8 == CLASS_BRIDGE;
}

static int check_alone(const char *sysfs, const char *bdf, unsigned int group)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%u/devices", sysfs, group);
	dir = opendir(path);
	if (!dir)
		return err_errno(-errno, "cannot open %s", path);
	while (!ret && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, bdf) ||
		    is_bridge(sysfs, entry->d_name))
			continue;
		err("%s shares IOMMU group %u with %s, so that each can reach the other's memory: a virtual function, or a slot below a port with access control (ACS), has a group of its own",
		    bdf, group, entry->d_name);
		ret = -EXDEV;
	}
	closedir(dir);
	return ret;
}

/* vfio-pci itself, or one of those that are made of it for a vendor's functions. */
static bool is_vfio(const char *driver)
{
	return strstr(driver, "vfio-pci") || strstr(driver, "vfio_pci");
}

static int check_driver(const char *sysfs, const char *bdf)
{
	char driver[NAME_MAX + 1];
	bool has_none = read_link(sysfs, bdf, "driver", driver);

	if (!has_none && is_vfio(driver))
		return 0;
	/* Commands as they can be typed; driverctl is the one that lasts. */
	err("%s has %s%s, not vfio-pci, for a driver: \"driverctl set-override %s vfio-pci\", or \"cd /sys/bus/pci/devices/%s && echo vfio-pci >driver_override && %s%s%secho %s >/sys/bus/pci/drivers_probe\"",
	    bdf, has_none ? "nothing" : "", has_none ? "" : driver, bdf, bdf,
	    has_none ? "" : "echo ", has_none ? "" : bdf,
	    has_none ? "" : " >driver/unbind && ", bdf);
	return -ENXIO;
}

int vfio_group_find(const char *sysfs, const char *bdf, unsigned int *group)
{
	char path[PATH_MAX], name[NAME_MAX + 1], end;
	int ret;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", sysfs, bdf);
	if (access(path, F_OK)) {
		ret = errno == ENOENT ? -ENODEV : -errno;
		return err_errno(ret, "there is no PCI function %s", bdf);
	}
	ret = read_link(sysfs, bdf, "iommu_group", name);
	if (ret || sscanf(name, "%u%c", group, &end) != 1) {
		err("%s has no IOMMU, which has to be on in the host's firmware and on its kernel's command line (intel_iommu=on)",
		    bdf);
		return -ENODEV;
	}
	ret = check_alone(sysfs, bdf, *group);
	return ret ? ret : check_driver(sysfs, bdf);
}

static int cannot_open(int ret, const char *path)
{
	switch (ret) {
	case -EBUSY:
		return err_errno(ret, "%s is another process's already", path);
	case -EACCES:
	case -EPERM:
		return err_errno(ret, "cannot open %s, which has to belong to the user that the guest runs as",
				 path);
	default:
		return err_errno(ret, "cannot open %s", path);
	}
}

int vfio_group_open(unsigned int group, int container)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	char path[40];
	int fd, ret;

	snprintf(path, sizeof(path), "/dev/vfio/%u", group);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return cannot_open(-errno, path);
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status)) {
		ret = err_errno(-errno, "cannot ask for the state of %s", path);
	} else if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		err("IOMMU group %u has something in it that a driver of the host's uses", group);
		ret = -EPERM;
	} else if (ioctl(fd, VFIO_GROUP_SET_CONTAINER, &container)) {
		ret = err_errno(-errno, "cannot have %s in a container", path);
	} else {
		return fd;
	}
	close(fd);
	return ret;
}
