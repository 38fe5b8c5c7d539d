// SPDX-License-Identifier: GPL-2.0-only
/* What -device can make, in one table. */
#include <errno.h>
#include <string.h>

#include "advice.h"
#include "arch/x86/x86.h"
#include "chardev.h"
#include "device.h"
#include "error.h"
#include "lib/opts.h"
#include "lib/words.h"
#include "virtio/devices.h"
#include "vm.h"

static int create_serial(struct vm *vm, struct opts *opts)
{
	const char *id = NULL, *chr_id = NULL;
	struct chardev *chr;
	u64 index = 0;
	int ret;

	while (index < 4 && vm->arch->serial_mask & 1U << index)
		index++;
	if ((ret = opts_get_str(opts, "id", &id)) ||
	    (ret = opts_need_str(opts, "chardev", &chr_id)) ||
	    (ret = opts_get_uint(opts, "index", 3, &index)))
		return ret;
	chr = chardev_find(chr_id);
	if (!chr) {
		err("no chardev '%s'", chr_id);
		return -ENOENT;
	}
	return serial_create(vm, index, chr, id);
}

static int create_pvpanic(struct vm *vm, struct opts *opts)
{
	const char *id = NULL;
	u64 port = PVPANIC_PORT;
	int ret;

	if ((ret = opts_get_str(opts, "id", &id)) ||
	    (ret = opts_get_uint(opts, "ioport", UINT16_MAX, &port)))
		return ret;
	if (port != PVPANIC_PORT)
		return opts_fail(opts, "ioport can only be %#x", PVPANIC_PORT);
	return pvpanic_create(vm, id);
}

const struct device_class device_classes[] = {
	{"isa-serial", "a 16550A serial port: chardev=", "chardev index", false,
	 create_serial},
	{"pvpanic", "reports a panic of the guest's kernel", "ioport", false,
	 create_pvpanic},
	VIRTIO_DEVICE_CLASSES,
};

const unsigned int nr_device_classes = ARRAY_SIZE(device_classes);

const struct device_class *device_class_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_device_classes; i++)
		if (!strcmp(device_classes[i].name, name))
			return &device_classes[i];
	return NULL;
}

bool device_class_has(const struct device_class *class, const char *prop)
{
	return words_have("driver id", prop) || words_have(class->props, prop) ||
	       (class->pci && words_have(DEVICE_PCI_PROPS, prop));
}

static int check_prop(const char *key, struct opts *opts, void *arg)
{
	const struct device_class *class = arg;

	if (device_class_has(class, key))
		return 0;
	return opts_fail(opts, "device '%s' has no property '%s'", class->name,
			 key);
}

int device_create(struct vm *vm, struct opts *opts)
{
	const struct device_class *class;
	const char *driver = NULL, *advice;
	int ret = opts_need_str(opts, "driver", &driver);

	if (ret)
		return ret;
	class = device_class_find(driver);
	if (!class) {
		advice = advice_find(ADVICE_DEVICE, driver);
		if (advice)
			err("no device '%s': %s", driver, advice);
		else
			err("unknown device '%s'", driver);
		return -ENODEV;
	}
	ret = opts_for_each(opts, check_prop, (void *)class);
	return ret ? ret : class->create(vm, opts);
}
