// SPDX-License-Identifier: GPL-2.0-only
/* What -device can make, in one table. */
#include <errno.h>
#include <string.h>

#include "arch/x86/x86.h"
#include "chardev.h"
#include "device.h"
#include "error.h"
#include "lib/opts.h"
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
	int ret = opts_get_str(opts, "id", &id);

	return ret ?: pvpanic_create(vm, id);
}

const struct device_class device_classes[] = {
	{"isa-serial", "a 16550A serial port: chardev=", create_serial},
	{"pvpanic", "reports a panic of the guest's kernel", create_pvpanic},
	VIRTIO_DEVICE_CLASSES,
};

const unsigned int nr_device_classes = ARRAY_SIZE(device_classes);

int device_create(struct vm *vm, struct opts *opts)
{
	const char *driver = NULL;
	unsigned int i;
	int ret = opts_need_str(opts, "driver", &driver);

	if (ret)
		return ret;
	for (i = 0; i < nr_device_classes; i++)
		if (!strcmp(device_classes[i].name, driver))
			return device_classes[i].create(vm, opts);
	err("unknown device '%s'", driver);
	return -ENODEV;
}
