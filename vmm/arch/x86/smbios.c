// SPDX-License-Identifier: GPL-2.0-only
/*
 * SMBIOS: who made the machine and its UUID, for guests that look (udev,
 * cloud-init, dmidecode). An entry point of version 3 and three structures.
 */
#include <errno.h>
#include <string.h>

#include "../../config.h"
#include "../../vm.h"
#include "fwcfg.h"
#include "x86.h"

#define SMBIOS_MAX 512

struct smbios_entry {
	char anchor[5];
	u8 checksum;
	u8 length;
	u8 major;
	u8 minor;
	u8 docrev;
	u8 revision;
	u8 reserved;
	u32 max_size;
	u64 table;
} __attribute__((packed));

struct smbios_bios {
	u8 type;
	u8 length;
	u16 handle;
	u8 vendor;
	u8 version;
	u16 segment;
	u8 date;
	u8 rom_size;
	u64 features;
	u8 ext[2];
	u8 release[4];
} __attribute__((packed));

#define BIOS_NO_FEATURES (1U << 3)
#define BIOS_EXT_VIRTUAL (1U << 4)

struct smbios_system {
	u8 type;
	u8 length;
	u16 handle;
	u8 vendor;
	u8 product;
	u8 version;
	u8 serial;
	u8 uuid[16];
	u8 wake_up;
	u8 sku;
	u8 family;
} __attribute__((packed));

#define WAKE_UP_POWER_SWITCH 6

struct smbios_end {
	u8 type;
	u8 length;
	u16 handle;
} __attribute__((packed));

struct buffer {
	u8 data[SMBIOS_MAX];
	size_t len;
};

/* A structure and its strings, which end with an empty one. */
static void put(struct buffer *b, const void *data, size_t len,
		const char *const *strings)
{
	memcpy(b->data + b->len, data, len);
	b->len += len;
	if (!*strings)
		b->data[b->len++] = '\0';
	for (; *strings; strings++) {
		strcpy((char *)b->data + b->len, *strings);
		b->len += strlen(*strings) + 1;
	}
	b->data[b->len++] = '\0';
}

/* The first three fields of a UUID are little endian here. */
static void put_uuid(u8 *out, const u8 *uuid)
{
	static const u8 order[] = {3, 2, 1, 0, 5, 4, 7, 6};
	unsigned int i;

	memcpy(out, uuid, 16);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		out[i] = uuid[order[i]];
}

/* @table is where the structures will be. */
static void build(struct vm *vm, struct smbios_entry *out, struct buffer *b,
		  u64 table)
{
	static const char *const bios_strings[] = {"Tarn", TARN_VERSION,
						   "01/01/2026", NULL};
	static const char *const system_strings[] = {"Tarn", "pc", TARN_VERSION,
						     NULL};
	static const char *const no_strings[] = {NULL};
	static const struct smbios_bios bios = {
		.length = sizeof(bios),
		.vendor = 1,
		.version = 2,
		.date = 3,
		.features = BIOS_NO_FEATURES,
		.ext = {0, BIOS_EXT_VIRTUAL},
		.release = {0xff, 0xff, 0xff, 0xff},
	};
	struct smbios_system system = {
		.type = 1,
		.length = sizeof(system),
		.handle = htole16(1),
		.vendor = 1,
		.product = 2,
		.version = 3,
		.wake_up = WAKE_UP_POWER_SWITCH,
	};
	static const struct smbios_end end = {127, sizeof(end), 2};
	struct smbios_entry entry = {
		.anchor = {'_', 'S', 'M', '3', '_'},
		.length = sizeof(entry),
		.major = 3,
		.revision = 1,
		.table = htole64(table),
	};
	u8 *p = (u8 *)&entry;
	unsigned int i;

	put_uuid(system.uuid, vm->config->uuid);
	put(b, &bios, sizeof(bios), bios_strings);
	put(b, &system, sizeof(system), system_strings);
	put(b, &end, sizeof(end), no_strings);
	entry.max_size = htole32(b->len);
	for (i = 0; i < sizeof(entry); i++)
		entry.checksum -= i == 5 ? 0 : p[i];
	*out = entry;
}

int x86_smbios_write(struct vm *vm)
{
	struct buffer b = {.len = 0};
	struct smbios_entry entry;

	build(vm, &entry, &b, SMBIOS_START + 32);
	return tarn_mem_write(&vm->mem, SMBIOS_START, &entry, sizeof(entry))
		       ?: tarn_mem_write(&vm->mem, SMBIOS_START + 32, b.data,
					 b.len);
}

/* Firmware fills in where they are. */
int x86_smbios_add(struct vm *vm, struct fwcfg *fwcfg)
{
	struct buffer b = {.len = 0};
	struct smbios_entry entry;

	build(vm, &entry, &b, 0);
	return fwcfg_add_file(fwcfg, "etc/smbios/smbios-anchor", &entry,
			      sizeof(entry))
		       ?: fwcfg_add_file(fwcfg, "etc/smbios/smbios-tables",
					 b.data, b.len);
}
