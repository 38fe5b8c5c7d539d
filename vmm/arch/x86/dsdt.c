// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DSDT: the PCI root with its windows and interrupt routing, the devices
 * that cannot be found otherwise, and how to power off.
 */
#include "../../irq.h"
#include "../../pci-internal.h"
#include "../../vm.h"
#include "aml.h"
#include "dsdt.h"
#include "x86.h"

#define PCI_NR_PINS 4

/* Each slot has one line for its only pin; no link devices in between. */
static void write_prt(struct aml *aml)
{
	size_t list, entry;
	u32 slot;

	aml_name(aml, "_PRT");
	list = aml_package(aml, PCI_NR_SLOTS - 1);
	for (slot = 1; slot < PCI_NR_SLOTS; slot++) {
		entry = aml_package(aml, 4);
		aml_int(aml, slot << 16 | 0xffff);
		aml_int(aml, 0); /* pin A */
		aml_int(aml, 0); /* no link: the next is a GSI */
		aml_int(aml, IRQ_PCI_FIRST + slot % IRQ_NR_PCI);
		aml_end(aml, entry);
	}
	aml_end(aml, list);
}

static void write_pci(struct aml *aml)
{
	size_t dev = aml_device(aml, "PCI0"), res;

	aml_name(aml, "_HID");
	aml_eisaid(aml, "PNP0A03");
	aml_name(aml, "_UID");
	aml_int(aml, 0);
	aml_name(aml, "_CRS");
	res = aml_resources(aml);
	aml_res_bus(aml, 0, 0);
	aml_res_io(aml, 0xcf8, 8);
	aml_res_io_window(aml, 0, 0xcf7);
	aml_res_io_window(aml, 0xd00, 0xffff);
	aml_res_mem_window(aml, PCI_MEM_START, PCI_MEM_END - 1);
	aml_resources_end(aml, res);
	write_prt(aml);
	aml_end(aml, dev);
}

static void write_isa(struct aml *aml, const char *name, const char *id,
		      unsigned int uid, u16 port, u8 len, int irq)
{
	size_t dev = aml_device(aml, name), res;

	aml_name(aml, "_HID");
	aml_eisaid(aml, id);
	aml_name(aml, "_UID");
	aml_int(aml, uid);
	aml_name(aml, "_STA");
	aml_int(aml, 0x0f);
	aml_name(aml, "_CRS");
	res = aml_resources(aml);
	aml_res_io(aml, port, len);
	if (irq >= 0)
		aml_res_irq(aml, irq);
	aml_resources_end(aml, res);
	aml_end(aml, dev);
}

static void write_pvpanic(struct aml *aml)
{
	size_t dev = aml_device(aml, "PEVT"), res;

	aml_name(aml, "_HID");
	aml_string(aml, "QEMU0001");
	aml_name(aml, "_STA");
	aml_int(aml, 0x0f);
	aml_name(aml, "_CRS");
	res = aml_resources(aml);
	aml_res_io(aml, PVPANIC_PORT, 1);
	aml_resources_end(aml, res);
	aml_end(aml, dev);
}

static void write_s5(struct aml *aml)
{
	size_t package;

	aml_name(aml, "_S5_");
	package = aml_package(aml, 4);
	aml_int(aml, PM_SLP_TYP_S5);
	aml_int(aml, PM_SLP_TYP_S5);
	aml_int(aml, 0);
	aml_int(aml, 0);
	aml_end(aml, package);
}

void dsdt_write(struct vm *vm, struct aml *aml)
{
	static const struct {
		const char *name;
		u16 port;
		int irq;
	} com[] = {{"COM1", 0x3f8, 4},
		   {"COM2", 0x2f8, 3},
		   {"COM3", 0x3e8, 4},
		   {"COM4", 0x2e8, 3}};
	size_t scope = aml_scope(aml, "\\_SB_");
	unsigned int i;

	write_pci(aml);
	write_isa(aml, "RTC_", "PNP0B00", 0, 0x70, 2, IRQ_RTC);
	for (i = 0; i < ARRAY_SIZE(com); i++)
		if (vm->arch->serial_mask & 1U << i)
			write_isa(aml, com[i].name, "PNP0501", i + 1,
				  com[i].port, 8, com[i].irq);
	if (vm->arch->pvpanic)
		write_pvpanic(aml);
	aml_end(aml, scope);
	write_s5(aml);
}
