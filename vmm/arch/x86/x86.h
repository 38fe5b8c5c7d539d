/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rest of the VMM asks of the x86 machine "pc", and what the files in
 * this folder share: the layout of low memory, the boot plan and the devices of
 * the board.
 */
#ifndef TARN_X86_H
#define TARN_X86_H

#include <linux/kvm.h>

#include "../../lib/types.h"

struct chardev;
struct firmware;
struct fwcfg;
struct opts;
struct sections;
struct state_out;
struct tarn_mem;
struct vcpu;
struct vm;

/* What monitors call the CPU. */
#define X86_CPU_TYPE "host-x86_64-cpu"

/* Low memory as the VMM fills it before the guest starts. */
#define BOOT_GDT 0x500
#define BOOT_PVH_INFO 0x6000
#define BOOT_PARAMS 0x7000
#define BOOT_PAGE_TABLES 0x9000 /* PML4, PDPT, four PDs: 4 GiB flat */
#define BOOT_CMDLINE 0x20000
#define BOOT_CMDLINE_MAX 0x10000
#define LOW_RAM_END 0x9fc00
#define ACPI_START 0xe0000 /* the RSDP comes first */
#define ACPI_END 0xf0000
#define SMBIOS_START 0xf0000
#define BIOS_END 0x100000
#define HIGH_RAM_START 0x100000

#define LAPIC_BASE 0xfee00000ULL
#define IOAPIC_BASE 0xfec00000ULL
/* Below the ROM of firmware, however large that is. */
#define TSS_ADDR 0xfeffd000UL
#define IDENTITY_ADDR 0xfeffc000ULL

/* Ports of the ACPI fixed hardware; the FADT announces them. */
#define PM_EVT_PORT 0x600
#define PM_CNT_PORT 0x604
#define PM_TMR_PORT 0x608
#define PM_SLP_TYP_S5 5
#define GPE_PORT 0x620
#define GPE_LEN 4 /* status and enable, 16 bits each */
#define PCIHP_PORT 0x640
#define RESET_PORT 0xcf9
#define RESET_VALUE 0x06
#define PVPANIC_PORT 0x505

/** enum x86_entry - how the boot CPU enters the kernel. */
enum x86_entry {
	X86_ENTRY_64, /* Linux's 64-bit entry: RSI points at the zero page */
	X86_ENTRY_PVH, /* 32-bit: EBX points at struct hvm_start_info */
};

/**
 * struct x86_boot - a kernel that was placed in guest memory.
 * @start: its entry point
 * @kernel_end: first byte behind what it needs before it knows about memory
 */
struct x86_boot {
	enum x86_entry entry;
	u64 start;
	u64 kernel_end;
	u64 initrd;
	u64 initrd_size;
	u64 initrd_max;
	u32 cmdline_max;
};

/** struct x86_vcpu - registers as KVM made them, for reset. */
struct x86_vcpu {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
	struct kvm_lapic_state lapic;
	struct kvm_xcrs xcrs;
	struct kvm_xsave xsave;
	struct kvm_nested_state nested; /* without what follows in one */
};

/** struct x86_machine - the board. */
struct x86_machine {
	struct kvm_irqchip irqchip[3];
	struct kvm_pit_state2 pit;
	int kernel_fd;
	int initrd_fd;
	struct pm *pm;
	struct pcihp *pcihp;
	struct firmware *firmware; /* NULL: a kernel is loaded without */
	u8 sci; /* who raises it, a bit each */
	u32 serial_mask; /* COM ports that exist */
	bool pvpanic;
};

/* Offered to vm.c and vcpu.c */

/** x86_machine_create() - before the vCPUs: irqchip, timers, kernel files. */
int x86_machine_create(struct vm *vm);

/** x86_board_create() - after the vCPUs: the board's own devices. */
int x86_board_create(struct vm *vm);
void x86_machine_destroy(struct vm *vm);

/** x86_machine_reset() - irqchip and vCPUs as at power-on. */
int x86_machine_reset(struct vm *vm);

/** x86_boot_load() - load the kernel and point the boot CPU at it. */
int x86_boot_load(struct vm *vm);

/** x86_power_button() - tell the guest that somebody pressed it. */
void x86_power_button(struct vm *vm);

/** x86_resumed() - the guest goes on after it stood still for a while. */
void x86_resumed(struct vm *vm);

/** x86_state_save() - write the sections of what KVM holds; vCPUs are parked. */
int x86_state_save(struct vm *vm, struct state_out *out);

/** x86_state_load() - take them again, on a machine that was just reset. */
int x86_state_load(struct vm *vm, struct sections *sections);

/** x86_pci_asked() - whether the guest was asked for it already. */
bool x86_pci_asked(struct vm *vm, unsigned int slot);

/**
 * x86_pci_plug() - make the PCI device that @opts describe, and tell the guest.
 *
 * All of @opts has to be used. The worker, whose lock may be let go of meanwhile.
 */
int x86_pci_plug(struct vm *vm, struct opts *opts);

/**
 * x86_pci_remove() - ask the guest to let go of the device in a slot.
 *
 * When it has, or at the next reset, the device is destroyed and vm->on_unplug
 * called.
 */
void x86_pci_remove(struct vm *vm, unsigned int slot);

/** x86_pci_ejects() - whether devices that it has let go of are there still. */
bool x86_pci_ejects(struct vm *vm);

int x86_vcpu_create(struct vcpu *vcpu);
void x86_vcpu_destroy(struct vcpu *vcpu);

/** x86_vcpu_describe() - one line about where the vCPU is, for a report. */
void x86_vcpu_describe(struct vcpu *vcpu, char *buf, size_t size);

/** x86_apic_id() - of the vCPU @index; KVM's vCPU id, too. */
u32 x86_apic_id(struct vm *vm, unsigned int index);

/* Within this folder */

int x86_cpuid_set(struct vcpu *vcpu);
int x86_vcpu_reset(struct vcpu *vcpu);
int x86_vcpu_enter(struct vcpu *vcpu, const struct x86_boot *boot);

/** struct e820_map - the memory map, for the zero page and for PVH. */
struct e820_map {
	unsigned int nr;
	struct {
		u64 addr;
		u64 size;
		u32 type;
	} entry[40];
};
#define E820_RAM 1
#define E820_RESERVED 2

void x86_e820(struct vm *vm, struct e820_map *map);

/* Load a kernel of either kind; -ENOEXEC when it is of the other. */
int x86_bzimage_load(struct vm *vm, int fd, struct x86_boot *boot);
int x86_elf_load(struct vm *vm, int fd, struct x86_boot *boot);

/* Write the zero page or the PVH structures, once all else is placed. */
int x86_bzimage_finish(struct vm *vm, int fd, const struct x86_boot *boot);
int x86_pvh_finish(struct vm *vm, const struct x86_boot *boot);

/** x86_read_file() - read exactly [@off, @off + @len) of @fd to @gpa. */
int x86_read_file(struct vm *vm, int fd, u64 off, u64 gpa, u64 len);

int x86_acpi_write(struct vm *vm);
int x86_smbios_write(struct vm *vm);

/**
 * x86_firmware_id() - what the firmware in the ROM is known by.
 * @size: of it, 0: there is none
 * @sum: its CRC-32
 */
void x86_firmware_id(struct vm *vm, u32 *size, u32 *sum);

/** x86_smbios_add() - the same for firmware, as files of fw_cfg. */
int x86_smbios_add(struct vm *vm, struct fwcfg *fwcfg);

int rtc_create(struct vm *vm);
int i8042_create(struct vm *vm);
int pm_create(struct vm *vm);
void pm_power_button(struct pm *pm);

/** enum x86_sci - what raises the ACPI interrupt. */
enum x86_sci {
	X86_SCI_PM,
	X86_SCI_GPE,
};

/** x86_sci_set() - raise or lower it on behalf of @who. */
void x86_sci_set(struct vm *vm, enum x86_sci who, bool level);

int pcihp_create(struct vm *vm);
int pvpanic_create(struct vm *vm, const char *id);

/** serial_create() - COM port @index (0-3) on @chr. */
int serial_create(struct vm *vm, unsigned int index, struct chardev *chr,
		  const char *id);

#endif
