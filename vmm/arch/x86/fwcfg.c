// SPDX-License-Identifier: GPL-2.0-only
/* See fwcfg.h. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../bus.h"
#include "../../device.h"
#include "../../fields.h"
#include "../../vm.h"
#include "fwcfg.h"

#define FWCFG_PORT 0x510
#define SELECT_OFF 0
#define DATA_OFF 1

#define FIRST_FILE 0x20
#define FILES_MAX 16
#define NR_ENTRIES (FIRST_FILE + FILES_MAX)
#define NAME_SIZE 56
/* What the device can do: be read through its port. */
#define ID_PORT 1

struct entry {
	void *data;
	u32 len;
};

/** struct file - as in the directory; numbers are big endian. */
struct file {
	u32 size;
	u16 key;
	u16 reserved;
	char name[NAME_SIZE];
};

/**
 * struct fwcfg - the device.
 * @key: the entry that is read
 * @off: the next byte of it
 * @names: of the files
 */
struct fwcfg {
	struct device dev;
	u16 key;
	u32 off;
	struct entry entries[NR_ENTRIES];
	const char *names[FILES_MAX];
	unsigned int nr_files;
};

/* Behind the end of an entry, and where there is none, are zeroes. */
static u64 port_read(void *arg, u64 port, unsigned int size)
{
	struct fwcfg *fw = arg;
	const struct entry *e;

	if (port != DATA_OFF || size != 1)
		return ~0ULL;
	if (fw->key >= NR_ENTRIES)
		return 0;
	e = &fw->entries[fw->key];
	return fw->off < e->len ? ((u8 *)e->data)[fw->off++] : 0;
}

static void port_write(void *arg, u64 port, u64 val, unsigned int size)
{
	struct fwcfg *fw = arg;

	if (port != SELECT_OFF || size != 2)
		return;
	fw->key = val;
	fw->off = 0;
}

static const struct bus_ops port_ops = {
	.read = port_read,
	.write = port_write,
};

void fwcfg_clear(struct fwcfg *fw)
{
	unsigned int i;

	for (i = 0; i < NR_ENTRIES; i++) {
		free(fw->entries[i].data);
		fw->entries[i] = (struct entry){0};
	}
	fw->nr_files = 0;
}

int fwcfg_set(struct fwcfg *fw, u16 key, const void *data, size_t len)
{
	struct entry *e;
	void *copy;

	if (key >= NR_ENTRIES || len > UINT32_MAX)
		return -EINVAL;
	e = &fw->entries[key];
	copy = malloc(len ? len : 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, len);
	free(e->data);
	e->data = copy;
	e->len = len;
	return 0;
}

int fwcfg_set_u16(struct fwcfg *fw, u16 key, u16 val)
{
	val = htole16(val);
	return fwcfg_set(fw, key, &val, sizeof(val));
}

int fwcfg_add_file(struct fwcfg *fw, const char *name, const void *data,
		   size_t len)
{
	int ret;

	if (fw->nr_files == FILES_MAX || strlen(name) >= NAME_SIZE)
		return -ENOSPC;
	ret = fwcfg_set(fw, FIRST_FILE + fw->nr_files, data, len);
	if (!ret)
		fw->names[fw->nr_files++] = name;
	return ret;
}

int fwcfg_add_u64(struct fwcfg *fw, const char *name, u64 val)
{
	val = htole64(val);
	return fwcfg_add_file(fw, name, &val, sizeof(val));
}

int fwcfg_finish(struct fwcfg *fw)
{
	struct {
		u32 nr;
		struct file files[FILES_MAX];
	} dir = {.nr = htobe32(fw->nr_files)};
	const u32 id = htole32(ID_PORT);
	unsigned int i;
	int ret;

	for (i = 0; i < fw->nr_files; i++) {
		struct file *file = &dir.files[i];

		file->size = htobe32(fw->entries[FIRST_FILE + i].len);
		file->key = htobe16(FIRST_FILE + i);
		strncpy(file->name, fw->names[i], NAME_SIZE - 1);
	}
	if ((ret = fwcfg_set(fw, FWCFG_SIGNATURE, "QEMU", 4)) ||
	    (ret = fwcfg_set(fw, FWCFG_ID, &id, sizeof(id))))
		return ret;
	return fwcfg_set(fw, FWCFG_FILE_DIR, &dir,
			 offsetof(typeof(dir), files[fw->nr_files]));
}

static void fwcfg_reset(struct device *dev)
{
	struct fwcfg *fw = container_of(dev, struct fwcfg, dev);

	fw->key = 0;
	fw->off = 0;
}

static const struct field fwcfg_fields[] = {
	FIELD("key", struct fwcfg, key),
	FIELD("off", struct fwcfg, off),
};

static int fwcfg_save(struct device *dev, struct state_out *out)
{
	return fields_put(out, "", container_of(dev, struct fwcfg, dev),
			  fwcfg_fields, ARRAY_SIZE(fwcfg_fields));
}

static int fwcfg_load(struct device *dev, struct state_in *in, u32 version)
{
	return fields_get(in, "", container_of(dev, struct fwcfg, dev),
			  fwcfg_fields, ARRAY_SIZE(fwcfg_fields));
}

static void fwcfg_destroy(struct device *dev)
{
	struct fwcfg *fw = container_of(dev, struct fwcfg, dev);

	bus_del(dev->vm, BUS_PIO, FWCFG_PORT);
	device_remove(dev);
	fwcfg_clear(fw);
	free(fw);
}

static const struct device_ops fwcfg_ops = {
	.name = "fw-cfg",
	.reset = fwcfg_reset,
	.version = 1,
	.save = fwcfg_save,
	.load = fwcfg_load,
	.destroy = fwcfg_destroy,
};

int fwcfg_create(struct vm *vm, struct fwcfg **out)
{
	struct fwcfg *fw = calloc(1, sizeof(*fw));
	int ret;

	if (!fw)
		return -ENOMEM;
	ret = device_init(&fw->dev, vm, &fwcfg_ops, NULL);
	if (ret)
		goto err_free;
	ret = bus_add(vm, BUS_PIO, FWCFG_PORT, 2, &port_ops, fw);
	if (ret)
		goto err_remove;
	*out = fw;
	return 0;

err_remove:
	device_remove(&fw->dev);
err_free:
	free(fw);
	return ret;
}
