// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ACPI tables, made before each boot: RSDP, XSDT, FADT and FACS, MADT, SRAT and
 * SLIT when there are nodes, and the DSDT (dsdt.c). Without firmware they are written
 * below 1 MiB; firmware gets them by acpi-loader.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../config.h"
#include "../../error.h"
#include "../../irq.h"
#include "../../vcpu.h"
#include "../../vm.h"
#include "acpi.h"
#include "aml.h"
#include "dsdt.h"
#include "x86.h"

#define MAX_TABLES 8
#define XAPIC_MAX_ID 254
#define IOAPIC_ID 0

/* Tables being assembled. */
struct tables {
	struct vm *vm;
	struct acpi_blob *blob;
	struct aml out;
	size_t start; /* of the table that is open */
	u64 list[MAX_TABLES];
	unsigned int nr;
};

static u8 checksum(const u8 *p, size_t len)
{
	u8 sum = 0;

	while (len--)
		sum += *p++;
	return -sum;
}

static u64 to_gpa(const struct tables *t, size_t off)
{
	return t->blob->base + off;
}

/* The open table has an address at @off. */
static void note_pointer(struct tables *t, size_t off, u8 size)
{
	struct acpi_blob *blob = t->blob;

	blob->pointers[blob->nr_pointers++] = (struct acpi_pointer){
		.off = t->start + off,
		.table = t->start,
		.size = size,
	};
}

static void put(struct tables *t, const void *data, size_t len)
{
	const u8 *p = data;

	while (len--)
		aml_byte(&t->out, *p++);
}

static void align(struct tables *t, size_t to)
{
	while (t->out.len % to && !t->out.full)
		aml_byte(&t->out, 0);
}

static void header_fill(struct acpi_header *h, const char *signature, u8 rev)
{
	memcpy(h->signature, signature, 4);
	h->revision = rev;
	memcpy(h->oem_id, "TARN  ", 6);
	memcpy(h->oem_table_id, "TARN    ", 8);
	h->oem_revision = htole32(1);
	memcpy(h->creator_id, "TARN", 4);
	h->creator_revision = htole32(1);
}

/* Open a table whose fixed part, header included, is @table of @len bytes. */
static void table_begin(struct tables *t, const char *signature, u8 rev,
			void *table, size_t len)
{
	align(t, 16);
	t->start = t->out.len;
	header_fill(table, signature, rev);
	put(t, table, len);
}

/* Fill in length and checksum; return where the table is. */
static u64 table_end(struct tables *t)
{
	struct acpi_header *h = (void *)(t->out.buf + t->start);

	if (t->out.full)
		return 0;
	h->length = htole32(t->out.len - t->start);
	h->checksum = 0;
	h->checksum = checksum((u8 *)h, t->out.len - t->start);
	return to_gpa(t, t->start);
}

static void table_list(struct tables *t, u64 gpa)
{
	t->list[t->nr++] = gpa;
}

static u64 write_dsdt(struct tables *t)
{
	struct acpi_header h = {0};

	table_begin(t, "DSDT", 2, &h, sizeof(h));
	dsdt_write(t->vm, &t->out);
	return table_end(t);
}

static u64 write_facs(struct tables *t)
{
	struct acpi_facs facs = {
		.signature = {'F', 'A', 'C', 'S'},
		.length = htole32(sizeof(facs)),
		.version = 2,
	};
	size_t start;

	align(t, 64);
	start = t->out.len;
	put(t, &facs, sizeof(facs));
	return to_gpa(t, start);
}

static struct acpi_gas gas_io(u16 port, u8 bytes)
{
	return (struct acpi_gas){
		.space = ACPI_SPACE_IO,
		.bit_width = bytes * 8,
		.access = bytes == 1   ? 1
			  : bytes == 2 ? 2
				       : 3,
		.addr = htole64(port),
	};
}

static void write_fadt(struct tables *t, u64 dsdt, u64 facs)
{
	struct acpi_fadt f = {
		.facs = htole32(facs),
		.dsdt = htole32(dsdt),
		.sci_int = htole16(IRQ_SCI),
		.pm1a_evt = htole32(PM_EVT_PORT),
		.pm1a_cnt = htole32(PM_CNT_PORT),
		.pm_tmr = htole32(PM_TMR_PORT),
		.gpe0 = htole32(GPE_PORT),
		.pm1_evt_len = 4,
		.pm1_cnt_len = 2,
		.gpe0_len = GPE_LEN,
		.pm_tmr_len = 4,
		.c2_latency = htole16(0xfff), /* no C2, no C3 */
		.c3_latency = htole16(0xfff),
		.century = 0x32,
		.boot_arch =
			htole16(FADT_BOOT_LEGACY_DEVICES | FADT_BOOT_NO_VGA),
		.flags = htole32(FADT_WBINVD | FADT_C1 | FADT_NO_SLEEP_BUTTON |
				 FADT_NO_RTC_WAKE | FADT_TMR_32BIT |
				 FADT_RESET_REG),
		.reset_reg = gas_io(RESET_PORT, 1),
		.reset_value = RESET_VALUE,
		.x_facs = htole64(facs),
		.x_dsdt = htole64(dsdt),
		.x_pm1a_evt = gas_io(PM_EVT_PORT, 4),
		.x_pm1a_cnt = gas_io(PM_CNT_PORT, 2),
		.x_gpe0 = gas_io(GPE_PORT, GPE_LEN),
		.x_pm_tmr = gas_io(PM_TMR_PORT, 4),
	};

	/* PM1 events are two registers of 16 bits. */
	f.x_pm1a_evt.access = 2;
	memcpy(&f.hypervisor, "TARN\0\0\0", 8);
	table_begin(t, "FACP", FADT_REVISION, &f, sizeof(f));
	note_pointer(t, offsetof(struct acpi_fadt, facs), 4);
	note_pointer(t, offsetof(struct acpi_fadt, dsdt), 4);
	note_pointer(t, offsetof(struct acpi_fadt, x_facs), 8);
	note_pointer(t, offsetof(struct acpi_fadt, x_dsdt), 8);
	table_list(t, table_end(t));
}

static void put_cpu(struct tables *t, u32 uid, u32 id)
{
	const struct acpi_madt_lapic lapic = {0, sizeof(lapic), uid, id,
					      htole32(1)};
	const struct acpi_madt_x2apic x2apic = {
		9, sizeof(x2apic), 0, htole32(id), htole32(1), htole32(uid)};

	if (id <= XAPIC_MAX_ID)
		put(t, &lapic, sizeof(lapic));
	else
		put(t, &x2apic, sizeof(x2apic));
}

static void put_override(struct tables *t, u8 source, u32 gsi, u16 flags)
{
	const struct acpi_madt_override o = {
		2, sizeof(o), 0, source, htole32(gsi), htole16(flags)};

	put(t, &o, sizeof(o));
}

static void write_madt(struct tables *t)
{
	const struct acpi_madt_ioapic ioapic = {
		1, sizeof(ioapic), IOAPIC_ID, 0, htole32(IOAPIC_BASE), 0};
	const struct acpi_madt_nmi nmi = {4, sizeof(nmi), 0xff, 0, 1};
	struct acpi_madt madt = {
		.lapic = htole32(LAPIC_BASE),
		.flags = htole32(MADT_PCAT_COMPAT),
	};
	unsigned int i;

	table_begin(t, "APIC", 4, &madt, sizeof(madt));
	for (i = 0; i < t->vm->nr_vcpus; i++)
		put_cpu(t, i, x86_apic_id(t->vm, i));
	put(t, &ioapic, sizeof(ioapic));
	put_override(t, 0, 2, 0);
	put_override(t, IRQ_SCI, IRQ_SCI, MADT_ACTIVE_HIGH_LEVEL);
	put(t, &nmi, sizeof(nmi));
	table_list(t, table_end(t));
}

static void write_srat(struct tables *t)
{
	struct acpi_srat srat = {.one = htole32(1)};
	struct tarn_mem *mem = &t->vm->mem;
	unsigned int i;

	table_begin(t, "SRAT", 3, &srat, sizeof(srat));
	for (i = 0; i < t->vm->nr_vcpus; i++) {
		const struct acpi_srat_x2apic cpu = {
			.type = 2,
			.length = sizeof(cpu),
			.node = htole32(config_cpu_node(t->vm->config, i)),
			.id = htole32(x86_apic_id(t->vm, i)),
			.flags = htole32(1),
		};

		put(t, &cpu, sizeof(cpu));
	}
	for (i = 0; i < mem->nr; i++) {
		const struct acpi_srat_mem range = {
			.type = 1,
			.length = sizeof(range),
			.node = htole32(mem->range[i].node),
			.base = htole64(mem->range[i].gpa),
			.size = htole64(mem->range[i].size),
			.flags = htole32(1),
		};

		put(t, &range, sizeof(range));
	}
	table_list(t, table_end(t));
}

static void write_slit(struct tables *t)
{
	const struct vm_config *cfg = t->vm->config;
	struct acpi_slit slit = {.nodes = htole64(cfg->nr_nodes)};
	unsigned int i, j;

	table_begin(t, "SLIT", 1, &slit, sizeof(slit));
	for (i = 0; i < cfg->nr_nodes; i++)
		for (j = 0; j < cfg->nr_nodes; j++)
			aml_byte(&t->out,
				 cfg->node[i].dist[j] ?: (i == j ? 10 : 20));
	table_list(t, table_end(t));
}

static u64 write_xsdt(struct tables *t)
{
	struct acpi_header h = {0};
	unsigned int i;

	table_begin(t, "XSDT", 1, &h, sizeof(h));
	for (i = 0; i < t->nr; i++) {
		note_pointer(t, t->out.len - t->start, 8);
		aml_qword(&t->out, t->list[i]);
	}
	return table_end(t);
}

static void fill_rsdp(struct tables *t, u64 xsdt)
{
	struct acpi_rsdp *rsdp = (void *)t->out.buf;

	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem_id, "TARN  ", 6);
	rsdp->revision = 2;
	rsdp->length = htole32(sizeof(*rsdp));
	rsdp->xsdt = htole64(xsdt);
	/* The first checksum covers the first 20 bytes, as in ACPI 1.0. */
	rsdp->checksum = checksum((u8 *)rsdp, 20);
	rsdp->ext_checksum = checksum((u8 *)rsdp, sizeof(*rsdp));
}

int acpi_build(struct vm *vm, struct acpi_blob *blob)
{
	struct tables t = {.vm = vm, .blob = blob};
	struct acpi_rsdp rsdp = {0};
	u64 dsdt, facs, xsdt;

	t.out.size = blob->size;
	t.out.buf = blob->buf;
	put(&t, &rsdp, sizeof(rsdp));
	dsdt = write_dsdt(&t);
	facs = write_facs(&t);
	write_fadt(&t, dsdt, facs);
	write_madt(&t);
	if (vm->config->nr_nodes) {
		write_srat(&t);
		write_slit(&t);
	}
	xsdt = write_xsdt(&t);
	if (t.out.full) {
		err("too many CPUs for the ACPI tables");
		return -ENOSPC;
	}
	fill_rsdp(&t, xsdt);
	blob->len = t.out.len;
	return 0;
}

int x86_acpi_write(struct vm *vm)
{
	struct acpi_blob blob = {
		.size = ACPI_END - ACPI_START,
		.base = ACPI_START,
	};

	blob.buf = tarn_mem_ptr(&vm->mem, ACPI_START, blob.size);
	return blob.buf ? acpi_build(vm, &blob) : -EFAULT;
}
