// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space, BAR sizing and moving, doorbells and MSI-X, driven
 * through the ports as a guest drives them.
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../vmm/bus.c"
#include "../../vmm/device.c"
#include "../../vmm/lib/opts.c"
#include "../../vmm/mem.c"
#include "../../vmm/pci-bar.c"
#include "../../vmm/pci-msix.c"
#include "../../vmm/pci-state.c"
#include "../../vmm/pci.c"
#include "fake_error.h"
#include "tap.h"

static struct vm_config machine_config = {.kernel = "a kernel"};
static struct vm vm;
static struct pci_device dev;
static u64 bar_value;
static u64 bar_off;
static unsigned int resets;
static bool line[IRQ_NR_PINS];

/* KVM's side, as far as a test looks at it. */
static struct {
	u64 addr;
	bool on;
} doorbell;

static struct {
	int fd;
	u64 addr;
	u32 data;
} msi[64];

int vm_ioeventfd(struct vm *m, int fd, u64 addr, unsigned int len, bool pio,
		 bool add)
{
	CHECK(add != doorbell.on);
	if (!add)
		CHECK_EQ(doorbell.addr, addr);
	doorbell.addr = addr;
	doorbell.on = add;
	return 0;
}

void vm_request_reset(struct vm *m)
{
	resets++;
}

void irq_set(struct vm *m, unsigned int gsi, bool level)
{
	line[gsi] = level;
}

int irq_msi_alloc(struct vm *m)
{
	static int next = 24;

	return next++;
}

void irq_msi_free(struct vm *m, int gsi)
{
}

int irq_msi_update(struct vm *m, int gsi, u64 addr, u32 data)
{
	msi[gsi].addr = addr;
	msi[gsi].data = data;
	return 0;
}

int irq_fd_add(struct vm *m, int gsi, int fd)
{
	msi[gsi].fd = fd;
	return 0;
}

int irq_fd_del(struct vm *m, int gsi, int fd)
{
	CHECK_EQ(msi[gsi].fd, fd);
	msi[gsi].fd = -1;
	return 0;
}

static u64 test_bar_read(struct pci_device *pdev, u64 off, unsigned int size)
{
	bar_off = off;
	return bar_value;
}

static void test_bar_write(struct pci_device *pdev, u64 off, u64 val,
			   unsigned int size)
{
	bar_off = off;
	bar_value = val;
}

static const struct pci_bar_ops test_bar_ops = {
	.read = test_bar_read,
	.write = test_bar_write,
};

static const struct device_ops test_ops = {.name = "test"};

static void out(u16 port, u32 val, unsigned int size)
{
	bus_access(&vm, BUS_PIO, port, &val, size, true);
}

static u32 in(u16 port, unsigned int size)
{
	u32 val = 0;

	bus_access(&vm, BUS_PIO, port, &val, size, false);
	return val;
}

static void select_reg(unsigned int slot, unsigned int reg)
{
	out(0xcf8, 0x80000000U | slot << 11 | (reg & 0xfc), 4);
}

static u32 cfg_in(unsigned int slot, unsigned int reg, unsigned int size)
{
	select_reg(slot, reg);
	return in(0xcfc + reg % 4, size);
}

static void cfg_out(unsigned int slot, unsigned int reg, u32 val,
		    unsigned int size)
{
	select_reg(slot, reg);
	out(0xcfc + reg % 4, val, size);
}

static u64 mmio(u64 addr, u64 val, unsigned int size, bool write)
{
	bus_access(&vm, BUS_MMIO, addr, &val, size, write);
	return val;
}

static void setup(void)
{
	static const struct pci_device_info info = {
		.vendor = 0x1af4,
		.device = 0x1042,
		.class = 0x018000,
		.revision = 1,
		.intx = true,
	};

	memset(&vm, 0, sizeof(vm));
	vm.config = &machine_config;
	memset(&dev, 0, sizeof(dev));
	memset(msi, 0, sizeof(msi));
	memset(&doorbell, 0, sizeof(doorbell));
	TAILQ_INIT(&vm.devices);
	CHECK_EQ(pci_init(&vm), 0);
	CHECK_EQ(pci_device_init(&dev, &vm, &test_ops, &info, NULL), 0);
	CHECK_EQ(pci_bar_add(&dev, 0, 0x4000, PCI_BAR_64, &test_bar_ops), 0);
	CHECK_EQ(pci_bar_add(&dev, 2, 0x20, PCI_BAR_IO, &test_bar_ops), 0);
	CHECK_EQ(pci_msix_init(&dev, 3, 4), 0);
	pci_device_reset(&dev);
}

static void teardown(void)
{
	struct device *d;

	pci_device_exit(&dev);
	while ((d = TAILQ_FIRST(&vm.devices)))
		d->ops->destroy(d);
	pci_exit(&vm);
	CHECK(!doorbell.on);
	CHECK_EQ(vm.bus_nr[BUS_PIO] + vm.bus_nr[BUS_MMIO], 0);
	bus_exit(&vm);
}

/* Firmware knows its machine by the host bridge. */
static void test_firmware_bridge(void)
{
	machine_config.kernel = NULL;
	setup();
	CHECK_EQ(cfg_in(0, 0, 4), 0x12378086);
	CHECK_EQ(cfg_in(0, 0x2c, 4), 0x11001af4);
	teardown();
	machine_config.kernel = "a kernel";
}

static void test_config(void)
{
	setup();
	CHECK_EQ(cfg_in(0, 0, 4), 0x0d578086);
	CHECK_EQ(cfg_in(1, 0, 4), 0x10421af4);
	CHECK_EQ(cfg_in(1, 2, 2), 0x1042);
	CHECK_EQ(cfg_in(1, 8, 4), 0x01800001);
	CHECK_EQ(cfg_in(2, 0, 4), 0xffffffff);
	/* Bus 1, function 1 and a disabled address register have nobody. */
	out(0xcf8, 0x80010800, 4);
	CHECK_EQ(in(0xcfc, 4), 0xffffffff);
	out(0xcf8, 0x80000900, 4);
	CHECK_EQ(in(0xcfc, 4), 0xffffffff);
	out(0xcf8, 0x00000800, 4);
	CHECK_EQ(in(0xcfc, 4), 0xffffffff);
	/* Ids are read-only, the interrupt line is not. */
	cfg_out(1, 0, 0, 4);
	CHECK_EQ(cfg_in(1, 0, 4), 0x10421af4);
	cfg_out(1, PCI_INTERRUPT_LINE, 0x77, 1);
	CHECK_EQ(cfg_in(1, PCI_INTERRUPT_LINE, 1), 0x77);
	/* An access that would run out of its double word is not done. */
	select_reg(1, 0xfc);
	CHECK_EQ(in(0xcff, 2), 0xffff);
	out(0xcff, 0, 2);
	resets = 0;
	out(0xcf9, 0x02, 1);
	CHECK_EQ(resets, 0);
	out(0xcf9, 0x06, 1);
	CHECK_EQ(resets, 1);
	teardown();
}

static void test_sizing(void)
{
	u32 first;

	setup();
	first = cfg_in(1, PCI_BASE_ADDRESS_0, 4);
	CHECK_EQ(first & 0xf, PCI_BASE_ADDRESS_MEM_TYPE_64);
	CHECK((first & ~0xfU) >= PCI_MEM_START);
	cfg_out(1, PCI_BASE_ADDRESS_0, ~0U, 4);
	cfg_out(1, PCI_BASE_ADDRESS_1, ~0U, 4);
	CHECK_EQ(cfg_in(1, PCI_BASE_ADDRESS_0, 4), 0xffffc004U);
	CHECK_EQ(cfg_in(1, PCI_BASE_ADDRESS_1, 4), 0xffffffffU);
	cfg_out(1, PCI_BASE_ADDRESS_2, ~0U, 4);
	CHECK_EQ(cfg_in(1, PCI_BASE_ADDRESS_2, 4), 0xffffffe1U);
	cfg_out(1, PCI_BASE_ADDRESS_4, ~0U, 4);
	CHECK_EQ(cfg_in(1, PCI_BASE_ADDRESS_4, 4), 0xfffff000U);
	/* Absent ones and the ROM read as 0. */
	cfg_out(1, PCI_BASE_ADDRESS_5, ~0U, 4);
	CHECK_EQ(cfg_in(1, PCI_BASE_ADDRESS_5, 4), 0);
	cfg_out(1, PCI_ROM_ADDRESS, ~0U, 4);
	CHECK_EQ(cfg_in(1, PCI_ROM_ADDRESS, 4), 0);
	pci_device_reset(&dev);
	CHECK_EQ(cfg_in(1, PCI_BASE_ADDRESS_0, 4), first);
	teardown();
}

static void test_mapping(void)
{
	u64 addr;

	setup();
	addr = cfg_in(1, PCI_BASE_ADDRESS_0, 4) & ~0xfU;
	bar_value = 0x1234;
	CHECK_EQ(mmio(addr + 8, 0, 4, false), 0xffffffff);
	cfg_out(1, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	CHECK_EQ(mmio(addr + 8, 0, 4, false), 0x1234);
	CHECK_EQ(bar_off, 8);
	mmio(addr + 0x3ffc, 0x99, 4, true);
	CHECK_EQ(bar_value, 0x99);
	CHECK_EQ(bar_off, 0x3ffc);
	/* Half out of the BAR is out. */
	CHECK_EQ(mmio(addr + 0x3ffc, 0, 8, false), ~0ULL);
	/* Above 4 GiB by its upper half. */
	cfg_out(1, PCI_BASE_ADDRESS_1, 0x10, 4);
	CHECK_EQ(mmio(addr + 8, 0, 4, false), 0xffffffff);
	CHECK_EQ(mmio(addr + 8 + (0x10ULL << 32), 0, 4, false), 0x99);
	cfg_out(1, PCI_COMMAND, 0, 2);
	CHECK_EQ(mmio(addr + 8 + (0x10ULL << 32), 0, 4, false), 0xffffffff);
	/* Ports are enabled on their own. */
	cfg_out(1, PCI_COMMAND, PCI_COMMAND_IO, 2);
	out((cfg_in(1, PCI_BASE_ADDRESS_2, 4) & ~3U) + 4, 0x5, 1);
	CHECK_EQ(bar_value, 5);
	teardown();
}

static void test_overlap(void)
{
	u64 addr;

	setup();
	cfg_out(1, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	addr = cfg_in(1, PCI_BASE_ADDRESS_0, 4) & ~0xfU;
	/* Two BARs at one place: the first stays, nothing breaks. */
	cfg_out(1, PCI_BASE_ADDRESS_4, addr, 4);
	bar_value = 0x77;
	CHECK_EQ(mmio(addr, 0, 4, false), 0x77);
	/* At the very end of the address space. */
	cfg_out(1, PCI_BASE_ADDRESS_0, ~0U, 4);
	cfg_out(1, PCI_BASE_ADDRESS_1, ~0U, 4);
	CHECK_EQ(mmio(~0ULL - 0x3fff, 0, 4, false), 0x77);
	teardown();
}

static void test_over_ram(void)
{
	setup();
	vm.mem.nr = 1;
	vm.mem.range[0].size = MIB(64);
	cfg_out(1, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	cfg_out(1, PCI_BASE_ADDRESS_0, MIB(1), 4);
	CHECK_EQ(mmio(MIB(1), 0, 4, false), 0xffffffff);
	teardown();
}

static void test_doorbell(void)
{
	u64 addr;

	setup();
	addr = cfg_in(1, PCI_BASE_ADDRESS_0, 4) & ~0xfU;
	CHECK_EQ(pci_ioeventfd_add(&dev, 0, 0x100, 2, 5), 0);
	CHECK(!doorbell.on);
	cfg_out(1, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	CHECK(doorbell.on);
	CHECK_EQ(doorbell.addr, addr + 0x100);
	cfg_out(1, PCI_BASE_ADDRESS_0, 0xd0000000, 4);
	CHECK(doorbell.on);
	CHECK_EQ(doorbell.addr, 0xd0000100);
	cfg_out(1, PCI_COMMAND, 0, 2);
	CHECK(!doorbell.on);
	cfg_out(1, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	pci_ioeventfd_del(&dev, 0, 0x100, 5);
	CHECK(!doorbell.on);
	CHECK_EQ(pci_ioeventfd_add(&dev, 0, 0x100, 2, 5), 0);
	CHECK(doorbell.on);
	teardown();
}

static void test_caps(void)
{
	static const u8 body[4] = {1, 2, 3, 4};
	unsigned int pos, n = 0;
	int ret;

	setup();
	CHECK(pci_cap_add(&dev, PCI_CAP_ID_VNDR, body, sizeof(body)) > 0);
	CHECK(cfg_in(1, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	for (pos = cfg_in(1, PCI_CAPABILITY_LIST, 1); pos && n < 48; n++) {
		CHECK(pos >= 0x40 && pos % 4 == 0);
		pos = cfg_in(1, pos + 1, 1);
	}
	CHECK_EQ(n, 2);
	/* Read-only unless said otherwise. */
	pos = dev.cap_last;
	cfg_out(1, pos + 2, 0xff, 1);
	CHECK_EQ(cfg_in(1, pos + 2, 1), 1);
	do {
		ret = pci_cap_add(&dev, PCI_CAP_ID_VNDR, body, sizeof(body));
		CHECK(ret < PCI_CFG_SIZE - 5);
	} while (ret > 0);
	CHECK_EQ(ret, -ENOSPC);
	teardown();
}

static void msix_control(u16 val)
{
	cfg_out(1, dev.msix->cap + PCI_MSIX_FLAGS, val, 2);
}

static void test_msix(void)
{
	u64 table;
	int gsi;

	setup();
	cfg_out(1, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	table = cfg_in(1, PCI_BASE_ADDRESS_4, 4) & ~0xfU;
	CHECK_EQ(cfg_in(1, dev.msix->cap + PCI_MSIX_FLAGS, 2), 2);
	CHECK_EQ(mmio(table + 12, 0, 4, false), PCI_MSIX_ENTRY_CTRL_MASKBIT);
	mmio(table + 16, 0xfee01000, 4, true);
	mmio(table + 24, 0x4041, 4, true);
	mmio(table + 28, 0, 4, true);
	CHECK(!dev.msix->vec[1].attached);
	msix_control(PCI_MSIX_FLAGS_ENABLE);
	CHECK(pci_msix_enabled(&dev));
	CHECK(dev.msix->vec[1].attached);
	CHECK(!dev.msix->vec[0].attached);
	gsi = dev.msix->vec[1].gsi;
	CHECK_EQ(msi[gsi].addr, 0xfee01000);
	CHECK_EQ(msi[gsi].data, 0x4041);
	CHECK_EQ(msi[gsi].fd, pci_msix_fd(&dev, 1));
	/* Out of range, misaligned and narrow writes change nothing. */
	mmio(table + 3 * 16, 1, 4, true);
	mmio(table + 18, 1, 4, true);
	mmio(table + 24, 1, 2, true);
	CHECK_EQ(msi[gsi].data, 0x4041);
	CHECK_EQ(pci_msix_fd(&dev, 3), -EINVAL);
	pci_msix_notify(&dev, 3);
	teardown();
}

static void test_msix_pending(void)
{
	u64 table, pba;

	setup();
	cfg_out(1, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	table = cfg_in(1, PCI_BASE_ADDRESS_4, 4) & ~0xfU;
	pba = table + (cfg_in(1, dev.msix->cap + PCI_MSIX_PBA, 4) & ~7U);
	msix_control(PCI_MSIX_FLAGS_ENABLE);
	mmio(table + 2 * 16 + 12, 0, 4, true);
	CHECK(dev.msix->vec[2].attached);
	mmio(table + 2 * 16 + 12, 1, 4, true);
	CHECK(!dev.msix->vec[2].attached);
	pci_msix_notify(&dev, 2);
	CHECK_EQ(mmio(pba, 0, 8, false), 1 << 2);
	mmio(pba, 0, 8, true);
	CHECK_EQ(mmio(pba, 0, 4, false), 1 << 2);
	/* The mask of the whole function counts, too. */
	msix_control(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	mmio(table + 2 * 16 + 12, 0, 4, true);
	CHECK(!dev.msix->vec[2].attached);
	msix_control(PCI_MSIX_FLAGS_ENABLE);
	CHECK(dev.msix->vec[2].attached);
	pci_device_reset(&dev);
	CHECK(!dev.msix->vec[2].attached);
	cfg_out(1, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	CHECK_EQ(mmio(pba, 0, 8, false), 0);
	teardown();
}

static void test_intx(void)
{
	struct pci_device other = {.slot = 9};

	setup();
	other.bus = vm.pci;
	/* Slots 1 and 9 share a line, which stays up while one needs it. */
	pci_intx_set(&dev, true);
	pci_intx_set(&other, true);
	CHECK(line[17]);
	pci_intx_set(&dev, false);
	CHECK(line[17]);
	pci_intx_set(&other, false);
	CHECK(!line[17]);
	teardown();
}

static void test_slots(void)
{
	static const struct pci_device_info info = {.vendor = 1};
	static const struct {
		const char *text;
		int ret;
	} cases[] = {
		{"addr=0x5", 0},	   {"addr=1f.0", 0},
		{"addr=0", -EINVAL},	   {"addr=0x20", -EINVAL},
		{"addr=0x3.1", -EINVAL},   {"addr=x", -EINVAL},
		{"addr=-1", -EINVAL},	   {"bus=pci.1", -EINVAL},
		{"bus=pci.0,addr=4", 0},   {"addr=1", -EBUSY},
		{"addr=", -EINVAL},
	};
	unsigned int i;

	setup();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pci_device d = {0};
		struct opts *opts;
		int ret;

		opts_parse(&opts, "-device", cases[i].text, NULL);
		ret = pci_device_init(&d, &vm, &test_ops, &info, opts);
		if (ret != cases[i].ret)
			printf("# %s\n", cases[i].text);
		CHECK_EQ(ret, cases[i].ret);
		if (!ret)
			pci_device_exit(&d);
		opts_destroy(opts);
	}
	teardown();
}

static void test_bad_bars(void)
{
	setup();
	CHECK_EQ(pci_bar_add(&dev, 5, 0x1000, PCI_BAR_64, &test_bar_ops),
		 -EINVAL);
	CHECK_EQ(pci_bar_add(&dev, 5, 0x1001, 0, &test_bar_ops), -EINVAL);
	CHECK_EQ(pci_bar_add(&dev, 5, 0, 0, &test_bar_ops), -EINVAL);
	CHECK_EQ(pci_bar_add(&dev, 0, 0x1000, 0, &test_bar_ops), -EINVAL);
	CHECK_EQ(pci_bar_add(&dev, 5, GIB(2), 0, &test_bar_ops), -ENOSPC);
	CHECK_EQ(pci_msix_init(&dev, 1, 5), -EINVAL);
	teardown();
}

static const struct tap_test tests[] = {
	{"configuration space through the ports", test_config},
	{"the host bridge that firmware looks for", test_firmware_bridge},
	{"BAR sizing", test_sizing},
	{"BARs enabled, moved and disabled", test_mapping},
	{"BARs on top of each other and at the end", test_overlap},
	{"BARs over RAM", test_over_ram},
	{"doorbells follow their BAR", test_doorbell},
	{"capabilities", test_caps},
	{"MSI-X vectors", test_msix},
	{"MSI-X masks and pending bits", test_msix_pending},
	{"shared INTx lines", test_intx},
	{"slots from options", test_slots},
	{"impossible BARs", test_bad_bars},
};

TAP_MAIN(tests)
