// SPDX-License-Identifier: GPL-2.0-only
/* See acpi-loader.h; the format is that of QEMU's machines. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../vm.h"
#include "acpi-loader.h"
#include "acpi.h"
#include "fwcfg.h"
#include "x86.h"

#define TABLES_FILE "etc/acpi/tables"
#define RSDP_FILE "etc/acpi/rsdp"
#define LOADER_FILE "etc/table-loader"
#define TABLES_ALIGN 64 /* of the FACS */
#define NAME_SIZE 56
/* Two files, three for each pointer at most. */
#define COMMANDS_MAX (2 + 3 * ACPI_MAX_POINTERS)

enum {
	CMD_ALLOCATE = 1,
	CMD_ADD_POINTER,
	CMD_ADD_CHECKSUM,
};

enum {
	ZONE_HIGH = 1,
	ZONE_FSEG, /* where the RSDP is looked for */
};

/** struct command - of the loader; numbers are little endian. */
struct command {
	u32 command;
	union {
		struct {
			char file[NAME_SIZE];
			u32 align;
			u8 zone;
		} __packed allocate;
		struct {
			char dest[NAME_SIZE];
			char src[NAME_SIZE];
			u32 off;
			u8 size;
		} __packed pointer;
		struct {
			char file[NAME_SIZE];
			u32 off;
			u32 start;
			u32 len;
		} __packed checksum;
		u8 pad[124];
	};
} __packed;

struct loader {
	struct command commands[COMMANDS_MAX];
	unsigned int nr;
};

static struct command *add(struct loader *l, u32 command)
{
	struct command *c = &l->commands[l->nr++];

	c->command = htole32(command);
	return c;
}

static void add_allocate(struct loader *l, const char *file, u32 align, u8 zone)
{
	struct command *c = add(l, CMD_ALLOCATE);

	strcpy(c->allocate.file, file);
	c->allocate.align = htole32(align);
	c->allocate.zone = zone;
}

/* What is at @off of @file is an offset in the tables, and becomes an address. */
static void add_pointer(struct loader *l, const char *file, u32 off, u8 size)
{
	struct command *c = add(l, CMD_ADD_POINTER);

	strcpy(c->pointer.dest, file);
	strcpy(c->pointer.src, TABLES_FILE);
	c->pointer.off = htole32(off);
	c->pointer.size = size;
}

static void add_checksum(struct loader *l, const char *file, u32 off, u32 start,
			 u32 len)
{
	struct command *c = add(l, CMD_ADD_CHECKSUM);

	strcpy(c->checksum.file, file);
	c->checksum.off = htole32(off);
	c->checksum.start = htole32(start);
	c->checksum.len = htole32(len);
}

/* The checksum of a table is set once all pointers in it are. */
static void add_tables(struct loader *l, const struct acpi_blob *blob)
{
	const struct acpi_header *h;
	unsigned int i;

	for (i = 0; i < blob->nr_pointers; i++) {
		const struct acpi_pointer *p = &blob->pointers[i];

		add_pointer(l, TABLES_FILE, p->off, p->size);
		if (i + 1 < blob->nr_pointers && p[1].table == p->table)
			continue;
		h = (const void *)(blob->buf + p->table);
		add_checksum(l, TABLES_FILE,
			     p->table + offsetof(struct acpi_header, checksum),
			     p->table, le32toh(h->length));
	}
}

static void add_rsdp(struct loader *l)
{
	add_pointer(l, RSDP_FILE, offsetof(struct acpi_rsdp, xsdt), 8);
	add_checksum(l, RSDP_FILE, offsetof(struct acpi_rsdp, checksum), 0, 20);
	add_checksum(l, RSDP_FILE, offsetof(struct acpi_rsdp, ext_checksum), 0,
		     sizeof(struct acpi_rsdp));
}

static int add_files(struct fwcfg *fwcfg, const struct acpi_blob *blob)
{
	struct loader *l = calloc(1, sizeof(*l));
	int ret;

	if (!l)
		return -ENOMEM;
	add_allocate(l, TABLES_FILE, TABLES_ALIGN, ZONE_HIGH);
	add_allocate(l, RSDP_FILE, 16, ZONE_FSEG);
	add_tables(l, blob);
	add_rsdp(l);
	/* The tables begin with the RSDP, which nobody looks for there. */
	if (!(ret = fwcfg_add_file(fwcfg, TABLES_FILE, blob->buf, blob->len)) &&
	    !(ret = fwcfg_add_file(fwcfg, RSDP_FILE, blob->buf,
				   sizeof(struct acpi_rsdp))))
		ret = fwcfg_add_file(fwcfg, LOADER_FILE, l->commands,
				     l->nr * sizeof(l->commands[0]));
	free(l);
	return ret;
}

int acpi_loader_add(struct vm *vm, struct fwcfg *fwcfg)
{
	struct acpi_blob blob = {.size = ACPI_END - ACPI_START};
	int ret;

	blob.buf = calloc(1, blob.size);
	if (!blob.buf)
		return -ENOMEM;
	ret = acpi_build(vm, &blob);
	if (!ret)
		ret = add_files(fwcfg, &blob);
	free(blob.buf);
	return ret;
}
