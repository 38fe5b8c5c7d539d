// SPDX-License-Identifier: GPL-2.0-only
/*
 * The image's file: a static ELF program for ADJUNCT_IMAGE_VA. It is read once and kept, as
 * it is loaded again after each crash, when no file can be opened any more. Nothing in it is
 * relied on before it was checked, although who can write it can do all that the VMM can do
 * to this guest.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adjunct/internal.h"
#include "error.h"

#ifndef TARN_LIBDIR
#define TARN_LIBDIR "/usr/local/lib"
#endif

#define NAME "tarn-adjunct"
#define FILE_MAX MIB(4)

static int bad(const char *why)
{
	err("the adjunct's image cannot be used: %s", why);
	return -EINVAL;
}

/* Of a segment: what is in the file, and where it is to lie. */
static const char *check_segment(const struct adjunct_image *image, const Elf64_Phdr *ph)
{
	u64 off = ph->p_vaddr - ADJUNCT_IMAGE_VA;

	if (ph->p_filesz > ph->p_memsz || !ph->p_memsz)
		return "a segment of a bad size";
	if (ph->p_offset > image->len || ph->p_filesz > image->len - ph->p_offset)
		return "a segment that the file does not have";
	if (ph->p_vaddr < ADJUNCT_IMAGE_VA || off > ADJUNCT_IMAGE_MAX ||
	    ph->p_memsz > ADJUNCT_IMAGE_MAX - off || !IS_ALIGNED(off, ADJUNCT_PAGE))
		return "a segment at a bad address";
	if (ph->p_flags & PF_W && ph->p_flags & PF_X)
		return "a segment that is both written and executed";
	return NULL;
}

static bool overlaps(const struct adjunct_image *image, const struct adjunct_segment *s)
{
	unsigned int i;

	for (i = 0; i < image->nr; i++) {
		const struct adjunct_segment *o = &image->segment[i];

		if (s->off < ALIGN_UP(o->off + o->size, ADJUNCT_PAGE) &&
		    o->off < ALIGN_UP(s->off + s->size, ADJUNCT_PAGE))
			return true;
	}
	return false;
}

static const Elf64_Phdr *header_of(const struct adjunct_image *image, unsigned int i)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)image->data;

	return (const Elf64_Phdr *)(image->data + eh->e_phoff) + i;
}

static int check_segments(struct adjunct_image *image, unsigned int nr)
{
	struct adjunct_segment s;
	const Elf64_Phdr *ph;
	bool entry = false;
	const char *why;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		ph = header_of(image, i);
		if (ph->p_type != PT_LOAD)
			continue;
		why = check_segment(image, ph);
		if (why)
			return bad(why);
		s = (struct adjunct_segment){
			.off = ph->p_vaddr - ADJUNCT_IMAGE_VA,
			.size = ph->p_memsz,
			.write = ph->p_flags & PF_W,
			.exec = ph->p_flags & PF_X,
		};
		if (image->nr == ADJUNCT_SEGMENTS || overlaps(image, &s))
			return bad("too many segments, or two in one place");
		image->segment[image->nr++] = s;
		entry |= s.exec && image->entry - ph->p_vaddr < ph->p_filesz;
	}
	return entry ? 0 : bad("its entry is in no segment that is executed");
}

/* The first bytes of the first segment. */
static int check_version(const struct adjunct_image *image, unsigned int nr)
{
	struct adjunct_image_header header;
	const Elf64_Phdr *ph;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		ph = header_of(image, i);
		if (ph->p_type != PT_LOAD || ph->p_vaddr != ADJUNCT_IMAGE_VA ||
		    ph->p_filesz < sizeof(header))
			continue;
		memcpy(&header, image->data + ph->p_offset, sizeof(header));
		if (header.magic != ADJUNCT_MAGIC)
			break;
		if (header.version == ADJUNCT_VERSION)
			return 0;
		err("the adjunct's image is of version %u, and this is for version %u",
		    header.version, ADJUNCT_VERSION);
		return -EINVAL;
	}
	return bad("it is no image of an adjunct");
}

int adjunct_image_check(struct adjunct_image *image)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)image->data;
	int ret;

	image->nr = 0;
	if (image->len < sizeof(*eh) || memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_type != ET_EXEC ||
	    eh->e_machine != EM_X86_64 || eh->e_phentsize != sizeof(Elf64_Phdr))
		return bad("it is no static program for x86-64");
	if (!IS_ALIGNED(eh->e_phoff, 8) || eh->e_phoff > image->len ||
	    eh->e_phnum > (image->len - eh->e_phoff) / sizeof(Elf64_Phdr))
		return bad("its program headers are not in the file");
	image->entry = eh->e_entry;
	ret = check_segments(image, eh->e_phnum);
	if (ret)
		return ret;
	/* Headers are copied as they are, so the file has them at such addresses. */
	return check_version(image, eh->e_phnum);
}

static int read_file(struct adjunct_image *image, int fd, const char *path)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return err_errno(-errno, "'%s'", path);
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)FILE_MAX)
		return bad("it is no file of a usual size");
	image->len = st.st_size;
	image->data = malloc(image->len + 1);
	if (!image->data)
		return -ENOMEM;
	n = pread(fd, image->data, image->len, 0);
	if (n != (ssize_t)image->len)
		return err_errno(n < 0 ? -errno : -EIO, "cannot read '%s'", path);
	return adjunct_image_check(image);
}

/* Beside the VMM where that was built, else where it was installed. */
static void usual_path(char *path, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash) {
			*slash = '\0';
			snprintf(path, size, "%s/" NAME, self);
			if (!access(path, R_OK))
				return;
		}
	}
	snprintf(path, size, TARN_LIBDIR "/tarn/" NAME);
}

int adjunct_image_open(struct adjunct_image *image, const char *path)
{
	char usual[PATH_MAX + sizeof(NAME) + 1];
	int fd, ret;

	if (!path) {
		usual_path(usual, sizeof(usual));
		path = usual;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(-errno, "cannot open the adjunct's image '%s'", path);
	ret = read_file(image, fd, path);
	close(fd);
	return ret;
}

void adjunct_image_load(const struct adjunct_image *image, u8 *to)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)image->data;
	unsigned int i;

	memset(to, 0, ADJUNCT_IMAGE_MAX);
	for (i = 0; i < eh->e_phnum; i++) {
		const Elf64_Phdr *ph = header_of(image, i);

		if (ph->p_type == PT_LOAD)
			memcpy(to + (ph->p_vaddr - ADJUNCT_IMAGE_VA),
			       image->data + ph->p_offset, ph->p_filesz);
	}
}

void adjunct_image_close(struct adjunct_image *image)
{
	free(image->data);
	image->data = NULL;
}
