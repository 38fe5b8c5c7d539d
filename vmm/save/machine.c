// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine of a saved guest; see machine.h. A device of pci.0 is known by its
 * slot and kind, any other one by its kind and its place among those.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arch/x86/x86.h"
#include "config.h"
#include "error.h"
#include "pci.h"
#include "save/machine.h"
#include "save/sections.h"
#include "save/stream.h"
#include "vm.h"

#define MACHINE_VERSION 1

static void device_name(struct device *dev, char *name, size_t size)
{
	int slot = pci_slot_of(dev->vm, dev);
	unsigned int nr = 0;
	struct device *other;

	if (slot >= 0) {
		snprintf(name, size, "pci.%02x.%s", slot, dev->ops->name);
		return;
	}
	TAILQ_FOREACH(other, &dev->vm->devices, link)
	{
		if (other == dev)
			break;
		nr += !strcmp(other->ops->name, dev->ops->name);
	}
	snprintf(name, size, "%s.%u", dev->ops->name, nr);
}

int machine_can_save(struct vm *vm)
{
	struct device *dev;

	TAILQ_FOREACH(dev, &vm->devices, link)
	{
		if (dev->ops->save && dev->ops->load)
			continue;
		err("the guest cannot be saved: its device '%s' (%s) has state that cannot be",
		    dev->id ?: "without id", dev->ops->name);
		return -EOPNOTSUPP;
	}
	return 0;
}

/* What it is made of */

static int put_ram(struct state_out *out, const struct tarn_mem *mem)
{
	unsigned int i;
	char tag[24];
	int ret = state_put_u64(out, "ram", mem->nr);

	for (i = 0; i < mem->nr && !ret; i++) {
		snprintf(tag, sizeof(tag), "ram.%u.gpa", i);
		ret = state_put_u64(out, tag, mem->range[i].gpa);
		snprintf(tag, sizeof(tag), "ram.%u.size", i);
		ret = ret ?: state_put_u64(out, tag, mem->range[i].size);
	}
	return ret;
}

int machine_describe(struct vm *vm, struct state_out *out)
{
	const char *name = vm->config->name ?: "";
	u32 size, sum;
	int ret;

	x86_firmware_id(vm, &size, &sum);

	if ((ret = state_section(out, "machine", MACHINE_VERSION)) ||
	    (ret = state_put_bytes(out, "name", name, strlen(name))) ||
	    (ret = state_put_bytes(out, "uuid", vm->config->uuid,
				   sizeof(vm->config->uuid))) ||
	    (ret = state_put_bytes(out, "vmm", TARN_VERSION,
				   strlen(TARN_VERSION))) ||
	    (ret = state_put_u64(out, "saved", time(NULL))) ||
	    (ret = state_put_u64(out, "cpus", vm->nr_vcpus)) ||
	    (ret = state_put_u64(out, "firmware.size", size)) ||
	    (ret = state_put_u64(out, "firmware.crc32", sum)))
		return ret;
	return put_ram(out, &vm->mem);
}

static int check_ram(struct state_in *in, const struct tarn_mem *mem)
{
	u64 nr, gpa, size;
	unsigned int i;
	char tag[24];
	int ret = state_get_u64(in, "ram", &nr, MEM_MAX_RANGES);

	if (ret || nr != mem->nr)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		snprintf(tag, sizeof(tag), "ram.%u.gpa", i);
		ret = state_get_u64(in, tag, &gpa, UINT64_MAX);
		snprintf(tag, sizeof(tag), "ram.%u.size", i);
		ret = ret ?: state_get_u64(in, tag, &size, UINT64_MAX);
		if (ret || gpa != mem->range[i].gpa ||
		    size != mem->range[i].size)
			return -EINVAL;
	}
	return 0;
}

/*
 * The ROM is not saved: the guest finds that of this machine, at the places where it
 * has the pointers to its parts. One that was saved before does not say which it had.
 */
static int check_firmware(struct vm *vm, struct state_in *in)
{
	u32 size, sum;
	u64 had, had_sum;

	if (state_get_u64(in, "firmware.size", &had, UINT32_MAX) ||
	    state_get_u64(in, "firmware.crc32", &had_sum, UINT32_MAX))
		return 0;
	x86_firmware_id(vm, &size, &sum);
	if (had == size && had_sum == sum)
		return 0;
	if (!had)
		err("the saved guest was started without firmware, this machine has some: start it with the same -kernel");
	else if (!size)
		err("the saved guest was started by firmware, this machine has none: start it without -kernel");
	else
		err("the saved guest has other firmware (%llu bytes, CRC-32 %08llx) than this machine (%u bytes, CRC-32 %08x): give the same file by -bios",
		    (unsigned long long)had, (unsigned long long)had_sum, size,
		    sum);
	return -EINVAL;
}

static int check(struct vm *vm, struct state_in *in)
{
	u64 cpus;
	int ret = state_get_u64(in, "cpus", &cpus, UINT32_MAX);

	if (ret)
		return err_errno(ret, "saved state of '%s': cpus", in->name);
	if (cpus != vm->nr_vcpus) {
		err("the saved guest has %llu CPUs, this machine %u: start it with the same -smp",
		    (unsigned long long)cpus, vm->nr_vcpus);
		return -EINVAL;
	}
	ret = check_ram(in, &vm->mem);
	if (ret)
		err("the saved guest has other memory than this machine: start it with the same -m and -numa");
	return ret ?: check_firmware(vm, in);
}

int machine_check(struct vm *vm, const struct stream_record *rec)
{
	struct sections *s = malloc(sizeof(*s));
	struct state_in *in;
	int ret;

	if (!s)
		return -ENOMEM;
	ret = sections_parse(s, rec->data, rec->len);
	if (!ret) {
		in = sections_take(s, "machine", MACHINE_VERSION);
		ret = in ? check(vm, in) : -EINVAL;
	}
	free(s);
	return ret;
}

/* State */

int machine_save(struct vm *vm, struct state_out *out)
{
	char name[STATE_NAME_MAX];
	struct device *dev;
	int ret = x86_state_save(vm, out);

	if (ret)
		return ret;
	TAILQ_FOREACH(dev, &vm->devices, link)
	{
		device_name(dev, name, sizeof(name));
		ret = state_section(out, name, dev->ops->version);
		if (!ret)
			ret = dev->ops->save(dev, out);
		if (ret)
			return err_errno(ret, "cannot save '%s'", name);
	}
	return 0;
}

static int device_load(struct device *dev, struct sections *s)
{
	char name[STATE_NAME_MAX];
	struct state_in *in;
	int ret;

	device_name(dev, name, sizeof(name));
	in = sections_take(s, name, dev->ops->version);
	if (!in)
		return -EINVAL;
	ret = dev->ops->load(dev, in, in->version);
	return ret ? err_errno(ret, "cannot restore '%s'", name) : 0;
}

int machine_load(struct vm *vm, const struct stream_record *rec)
{
	struct sections *s = malloc(sizeof(*s));
	struct device *dev;
	int ret;

	if (!s)
		return -ENOMEM;
	ret = sections_parse(s, rec->data, rec->len);
	if (!ret)
		ret = x86_state_load(vm, s);
	TAILQ_FOREACH(dev, &vm->devices, link)
	if (!ret)
		ret = device_load(dev, s);
	if (!ret)
		ret = sections_check(s);
	free(s);
	return ret;
}
