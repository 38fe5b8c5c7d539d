// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pvpanic port: a guest kernel that panics says so with one write.
 */
#include <errno.h>
#include <stdlib.h>

#include "../../bus.h"
#include "../../device.h"
#include "../../error.h"
#include "../../vm.h"
#include "x86.h"

#define PVPANIC_PANICKED 0x01
#define PVPANIC_CRASH_LOADED 0x02

static u64 port_read(void *arg, u64 off, unsigned int size)
{
	return PVPANIC_PANICKED | PVPANIC_CRASH_LOADED;
}

static void port_write(void *arg, u64 off, u64 val, unsigned int size)
{
	struct device *dev = arg;

	if (val & PVPANIC_PANICKED)
		vm_crash(dev->vm, "its kernel panicked");
	else if (val & PVPANIC_CRASH_LOADED)
		guest_warn("its kernel panicked and starts its crash kernel");
}

static const struct bus_ops port_ops = {
	.read = port_read,
	.write = port_write,
};

/* It has no state; its section says that it is there. */
static int pvpanic_save(struct device *dev, struct state_out *out)
{
	return 0;
}

static int pvpanic_load(struct device *dev, struct state_in *in, u32 version)
{
	return 0;
}

static void pvpanic_destroy(struct device *dev)
{
	bus_del(dev->vm, BUS_PIO, PVPANIC_PORT);
	device_remove(dev);
	free(dev);
}

static const struct device_ops pvpanic_ops = {
	.name = "pvpanic",
	.version = 1,
	.save = pvpanic_save,
	.load = pvpanic_load,
	.destroy = pvpanic_destroy,
};

int pvpanic_create(struct vm *vm, const char *id)
{
	struct device *dev = calloc(1, sizeof(*dev));
	int ret;

	if (!dev)
		return -ENOMEM;
	ret = device_init(dev, vm, &pvpanic_ops, id);
	if (ret)
		goto err_free;
	ret = bus_add(vm, BUS_PIO, PVPANIC_PORT, 1, &port_ops, dev);
	if (ret) {
		err("there can be one pvpanic device only");
		goto err_remove;
	}
	vm->arch->pvpanic = true;
	return 0;

err_remove:
	device_remove(dev);
err_free:
	free(dev);
	return ret;
}
