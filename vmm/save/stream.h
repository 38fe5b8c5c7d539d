/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A saved guest as a stream of bytes, written and read once from front to end,
 * so that a pipe or a socket will do.
 *
 *	"TARNSAVE", version (u32), 0 (u32)
 *	records: type (u32), checksum (u32), length (u64), payload
 *
 * Integers are little endian. The checksum is the CRC-32 of type, length and
 * payload, but for the pages in a CONTENT record, each of which has a sum of its own.
 * The order is MACHINE, any number of PAGES and CONTENT, DEVICES, END; what
 * follows END is not looked at. A type with the bit STREAM_OPTIONAL may be
 * skipped by a reader that does not know it, any other one is refused.
 *
 * MACHINE and DEVICES hold sections of fields (state.h). PAGES is struct
 * stream_pages and what its kind says; a page that is in no record was never
 * written and reads as zeroes. BALLOON is a head alone, and comes among them: who
 * does not know it has zeroes there. END repeats how many records there were.
 *
 * CONTENT is struct stream_content, a struct stream_entry for each page, zeroes up to
 * where the content begins, and that. In a file it begins at a multiple of 4096, so that
 * each page of it can be read by itself, later.
 *
 * Version 1 had neither CONTENT nor pages of the kind SAME.
 */
#ifndef TARN_SAVE_STREAM_H
#define TARN_SAVE_STREAM_H

#include "lib/types.h"
#include "save/channel.h"

#define STREAM_MAGIC "TARNSAVE"
#define STREAM_VERSION 2

enum stream_type {
	STREAM_MACHINE = 1,
	STREAM_PAGES = 2,
	STREAM_DEVICES = 3,
	STREAM_END = 4,
	STREAM_BALLOON = 0x80000005U,
	STREAM_CONTENT = 6,
};
#define STREAM_OPTIONAL 0x80000000U

/* No payload is longer. */
#define STREAM_MAX (16U << 20)

/** enum stream_pages_kind - what a run of pages holds. */
enum stream_pages_kind {
	STREAM_PAGES_ZERO = 1, /* written once, zeroes now */
	STREAM_PAGES_PATTERN = 2, /* one u64 over and over, which follows */
	STREAM_PAGES_DATA = 3, /* the content follows; version 1 wrote it so */
	STREAM_PAGES_BALLOON = 4, /* the guest's balloon has them; BALLOON only */
	/*
	 * What other pages hold: the address of the first one's follows (u64), the next
	 * page holds what the one behind that does. They lie below, and come before.
	 */
	STREAM_PAGES_SAME = 5,
};

/* The pages had no frame: the pager held them, and shall again. */
#define STREAM_PAGES_PAGED 0x1U

#define STREAM_PAGE_SHIFT 12
#define STREAM_PAGE_SIZE (1U << STREAM_PAGE_SHIFT)
/* At most so many pages with content in a record. */
#define STREAM_PAGES_MAX 256

/** struct stream_pages - the head of a PAGES record. */
struct stream_pages {
	u64 gpa; /* of the first page */
	u32 count; /* of pages */
	u16 kind;
	u16 flags;
} __attribute__((packed));

/** enum stream_encoding - how the content lies in its record. */
enum stream_encoding {
	STREAM_PLAIN = 0, /* page behind page */
	STREAM_ZSTD = 1, /* that, as one frame of zstd; it is shorter */
};

/** struct stream_content - the head of a CONTENT record. */
struct stream_content {
	u64 gpa; /* of the chunk: STREAM_PAGES_MAX pages, aligned */
	u32 count; /* of entries */
	u16 encoding;
	u16 zero;
	u32 bytes; /* of content */
	u32 pad; /* bytes of zeroes in front of it */
} __attribute__((packed));

/**
 * struct stream_entry - a page of a CONTENT record.
 * @page: of the chunk; each is greater than that before it
 * @flags: STREAM_PAGES_PAGED or 0
 * @heat: enum tarn_activity as it was saved, TARN_ACTIVITY_NONE: not known
 * @zero: 0
 * @sum: tarn_page_sum()
 */
struct stream_entry {
	u8 page;
	u8 flags;
	u8 heat;
	u8 zero;
	u32 sum;
} __attribute__((packed));

/**
 * struct stream - one end of it.
 * @ch: with @fd and @cancel set
 * @records: written or read so far
 * @version: of the one that is read
 * @content: bytes of content of the last record that nobody has read
 */
struct stream {
	struct channel ch;
	u64 records;
	u32 version;
	u32 content;
};

/** struct stream_record - one that was read; of CONTENT, all but the content. */
struct stream_record {
	u32 type;
	u32 len;
	u32 version;
	u8 *data; /* the caller's buffer of STREAM_MAX bytes */
};

/** stream_begin() - write the head. 0 or -errno, as all that write do. */
int stream_begin(struct stream *s);

/** stream_put() - write a record whose payload lies in two pieces. */
int stream_put(struct stream *s, u32 type, const void *head, u32 head_len,
	       const void *body, u32 body_len);

/**
 * stream_put_content() - write a CONTENT record.
 * @head: @gpa, @count, @encoding and @bytes are set
 * @entries: @count of them
 */
int stream_put_content(struct stream *s, const struct stream_content *head,
		       const struct stream_entry *entries, const void *content);

/** stream_end() - write END. */
int stream_end(struct stream *s);

/** stream_flush() - have all that was written come to the descriptor. */
int stream_flush(struct stream *s);

/**
 * stream_sync() - make durable what was flushed; a pipe or a socket keeps nothing.
 *
 * An error is one for good: the kernel drops what it could not write.
 */
int stream_sync(struct stream *s);

/** stream_close() - free what the other calls have made; the descriptor stays. */
void stream_close(struct stream *s);

/** stream_open() - read the head; -errno, reported. */
int stream_open(struct stream *s);

/**
 * stream_get() - read a record; optional ones that are unknown are passed over, and so
 * is the content that is left of the one before.
 * @rec: with @data set
 *
 * Return: 1, 0 when END was read, or -errno, reported.
 */
int stream_get(struct stream *s, struct stream_record *rec);

/**
 * stream_pages_get() - look at a PAGES or BALLOON record.
 * @rec: of such a type
 * @head: its head, checked: @count is not 0 and the payload fits to it
 * @body: what follows the head
 *
 * Return: 0 or -EINVAL, reported.
 */
int stream_pages_get(const struct stream_record *rec,
		     struct stream_pages *head, const u8 **body);

/**
 * stream_content_get() - look at a CONTENT record.
 * @head: its head, checked
 * @entries: room for STREAM_PAGES_MAX, filled in and checked
 *
 * Return: 0 or -EINVAL, reported.
 */
int stream_content_get(const struct stream_record *rec,
		       struct stream_content *head,
		       struct stream_entry *entries);

/**
 * stream_content_read() - read the content of the last record.
 * @data: room for its bytes
 *
 * Return: 0 or -errno, reported.
 */
int stream_content_read(struct stream *s, void *data);

/** stream_content_read_at() - read @len bytes of a file's content; likewise. */
int stream_content_read_at(struct stream *s, void *data, size_t len, u64 pos);

#endif
