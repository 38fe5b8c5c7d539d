// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DSDT: the PCI root with its windows and interrupt routing, the devices
 * that cannot be found otherwise, and how to power off.
 */
#include <stdio.h>

#include "../../irq.h"
#include "../../pci-internal.h"
#include "../../vm.h"
#include "aml.h"
#include "dsdt.h"
#include "x86.h"

#define PCI_NR_PINS 4
#define SLOT_NAME 8

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

/* Notifications of a PCI slot */
#define NOTIFY_CHECK 1 /* something is new there */
#define NOTIFY_EJECT 3 /* it should be let go */

static void slot_name(char *name, unsigned int slot)
{
	snprintf(name, SLOT_NAME, "S%02X_", slot);
}

/*
 * Slots can be plugged in and out: the registers of pcihp.c say which, the
 * method PCNT passes that on to the slots, their _EJ0 says that the guest has
 * let go.
 */
static void write_slots(struct aml *aml)
{
	static const char *const fields[] = {"PCIU", "PCID", "PCEJ"};
	char name[SLOT_NAME];
	size_t dev, method, cond;
	unsigned int slot;

	aml_io_fields(aml, "PCHP", PCIHP_PORT, fields, ARRAY_SIZE(fields));
	for (slot = 1; slot < PCI_NR_SLOTS; slot++) {
		slot_name(name, slot);
		dev = aml_device(aml, name);
		aml_name(aml, "_SUN");
		aml_int(aml, slot);
		aml_name(aml, "_ADR");
		aml_int(aml, slot << 16);
		method = aml_method(aml, "_EJ0", 1);
		aml_store_field(aml, "PCEJ", 1U << slot);
		aml_end(aml, method);
		aml_end(aml, dev);
	}
	method = aml_method(aml, "PCNT", 0);
	/* Reading clears them. */
	aml_store_local(aml, "PCIU", 0);
	aml_store_local(aml, "PCID", 1);
	for (slot = 1; slot < PCI_NR_SLOTS; slot++) {
		slot_name(name, slot);
		cond = aml_if_and(aml, 0, 1U << slot);
		aml_notify(aml, name, NOTIFY_CHECK);
		aml_end(aml, cond);
		cond = aml_if_and(aml, 1, 1U << slot);
		aml_notify(aml, name, NOTIFY_EJECT);
		aml_end(aml, cond);
	}
	aml_end(aml, method);
}

/* The one general purpose event is that of hotplug. */
static void write_gpe(struct aml *aml)
{
	size_t scope = aml_scope(aml, "\\_GPE"), method;

	method = aml_method(aml, "_E01", 0);
	aml_path(aml, "\\\x2f\x03_SB_PCI0PCNT");
	aml_end(aml, method);
	aml_end(aml, scope);
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
	write_slots(aml);
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
	write_gpe(aml);
	write_s5(aml);
}
