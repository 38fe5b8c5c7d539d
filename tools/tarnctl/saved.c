// SPDX-License-Identifier: GPL-2.0-only
/* Reading saved guests; see saved.h. The format is vmm/save/stream.h's. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "save/content.h"
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

static void add_run(struct saved *saved, u64 gpa, u64 count, const char *kind,
		    u16 flags)
{
	if (saved->runs)
		json_array_append_new(saved->runs, json_pack(
			"{s:I, s:I, s:s, s:b}", "gpa", (json_int_t)gpa,
			"count", (json_int_t)count, "kind", kind, "paged",
			!!(flags & STREAM_PAGES_PAGED)));
}

/* Of version 1: nothing is known of how it was used. */
static void add_data(struct saved *saved, const struct stream_pages *head)
{
	saved->data_pages += head->count;
	saved->content_bytes += (json_int_t)head->count << STREAM_PAGE_SHIFT;
	saved->heat[TARN_ACTIVITY_NONE] += head->count;
}

static int add_pages(struct saved *saved, const struct stream_record *rec)
{
	static const char *const kinds[] = {
		[STREAM_PAGES_ZERO] = "zero",
		[STREAM_PAGES_PATTERN] = "pattern",
		[STREAM_PAGES_DATA] = "data",
		[STREAM_PAGES_BALLOON] = "balloon",
		[STREAM_PAGES_SAME] = "shared",
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
	else if (head.kind == STREAM_PAGES_SAME)
		saved->shared_pages += head.count;
	else
		add_data(saved, &head);
	if (head.flags & STREAM_PAGES_PAGED)
		saved->paged_pages += head.count;
	add_run(saved, head.gpa, head.count, kinds[head.kind], head.flags);
	return 0;
}

/**
 * struct reader - what reads a file.
 * @frame: content as it lies there
 * @plain: its pages
 */
struct reader {
	struct stream stream;
	struct stream_record rec;
	struct content_codec *codec;
	u8 *frame;
	u8 *plain;
};

static int check_content(struct reader *r, const struct stream_content *head,
			 const struct stream_entry *entries)
{
	const u8 *pages = r->frame;
	u32 bad;
	int ret = stream_content_read(&r->stream, r->frame);

	if (!ret && head->encoding == STREAM_ZSTD) {
		pages = r->plain;
		ret = content_decompress(r->codec, head, r->frame, r->plain);
		if (ret == -EBADMSG)
			err("the saved guest is damaged: what is compressed at %#llx makes no sense",
			    (unsigned long long)head->gpa);
	}
	if (ret)
		return ret;
	bad = content_check(entries, head->count, pages);
	if (bad == head->count)
		return 0;
	err("the saved guest is damaged: the page at %#llx has a wrong checksum",
	    (unsigned long long)(head->gpa + ((u64)entries[bad].page <<
					      STREAM_PAGE_SHIFT)));
	return -EINVAL;
}

static void add_entries(struct saved *saved, const struct stream_content *head,
			const struct stream_entry *entries)
{
	u32 i, n;

	for (i = 0; i < head->count; i++) {
		saved->heat[entries[i].heat]++;
		if (entries[i].flags & STREAM_PAGES_PAGED)
			saved->paged_pages++;
	}
	for (i = 0; i < head->count; i += n) {
		for (n = 1; i + n < head->count &&
			    entries[i + n].page == entries[i].page + n &&
			    entries[i + n].flags == entries[i].flags;)
			n++;
		add_run(saved, head->gpa + ((u64)entries[i].page <<
					    STREAM_PAGE_SHIFT),
			n, "data", entries[i].flags);
	}
}

static int add_content(struct saved *saved, struct reader *r)
{
	struct stream_entry entries[STREAM_PAGES_MAX];
	struct stream_content head;
	int ret = stream_content_get(&r->rec, &head, entries);

	if (ret)
		return ret;
	saved->data_pages += head.count;
	saved->content_bytes += head.bytes;
	if (head.encoding == STREAM_ZSTD)
		saved->zstd_pages += head.count;
	add_entries(saved, &head, entries);
	return check_content(r, &head, entries);
}

static int add_record(struct saved *saved, struct reader *r)
{
	switch (r->rec.type) {
	case STREAM_PAGES:
	case STREAM_BALLOON:
		return add_pages(saved, &r->rec);
	case STREAM_CONTENT:
		return add_content(saved, r);
	case STREAM_MACHINE:
		return add_sections(saved->machine, &r->rec);
	}
	return add_sections(saved->devices, &r->rec);
}

static int reader_init(struct reader *r, int fd)
{
	*r = (struct reader){
		.stream = {.ch = {.fd = fd}},
		.rec = {.data = malloc(STREAM_MAX)},
		.codec = content_codec_create(),
		.frame = aligned_alloc(STREAM_PAGE_SIZE, CONTENT_MAX),
		.plain = aligned_alloc(STREAM_PAGE_SIZE, CONTENT_MAX),
	};
	return r->rec.data && r->codec && r->frame && r->plain ? 0
							       : err_nomem();
}

static void reader_exit(struct reader *r)
{
	stream_close(&r->stream);
	content_codec_destroy(r->codec);
	free(r->rec.data);
	free(r->frame);
	free(r->plain);
}

static int read_records(struct saved *saved, struct reader *r)
{
	int ret = stream_open(&r->stream);

	if (ret)
		return ret;
	/* All of it is read. */
	r->stream.ch.ahead = CHANNEL_FAR;
	saved->version = r->stream.version;
	while ((ret = stream_get(&r->stream, &r->rec)) > 0) {
		ret = add_record(saved, r);
		if (ret)
			return ret;
	}
	return ret;
}

int saved_read(struct saved *saved, int fd, bool runs)
{
	struct reader r;
	int ret = reader_init(&r, fd);

	memset(saved, 0, sizeof(*saved));
	saved->machine = json_array();
	saved->devices = json_array();
	saved->runs = runs ? json_array() : NULL;
	ret = ret ?: skip_libvirt(saved, fd);
	ret = ret ?: read_records(saved, &r);
	saved->bytes = r.stream.ch.bytes;
	saved->complete = !ret;
	reader_exit(&r);
	return ret;
}

void saved_exit(struct saved *saved)
{
	json_decref(saved->machine);
	json_decref(saved->devices);
	json_decref(saved->runs);
}
