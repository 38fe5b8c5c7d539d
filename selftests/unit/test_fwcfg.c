// SPDX-License-Identifier: GPL-2.0-only
/* fw_cfg: entries, files and their directory through the ports, and reads that mean harm. */
#include "../../vmm/arch/x86/fwcfg.c"
#include "../../vmm/bus.c"
#include "../../vmm/device.c"
#include "fake_error.h"
#include "tap.h"

static struct vm vm;
static struct fwcfg *fw;

int fields_put(struct state_out *out, const char *prefix, const void *obj,
	       const struct field *fields, unsigned int nr)
{
	return 0;
}

int fields_get(struct state_in *in, const char *prefix, void *obj,
	       const struct field *fields, unsigned int nr)
{
	return 0;
}

static void setup(void)
{
	memset(&vm, 0, sizeof(vm));
	TAILQ_INIT(&vm.devices);
	CHECK_EQ(fwcfg_create(&vm, &fw), 0);
}

static void teardown(void)
{
	fwcfg_destroy(&fw->dev);
	bus_exit(&vm);
}

static void select_entry(u16 key)
{
	bus_access(&vm, BUS_PIO, FWCFG_PORT, &key, 2, true);
}

static void get(void *buf, size_t len)
{
	u8 *p = buf;

	while (len--)
		bus_access(&vm, BUS_PIO, FWCFG_PORT + 1, p++, 1, false);
}

static void test_entries(void)
{
	u8 buf[6];

	setup();
	CHECK_EQ(fwcfg_set_u16(fw, FWCFG_NB_CPUS, 0x1234), 0);
	CHECK_EQ(fwcfg_finish(fw), 0);
	select_entry(FWCFG_SIGNATURE);
	get(buf, 6);
	CHECK(!memcmp(buf, "QEMU\0\0", 6));
	select_entry(FWCFG_NB_CPUS);
	get(buf, 3);
	CHECK(buf[0] == 0x34 && buf[1] == 0x12 && buf[2] == 0);
	/* From its beginning again. */
	select_entry(FWCFG_NB_CPUS);
	get(buf, 1);
	CHECK_EQ(buf[0], 0x34);
	select_entry(FWCFG_ID);
	get(buf, 4);
	CHECK(buf[0] == 1 && !buf[1] && !buf[2] && !buf[3]);
	teardown();
}

static void test_files(void)
{
	struct file dir[2];
	u32 nr, i;
	char text[6];

	setup();
	CHECK_EQ(fwcfg_add_file(fw, "etc/one", "hello", 6), 0);
	CHECK_EQ(fwcfg_add_u64(fw, "etc/two", 7), 0);
	CHECK_EQ(fwcfg_finish(fw), 0);
	select_entry(FWCFG_FILE_DIR);
	get(&nr, 4);
	CHECK_EQ(be32toh(nr), 2);
	CHECK_EQ(sizeof(dir[0]), 64);
	get(dir, sizeof(dir));
	CHECK_STR(dir[0].name, "etc/one");
	CHECK_EQ(be32toh(dir[0].size), 6);
	CHECK_STR(dir[1].name, "etc/two");
	CHECK_EQ(be32toh(dir[1].size), 8);
	select_entry(be16toh(dir[0].key));
	get(text, 6);
	CHECK_STR(text, "hello");
	/* A reset makes all anew; there are not more than there is room for. */
	fwcfg_clear(fw);
	for (i = 0; i < FILES_MAX; i++)
		CHECK_EQ(fwcfg_add_u64(fw, "etc/n", i), 0);
	CHECK_EQ(fwcfg_add_u64(fw, "etc/n", i), -ENOSPC);
	CHECK_EQ(fwcfg_finish(fw), 0);
	select_entry(FWCFG_FILE_DIR);
	get(&nr, 4);
	CHECK_EQ(be32toh(nr), FILES_MAX);
	teardown();
}

static void test_harm(void)
{
	unsigned int key, i;
	u64 val;
	u8 byte;

	setup();
	CHECK_EQ(fwcfg_add_file(fw, "etc/one", "x", 1), 0);
	CHECK_EQ(fwcfg_finish(fw), 0);
	for (key = 0; key <= UINT16_MAX; key += key < 64 ? 1 : 97) {
		select_entry(key);
		for (i = 0; i < 300; i++)
			get(&byte, 1);
		if (key != FWCFG_FILE_DIR)
			CHECK_EQ(byte, 0);
	}
	/* Accesses of other sizes, and writes to data. */
	for (i = 1; i <= 8; i *= 2) {
		val = 0x55;
		bus_access(&vm, BUS_PIO, FWCFG_PORT + 1, &val, i, true);
		bus_access(&vm, BUS_PIO, FWCFG_PORT, &val, i, false);
		bus_access(&vm, BUS_PIO, FWCFG_PORT + 1, &val, i, false);
	}
	select_entry(FIRST_FILE);
	get(&byte, 1);
	CHECK_EQ(byte, 'x');
	CHECK_EQ(fwcfg_set(fw, NR_ENTRIES, "x", 1), -EINVAL);
	teardown();
}

static const struct tap_test tests[] = {
	{"entries", test_entries},
	{"files", test_files},
	{"reads that mean harm", test_harm},
};
TAP_MAIN(tests)
