// SPDX-License-Identifier: GPL-2.0-only
/* See host.h. */
#include "host.h"

#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <uuid/uuid.h>

#define MACHINE_ID "/etc/machine-id"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* 77f2fcb1-1b58-4e70-9bd4-0e62c2f0b2a5: our application id, for machine ids. */
static const u8 application[16] = {
	0x77, 0xf2, 0xfc, 0xb1, 0x1b, 0x58, 0x4e, 0x70,
	0x9b, 0xd4, 0x0e, 0x62, 0xc2, 0xf0, 0xb2, 0xa5,
};

static bool read_word(const char *path, const char *format, char *word)
{
	FILE *f = fopen(path, "re");
	bool good = f && fscanf(f, format, word) == 1;

	if (f)
		fclose(f);
	return good;
}

/* Where it can't be kept, systemd lays another one over it with each boot. */
static bool is_kept(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type != TMPFS_MAGIC;
}

/* A hash of the id with ours, as machine-id(5) asks for: a UUID of version 5. */
static void find_machine(u8 *machine)
{
	char id[33];

	if (is_kept(MACHINE_ID) && read_word(MACHINE_ID, "%32[0-9a-f]", id) &&
	    strlen(id) == 32)
		uuid_generate_sha1(machine, application, id, 32);
}

static void find_boot(u8 *boot)
{
	char id[37];

	if (read_word(BOOT_ID, "%36s", id) && uuid_parse(id, boot))
		memset(boot, 0, 16);
}

/* Which host this is. The first call is before there are threads. */
const struct host_ids *host_ids(void)
{
	static struct host_ids ids;
	static bool known;

	if (!known) {
		find_machine(ids.machine);
		find_boot(ids.boot);
		known = true;
	}
	return &ids;
}

static bool is_known(const u8 *id)
{
	static const u8 none[16];

	return memcmp(id, none, sizeof(none));
}

/* Whether @ids, of a superblock, may be of this host: they are, or say nothing. */
bool host_is_ours(const struct host_ids *ids)
{
	const struct host_ids *ours = host_ids();

	if (!is_known(ids->machine))
		return true;
	return !memcmp(ids->machine, ours->machine, sizeof(ids->machine)) ||
	       (is_known(ids->boot) &&
		!memcmp(ids->boot, ours->boot, sizeof(ids->boot)));
}
