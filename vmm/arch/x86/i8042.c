// SPDX-License-Identifier: GPL-2.0-only
/*
 * The keyboard controller without a keyboard: it answers its own commands, so
 * that a driver that probes it does not wait, and it can reset the machine.
 */
#include <errno.h>
#include <stdlib.h>

#include "../../bus.h"
#include "../../device.h"
#include "../../fields.h"
#include "../../vm.h"
#include "x86.h"

#define DATA_PORT 0x60
#define COMMAND_PORT 0x64

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_SYSTEM 0x04
#define STATUS_UNLOCKED 0x10

#define CMD_READ_CONFIG 0x20
#define CMD_WRITE_CONFIG 0x60
#define CMD_TEST_AUX 0xa9
#define CMD_SELF_TEST 0xaa
#define CMD_TEST_KBD 0xab
#define CMD_READ_OUTPUT 0xd0
#define CMD_WRITE_OUTPUT 0xd1
#define CMD_RESET 0xfe

#define CONFIG_DEFAULT 0x30 /* both ports disabled */
#define OUTPUT_NO_RESET 0x01
#define SELF_TEST_OK 0x55
#define TEST_NO_PORT 0x01

struct i8042 {
	struct device dev;
	u8 config;
	u8 output;
	bool full;
	u8 expect; /* command that the next data byte belongs to */
};

static void answer(struct i8042 *kbc, u8 val)
{
	kbc->output = val;
	kbc->full = true;
}

static u64 data_read(void *arg, u64 off, unsigned int size)
{
	struct i8042 *kbc = arg;

	kbc->full = false;
	return kbc->output;
}

static void data_write(void *arg, u64 off, u64 val, unsigned int size)
{
	struct i8042 *kbc = arg;

	if (kbc->expect == CMD_WRITE_CONFIG)
		kbc->config = val;
	else if (kbc->expect == CMD_WRITE_OUTPUT && !(val & OUTPUT_NO_RESET))
		vm_request_reset(kbc->dev.vm);
	kbc->expect = 0;
}

static u64 status_read(void *arg, u64 off, unsigned int size)
{
	struct i8042 *kbc = arg;

	return STATUS_SYSTEM | STATUS_UNLOCKED |
	       (kbc->full ? STATUS_OUTPUT_FULL : 0);
}

static void command_write(void *arg, u64 off, u64 val, unsigned int size)
{
	struct i8042 *kbc = arg;

	switch (val) {
	case CMD_READ_CONFIG:
		answer(kbc, kbc->config);
		break;
	case CMD_WRITE_CONFIG:
	case CMD_WRITE_OUTPUT:
		kbc->expect = val;
		break;
	case CMD_SELF_TEST:
		answer(kbc, SELF_TEST_OK);
		break;
	case CMD_TEST_AUX:
	case CMD_TEST_KBD:
		answer(kbc, TEST_NO_PORT);
		break;
	case CMD_READ_OUTPUT:
		answer(kbc, OUTPUT_NO_RESET);
		break;
	case CMD_RESET:
		vm_request_reset(kbc->dev.vm);
		break;
	}
}

static const struct bus_ops data_ops = {
	.read = data_read,
	.write = data_write,
};

static const struct bus_ops command_ops = {
	.read = status_read,
	.write = command_write,
};

static void i8042_reset(struct device *dev)
{
	struct i8042 *kbc = container_of(dev, struct i8042, dev);

	kbc->config = CONFIG_DEFAULT;
	kbc->output = 0;
	kbc->full = false;
	kbc->expect = 0;
}

static const struct field i8042_fields[] = {
	FIELD("config", struct i8042, config),
	FIELD("output", struct i8042, output),
	FIELD_BOOL("full", struct i8042, full),
	FIELD("expect", struct i8042, expect),
};

static int i8042_save(struct device *dev, struct state_out *out)
{
	return fields_put(out, "", container_of(dev, struct i8042, dev),
			  i8042_fields, ARRAY_SIZE(i8042_fields));
}

static int i8042_load(struct device *dev, struct state_in *in, u32 version)
{
	return fields_get(in, "", container_of(dev, struct i8042, dev),
			  i8042_fields, ARRAY_SIZE(i8042_fields));
}

static void i8042_destroy(struct device *dev)
{
	struct i8042 *kbc = container_of(dev, struct i8042, dev);

	bus_del(dev->vm, BUS_PIO, DATA_PORT);
	bus_del(dev->vm, BUS_PIO, COMMAND_PORT);
	device_remove(dev);
	free(kbc);
}

static const struct device_ops i8042_ops = {
	.name = "i8042",
	.reset = i8042_reset,
	.version = 1,
	.save = i8042_save,
	.load = i8042_load,
	.destroy = i8042_destroy,
};

int i8042_create(struct vm *vm)
{
	struct i8042 *kbc = calloc(1, sizeof(*kbc));
	int ret;

	if (!kbc)
		return -ENOMEM;
	ret = device_init(&kbc->dev, vm, &i8042_ops, NULL);
	if (ret)
		goto err_free;
	ret = bus_add(vm, BUS_PIO, DATA_PORT, 1, &data_ops, kbc);
	if (ret)
		goto err_remove;
	ret = bus_add(vm, BUS_PIO, COMMAND_PORT, 1, &command_ops, kbc);
	if (ret)
		goto err_data;
	return 0;

err_data:
	bus_del(vm, BUS_PIO, DATA_PORT);
err_remove:
	device_remove(&kbc->dev);
err_free:
	free(kbc);
	return ret;
}
