// SPDX-License-Identifier: GPL-2.0-only
/* Checks of the host: KVM, the module, pools and their pagers. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/tarn.h>

#include "doctor.h"
#include "home.h"
#include "home_mark.h"
#include "pool.h"

/* What this tarnctl knows of, which is all that linux/tarn.h has. */
#define FEATURES                                                               \
	(TARN_FEATURE_PAGING | TARN_FEATURE_CHECKSUM | TARN_FEATURE_GRANT |    \
	 TARN_FEATURE_VM | TARN_FEATURE_PINS | TARN_FEATURE_FAULTS |           \
	 TARN_FEATURE_ACTIVITY | TARN_FEATURE_HOMES | TARN_FEATURE_HUGE |      \
	 TARN_FEATURE_PATTERN | TARN_FEATURE_WIDE | TARN_FEATURE_BALLOON |     \
	 TARN_FEATURE_IMPORT)

static bool module_loaded(void)
{
	return !access("/sys/module/tarn", F_OK);
}

static void check_kvm(struct finding *f)
{
	if (access("/dev/kvm", F_OK))
		found(f, DOCTOR_BAD,
		      "turn virtualization on in the firmware, then: modprobe kvm_intel or kvm_amd",
		      "there is no /dev/kvm");
	else if (access("/dev/kvm", R_OK | W_OK))
		found(f, DOCTOR_BAD, "become a member of the group kvm: adduser USER kvm",
		      "this user may not open /dev/kvm");
	else
		found(f, DOCTOR_GOOD, NULL, "/dev/kvm is there");
}

/* Nested paging makes a guest's touches visible in tables of their own. */
static void check_nested_paging(struct finding *f)
{
	char text[8];

	doctor_read("/sys/module/kvm_intel/parameters/ept", text, sizeof(text));
	if (!*text)
		doctor_read("/sys/module/kvm_amd/parameters/npt", text,
			    sizeof(text));
	if (!*text)
		return;
	if (*text == 'Y' || *text == '1')
		found(f, DOCTOR_GOOD, NULL, "KVM has nested paging");
	else
		found(f, DOCTOR_POOR,
		      "load kvm_intel with ept=1 or kvm_amd with npt=1",
		      "KVM has no nested paging, guests are slow");
}

/* Wherever it is, and however compressed, depmod has found it. */
static bool module_installed(const char *release)
{
	char path[256], *line = NULL;
	bool found = false;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", release);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && getline(&line, &room, f) >= 0) {
		line[strcspn(line, ":")] = '\0';
		found = strstr(line, "/tarn.ko");
	}
	free(line);
	fclose(f);
	return found;
}

static void check_module(struct finding *f)
{
	struct utsname uts;

	if (module_loaded()) {
		found(f, DOCTOR_GOOD, NULL, "tarn.ko is loaded");
		return;
	}
	uname(&uts);
	if (module_installed(uts.release))
		found(f, DOCTOR_BAD, "modprobe tarn (a mount of tarnfs does that, too)",
		      "tarn.ko is installed but not loaded");
	else
		found(f, DOCTOR_BAD,
		      "install the package tarn-dkms and linux-headers of this kernel, or run 'make install'",
		      "there is no tarn.ko for the kernel %s", uts.release);
}

/* Only a module that is signed is loaded then. */
static void check_lockdown(struct finding *f)
{
	char text[64];

	doctor_read("/sys/kernel/security/lockdown", text, sizeof(text));
	if (!*text || strstr(text, "[none]"))
		return;
	if (module_loaded())
		found(f, DOCTOR_GOOD, NULL, "the kernel is locked down and took the module");
	else
		found(f, DOCTOR_POOR,
		      "have DKMS sign it with a key that is enrolled (mokutil --import)",
		      "the kernel is locked down (Secure Boot) and takes signed modules only");
}

static void check_device(struct finding *f)
{
	const struct group *group = getgrnam("tarn");
	struct stat st;

	if (!module_loaded())
		return;
	if (stat("/dev/tarn", &st))
		found(f, DOCTOR_BAD, "have udev or devtmpfs make it",
		      "there is no /dev/tarn, no pager can serve");
	else if (!group)
		found(f, DOCTOR_POOR, "systemd-sysusers, or groupadd -r tarn",
		      "there is no group tarn for /dev/tarn");
	else if (st.st_gid != group->gr_gid)
		found(f, DOCTOR_POOR,
		      "install 60-tarn.rules and: udevadm trigger --sysname-match=tarn",
		      "/dev/tarn is not of the group tarn");
	else
		found(f, DOCTOR_GOOD, NULL, "/dev/tarn is of the group tarn");
}

static void judge_features(struct finding *f, __u64 features)
{
	if ((features & FEATURES) == FEATURES)
		found(f, DOCTOR_GOOD, NULL, "the module can do what this tarnctl knows of");
	else if (!(features & TARN_FEATURE_VM))
		found(f, DOCTOR_POOR,
		      "run a kernel that Documentation/admin/hosts.rst names",
		      "the module does not know the KVM of this kernel: nothing is pinned");
	else
		found(f, DOCTOR_POOR, "load the module that came with this tarnctl",
		      "the module is older than this tarnctl");
}

static void check_features(struct finding *f)
{
	struct tarn_features features = { .size = sizeof(features) };
	struct pool_list pools;
	int fd;

	if (!module_loaded() || geteuid() || pool_list_read(&pools))
		return;
	fd = pools.count ? pool_open(&pools.items[0]) : -1;
	pool_list_free(&pools);
	if (fd < 0)
		return;
	if (ioctl(fd, TARN_GET_FEATURES, &features))
		found(f, DOCTOR_BAD, "load the module that came with this tarnctl",
		      "the module does not say what it can do: %s", strerror(errno));
	else
		judge_features(f, features.features);
	close(fd);
}

/* Leaves the finding as it is where the pool is well. */
static void judge_pool(struct finding *f, const struct pool *pool)
{
	const struct tarn_pool_info *info = &pool->info;

	if (!(info->flags & TARN_POOL_PAGING))
		return;
	if (!(info->flags & TARN_POOL_SERVED))
		found(f, DOCTOR_BAD,
		      "add a [device] to its file in /etc/tarn/pools.d, and: systemctl enable --now tarn-pager@NAME",
		      "%s has no pager: guests wait once it is full",
		      pool->mount);
	else if (info->flags & (TARN_POOL_FULL | TARN_POOL_DEGRADED))
		found(f, DOCTOR_POOR, "tarnctl pager show says more",
		      "the pager of %s is %s", pool->mount, pool_state(info));
}

/* There is one finding for all of them: the worst, with the number of the others. */
static void judge_pools(struct finding *f, const struct pool_list *pools)
{
	size_t i, ill = 0, len;

	found(f, DOCTOR_GOOD, NULL, "%zu mounted, %s", pools->count,
	      pools->items[0].mount);
	for (i = 0; i < pools->count; i++) {
		struct finding one = { .state = DOCTOR_NONE };

		judge_pool(&one, &pools->items[i]);
		if (one.state == DOCTOR_NONE)
			continue;
		ill++;
		if (one.state > f->state)
			*f = one;
	}
	len = strlen(f->text);
	if (ill > 1)
		snprintf(f->text + len, sizeof(f->text) - len,
			 "; %zu more of %zu are not well: tarnctl status",
			 ill - 1, pools->count);
}

static void check_pools(struct finding *f)
{
	struct pool_list pools;

	if (!module_loaded() || pool_list_read(&pools))
		return;
	if (pools.count)
		judge_pools(f, &pools);
	else
		found(f, DOCTOR_BAD,
		      "tarnctl pool create pool0 size=8G device=/dev/DISK (man tarn-pool.conf)",
		      "no pool is mounted");
	pool_list_free(&pools);
}

/* Of use where somebody has asked for it, and there is a choice. */
static void check_homes(struct finding *f)
{
	if (!home_mark_any_auto() || !home_has_choice())
		return;
	if (home_mark_served(NULL))
		found(f, DOCTOR_GOOD, NULL, "tarn-balanced runs");
	else
		found(f, DOCTOR_POOR, "systemctl enable --now tarn-balanced",
		      "homes of partitions are to be computed, and tarn-balanced does not run");
}

const struct doctor_check doctor_host_checks[] = {
	{ "kvm", check_kvm },
	{ "nested-paging", check_nested_paging },
	{ "module", check_module },
	{ "lockdown", check_lockdown },
	{ "device", check_device },
	{ "features", check_features },
	{ "pools", check_pools },
	{ "homes", check_homes },
	{ NULL, NULL },
};
