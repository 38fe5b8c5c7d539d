/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A saved guest as a stream of bytes, written and read once from front to end,
 * so that a pipe or a socket will do.
 *
 *	"TARNSAVE", version (u32), 0 (u32)
 *	records: type (u32), checksum (u32), length (u64), payload
 *
 * Integers are little endian. The checksum is the CRC-32 of type, length and
 * payload. The order is MACHINE, any number of PAGES, DEVICES, END; what
 * follows END is not looked at. A type with the bit STREAM_OPTIONAL may be
 * skipped by a reader that does not know it, any other one is refused.
 *
 * MACHINE and DEVICES hold sections of fields (state.h). PAGES is struct
 * stream_pages and what its kind says; a page that is in no record was never
 * written and reads as zeroes. BALLOON is a head alone, and comes among them: who
 * does not know it has zeroes there. END repeats how many records there were.
 */
#ifndef TARN_SAVE_STREAM_H
#define TARN_SAVE_STREAM_H

#include "lib/types.h"

#define STREAM_MAGIC "TARNSAVE"
#define STREAM_VERSION 1

enum stream_type {
	STREAM_MACHINE = 1,
	STREAM_PAGES = 2,
	STREAM_DEVICES = 3,
	STREAM_END = 4,
	STREAM_BALLOON = 0x80000005U,
};
#define STREAM_OPTIONAL 0x80000000U

/* No payload is longer. */
#define STREAM_MAX (16U << 20)

/** enum stream_pages_kind - what a run of pages holds. */
enum stream_pages_kind {
	STREAM_PAGES_ZERO = 1, /* written once, zeroes now */
	STREAM_PAGES_PATTERN = 2, /* one u64 over and over, which follows */
	STREAM_PAGES_DATA = 3, /* the content follows */
	STREAM_PAGES_BALLOON = 4, /* the guest's balloon has them; BALLOON only */
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

/**
 * struct stream - one end of it.
 * @fd: not owned; may be non-blocking
 * @cancel: looked at while there is nothing to do; when set, -ECANCELED
 * @records: written or read so far
 * @bytes: likewise
 */
struct stream {
	int fd;
	const bool *cancel;
	u64 records;
	u64 bytes;
};

/** struct stream_record - one that was read. */
struct stream_record {
	u32 type;
	u32 len;
	u8 *data; /* the caller's buffer of STREAM_MAX bytes */
};

/** stream_begin() - write the head. 0 or -errno, as all that write do. */
int stream_begin(struct stream *s);

/** stream_put() - write a record whose payload lies in two pieces. */
int stream_put(struct stream *s, u32 type, const void *head, u32 head_len,
	       const void *body, u32 body_len);

/** stream_end() - write END. */
int stream_end(struct stream *s);

/**
 * stream_sync() - make durable what was written; a pipe or a socket keeps nothing.
 *
 * An error is one for good: the kernel drops what it could not write.
 */
int stream_sync(struct stream *s);

/** stream_open() - read the head; -errno, reported. */
int stream_open(struct stream *s);

/**
 * stream_get() - read a record; optional ones that are unknown are passed over.
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

#endif
