// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of an adjunct's image: what is taken, what is refused, and that whatever is taken
 * is loaded within the bounds of its place. ADJUNCT_ROUNDS makes spoilt_files() a fuzzer.
 */
#include "../../vmm/adjunct/image.c"
#include "fake_error.h"
#include "tap.h"

#define TEXT 0x1000
#define DATA 0x2000
#define LEN 0x3000

static struct adjunct_image image;
static u8 file[LEN];
static u8 place[ADJUNCT_IMAGE_MAX];

static Elf64_Ehdr *eh = (Elf64_Ehdr *)file;
static Elf64_Phdr *ph = (Elf64_Phdr *)(file + sizeof(Elf64_Ehdr));

/* A page of text with the header, a page of data with half a page of zeroes behind. */
static void make(void)
{
	const struct adjunct_image_header header = {ADJUNCT_MAGIC, ADJUNCT_VERSION, 0};

	memset(file, 0, sizeof(file));
	memcpy(eh->e_ident, ELFMAG, SELFMAG);
	eh->e_ident[EI_CLASS] = ELFCLASS64;
	eh->e_type = ET_EXEC;
	eh->e_machine = EM_X86_64;
	eh->e_phoff = sizeof(*eh);
	eh->e_phentsize = sizeof(*ph);
	eh->e_phnum = 2;
	eh->e_entry = ADJUNCT_IMAGE_VA + 16;
	ph[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = TEXT,
			     .p_vaddr = ADJUNCT_IMAGE_VA, .p_filesz = 4096, .p_memsz = 4096};
	ph[1] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = DATA,
			     .p_vaddr = ADJUNCT_IMAGE_VA + 4096, .p_filesz = 2048,
			     .p_memsz = 4096};
	memcpy(file + TEXT, &header, sizeof(header));
	memset(file + DATA, 7, 4096);
	image = (struct adjunct_image){.data = file, .len = LEN};
}

static void one_that_is_good(void)
{
	make();
	memset(place, 0xee, sizeof(place));
	CHECK_EQ(adjunct_image_check(&image), 0);
	CHECK_EQ(image.nr, 2);
	CHECK(image.segment[0].exec && !image.segment[0].write);
	CHECK(image.segment[1].write && !image.segment[1].exec);
	adjunct_image_load(&image, place);
	CHECK(!memcmp(place, file + TEXT, 4096));
	CHECK_EQ(place[4096 + 2047], 7);
	/* What is not in the file is zero, and so is the rest. */
	CHECK_EQ(place[4096 + 2048], 0);
	CHECK_EQ(place[ADJUNCT_IMAGE_MAX - 1], 0);
}

#define REFUSED(change)                                                        \
	do {                                                                   \
		make();                                                        \
		change;                                                        \
		fake_error[0] = '\0';                                          \
		CHECK_EQ(adjunct_image_check(&image), -EINVAL);                \
		CHECK(fake_error[0]);                                          \
	} while (0)

static void what_is_refused(void)
{
	REFUSED(image.len = 10);
	REFUSED(file[0] = 0);
	REFUSED(eh->e_type = ET_DYN);
	REFUSED(eh->e_machine = EM_386);
	REFUSED(eh->e_phoff = LEN - 8);
	REFUSED(eh->e_phoff = UINT64_MAX - 7);
	REFUSED(eh->e_phnum = 0xffff);
	REFUSED(eh->e_phnum = 0);
	REFUSED(eh->e_phentsize = 32);
	REFUSED(eh->e_entry = 0);
	REFUSED(eh->e_entry = ADJUNCT_IMAGE_VA + 4096);
	REFUSED(ph[1].p_offset = LEN);
	REFUSED(ph[1].p_offset = UINT64_MAX);
	REFUSED(ph[1].p_filesz = 4097);
	REFUSED(ph[1].p_memsz = ADJUNCT_IMAGE_MAX);
	REFUSED(ph[1].p_memsz = UINT64_MAX);
	REFUSED(ph[1].p_memsz = 0; ph[1].p_filesz = 0);
	REFUSED(ph[1].p_vaddr = 0x1000);
	REFUSED(ph[1].p_vaddr = ADJUNCT_IMAGE_VA + 5000);
	REFUSED(ph[1].p_vaddr = ADJUNCT_IMAGE_VA);
	REFUSED(ph[1].p_vaddr = ADJUNCT_IMAGE_VA + ADJUNCT_IMAGE_MAX);
	REFUSED(ph[1].p_flags = PF_W | PF_X);
	REFUSED(file[TEXT] ^= 1);
	REFUSED(file[TEXT + 8] ^= 1);
	CHECK(strstr(fake_error, "version"));
}

/* ASan sees what is read or written outside. */
static void spoilt_files(void)
{
	const char *env = getenv("ADJUNCT_ROUNDS");
	long rounds = env ? atol(env) : 200000, taken = 0;
	u8 *copy = malloc(LEN), *to = malloc(ADJUNCT_IMAGE_MAX);
	u64 seed = 88172645463325252ULL;
	unsigned int i;

	while (rounds--) {
		make();
		for (i = 0; i < 3; i++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			file[seed % (sizeof(*eh) + 2 * sizeof(*ph))] = seed >> 32;
		}
		memcpy(copy, file, LEN);
		image = (struct adjunct_image){.data = copy, .len = LEN};
		if (adjunct_image_check(&image))
			continue;
		taken++;
		if (taken % 64 == 0)
			adjunct_image_load(&image, to);
	}
	CHECK(taken > 0);
	free(copy);
	free(to);
}

static const struct tap_test tests[] = {
	{"an image that is good is loaded", one_that_is_good},
	{"what is refused, and why", what_is_refused},
	{"spoilt files do no harm", spoilt_files},
};

TAP_MAIN(tests)
