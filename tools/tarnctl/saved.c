// SPDX-License-Identifier: GPL-2.0-only
/* Reading saved guests; see saved.h. The format is vmm/save/stream.h's. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "save/stream.h"
#include "state.h"

#include "error.h"
#include "saved.h"

/*
 * libvirt's header: 16 bytes of magic, then words; behind it, @data_len bytes of
 * XML and padding.
 */
#define LIBVIRT_MAGIC "LibvirtQemudSave"
#define LIBVIRT_PART "LibvirtQemudPart"

struct libvirt_head {
	char magic[16];
	u32 version;
	u32 data_len;
	u32 was_running;
	u32 format;
	u32 cookie;
	u32 unused[14];
} __attribute__((packed));

static int skip_libvirt(struct saved *saved, int fd)
{
	struct libvirt_head head;
	ssize_t n = pread(fd, &head, sizeof(head), 0);

	if (n != sizeof(head) ||
	    (memcmp(head.magic, LIBVIRT_MAGIC, sizeof(head.magic)) &&
	     memcmp(head.magic, LIBVIRT_PART, sizeof(head.magic))))
		return 0;
	if (head.format) {
		err("libvirt has compressed this guest: set save_image_format = \"raw\" in qemu.conf for those to come");
		return -EOPNOTSUPP;
	}
	saved->offset = sizeof(head) + (json_int_t)head.data_len;
	if (lseek(fd, saved->offset, SEEK_SET) < 0)
		return err_errno(-errno, "cannot read past libvirt's header");
	return 0;
}

static bool is_text(const struct state_field *f)
{
	u32 i;

	for (i = 0; i < f->len; i++)
		if (!isascii(f->data[i]) || !isprint(f->data[i]))
			return false;
	return true;
}

static json_t *field_hex(const struct state_field *f)
{
	char *text = malloc(2 * (size_t)f->len + 3);
	json_t *value;
	u32 i;

	if (!text)
		return NULL;
	strcpy(text, "0x");
	for (i = 0; i < f->len; i++)
		sprintf(text + 2 + 2 * i, "%02x", f->data[i]);
	value = json_string(text);
	free(text);
	return value;
}

static json_t *field_value(const struct state_field *f)
{
	u64 val;

	/* JSON's numbers end at 2^63. */
	if (f->len == sizeof(val)) {
		memcpy(&val, f->data, sizeof(val));
		val = le64toh(val);
		if (val <= INT64_MAX)
			return json_integer(val);
	}
	if (is_text(f))
		return json_stringn((const char *)f->data, f->len);
	return field_hex(f);
}

static int add_section(json_t *list, const struct state_in *in)
{
	json_t *fields = json_object(), *section;
	struct state_field f;
	char tag[256];
	size_t off = 0;
	int ret;

	while ((ret = state_field_next(in, &off, &f)) > 0) {
		memcpy(tag, f.tag, f.tag_len);
		tag[f.tag_len] = '\0';
		/* A tag that is no UTF-8 fails here, and has no right to be. */
		if (json_object_set_new(fields, tag, field_value(&f)))
			ret = -EINVAL;
		if (ret < 0)
			break;
	}
	section = json_pack("{s:s, s:I, s:o}", "name", in->name, "version",
			    (json_int_t)in->version, "fields", fields);
	if (ret < 0 || json_array_append_new(list, section)) {
		err("the saved guest is damaged: a section makes no sense");
		return -EINVAL;
	}
	return 0;
}

static int add_sections(json_t *list, const struct stream_record *rec)
{
	struct state_in in;
	size_t off = 0;
	int ret;

	while ((ret = state_next(rec->data, rec->len, &off, &in)) > 0) {
		ret = add_section(list, &in);
		if (ret)
			return ret;
	}
	if (ret < 0)
		err("the saved guest is damaged: its sections make no sense");
	return ret;
}

static int add_pages(struct saved *saved, const struct stream_record *rec)
{
	static const char *const kinds[] = {
		[STREAM_PAGES_ZERO] = "zero",
		[STREAM_PAGES_PATTERN] = "pattern",
		[STREAM_PAGES_DATA] = "data",
		[STREAM_PAGES_BALLOON] = "balloon",
	};
	struct stream_pages head;
	const u8 *body;
	int ret = stream_pages_get(rec, &head, &body);

	if (ret)
		return ret;
	if (head.kind == STREAM_PAGES_ZERO)
		saved->zero_pages += head.count;
	else if (head.kind == STREAM_PAGES_PATTERN)
		saved->pattern_pages += head.count;
	else if (head.kind == STREAM_PAGES_BALLOON)
		saved->balloon_pages += head.count;
	else
		saved->data_pages += head.count;
	if (head.flags & STREAM_PAGES_PAGED)
		saved->paged_pages += head.count;
	if (saved->runs)
		json_array_append_new(saved->runs, json_pack(
			"{s:I, s:I, s:s, s:b}", "gpa", (json_int_t)head.gpa,
			"count", (json_int_t)head.count, "kind",
			kinds[head.kind], "paged",
			!!(head.flags & STREAM_PAGES_PAGED)));
	return 0;
}

static int add_record(struct saved *saved, const struct stream_record *rec)
{
	if (rec->type == STREAM_PAGES || rec->type == STREAM_BALLOON)
		return add_pages(saved, rec);
	return add_sections(rec->type == STREAM_MACHINE ? saved->machine
							: saved->devices,
			    rec);
}

int saved_read(struct saved *saved, int fd, bool runs)
{
	struct stream stream = {.fd = fd};
	struct stream_record rec = {.data = malloc(STREAM_MAX)};
	int ret;

	memset(saved, 0, sizeof(*saved));
	saved->machine = json_array();
	saved->devices = json_array();
	saved->runs = runs ? json_array() : NULL;
	if (!rec.data)
		return err_nomem();
	ret = skip_libvirt(saved, fd);
	if (!ret)
		ret = stream_open(&stream);
	if (!ret) {
		saved->version = STREAM_VERSION;
		while ((ret = stream_get(&stream, &rec)) > 0) {
			ret = add_record(saved, &rec);
			if (ret)
				break;
		}
	}
	saved->bytes = stream.bytes;
	saved->complete = !ret;
	free(rec.data);
	return ret;
}

void saved_exit(struct saved *saved)
{
	json_decref(saved->machine);
	json_decref(saved->devices);
	json_decref(saved->runs);
}
