// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl's reader of saved guests: by itself, behind libvirt's header, damaged. */
#include "../../tools/tarnctl/saved.c"
#include "saved.h"
#include "tap.h"

static struct state_out *sections(const char *name, u64 val)
{
	struct state_out *out = state_out_create();

	CHECK_EQ(state_section(out, name, 3), 0);
	CHECK_EQ(state_put_u64(out, "number", val), 0);
	CHECK_EQ(state_put_bytes(out, "text", "words", 5), 0);
	CHECK_EQ(state_put_bytes(out, "none", "", 0), 0);
	CHECK_EQ(state_put_bytes(out, "raw", "\1\377", 2), 0);
	return out;
}

static void put(struct stream *s, u32 type, struct state_out *out)
{
	size_t len;
	const void *data = state_out_data(out, &len);

	CHECK_EQ(stream_put(s, type, data, len, NULL, 0), 0);
	state_out_destroy(out);
}

/* Three pages, of which the last two follow each other. */
static void put_content(struct stream *s, bool compress)
{
	static _Alignas(8) u8 data[3 * STREAM_PAGE_SIZE];
	static u8 frame[3 * STREAM_PAGE_SIZE];
	struct stream_entry entries[] = {
		{.page = 0x50, .heat = TARN_ACTIVITY_HOT},
		{.page = 0x80, .heat = TARN_ACTIVITY_COOL},
		{.page = 0x81, .heat = TARN_ACTIVITY_HOT},
	};
	struct stream_content head = {.count = 3, .bytes = sizeof(data)};
	struct content_codec *codec = content_codec_create();

	strcpy((char *)data, "not only zeroes");
	content_sum(entries, 3, data);
	if (compress) {
		head.encoding = STREAM_ZSTD;
		head.bytes = content_compress(codec, data, sizeof(data), frame);
		CHECK(head.bytes && head.bytes < 200);
	}
	CHECK_EQ(stream_put_content(s, &head, entries, compress ? frame : data),
		 0);
	content_codec_destroy(codec);
}

/* As version 1 has it. */
static void put_data(struct stream *s)
{
	static const u8 data[2 * STREAM_PAGE_SIZE];
	struct stream_pages pages = {0x50000, 2, STREAM_PAGES_DATA,
				     STREAM_PAGES_PAGED};

	CHECK_EQ(stream_put(s, STREAM_PAGES, &pages, sizeof(pages), data,
			    sizeof(data)), 0);
}

/* A file with @lead bytes in front of the guest; as of @version. */
static int make_version(const void *lead, size_t len, const char *name,
			u32 version, bool compress)
{
	struct stream_pages pages = {0x1000, 7, STREAM_PAGES_ZERO, 0};
	struct stream s = {.ch = {.fd = file_of(lead, len)}};
	u64 source = 0x1000;

	lseek(s.ch.fd, 0, SEEK_END);
	CHECK_EQ(stream_begin(&s), 0);
	put(&s, STREAM_MACHINE, sections("machine", 5));
	CHECK_EQ(stream_put(&s, STREAM_PAGES, &pages, sizeof(pages), NULL, 0),
		 0);
	pages = (struct stream_pages){0x9000, 3, STREAM_PAGES_PATTERN,
				      STREAM_PAGES_PAGED};
	CHECK_EQ(stream_put(&s, STREAM_PAGES, &pages, sizeof(pages), "patterns",
			    8), 0);
	pages = (struct stream_pages){0x20000, 5, STREAM_PAGES_BALLOON, 0};
	CHECK_EQ(stream_put(&s, STREAM_BALLOON, &pages, sizeof(pages), NULL, 0),
		 0);
	if (version == 1) {
		put_data(&s);
	} else {
		put_content(&s, compress);
		pages = (struct stream_pages){0x90000, 4, STREAM_PAGES_SAME, 0};
		CHECK_EQ(stream_put(&s, STREAM_PAGES, &pages, sizeof(pages),
				    &source, 8), 0);
	}
	put(&s, STREAM_DEVICES, sections(name, UINT64_MAX));
	CHECK_EQ(stream_end(&s), 0);
	CHECK_EQ(stream_flush(&s), 0);
	CHECK_EQ(pwrite(s.ch.fd, &version, sizeof(version), len + 8),
		 sizeof(version));
	stream_close(&s);
	lseek(s.ch.fd, 0, SEEK_SET);
	return s.ch.fd;
}

static int make_file(const void *lead, size_t len, const char *name)
{
	return make_version(lead, len, name, 2, false);
}

static json_t *field(json_t *list, const char *tag)
{
	return json_object_get(json_object_get(json_array_get(list, 0),
					       "fields"), tag);
}

static void check_whole(const struct saved *saved)
{
	CHECK(saved->complete);
	CHECK_EQ(saved->zero_pages, 7);
	CHECK_EQ(saved->pattern_pages, 3);
	CHECK_EQ(saved->paged_pages, 3);
	CHECK_EQ(saved->data_pages, 3);
	CHECK_EQ(saved->shared_pages, 4);
	CHECK_EQ(saved->heat[TARN_ACTIVITY_HOT], 2);
	CHECK_EQ(saved->heat[TARN_ACTIVITY_COOL], 1);
	CHECK_EQ(saved->balloon_pages, 5);
	CHECK_EQ(json_array_size(saved->runs), 6);
	CHECK_EQ(json_integer_value(field(saved->machine, "number")), 5);
	CHECK_STR(json_string_value(field(saved->machine, "text")), "words");
	CHECK_STR(json_string_value(field(saved->machine, "none")), "");
	CHECK_STR(json_string_value(field(saved->machine, "raw")), "0x01ff");
	/* Too large for JSON's numbers. */
	CHECK_STR(json_string_value(field(saved->devices, "number")),
		  "0xffffffffffffffff");
}

static void test_plain(void)
{
	struct saved saved;
	int fd = make_file("", 0, "cpu.0");

	CHECK_EQ(saved_read(&saved, fd, true), 0);
	CHECK_EQ(saved.offset, 0);
	check_whole(&saved);
	CHECK_EQ(saved.version, 2);
	CHECK_EQ(saved.zstd_pages, 0);
	CHECK_EQ(saved.content_bytes, 3 * STREAM_PAGE_SIZE);
	saved_exit(&saved);
	close(fd);
}

static void test_compressed(void)
{
	struct saved saved;
	int fd = make_version("", 0, "cpu.0", 2, true);

	CHECK_EQ(saved_read(&saved, fd, true), 0);
	check_whole(&saved);
	CHECK_EQ(saved.zstd_pages, 3);
	CHECK(saved.content_bytes < 200);
	saved_exit(&saved);
	close(fd);
}

static void test_old(void)
{
	struct saved saved;
	int fd = make_version("", 0, "cpu.0", 1, false);

	CHECK_EQ(saved_read(&saved, fd, false), 0);
	CHECK_EQ(saved.version, 1);
	CHECK_EQ(saved.data_pages, 2);
	CHECK_EQ(saved.paged_pages, 5);
	CHECK_EQ(saved.content_bytes, 2 * STREAM_PAGE_SIZE);
	CHECK_EQ(saved.heat[TARN_ACTIVITY_NONE], 2);
	CHECK(saved.complete);
	saved_exit(&saved);
	close(fd);
}

static void test_libvirt(void)
{
	u8 lead[sizeof(struct libvirt_head) + 300] = LIBVIRT_MAGIC;
	struct libvirt_head *head = (void *)lead;
	struct saved saved;
	int fd;

	head->data_len = 300;
	fd = make_file(lead, sizeof(lead), "cpu.0");
	CHECK_EQ(saved_read(&saved, fd, true), 0);
	CHECK_EQ(saved.offset, sizeof(lead));
	check_whole(&saved);
	saved_exit(&saved);
	close(fd);

	head->format = 2;
	fd = make_file(lead, sizeof(lead), "cpu.0");
	CHECK_EQ(saved_read(&saved, fd, true), -EOPNOTSUPP);
	saved_exit(&saved);
	close(fd);

	head->format = 0;
	head->data_len = UINT32_MAX;
	fd = make_file(lead, sizeof(lead), "cpu.0");
	CHECK(saved_read(&saved, fd, true) < 0);
	CHECK(!saved.complete);
	saved_exit(&saved);
	close(fd);
}

/* Names and tags that are no text; files that end anywhere. */
static void test_damaged(void)
{
	struct saved saved;
	struct bytes b;
	size_t len;
	int fd = make_file("", 0, "\xff\xfe");

	CHECK(saved_read(&saved, fd, false) < 0);
	saved_exit(&saved);
	close(fd);
	fd = make_file("", 0, "cpu.0");
	b = bytes_of(fd);
	close(fd);
	/* Most of it is content, of which nothing is told apart. */
	for (len = 0; len < b.len; len += len > 1000 && b.len - len > 1000 ?
							   500 : 9) {
		fd = file_of(b.data, len);
		CHECK(saved_read(&saved, fd, true) < 0);
		CHECK(!saved.complete);
		saved_exit(&saved);
		close(fd);
	}
	/* In a page. */
	b.data[2 * STREAM_PAGE_SIZE] ^= 1;
	fd = file_of(b.data, b.len);
	CHECK(saved_read(&saved, fd, true) < 0);
	saved_exit(&saved);
	close(fd);
	free(b.data);
}

static const struct tap_test tests[] = {
	{"a saved guest", test_plain},
	{"compressed", test_compressed},
	{"of version 1", test_old},
	{"behind libvirt's header", test_libvirt},
	{"damaged files", test_damaged},
};

TAP_MAIN(tests)
