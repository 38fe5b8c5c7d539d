// SPDX-License-Identifier: GPL-2.0-only
/* The machine's list of devices. What -device can make is in devices.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "error.h"
#include "vm.h"

int device_init(struct device *dev, struct vm *vm, const struct device_ops *ops,
		const char *id)
{
	if (id && device_find(vm, id)) {
		err("duplicate device id '%s'", id);
		return -EEXIST;
	}
	dev->id = NULL;
	if (id) {
		dev->id = strdup(id);
		if (!dev->id)
			return -ENOMEM;
	}
	dev->ops = ops;
	dev->vm = vm;
	TAILQ_INSERT_TAIL(&vm->devices, dev, link);
	return 0;
}

void device_remove(struct device *dev)
{
	TAILQ_REMOVE(&dev->vm->devices, dev, link);
	free(dev->id);
	dev->id = NULL;
}

struct device *device_find(struct vm *vm, const char *id)
{
	struct device *dev;

	TAILQ_FOREACH(dev, &vm->devices, link)
	if (dev->id && !strcmp(dev->id, id))
		return dev;
	return NULL;
}
