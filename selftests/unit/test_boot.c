// SPDX-License-Identifier: GPL-2.0-only
/* Kernels, initrds and command lines, right, too large and malformed. */
#include <sys/mman.h>

#include "../../vmm/arch/x86/boot.c"
#include "../../vmm/arch/x86/bzimage.c"
#include "../../vmm/arch/x86/elf.c"
#include "../../vmm/mem.c"
#include "fake_error.h"
#include "tap.h"

#define RAM MIB(64)

static struct vm vm;
static struct vm_config cfg;
static struct x86_machine machine;
static struct vcpu cpu;
static struct x86_boot entered;

int x86_acpi_write(struct vm *m)
{
	return 0;
}

int x86_smbios_write(struct vm *m)
{
	return 0;
}

/* What firmware does is in firmware.sh. */
int firmware_load(struct vm *m)
{
	return -ENOSYS;
}

int x86_vcpu_enter(struct vcpu *vcpu, const struct x86_boot *boot)
{
	entered = *boot;
	return 0;
}

static int image(const void *data, size_t len, u64 size)
{
	int fd = memfd_create("image", 0);

	if (fd < 0 || pwrite(fd, data, len, 0) != (ssize_t)len ||
	    ftruncate(fd, size))
		abort();
	return fd;
}

static void setup(void)
{
	static u8 *ram;

	if (!ram)
		ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	memset(&vm, 0, sizeof(vm));
	memset(&cfg, 0, sizeof(cfg));
	memset(&entered, 0, sizeof(entered));
	cfg.kernel = "image";
	machine.kernel_fd = machine.initrd_fd = -1;
	vm.config = &cfg;
	vm.arch = &machine;
	vm.vcpus = &cpu;
	vm.mem.nr = 1;
	vm.mem.size = RAM;
	vm.mem.range[0] =
		(struct mem_range){.size = RAM, .hva = ram, .fd = -1};
}

static int boot_with(int fd)
{
	int ret;

	machine.kernel_fd = fd;
	ret = x86_boot_load(&vm);
	close(fd);
	return ret;
}

static struct setup_header header(void)
{
	return (struct setup_header){
		.setup_sects = 1,
		.boot_flag = 0xaa55,
		.header = 0x53726448,
		.version = 0x020f,
		.xloadflags = XLF_KERNEL_64,
		.relocatable_kernel = 1,
		.kernel_alignment = MIB(2),
		.pref_address = MIB(16),
		.init_size = MIB(8),
		.initrd_addr_max = 0x7fffffff,
		.cmdline_size = 100,
	};
}

static int bzimage(const struct setup_header *hdr, u64 size)
{
	u8 buf[4096] = {0};

	memcpy(buf + HEADER_OFF, hdr, sizeof(*hdr));
	return image(buf, sizeof(buf), size);
}

static void test_bzimage(void)
{
	struct setup_header hdr = header();
	const struct boot_params *zero;

	setup();
	cfg.append = "console=ttyS0";
	machine.initrd_fd = image("initrd", 6, 10000);
	CHECK_EQ(boot_with(bzimage(&hdr, 8192)), 0);
	CHECK_EQ(entered.entry, X86_ENTRY_64);
	CHECK_EQ(entered.start, MIB(16) + 0x200);
	zero = tarn_mem_ptr(&vm.mem, BOOT_PARAMS, sizeof(*zero));
	CHECK_EQ(zero->hdr.ramdisk_size, 10000);
	CHECK_EQ(zero->hdr.ramdisk_image, ALIGN_DOWN(RAM - 10000, 4096));
	CHECK(!memcmp(tarn_mem_ptr(&vm.mem, zero->hdr.ramdisk_image, 6),
		      "initrd", 6));
	CHECK_STR((char *)tarn_mem_ptr(&vm.mem, zero->hdr.cmd_line_ptr, 20),
		  "console=ttyS0");
	CHECK_EQ(zero->acpi_rsdp_addr, ACPI_START);
	CHECK_EQ(zero->e820_entries, 4);
	CHECK_EQ(zero->e820_table[3].addr, MIB(1));
	CHECK_EQ(zero->e820_table[3].size, RAM - MIB(1));
	close(machine.initrd_fd);
}

static void test_bzimage_bad(void)
{
	struct setup_header hdr;

	setup();
	hdr = header();
	hdr.version = 0x020b;
	CHECK_EQ(boot_with(bzimage(&hdr, 8192)), -ENOEXEC);
	hdr = header();
	hdr.xloadflags = 0;
	CHECK_EQ(boot_with(bzimage(&hdr, 8192)), -ENOEXEC);
	hdr = header();
	CHECK_EQ(boot_with(bzimage(&hdr, 1024)), -ENOEXEC);
	CHECK_EQ(boot_with(bzimage(&hdr, 600)), -ENOEXEC);
	hdr.setup_sects = 255;
	CHECK_EQ(boot_with(bzimage(&hdr, 8192)), -ENOEXEC);
	hdr = header();
	hdr.pref_address = ~0ULL - 5;
	hdr.relocatable_kernel = 0;
	CHECK_EQ(boot_with(bzimage(&hdr, 8192)), -EFAULT);
	hdr = header();
	hdr.init_size = ~0U;
	CHECK_EQ(boot_with(bzimage(&hdr, 8192)), -EFAULT);
	/* It says that it needs less than it has. */
	hdr = header();
	hdr.init_size = 4096;
	CHECK(boot_with(bzimage(&hdr, MIB(200))) < 0);
	hdr = header();
	hdr.kernel_alignment = 0;
	hdr.pref_address = GIB(1);
	CHECK_EQ(boot_with(bzimage(&hdr, 8192)), 0);
	CHECK_EQ(entered.start, MIB(1) + 0x200);
}

static void test_initrd_bad(void)
{
	struct setup_header hdr = header();

	setup();
	machine.initrd_fd = image("", 0, RAM);
	CHECK_EQ(boot_with(bzimage(&hdr, 8192)), -ENOMEM);
	close(machine.initrd_fd);
	machine.initrd_fd = image("", 0, RAM - MIB(24) + 1);
	CHECK_EQ(boot_with(bzimage(&hdr, 8192)), -ENOMEM);
	close(machine.initrd_fd);
	machine.initrd_fd = image("", 0, RAM - MIB(24));
	CHECK_EQ(boot_with(bzimage(&hdr, 8192)), 0);
	close(machine.initrd_fd);
	machine.initrd_fd = image("", 0, 0);
	CHECK_EQ(boot_with(bzimage(&hdr, 8192)), 0);
	CHECK_EQ(entered.initrd, 0);
	close(machine.initrd_fd);
}

static void test_cmdline(void)
{
	struct setup_header hdr = header();
	char text[102];

	setup();
	memset(text, 'x', sizeof(text));
	text[101] = '\0';
	cfg.append = text;
	CHECK_EQ(boot_with(bzimage(&hdr, 8192)), -E2BIG);
	text[100] = '\0';
	CHECK_EQ(boot_with(bzimage(&hdr, 8192)), 0);
}

/* An ELF kernel in one page: headers, a note, and a segment of @memsz bytes. */
struct elf_image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
	Elf64_Nhdr nh;
	char name[4];
	u32 entry;
	u8 pad[4096];
} __attribute__((packed));

static struct elf_image elf_image(void)
{
	struct elf_image e = {
		.eh.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64},
		.eh.e_machine = EM_X86_64,
		.eh.e_phoff = sizeof(Elf64_Ehdr),
		.eh.e_phentsize = sizeof(Elf64_Phdr),
		.eh.e_phnum = 2,
		.nh = {4, 4, NOTE_PHYS32_ENTRY},
		.name = "Xen",
		.entry = MIB(2) + 16,
	};

	e.ph[0].p_type = PT_LOAD;
	e.ph[0].p_paddr = MIB(2);
	e.ph[0].p_filesz = 4096;
	e.ph[0].p_memsz = 8192;
	e.ph[1].p_type = PT_NOTE;
	e.ph[1].p_offset = offsetof(struct elf_image, nh);
	e.ph[1].p_filesz = 20;
	return e;
}

static int boot_elf(const struct elf_image *e)
{
	return boot_with(image(e, sizeof(*e), sizeof(*e)));
}

static void test_elf(void)
{
	struct elf_image e = elf_image();
	struct pvh_start_info *info;

	setup();
	memset(tarn_mem_ptr(&vm.mem, MIB(2), 8192), 0xee, 8192);
	CHECK_EQ(boot_elf(&e), 0);
	CHECK_EQ(entered.entry, X86_ENTRY_PVH);
	CHECK_EQ(entered.start, MIB(2) + 16);
	CHECK(!memcmp(tarn_mem_ptr(&vm.mem, MIB(2), 4), ELFMAG, 4));
	CHECK_EQ(*(u8 *)tarn_mem_ptr(&vm.mem, MIB(2) + 8191, 1), 0);
	info = tarn_mem_ptr(&vm.mem, BOOT_PVH_INFO, sizeof(*info));
	CHECK_EQ(info->magic, PVH_MAGIC);
	CHECK_EQ(info->memmap_entries, 4);
	CHECK_EQ(info->nr_modules, 0);
}

static void test_elf_bad(void)
{
	struct elf_image e;

	setup();
	e = elf_image();
	e.ph[0].p_paddr = 0x1000;
	CHECK_EQ(boot_elf(&e), -ENOEXEC);
	e = elf_image();
	e.ph[0].p_paddr = RAM - 4096;
	CHECK_EQ(boot_elf(&e), -EFAULT);
	e = elf_image();
	e.ph[0].p_paddr = ~0ULL - 100;
	CHECK_EQ(boot_elf(&e), -EFAULT);
	e = elf_image();
	e.ph[0].p_filesz = 8193;
	CHECK_EQ(boot_elf(&e), -ENOEXEC);
	e = elf_image();
	e.ph[0].p_offset = ~0ULL;
	CHECK(boot_elf(&e) < 0);
	e = elf_image();
	e.eh.e_phnum = 65;
	CHECK_EQ(boot_elf(&e), -ENOEXEC);
	e = elf_image();
	e.eh.e_phoff = ~0ULL;
	CHECK(boot_elf(&e) < 0);
	e = elf_image();
	e.ph[1].p_type = PT_NULL;
	CHECK_EQ(boot_elf(&e), -ENOEXEC);
	e = elf_image();
	e.nh.n_namesz = ~0U;
	CHECK_EQ(boot_elf(&e), -ENOEXEC);
	e = elf_image();
	e.nh.n_descsz = ~0U;
	CHECK_EQ(boot_elf(&e), -ENOEXEC);
	e = elf_image();
	e.ph[1].p_filesz = 15;
	CHECK_EQ(boot_elf(&e), -ENOEXEC);
	e = elf_image();
	e.eh.e_ident[EI_CLASS] = ELFCLASS32;
	CHECK_EQ(boot_elf(&e), -ENOEXEC);
}

/* Any bytes may be handed in as a kernel. */
static void test_random(void)
{
	struct setup_header hdr = header();
	struct elf_image e;
	unsigned int i, j;

	setup();
	srand(1);
	for (i = 0; i < 3000; i++) {
		e = elf_image();
		for (j = 0; j < 4; j++)
			((u8 *)&e)[rand() % offsetof(struct elf_image, pad)] =
				rand();
		boot_elf(&e);
		hdr = header();
		for (j = 0; j < 4; j++)
			((u8 *)&hdr)[rand() % sizeof(hdr)] = rand();
		boot_with(bzimage(&hdr, 8192));
	}
}

static void test_e820(void)
{
	struct e820_map map;

	setup();
	vm.mem.nr = 2;
	vm.mem.range[1] = (struct mem_range){.gpa = GIB(4), .size = GIB(1)};
	x86_e820(&vm, &map);
	CHECK_EQ(map.nr, 5);
	CHECK_EQ(map.entry[4].addr, GIB(4));
	CHECK_EQ(map.entry[4].size, GIB(1));
	CHECK_EQ(map.entry[0].size, LOW_RAM_END);
}

static const struct tap_test tests[] = {
	{"a bzImage with initrd and command line", test_bzimage},
	{"bad bzImages", test_bzimage_bad},
	{"initrds that do not fit", test_initrd_bad},
	{"length of the command line", test_cmdline},
	{"an ELF kernel", test_elf},
	{"bad ELF kernels", test_elf_bad},
	{"random damage", test_random},
	{"the memory map", test_e820},
};

TAP_MAIN(tests)
