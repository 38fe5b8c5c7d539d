// SPDX-License-Identifier: GPL-2.0-only
/* The ACPI tables, walked from the RSDP as a guest does. */
#include <sys/mman.h>

#include "../../vmm/arch/x86/acpi.c"
#include "../../vmm/arch/x86/aml.c"
#include "../../vmm/arch/x86/dsdt.c"
#include "../../vmm/mem.c"
#include "fake_error.h"
#include "tap.h"

#define RAM MIB(2)

static struct vm vm;
static struct vm_config cfg;
static struct x86_machine machine;
static u8 *ram;

u32 x86_apic_id(struct vm *m, unsigned int index)
{
	/* Sparse, and past what a byte holds, as a topology can make it. */
	return index * 3;
}

static void setup(unsigned int cpus, unsigned int nodes)
{
	memset(&vm, 0, sizeof(vm));
	memset(&cfg, 0, sizeof(cfg));
	memset(&machine, 0, sizeof(machine));
	ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vm.config = &cfg;
	vm.arch = &machine;
	vm.nr_vcpus = cpus;
	cfg.nr_nodes = nodes;
	vm.mem.nr = 2;
	vm.mem.range[0] =
		(struct mem_range){.size = RAM, .hva = ram, .fd = -1};
	vm.mem.range[1] = (struct mem_range){
		.gpa = GIB(4), .size = GIB(1), .node = 1, .fd = -1};
}

static bool sum_ok(const void *p, size_t len)
{
	return checksum(p, len) == 0;
}

static const void *at(u64 gpa, u64 len)
{
	CHECK(gpa >= ACPI_START && gpa + len <= ACPI_END);
	return tarn_mem_ptr(&vm.mem, gpa, len);
}

static const struct acpi_header *table_at(u64 gpa)
{
	const struct acpi_header *h = at(gpa, sizeof(*h));

	at(gpa, h->length);
	CHECK(sum_ok(h, h->length));
	return h;
}

/* A table by its signature, through RSDP and XSDT. */
static const void *find_table(const char *signature)
{
	const struct acpi_rsdp *rsdp = at(ACPI_START, sizeof(*rsdp));
	const struct acpi_header *xsdt = table_at(rsdp->xsdt), *hit = NULL;
	u64 i, gpa;

	CHECK(!memcmp(rsdp->signature, "RSD PTR ", 8));
	CHECK(sum_ok(rsdp, 20) && sum_ok(rsdp, sizeof(*rsdp)));
	CHECK(!memcmp(xsdt->signature, "XSDT", 4));
	for (i = sizeof(*xsdt); i < xsdt->length; i += 8) {
		const struct acpi_header *h;

		memcpy(&gpa, (u8 *)xsdt + i, 8);
		h = table_at(gpa);
		if (!memcmp(h->signature, signature, 4))
			hit = h;
	}
	return hit;
}

static void test_fadt(void)
{
	const struct acpi_fadt *fadt;
	const struct acpi_facs *facs;

	setup(1, 0);
	CHECK_EQ(x86_acpi_write(&vm), 0);
	fadt = find_table("FACP");
	CHECK(fadt);
	CHECK_EQ(sizeof(*fadt), 276);
	CHECK_EQ(fadt->h.length, 276);
	CHECK_EQ(fadt->pm1a_evt, PM_EVT_PORT);
	CHECK_EQ(fadt->x_pm1a_evt.addr, PM_EVT_PORT);
	CHECK_EQ(fadt->reset_reg.addr, 0xcf9);
	CHECK(!memcmp(table_at(fadt->x_dsdt)->signature, "DSDT", 4));
	CHECK_EQ(fadt->dsdt, fadt->x_dsdt);
	CHECK_EQ(fadt->facs % 64, 0);
	facs = at(fadt->facs, sizeof(*facs));
	CHECK(!memcmp(facs->signature, "FACS", 4));
	CHECK(!find_table("SRAT"));
	CHECK(!find_table("SLIT"));
}

static void test_madt(void)
{
	const struct acpi_madt *madt;
	unsigned int seen[256] = {0}, i, cpus = 200;
	const u8 *p, *end;

	setup(cpus, 0);
	CHECK_EQ(x86_acpi_write(&vm), 0);
	madt = find_table("APIC");
	p = (u8 *)(madt + 1);
	end = (u8 *)madt + madt->h.length;
	while (p < end && p[1]) {
		seen[p[0]]++;
		if (p[0] == 9)
			CHECK(((struct acpi_madt_x2apic *)p)->id > 254);
		p += p[1];
	}
	CHECK(p == end);
	for (i = 0; i * 3 <= XAPIC_MAX_ID; i++)
		;
	CHECK_EQ(seen[0], i);
	CHECK_EQ(seen[9], cpus - i);
	CHECK_EQ(seen[1], 1);
	CHECK_EQ(seen[2], 2);
}

static void test_numa(void)
{
	const struct acpi_srat *srat;
	const struct acpi_slit *slit;
	const u8 *p, *dist;
	u64 size = 0, nodes = 0;

	setup(4, 2);
	cfg.node[0].cpu[0] = cfg.node[0].cpu[1] = true;
	cfg.node[1].cpu[2] = cfg.node[1].cpu[3] = true;
	cfg.node[0].dist[1] = 31;
	CHECK_EQ(x86_acpi_write(&vm), 0);
	srat = find_table("SRAT");
	for (p = (u8 *)(srat + 1); p < (u8 *)srat + srat->h.length; p += p[1]) {
		const struct acpi_srat_x2apic *cpu = (void *)p;
		const struct acpi_srat_mem *m = (void *)p;

		if (p[0] == 2) {
			CHECK_EQ(cpu->node, cpu->id / 3 / 2);
		} else if (p[0] == 1) {
			size += m->size;
			nodes |= 1 << m->node;
		} else {
			CHECK(false);
		}
	}
	CHECK_EQ(size, RAM + GIB(1));
	CHECK_EQ(nodes, 3);
	slit = find_table("SLIT");
	dist = (u8 *)(slit + 1);
	CHECK_EQ(slit->nodes, 2);
	CHECK(dist[0] == 10 && dist[1] == 31 && dist[2] == 20 && dist[3] == 10);
}

/*
 * Walk the terms of the DSDT: the lengths of what nests must add up. Returns
 * the number of devices.
 */
static unsigned int walk(const u8 *p, const u8 *end)
{
	unsigned int devices = 0;
	size_t len;

	while (p < end) {
		if (p[0] == OP_NAME) {
			p += 5;
		} else if (p[0] <= 1) {
			p++;
		} else if (p[0] == OP_BYTE) {
			p += 2;
		} else if (p[0] == OP_WORD) {
			p += 3;
		} else if (p[0] == OP_DWORD) {
			p += 5;
		} else if (p[0] == OP_STRING) {
			p += strlen((char *)p) + 1;
		} else {
			bool device = p[0] == OP_EXT;
			u8 op = p[0];

			p += device ? 2 : 1;
			CHECK_EQ(p[0] >> 6, 2);
			len = (p[0] & 15) | p[1] << 4 | p[2] << 12;
			CHECK(p + len <= end);
			if (p + len > end)
				return 0;
			if (device)
				devices += 1 + walk(p + PKG_LEN + 4, p + len);
			else if (op == OP_SCOPE)
				devices += walk(p + PKG_LEN + 5, p + len);
			else if (op == OP_PACKAGE)
				devices += walk(p + PKG_LEN + 1, p + len);
			else
				CHECK_EQ(op, OP_BUFFER);
			p += len;
		}
	}
	CHECK(p == end);
	return devices;
}

static void test_dsdt(void)
{
	const struct acpi_header *h;
	const struct acpi_fadt *fadt;

	setup(1, 0);
	machine.serial_mask = 0xf;
	machine.pvpanic = true;
	CHECK_EQ(x86_acpi_write(&vm), 0);
	fadt = find_table("FACP");
	h = table_at(fadt->x_dsdt);
	/* PCI root, clock, four serial ports, pvpanic. */
	CHECK_EQ(walk((u8 *)(h + 1), (u8 *)h + h->length), 7);
}

static void test_aml(void)
{
	u8 buf[64];
	struct aml aml = {.buf = buf, .size = sizeof(buf)};
	size_t mark;

	aml_eisaid(&aml, "PNP0A03");
	CHECK(aml.len == 5 && !memcmp(buf, "\x0c\x41\xd0\x0a\x03", 5));
	aml.len = 0;
	aml_int(&aml, 1);
	aml_int(&aml, 2);
	aml_int(&aml, 0x1234);
	aml_int(&aml, 0x12345678);
	CHECK_EQ(aml.len, 1 + 2 + 3 + 5);
	aml.len = 0;
	mark = aml_package(&aml, 1);
	aml_qword(&aml, 0);
	aml_end(&aml, mark);
	CHECK(!memcmp(buf, "\x12\x8c\x00\x00\x01", 5));
	CHECK(!aml.full);
	while (aml.len < aml.size)
		aml_byte(&aml, 0);
	aml_byte(&aml, 0);
	CHECK(aml.full);
}

static void test_too_big(void)
{
	setup(255, 0);
	vm.nr_vcpus = 20000;
	CHECK_EQ(x86_acpi_write(&vm), -ENOSPC);
	vm.mem.range[0].size = ACPI_START;
	CHECK_EQ(x86_acpi_write(&vm), -EFAULT);
}

static const struct tap_test tests[] = {
	{"RSDP, XSDT, FADT and FACS", test_fadt},
	{"MADT of many CPUs", test_madt},
	{"SRAT and SLIT", test_numa},
	{"the DSDT's terms", test_dsdt},
	{"machine language", test_aml},
	{"tables that do not fit", test_too_big},
};

TAP_MAIN(tests)
