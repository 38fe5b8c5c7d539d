// SPDX-License-Identifier: GPL-2.0-only
/* Checks of adapters that are to be divided among guests: those that have a file. */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

#define FILES "/etc/tarn/adapters.d"
#define SUFFIX ".conf"
#define DEVICES "/sys/bus/pci/devices"
#define SOCKETS "/run/tarn/adapter"

/* ---- their files ------------------------------------------------------------------ */

static int is_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), end = strlen(SUFFIX);

	return len > end && !strcmp(entry->d_name + len - end, SUFFIX);
}

/* Call @judge for the address of each. Return: how many there are. */
static int for_each(void (*judge)(struct finding *f, const char *name), struct finding *f)
{
	struct dirent **entries;
	int count = scandir(FILES, &entries, is_file, alphasort), i;

	if (count < 0)
		return 0;
	for (i = 0; i < count; i++) {
		entries[i]->d_name[strlen(entries[i]->d_name) - strlen(SUFFIX)] = '\0';
		/* The first that is not well stands for all. */
		if (judge && f->state == DOCTOR_NONE)
			judge(f, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return count;
}

static bool is_empty(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	bool empty = true;

	while (dir && empty && (entry = readdir(dir)))
		empty = entry->d_name[0] == '.';
	if (dir)
		closedir(dir);
	return empty;
}

/* ---- checks ----------------------------------------------------------------------- */

static void check_iommu(struct finding *f)
{
	if (!for_each(NULL, f))
		return;
	if (is_empty("/sys/kernel/iommu_groups"))
		found(f, DOCTOR_BAD,
		      "turn VT-d or AMD-Vi on in the firmware, and boot with intel_iommu=on",
		      "there is no IOMMU: an adapter could reach all memory, so none is divided");
	else
		found(f, DOCTOR_GOOD, NULL, "there is an IOMMU");
}

static void check_vfio(struct finding *f)
{
	if (!for_each(NULL, f))
		return;
	if (access("/sys/bus/pci/drivers/vfio-pci", F_OK))
		found(f, DOCTOR_BAD, "modprobe vfio-pci, which the unit tarn-adapter@ does as well",
		      "vfio-pci is not loaded: nothing can be given to guests");
	else
		found(f, DOCTOR_GOOD, NULL, "vfio-pci is loaded");
}

static void judge_adapter(struct finding *f, const char *name)
{
	char path[400], text[16];

	snprintf(path, sizeof(path), DEVICES "/%s", name);
	if (access(path, F_OK)) {
		found(f, DOCTOR_BAD, "call its file by its address ('lspci -D' lists them), or remove it",
		      "there is no adapter %s, and a file for it", name);
		return;
	}
	snprintf(path, sizeof(path), DEVICES "/%s/sriov_totalvfs", name);
	doctor_read(path, text, sizeof(text));
	if (!atoi(text)) {
		found(f, DOCTOR_BAD, "turn SR-IOV on in the firmware, of the host and of the adapter",
		      "%s has no virtual functions", name);
		return;
	}
	snprintf(path, sizeof(path), SOCKETS "/%s.sock", name);
	if (access(path, F_OK))
		found(f, DOCTOR_POOR, "systemctl enable --now tarn-adapter@ADDRESS",
		      "%s has a file and no manager", name);
}

static void check_adapters(struct finding *f)
{
	int count = for_each(judge_adapter, f);

	if (count && f->state == DOCTOR_NONE)
		found(f, DOCTOR_GOOD, NULL, "%d divided among guests", count);
}

const struct doctor_check doctor_adapter_checks[] = {
	{ "iommu", check_iommu },
	{ "vfio", check_vfio },
	{ "adapters", check_adapters },
	{ NULL, NULL },
};
