// SPDX-License-Identifier: GPL-2.0-only
/* The ACPI tables, walked from the RSDP as a guest does. */
#include <sys/mman.h>

#include "../../vmm/arch/x86/acpi.c"
#include "../../vmm/arch/x86/acpi-loader.c"
#undef NAME_SIZE
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

/* What was found in the DSDT. */
struct found {
	unsigned int devices;
	unsigned int methods;
	unsigned int notifies;
};

static size_t pkg_len(const u8 *p, const u8 *end)
{
	size_t len = (p[0] & 15) | p[1] << 4 | p[2] << 12;

	CHECK_EQ(p[0] >> 6, 2);
	CHECK(p + len <= end);
	return p + len <= end ? len : (size_t)(end - p);
}

static const u8 *walk_constant(const u8 *p)
{
	switch (p[0]) {
	case OP_BYTE:
		return p + 2;
	case OP_WORD:
		return p + 3;
	case OP_DWORD:
		return p + 5;
	case OP_STRING:
		return p + strlen((char *)p) + 1;
	default:
		return p[0] <= 1 ? p + 1 : NULL;
	}
}

static void walk(const u8 *p, const u8 *end, struct found *found);

/* A term with a length and what its head takes up before the inner terms. */
static const u8 *walk_block(const u8 *p, const u8 *end, struct found *found)
{
	static const struct {
		u8 op;
		u8 head;
	} blocks[] = {{OP_SCOPE, 5},  {OP_PACKAGE, 1}, {OP_METHOD, 5},
		      {OP_IF, 0},     {OP_BUFFER, 0}};
	u8 op = p[0];
	size_t len = pkg_len(p + 1, end), i;

	for (i = 0; i < ARRAY_SIZE(blocks) && blocks[i].op != op; i++)
		;
	CHECK(i < ARRAY_SIZE(blocks));
	if (i == ARRAY_SIZE(blocks))
		return end;
	found->methods += op == OP_METHOD;
	/* Scopes have a root character, methods a byte of flags. */
	if (op != OP_BUFFER)
		walk(p + 1 + PKG_LEN + blocks[i].head, p + 1 + len, found);
	return p + 1 + len;
}

static const u8 *walk_ext(const u8 *p, const u8 *end, struct found *found)
{
	size_t len;

	if (p[1] == OP_EXT_REGION) {
		p = walk_constant(p + 2 + 4 + 1);
		return walk_constant(p);
	}
	len = pkg_len(p + 2, end);
	if (p[1] == OP_EXT_DEVICE) {
		found->devices++;
		walk(p + 2 + PKG_LEN + 4, p + 2 + len, found);
	} else {
		CHECK_EQ(p[1], OP_EXT_FIELD);
	}
	return p + 2 + len;
}

/*
 * Walk the terms of the DSDT: the lengths of what nests must add up.
 */
static void walk(const u8 *p, const u8 *end, struct found *found)
{
	while (p < end) {
		const u8 *next = walk_constant(p);

		if (next)
			p = next;
		else if (p[0] == OP_NAME)
			p += 5;
		else if (p[0] == OP_EXT)
			p = walk_ext(p, end, found);
		else if (p[0] == OP_STORE)
			p++;
		else if (p[0] == OP_AND)
			p++;
		else if (p[0] >= OP_LOCAL0 && p[0] < OP_LOCAL0 + 8)
			p++;
		else if (p[0] == OP_NOTIFY)
			p += !!++found->notifies;
		else if (p[0] == '\\')
			p += 3 + 3 * 4;
		else if ((p[0] >= 'A' && p[0] <= 'Z') || p[0] == '_')
			p += 4;
		else
			p = walk_block(p, end, found);
	}
	CHECK(p == end);
}

static void test_dsdt(void)
{
	const struct acpi_header *h;
	const struct acpi_fadt *fadt;
	struct found found = {0};

	setup(1, 0);
	machine.serial_mask = 0xf;
	machine.pvpanic = true;
	CHECK_EQ(x86_acpi_write(&vm), 0);
	fadt = find_table("FACP");
	h = table_at(fadt->x_dsdt);
	walk((u8 *)(h + 1), (u8 *)h + h->length, &found);
	/* PCI root and 31 slots, clock, four serial ports, pvpanic. */
	CHECK_EQ(found.devices, 7 + 31);
	/* _EJ0 of each slot, PCNT, _E01. */
	CHECK_EQ(found.methods, 31 + 2);
	CHECK_EQ(found.notifies, 2 * 31);
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

/* Files for firmware, and one that carries the commands out as firmware does. */

struct guest_file {
	char name[56];
	u8 *data;
	size_t len;
	u64 gpa; /* 0: not placed */
};

static struct guest_file files[8];
static unsigned int nr_files;

int fwcfg_add_file(struct fwcfg *fw, const char *name, const void *data,
		   size_t len)
{
	struct guest_file *f = &files[nr_files++];

	snprintf(f->name, sizeof(f->name), "%s", name);
	f->data = malloc(len);
	f->len = len;
	f->gpa = 0;
	memcpy(f->data, data, len);
	return 0;
}

static struct guest_file *file_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_files; i++)
		if (!strcmp(files[i].name, name))
			return &files[i];
	CHECK(!name);
	abort();
}

/* The tables go to where the test expects them, the RSDP in front. */
static void run_allocate(const struct command *c)
{
	struct guest_file *f = file_find(c->allocate.file);
	bool rsdp = c->allocate.zone == ZONE_FSEG;

	f->gpa = rsdp ? ACPI_START : ACPI_START + 4096;
	CHECK_EQ(f->gpa % c->allocate.align, 0);
	memcpy(tarn_mem_ptr(&vm.mem, f->gpa, f->len), f->data, f->len);
}

static void run_pointer(const struct command *c)
{
	struct guest_file *dest = file_find(c->pointer.dest);
	struct guest_file *src = file_find(c->pointer.src);
	u64 val = 0;

	CHECK(dest->gpa && src->gpa);
	CHECK(c->pointer.off + c->pointer.size <= dest->len);
	tarn_mem_read(&vm.mem, dest->gpa + c->pointer.off, &val,
		      c->pointer.size);
	CHECK(val < src->len);
	val += src->gpa;
	tarn_mem_write(&vm.mem, dest->gpa + c->pointer.off, &val,
		       c->pointer.size);
}

static void run_checksum(const struct command *c)
{
	struct guest_file *f = file_find(c->checksum.file);
	u8 *base = tarn_mem_ptr(&vm.mem, f->gpa, f->len);

	CHECK(c->checksum.start + c->checksum.len <= f->len);
	base[c->checksum.off] +=
		checksum(base + c->checksum.start, c->checksum.len);
}

static void test_loader(void)
{
	const struct acpi_fadt *fadt;
	struct guest_file *loader;
	struct command c;
	size_t off;

	setup(3, 2);
	CHECK_EQ(sizeof(c), 128);
	CHECK_EQ(acpi_loader_add(&vm, NULL), 0);
	loader = file_find(LOADER_FILE);
	CHECK_EQ(loader->len % sizeof(c), 0);
	for (off = 0; off < loader->len; off += sizeof(c)) {
		memcpy(&c, loader->data + off, sizeof(c));
		switch (c.command) {
		case CMD_ALLOCATE:
			run_allocate(&c);
			break;
		case CMD_ADD_POINTER:
			run_pointer(&c);
			break;
		case CMD_ADD_CHECKSUM:
			run_checksum(&c);
			break;
		default:
			CHECK(!c.command);
		}
	}
	/* find_table() looks at all checksums on its way. */
	fadt = find_table("FACP");
	CHECK(fadt && !memcmp(table_at(fadt->x_dsdt)->signature, "DSDT", 4));
	CHECK(fadt && fadt->dsdt == fadt->x_dsdt && fadt->facs == fadt->x_facs);
	CHECK(fadt && !memcmp(at(fadt->facs, 64), "FACS", 4));
	CHECK(fadt && fadt->facs % 64 == 0);
	CHECK(find_table("APIC") && find_table("SRAT") && find_table("SLIT"));
	while (nr_files)
		free(files[--nr_files].data);
}

static const struct tap_test tests[] = {
	{"RSDP, XSDT, FADT and FACS", test_fadt},
	{"MADT of many CPUs", test_madt},
	{"SRAT and SLIT", test_numa},
	{"the DSDT's terms", test_dsdt},
	{"machine language", test_aml},
	{"tables that do not fit", test_too_big},
	{"firmware places them", test_loader},
};

TAP_MAIN(tests)
