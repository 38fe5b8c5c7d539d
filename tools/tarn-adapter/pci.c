// SPDX-License-Identifier: GPL-2.0-only
/* See pci.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "pci.h"

const struct pci_roots pci_roots = { "/sys", "/dev" };

void pci_init(struct pci_function *fn, const struct pci_roots *roots, const struct bdf *bdf)
{
	*fn = (struct pci_function){ .bdf = *bdf, .roots = roots };
	bdf_format(fn->name, bdf);
}

static void path_of(const struct pci_function *fn, const char *file, char *path)
{
	snprintf(path, PATH_MAX, "%s/bus/pci/devices/%s/%s", fn->roots->sysfs, fn->name, file);
}

bool pci_exists(const struct pci_function *fn)
{
	char path[PATH_MAX];

	path_of(fn, "", path);
	return !access(path, F_OK);
}

long pci_number(const struct pci_function *fn, const char *file)
{
	char path[PATH_MAX], text[32];
	ssize_t len;
	long number;
	char *end;
	int fd;

	path_of(fn, file, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return -EIO;
	text[len] = '\0';
	errno = 0;
	number = strtol(text, &end, 0);
	return errno || end == text || number < 0 ? -EINVAL : number;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return err_errno(-errno, "%s", path);
	if (write(fd, text, strlen(text)) < 0)
		ret = err_errno(-errno, "write '%s' to %s", text, path);
	close(fd);
	return ret;
}

int pci_write(const struct pci_function *fn, const char *file, const char *text)
{
	char path[PATH_MAX];

	path_of(fn, file, path);
	return write_file(path, text);
}

void pci_link(const struct pci_function *fn, const char *link, char *name)
{
	char path[PATH_MAX], to[PATH_MAX];
	const char *slash;
	ssize_t len;

	path_of(fn, link, path);
	len = readlink(path, to, sizeof(to) - 1);
	to[len < 0 ? 0 : len] = '\0';
	slash = strrchr(to, '/');
	snprintf(name, PCI_NAME_MAX, "%.*s", PCI_NAME_MAX - 1, slash ? slash + 1 : to);
}

int pci_virtual(const struct pci_function *fn, unsigned int index,
		struct pci_function *virtual)
{
	char link[32], name[PCI_NAME_MAX];
	struct bdf bdf;

	snprintf(link, sizeof(link), "virtfn%u", index);
	pci_link(fn, link, name);
	if (bdf_parse(name, &bdf)) {
		err("%s has no virtual function %u", fn->name, index);
		return -ENODEV;
	}
	pci_init(virtual, fn->roots, &bdf);
	return 0;
}

int pci_bind_vfio(const struct pci_function *fn)
{
	char driver[PCI_NAME_MAX], path[PATH_MAX];
	int ret;

	pci_link(fn, "driver", driver);
	if (!strcmp(driver, "vfio-pci"))
		return 0;
	if (*driver) {
		err("%s is driven by %s, and may be in use: unbind it (echo %s > /sys/bus/pci/drivers/%s/unbind)",
		    fn->name, driver, fn->name, driver);
		return -EBUSY;
	}
	ret = pci_write(fn, "driver_override", "vfio-pci");
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "%s/bus/pci/drivers_probe", fn->roots->sysfs);
	ret = write_file(path, fn->name);
	if (ret)
		return ret;
	pci_link(fn, "driver", driver);
	if (!strcmp(driver, "vfio-pci"))
		return 0;
	err("vfio-pci does not take %s: modprobe vfio-pci, and see what dmesg says", fn->name);
	return -ENODEV;
}

/* Entries of a directory but for "." and "..", or -1. */
static int count_entries(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	int count = 0;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

int pci_check_group(const struct pci_function *fn)
{
	char group[PCI_NAME_MAX], path[PATH_MAX];
	int count;

	pci_link(fn, "iommu_group", group);
	if (!*group) {
		err("%s has no IOMMU group: what it writes to memory could not be checked; turn the IOMMU on (intel_iommu=on)",
		    fn->name);
		return -ENODEV;
	}
	path_of(fn, "iommu_group/devices", path);
	count = count_entries(path);
	if (count == 1)
		return atoi(group);
	err("%s shares its IOMMU group %s with %d other functions: they could reach each other's memory",
	    fn->name, group, count - 1);
	return -EPERM;
}

int pci_reset(const struct pci_function *fn)
{
	return pci_write(fn, "reset", "1");
}

int pci_nvme(const struct pci_function *fn)
{
	char path[PATH_MAX], device[PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	int fd;

	path_of(fn, "nvme", path);
	dir = opendir(path);
	if (!dir)
		return -ENODEV;
	*device = '\0';
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			snprintf(device, sizeof(device), "%s/%s", fn->roots->dev,
				 entry->d_name);
	}
	closedir(dir);
	if (!*device)
		return -ENODEV;
	fd = open(device, O_RDWR | O_CLOEXEC);
	return fd < 0 ? err_errno(-errno, "%s", device) : fd;
}
