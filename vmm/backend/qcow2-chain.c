// SPDX-License-Identifier: GPL-2.0-only
/* See qcow2-chain.h. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/qcow2-chain.h"
#include "lib/opts.h"

/* Deeper ones were made to be such. */
#define DEPTH_MAX 32
#define NAME_MAX_LEN 1023
/* In front of the name, and behind the header, in the first cluster. */
#define EXTENSIONS_MAX 65536U
#define EXTENSION_FORMAT 0xe2792acaU
#define FORMAT_MAX 16
#define HEADER_LENGTH_2 72

/** struct below - what a header says about the next file. */
struct below {
	char name[NAME_MAX_LEN + 1];
	char format[FORMAT_MAX];
};

int qcow2_header_read(struct opts *opts, int fd, u64 off, const char *filename,
		      struct qcow2_header *h)
{
	ssize_t n;

	memset(h, 0, sizeof(*h));
	n = pread(fd, h, sizeof(*h), off);
	if (n < (ssize_t)offsetof(struct qcow2_header, compatible) ||
	    be32toh(h->magic) != QCOW2_MAGIC)
		return opts_fail(opts, "'%s' is no qcow2 image", filename);
	if (be32toh(h->version) < 2 || be32toh(h->version) > 3)
		return opts_fail(opts, "qcow2 of version %u is not known",
				 be32toh(h->version));
	if (h->crypt_method)
		return opts_fail(opts, "the image is encrypted, which is not supported");
	/* Whoever made the image says which: it could be any file of this host. */
	if (be32toh(h->version) >= 3 &&
	    be64toh(h->incompatible) & QCOW2_DATA_FILE)
		return opts_fail(opts, "the image keeps its data in another file, which is not supported");
	return 0;
}

/* It is somebody else's text, for a message. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

/* The format is one of the extensions behind the header. */
static int read_format(int fd, u64 pos, u64 end, struct below *below)
{
	u32 ext[2], type, len;

	while (pos + sizeof(ext) <= end) {
		if (pread(fd, ext, sizeof(ext), pos) != sizeof(ext))
			return -EINVAL;
		pos += sizeof(ext);
		type = be32toh(ext[0]);
		len = be32toh(ext[1]);
		if (!type || len > end - pos)
			break;
		if (type == EXTENSION_FORMAT) {
			if (len >= sizeof(below->format) ||
			    pread(fd, below->format, len, pos) != (ssize_t)len)
				return -EINVAL;
			below->format[len] = '\0';
			return 0;
		}
		pos += ALIGN_UP((u64)len, 8);
	}
	return 0;
}

/* An empty name: there is nothing below. */
static int read_below(struct opts *opts, int fd, u64 off, const char *filename,
		      struct below *below)
{
	struct qcow2_header h;
	u64 pos, end;
	u32 len, start = HEADER_LENGTH_2;
	int ret = qcow2_header_read(opts, fd, off, filename, &h);

	if (ret)
		return ret;
	memset(below, 0, sizeof(*below));
	pos = be64toh(h.backing_file_offset);
	len = be32toh(h.backing_file_size);
	if (!pos || !len)
		return 0;
	if (len > NAME_MAX_LEN || pos > INT64_MAX - off ||
	    pread(fd, below->name, len, off + pos) != (ssize_t)len ||
	    strlen(below->name) != len)
		return opts_fail(opts, "'%s' is damaged: what is below it has no name",
				 filename);
	make_printable(below->name);
	if (be32toh(h.version) >= 3)
		start = be32toh(h.header_length);
	end = pos < EXTENSIONS_MAX ? pos : EXTENSIONS_MAX;
	if (read_format(fd, off + start, off + end, below))
		return opts_fail(opts, "'%s' is damaged behind its header",
				 filename);
	return 0;
}

/* As QEMU tells a protocol from a file. */
static bool has_protocol(const char *name)
{
	return name[strcspn(name, ":/")] == ':';
}

/* Places where what is no image looks like a file. */
static bool is_special(const char *path)
{
	static const char *const places[] = {"/dev/", "/proc/", "/sys/"};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (!strncmp(path, places[i], strlen(places[i])))
			return true;
	return false;
}

/* The file itself, without links on the way. NULL and errno. */
static char *find_path(const char *filename, const char *name)
{
	const char *slash = strrchr(filename, '/');
	char *joined, *path;

	if (*name == '/' || !slash)
		return realpath(name, NULL);
	if (asprintf(&joined, "%.*s/%s", (int)(slash - filename), filename,
		     name) < 0)
		return NULL;
	path = realpath(joined, NULL);
	free(joined);
	return path;
}

static int open_below(struct opts *opts, const char *filename,
		      const struct below *below, char **path)
{
	const char *name = below->name;
	struct stat st;
	int fd;

	*path = NULL;
	if (has_protocol(name))
		return opts_fail(opts, "'%s' says that below it is '%s', which is no file: say backing= if that is wanted",
				 filename, name);
	if (!*below->format)
		return opts_fail(opts, "'%s' does not say the format of '%s', which is below it: say backing=, or qemu-img rebase -u -F FORMAT -b FILE",
				 filename, name);
	if (strcmp(below->format, "raw") && strcmp(below->format, "qcow2"))
		return opts_fail(opts, "what '%s' says is below it, '%s', is neither raw nor qcow2",
				 filename, name);
	*path = find_path(filename, name);
	fd = *path ? open(*path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	if (fd < 0)
		return opts_fail(opts, "cannot open '%s', which is below '%s': %s",
				 name, filename, strerror(errno));
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && !is_special(*path))
		return fd;
	close(fd);
	return opts_fail(opts, "'%s' says that below it is '%s', which is no plain file: say backing= if that is wanted",
			 filename, name);
}

static json_t *node(const char *format, const char *path, json_t *backing)
{
	json_t *json = json_pack("{sss{ssss}sb}", "driver", format, "file",
				 "driver", "file", "filename", path,
				 "read-only", 1);

	if (json && backing)
		json_object_set(json, "backing", backing);
	return json;
}

static int find(struct opts *opts, int fd, u64 off, const char *filename,
		unsigned int depth, json_t **chain)
{
	json_t *deeper = NULL;
	struct below below;
	char *path;
	int ret = read_below(opts, fd, off, filename, &below), sub;

	if (ret)
		return ret;
	if (!*below.name) {
		*chain = json_null();
		return 0;
	}
	if (depth == DEPTH_MAX)
		return opts_fail(opts, "more than %u images are below each other",
				 DEPTH_MAX);
	sub = open_below(opts, filename, &below, &path);
	ret = sub < 0 ? sub : 0;
	if (!ret && !strcmp(below.format, "qcow2"))
		ret = find(opts, sub, 0, path, depth + 1, &deeper);
	if (sub >= 0)
		close(sub);
	if (!ret) {
		*chain = node(below.format, path, deeper);
		ret = *chain ? 0 : -EINVAL;
	}
	json_decref(deeper);
	free(path);
	return ret;
}

int qcow2_chain_find(struct opts *opts, int fd, u64 off, const char *filename,
		     json_t **chain)
{
	return find(opts, fd, off, filename, 0, chain);
}
