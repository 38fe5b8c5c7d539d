// SPDX-License-Identifier: GPL-2.0-only
/* Plugging PCI devices in and out: registers, events, hostile guests. */
#include "arch/x86/pcihp.c"
#include "machine.h"
#include "tap.h"

static struct x86_machine board;
static unsigned int stops, unplugs, destroyed;
static unsigned int stopped_at_reset, stopped_at_end;
static char unplugged[32];

void vcpus_stop(struct vm *v)
{
	stops++;
}

void vm_go_on(struct vm *v)
{
	stops--;
}

void x86_sci_set(struct vm *v, enum x86_sci who, bool level)
{
	irq_set(v, IRQ_SCI, level);
}

static void on_unplug(struct vm *v, const char *id)
{
	unplugs++;
	snprintf(unplugged, sizeof(unplugged), "%s", id ? id : "(none)");
}

/* A device that does nothing */

static void dull_reset(struct device *dev)
{
	stopped_at_reset = stops;
	pci_device_reset(to_pci_device(dev));
}

static void dull_destroy(struct device *dev)
{
	struct pci_device *pdev = to_pci_device(dev);

	destroyed++;
	stopped_at_end = stops;
	pci_device_exit(pdev);
	free(pdev);
}

static const struct device_ops dull_ops = {
	.name = "dull",
	.reset = dull_reset,
	.destroy = dull_destroy,
};

static u64 bar_in(struct pci_device *pdev, u64 off, unsigned int size)
{
	return 0;
}

static void bar_out(struct pci_device *pdev, u64 off, u64 val,
		    unsigned int size)
{
}

static const struct pci_bar_ops dull_bar = {.read = bar_in, .write = bar_out};

int device_create(struct vm *v, struct opts *opts)
{
	static const struct pci_device_info info = {.vendor = 1, .device = 2};
	struct pci_device *pdev = calloc(1, sizeof(*pdev));

	CHECK_EQ(pci_device_init(pdev, v, &dull_ops, &info, opts), 0);
	CHECK_EQ(pci_bar_add(pdev, 0, 0x4000, 0, &dull_bar), 0);
	return 0;
}

static struct pci_device *dull_create(const char *text)
{
	struct opts *opts = opts_of(text, NULL);

	CHECK_EQ(device_create(&vm, opts), 0);
	opts_destroy(opts);
	return to_pci_device(TAILQ_LAST(&vm.devices, device_list));
}

static void setup(void)
{
	vm.arch = &board;
	vm.on_unplug = on_unplug;
	vm.state = VM_RUNNING;
	stops = unplugs = destroyed = 0;
	machine_start();
	CHECK_EQ(pcihp_create(&vm), 0);
	machine_run();
}

static u32 reg_in(u64 off)
{
	return guest_read(BUS_PIO, PCIHP_PORT + off, 4);
}

static void reg_out(u64 off, u32 val)
{
	guest_write(BUS_PIO, PCIHP_PORT + off, val, 4);
}

/* What the worker was told to do is done. */
static void settle(void)
{
	unsigned int i;

	for (i = 0; i < 100; i++) {
		vm_lock(&vm);
		if (!board.pcihp->job.queued && !board.pcihp->eject && !stops) {
			vm_unlock(&vm);
			return;
		}
		vm_unlock(&vm);
		usleep(10000);
	}
}

static void test_plug(void)
{
	struct pci_device *pdev;

	setup();
	guest_write(BUS_PIO, GPE_PORT + 2, GPE_HOTPLUG, 2);
	pdev = dull_create("id=new,addr=7");
	tell_added(&vm, pdev->slot);
	CHECK(line[IRQ_SCI]);
	CHECK_EQ(guest_read(BUS_PIO, GPE_PORT, 2), GPE_HOTPLUG);
	CHECK_EQ(reg_in(REG_UP), 1U << 7);
	CHECK_EQ(reg_in(REG_UP), 0);
	CHECK_EQ(reg_in(REG_DOWN), 0);
	guest_write(BUS_PIO, GPE_PORT, GPE_HOTPLUG, 2);
	CHECK(!line[IRQ_SCI]);
	CHECK_EQ(cfg_in(7, 0, 4), 0x00020001);

	x86_pci_remove(&vm, pdev->slot);
	CHECK(line[IRQ_SCI]);
	CHECK(x86_pci_asked(&vm, 7));
	CHECK_EQ(reg_in(REG_DOWN), 1U << 7);
	reg_out(REG_EJECT, 1U << 7);
	settle();
	CHECK_EQ(unplugs, 1);
	CHECK_EQ(destroyed, 1);
	CHECK_STR(unplugged, "new");
	CHECK_EQ(stops, 0);
	CHECK_EQ(cfg_in(7, 0, 4), 0xffffffff);
	machine_end();
}

/* As the worker does it: no vCPU sees what is not ready, or does not stay. */
static void test_worker_plugs(void)
{
	struct opts *opts;

	setup();
	vm_lock(&vm);
	opts = opts_of("id=odd,addr=8,nobody=knows", NULL);
	CHECK_EQ(x86_pci_plug(&vm, opts), -EINVAL);
	opts_destroy(opts);
	CHECK_EQ(destroyed, 1);
	opts = opts_of("id=new,addr=7", NULL);
	CHECK_EQ(x86_pci_plug(&vm, opts), 0);
	opts_destroy(opts);
	vm_unlock(&vm);
	CHECK_EQ(stopped_at_reset, 1);
	CHECK_EQ(stopped_at_end, 1);
	CHECK_EQ(stops, 0);
	CHECK_EQ(reg_in(REG_UP), 1U << 7);
	machine_end();
}

static void test_hostile(void)
{
	struct pci_device *pdev;
	unsigned int i;

	setup();
	pdev = dull_create("id=stays,addr=3");
	/* Nobody wants these to go: neither the host bridge nor a disk. */
	reg_out(REG_EJECT, 0xffffffff);
	settle();
	CHECK_EQ(unplugs, 0);
	x86_pci_remove(&vm, pdev->slot);
	for (i = 0; i < 100; i++)
		reg_out(REG_EJECT, 0xffffffff);
	settle();
	CHECK_EQ(unplugs, 1);
	/* Odd sizes and places. */
	for (i = 0; i < 16; i++) {
		guest_write(BUS_PIO, PCIHP_PORT + i, ~0ULL, 1);
		guest_write(BUS_PIO, GPE_PORT + i % 4, ~0ULL, 8);
		guest_read(BUS_PIO, PCIHP_PORT + i, 8);
		guest_read(BUS_PIO, GPE_PORT + i % 4, 8);
	}
	CHECK_EQ(unplugs, 1);
	machine_end();
}

static void test_reset(void)
{
	struct pci_device *pdev;

	setup();
	pdev = dull_create("id=asked,addr=3");
	dull_create("addr=4");
	x86_pci_remove(&vm, pdev->slot);
	vm_lock(&vm);
	pcihp_reset(&board.pcihp->dev);
	vm_unlock(&vm);
	settle();
	CHECK_EQ(unplugs, 1);
	CHECK_STR(unplugged, "asked");
	CHECK(!line[IRQ_SCI]);
	CHECK_EQ(reg_in(REG_DOWN), 0);
	machine_end();
}

/* Addresses of devices that are gone are given out again. */
static void test_addresses(void)
{
	struct pci_device *first, *second, *third;
	unsigned int i;
	u64 addr;

	setup();
	first = dull_create("addr=3");
	second = dull_create("addr=4");
	addr = first->bar[0].first;
	CHECK_EQ(second->bar[0].first, addr + 0x4000);
	vm_lock(&vm);
	for (i = 0; i < 100000; i++) {
		dull_destroy(&first->dev);
		first = dull_create("addr=3");
	}
	vm_unlock(&vm);
	CHECK_EQ(first->bar[0].first, addr);
	third = dull_create("addr=5");
	CHECK_EQ(third->bar[0].first, addr + 0x8000);
	machine_end();
}

static void test_state(void)
{
	struct state_out *out = state_out_create();
	struct state_in in;
	const void *data;
	size_t len, off = 0;

	setup();
	tell_added(&vm, 5);
	x86_pci_remove(&vm, 6);
	CHECK_EQ(state_section(out, "hp", 1), 0);
	CHECK_EQ(pcihp_save(&board.pcihp->dev, out), 0);
	data = state_out_data(out, &len);
	board.pcihp->asked = 0;
	pcihp_reset(&board.pcihp->dev);
	CHECK_EQ(state_next(data, len, &off, &in), 1);
	CHECK_EQ(pcihp_load(&board.pcihp->dev, &in, 1), 0);
	CHECK_EQ(reg_in(REG_UP), 1U << 5);
	CHECK(x86_pci_asked(&vm, 6));
	state_out_destroy(out);
	machine_end();
}

/* The program ends, and the guest has not heard of it yet. */
static void test_end(void)
{
	struct pci_device *pdev;

	setup();
	pdev = dull_create("id=stays,addr=3");
	x86_pci_remove(&vm, pdev->slot);
	worker_end(&vm);
	CHECK(!x86_pci_ejects(&vm));
	reg_out(REG_EJECT, 1U << 3);
	CHECK(x86_pci_ejects(&vm));
	CHECK(!board.pcihp->job.queued);
	CHECK_EQ(unplugs, 0);
	machine_end();
}

static const struct tap_test tests[] = {
	{"a device comes and goes", test_plug},
	{"vCPUs stand still while one comes", test_worker_plugs},
	{"a guest ejects what it likes", test_hostile},
	{"a reset takes what was asked for", test_reset},
	{"addresses are used again", test_addresses},
	{"saved and loaded", test_state},
	{"a guest that does not know of the end", test_end},
};

TAP_MAIN(tests)
