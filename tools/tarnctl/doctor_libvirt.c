// SPDX-License-Identifier: GPL-2.0-only
/* Checks of libvirt on this host, if it is there. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"
#include "domain_place.h"

#define ETC "/etc/libvirt"
#define HOOK ETC "/hooks/qemu.d/tarn"
#define QEMU_CONF ETC "/qemu.conf"
#define APPARMOR "/etc/apparmor.d/"
#define EMULATOR "/usr/bin/tarn-vmm"

static bool has_libvirt(void)
{
	return !access("/usr/sbin/libvirtd", F_OK) ||
	       !access("/usr/sbin/virtqemud", F_OK);
}

static void check_emulator(struct finding *f)
{
	if (!has_libvirt())
		return;
	if (!access(EMULATOR, X_OK))
		found(f, DOCTOR_GOOD, NULL, "the emulator " EMULATOR " is there");
	else if (!access("/usr/local/bin/tarn-vmm", X_OK))
		found(f, DOCTOR_POOR,
		      "write <emulator>/usr/local/bin/tarn-vmm</emulator>, or install with PREFIX=/usr",
		      "tarn-vmm is in /usr/local/bin, where the examples do not have it");
	else
		found(f, DOCTOR_POOR, "install the package tarn-vmm",
		      "there is no tarn-vmm; domains of stock QEMU need none");
}

/* The program that the hook runs, which may have moved. */
static bool hook_runs(char *text)
{
	char *exec = strstr(text, "\nexec "), *end;

	if (!exec)
		return false;
	exec += strlen("\nexec ");
	end = strchr(exec, ' ');
	if (!end)
		return false;
	*end = '\0';
	return !access(exec, X_OK);
}

static void check_hook(struct finding *f)
{
	char text[1024];

	if (!has_libvirt())
		return;
	doctor_read(HOOK, text, sizeof(text));
	if (!*text || access(HOOK, X_OK))
		found(f, DOCTOR_POOR, "where domains are to be in pools, install the package tarn-libvirt or run 'make install'",
		      HOOK " is missing, so no setting of a domain is applied");
	else if (!hook_runs(text))
		found(f, DOCTOR_BAD, "install the package tarn-libvirt anew",
		      HOOK " runs a tarnctl that is not there, so no domain starts");
	else
		found(f, DOCTOR_GOOD, NULL, "the hook is installed");
}

static void check_memory_dir(struct finding *f)
{
	static const char remedy[] =
		"set memory_backing_dir = \"/run/tarn/domains\" in " QEMU_CONF
		" and restart libvirtd; first read 'libvirt' in Documentation/admin/libvirt.rst:"
		" it moves the memory of every domain that has it in files";
	struct domain_place place;

	/* Others may not read the configuration. */
	if (!has_libvirt() || geteuid() || domain_place_read(&place, QEMU_CONF))
		return;
	if (!place.links && !place.in_pool)
		found(f, DOCTOR_BAD, remedy,
		      "memory_backing_dir is %s, which is in no pool", place.dir);
	else if (access(place.dir, F_OK))
		found(f, DOCTOR_BAD, "systemd-tmpfiles --create, or make it, and restart libvirtd",
		      "memory_backing_dir %s does not exist", place.dir);
	else
		found(f, DOCTOR_GOOD, NULL, "memory_backing_dir is %s", place.dir);
}

static bool contains(const char *path, const char *what)
{
	static char text[1 << 16];

	doctor_read(path, text, sizeof(text));
	return strstr(text, what);
}

/* By what has been installed, with the directory where that has tarnctl. */
static const char *apparmor_remedy(void)
{
	if (!access("/usr/local/share/tarn/apparmor-local", X_OK))
		return "/usr/local/share/tarn/apparmor-local add /usr/local/sbin";
	if (!access("/usr/share/tarn/apparmor-local", X_OK))
		return "/usr/share/tarn/apparmor-local add /usr/sbin";
	return "install the package tarn-libvirt or run 'make install'";
}

static void check_apparmor(struct finding *f)
{
	char text[8];

	doctor_read("/sys/module/apparmor/parameters/enabled", text, sizeof(text));
	if (!has_libvirt() || *text != 'Y' ||
	    access(APPARMOR "abstractions/libvirt-qemu", F_OK))
		return;
	if (contains(QEMU_CONF, "\nsecurity_driver = \"none\""))
		found(f, DOCTOR_POOR, "remove security_driver from " QEMU_CONF,
		      "libvirt is set not to confine domains");
	else if (!access(APPARMOR "abstractions/libvirt-qemu.d/tarn", F_OK) ||
		 contains(APPARMOR "local/abstractions/libvirt-qemu", "# BEGIN tarn"))
		found(f, DOCTOR_GOOD, NULL, "AppArmor lets domains have memory in pools");
	else
		found(f, DOCTOR_BAD, apparmor_remedy(),
		      "AppArmor keeps domains from their memory in pools, and from tarn-vmm");
}

/* cgroup_device_acl, where it is set, has to name what a VMM opens. */
static void check_devices(struct finding *f)
{
	static char text[1 << 16];
	const char *list, *end;

	if (!has_libvirt() || geteuid())
		return;
	doctor_read(QEMU_CONF, text, sizeof(text));
	list = strstr(text, "\ncgroup_device_acl");
	end = list ? strchr(list, ']') : NULL;
	if (!end)
		return;
	if (memmem(list, end - list, "/dev/kvm", strlen("/dev/kvm")))
		found(f, DOCTOR_GOOD, NULL, "cgroup_device_acl has /dev/kvm, no guest needs /dev/tarn");
	else
		found(f, DOCTOR_BAD, "add \"/dev/kvm\" to it in " QEMU_CONF,
		      "cgroup_device_acl is set and lacks /dev/kvm");
}

static bool is_running(const char *name)
{
	char path[300], text[32];
	struct dirent *entry;
	bool running = false;
	DIR *dir = opendir("/proc");

	while (dir && !running && (entry = readdir(dir))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		doctor_read(path, text, sizeof(text));
		text[strcspn(text, "\n")] = '\0';
		running = !strcmp(text, name);
	}
	if (dir)
		closedir(dir);
	return running;
}

static void check_listener(struct finding *f)
{
	if (!has_libvirt())
		return;
	if (is_running("tarn-listener"))
		found(f, DOCTOR_GOOD, NULL, "tarn-listener runs");
	else
		found(f, DOCTOR_POOR, "systemctl enable --now tarn-listener",
		      "tarn-listener does not run: settings change only when a domain starts");
}

const struct doctor_check doctor_libvirt_checks[] = {
	{ "emulator", check_emulator },
	{ "hook", check_hook },
	{ "memory-dir", check_memory_dir },
	{ "apparmor", check_apparmor },
	{ "devices", check_devices },
	{ "listener", check_listener },
	{ NULL, NULL },
};
