/* SPDX-License-Identifier: GPL-2.0-only */
/* Layout of the ACPI tables that the VMM writes; names are the standard's. */
#ifndef TARN_ACPI_H
#define TARN_ACPI_H

#include "../../lib/types.h"

struct vm;

#define __packed __attribute__((packed))

struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 ext_checksum;
	u8 reserved[3];
} __packed;

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision;
	u8 checksum;
	char oem_id[6];
	char oem_table_id[8];
	u32 oem_revision;
	char creator_id[4];
	u32 creator_revision;
} __packed;

struct acpi_gas {
	u8 space;
	u8 bit_width;
	u8 bit_offset;
	u8 access;
	u64 addr;
} __packed;

#define ACPI_SPACE_IO 1

struct acpi_fadt {
	struct acpi_header h;
	u32 facs;
	u32 dsdt;
	u8 model;
	u8 profile;
	u16 sci_int;
	u32 smi_cmd;
	u8 acpi_enable;
	u8 acpi_disable;
	u8 s4bios_req;
	u8 pstate_cnt;
	u32 pm1a_evt;
	u32 pm1b_evt;
	u32 pm1a_cnt;
	u32 pm1b_cnt;
	u32 pm2_cnt;
	u32 pm_tmr;
	u32 gpe0;
	u32 gpe1;
	u8 pm1_evt_len;
	u8 pm1_cnt_len;
	u8 pm2_cnt_len;
	u8 pm_tmr_len;
	u8 gpe0_len;
	u8 gpe1_len;
	u8 gpe1_base;
	u8 cst_cnt;
	u16 c2_latency;
	u16 c3_latency;
	u16 flush_size;
	u16 flush_stride;
	u8 duty_offset;
	u8 duty_width;
	u8 day_alarm;
	u8 month_alarm;
	u8 century;
	u16 boot_arch;
	u8 reserved;
	u32 flags;
	struct acpi_gas reset_reg;
	u8 reset_value;
	u16 arm_boot_arch;
	u8 minor;
	u64 x_facs;
	u64 x_dsdt;
	struct acpi_gas x_pm1a_evt;
	struct acpi_gas x_pm1b_evt;
	struct acpi_gas x_pm1a_cnt;
	struct acpi_gas x_pm1b_cnt;
	struct acpi_gas x_pm2_cnt;
	struct acpi_gas x_pm_tmr;
	struct acpi_gas x_gpe0;
	struct acpi_gas x_gpe1;
	struct acpi_gas sleep_control;
	struct acpi_gas sleep_status;
	u64 hypervisor;
} __packed;

#define FADT_REVISION 6
#define FADT_BOOT_LEGACY_DEVICES (1U << 0)
#define FADT_BOOT_NO_VGA (1U << 2)
#define FADT_WBINVD (1U << 0)
#define FADT_C1 (1U << 2)
#define FADT_NO_SLEEP_BUTTON (1U << 5)
#define FADT_NO_RTC_WAKE (1U << 6)
#define FADT_TMR_32BIT (1U << 8)
#define FADT_RESET_REG (1U << 10)

struct acpi_facs {
	char signature[4];
	u32 length;
	u32 hardware;
	u32 waking_vector;
	u32 global_lock;
	u32 flags;
	u64 x_waking_vector;
	u8 version;
	u8 reserved[31];
} __packed;

struct acpi_madt {
	struct acpi_header h;
	u32 lapic;
	u32 flags;
} __packed;

#define MADT_PCAT_COMPAT 1

struct acpi_madt_lapic {
	u8 type;
	u8 length;
	u8 uid;
	u8 id;
	u32 flags;
} __packed;

struct acpi_madt_ioapic {
	u8 type;
	u8 length;
	u8 id;
	u8 reserved;
	u32 addr;
	u32 gsi_base;
} __packed;

struct acpi_madt_override {
	u8 type;
	u8 length;
	u8 bus;
	u8 source;
	u32 gsi;
	u16 flags;
} __packed;

#define MADT_ACTIVE_HIGH_LEVEL 0x0d

struct acpi_madt_x2apic {
	u8 type;
	u8 length;
	u16 reserved;
	u32 id;
	u32 flags;
	u32 uid;
} __packed;

struct acpi_madt_nmi {
	u8 type;
	u8 length;
	u8 uid;
	u16 flags;
	u8 lint;
} __packed;

struct acpi_srat {
	struct acpi_header h;
	u32 one;
	u64 reserved;
} __packed;

struct acpi_srat_mem {
	u8 type;
	u8 length;
	u32 node;
	u16 reserved1;
	u64 base;
	u64 size;
	u32 reserved2;
	u32 flags;
	u64 reserved3;
} __packed;

struct acpi_srat_x2apic {
	u8 type;
	u8 length;
	u16 reserved1;
	u32 node;
	u32 id;
	u32 flags;
	u32 clock;
	u32 reserved2;
} __packed;

struct acpi_slit {
	struct acpi_header h;
	u64 nodes;
} __packed;

/* The FADT's four, and one for each table in the XSDT. */
#define ACPI_MAX_POINTERS 12

/**
 * struct acpi_pointer - where a table has the address of another.
 * @off: where that is
 * @table: the table that has it, which begins there
 * @size: 4 or 8 bytes
 */
struct acpi_pointer {
	u32 off;
	u32 table;
	u8 size;
};

/**
 * struct acpi_blob - all tables, the RSDP first.
 * @buf: room for them, of @size bytes
 * @base: address of its first byte
 * @len: what of it they take
 * @pointers: to be changed by who moves them; those of a table together. That of the
 *	      RSDP is not among them
 */
struct acpi_blob {
	u8 *buf;
	size_t size;
	u64 base;
	size_t len;
	struct acpi_pointer pointers[ACPI_MAX_POINTERS];
	unsigned int nr_pointers;
};

/** acpi_build() - write the tables of the machine as it is. */
int acpi_build(struct vm *vm, struct acpi_blob *blob);

#endif
