// SPDX-License-Identifier: GPL-2.0-only
/* Records to and from a file descriptor; see stream.h. */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <linux/tarn.h>

#include "error.h"
#include "save/stream.h"

struct stream_head {
	char magic[8];
	u32 version;
	u32 zero;
} __attribute__((packed));

struct record_head {
	u32 type;
	u32 sum;
	u64 len;
} __attribute__((packed));

struct stream_end {
	u64 records;
} __attribute__((packed));

/* Writing */

int stream_begin(struct stream *s)
{
	struct stream_head head = {
		.version = htole32(STREAM_VERSION),
	};
	int ret = channel_begin(&s->ch, true);

	memcpy(head.magic, STREAM_MAGIC, sizeof(head.magic));
	return ret ?: channel_write(&s->ch, &head, sizeof(head));
}

void stream_close(struct stream *s)
{
	channel_end(&s->ch);
}

static u32 sum_head(const struct record_head *head)
{
	u32 sum = crc32(0, (const void *)&head->type, sizeof(head->type));

	return crc32(sum, (const void *)&head->len, sizeof(head->len));
}

/** struct piece - a part of a payload. */
struct piece {
	const void *data;
	u32 len;
};

/* @extra: bytes that its checksum does not cover, and that the caller writes then */
static int put(struct stream *s, u32 type, const struct piece *piece,
	       unsigned int nr, u32 extra)
{
	struct record_head rec = {.type = htole32(type)};
	unsigned int i;
	u64 len = extra;
	u32 sum;
	int ret;

	for (i = 0; i < nr; i++)
		len += piece[i].len;
	if (len > STREAM_MAX)
		return -EMSGSIZE;
	rec.len = htole64(len);
	sum = sum_head(&rec);
	for (i = 0; i < nr; i++)
		if (piece[i].len)
			sum = crc32(sum, piece[i].data, piece[i].len);
	rec.sum = htole32(sum);
	s->records++;
	ret = channel_write(&s->ch, &rec, sizeof(rec));
	for (i = 0; i < nr && !ret; i++)
		ret = channel_write(&s->ch, piece[i].data, piece[i].len);
	return ret;
}

int stream_put(struct stream *s, u32 type, const void *head, u32 head_len,
	       const void *body, u32 body_len)
{
	const struct piece pieces[] = {{head, head_len}, {body, body_len}};

	return put(s, type, pieces, ARRAY_SIZE(pieces), 0);
}

int stream_put_content(struct stream *s, const struct stream_content *head,
		       const struct stream_entry *entries, const void *content)
{
	static const u8 zeroes[CHANNEL_BLOCK];
	struct stream_entry le[STREAM_PAGES_MAX];
	u32 len = head->count * sizeof(*le), i;
	u32 pad = -(channel_tell(&s->ch) + sizeof(struct record_head) +
		    sizeof(*head) + len) % CHANNEL_BLOCK;
	const struct stream_content le_head = {
		.gpa = htole64(head->gpa),
		.count = htole32(head->count),
		.encoding = htole16(head->encoding),
		.bytes = htole32(head->bytes),
		.pad = htole32(pad),
	};
	const struct piece pieces[] = {
		{&le_head, sizeof(le_head)}, {le, len}, {zeroes, pad},
	};
	int ret;

	for (i = 0; i < head->count; i++) {
		le[i] = entries[i];
		le[i].sum = htole32(entries[i].sum);
	}
	ret = put(s, STREAM_CONTENT, pieces, ARRAY_SIZE(pieces), head->bytes);
	return ret ?: channel_write(&s->ch, content, head->bytes);
}

int stream_end(struct stream *s)
{
	struct stream_end end = {.records = htole64(s->records)};

	return stream_put(s, STREAM_END, &end, sizeof(end), NULL, 0);
}

int stream_flush(struct stream *s)
{
	return channel_flush(&s->ch);
}

int stream_sync(struct stream *s)
{
	struct stat st;
	int ret;

	if (fstat(s->ch.fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return 0;
	do {
		ret = fdatasync(s->ch.fd);
	} while (ret && errno == EINTR);
	/* A filesystem that has nothing to make durable. */
	return ret && errno != EINVAL ? -errno : 0;
}

/* Reading */

static int read_fail(ssize_t n)
{
	if (n == -ECANCELED)
		return n;
	if (n < 0)
		return err_errno(n, "cannot read the saved guest");
	err("the saved guest is cut short: take a whole copy of the file");
	return -EINVAL;
}

int stream_open(struct stream *s)
{
	struct stream_head head;
	ssize_t n = channel_begin(&s->ch, false);

	n = n ?: channel_read(&s->ch, &head, sizeof(head));
	if (n < 0)
		return read_fail(n);
	if (n < (ssize_t)sizeof(head.magic) ||
	    memcmp(head.magic, STREAM_MAGIC, sizeof(head.magic))) {
		err("this is no guest that tarn-vmm has saved");
		return -EINVAL;
	}
	if (n != sizeof(head))
		return read_fail(n);
	s->version = le32toh(head.version);
	if (!s->version || s->version > STREAM_VERSION || head.zero) {
		err("the guest was saved in version %u of the format, this tarn-vmm knows 1 to %u: restore it with the one that saved it",
		    s->version, STREAM_VERSION);
		return -EPROTONOSUPPORT;
	}
	return 0;
}

static int check_end(struct stream *s, const struct stream_record *rec)
{
	struct stream_end end;

	if (rec->len == sizeof(end)) {
		memcpy(&end, rec->data, sizeof(end));
		if (le64toh(end.records) + 1 == s->records)
			return 0;
	}
	err("records of the saved guest are missing");
	return -EINVAL;
}

static int pages_fail(void)
{
	err("the saved guest is damaged: a record of pages makes no sense");
	return -EINVAL;
}

/* What of the payload comes behind its head, and is no part of the record here. */
static int content_len(struct stream_record *rec, u64 len)
{
	struct stream_content head;
	u32 bytes;

	memcpy(&head, rec->data, sizeof(head));
	bytes = le32toh(head.bytes);
	if (bytes <= STREAM_PAGES_MAX * STREAM_PAGE_SIZE &&
	    bytes <= len - sizeof(head))
		return bytes;
	return pages_fail();
}

/* Its payload, but for content. */
static int get_payload(struct stream *s, struct stream_record *rec, u64 len)
{
	u32 head = 0;
	ssize_t n;
	int ret;

	if (rec->type == STREAM_CONTENT && s->version > 1 &&
	    len >= sizeof(struct stream_content)) {
		head = sizeof(struct stream_content);
		n = channel_read(&s->ch, rec->data, head);
		if (n != (ssize_t)head)
			return read_fail(n);
		ret = content_len(rec, len);
		if (ret < 0)
			return ret;
		s->content = ret;
	}
	rec->len = len - s->content;
	n = channel_read(&s->ch, rec->data + head, rec->len - head);
	return n == (ssize_t)(rec->len - head) ? 0 : read_fail(n);
}

static int get_one(struct stream *s, struct stream_record *rec)
{
	struct record_head head;
	ssize_t n = channel_skip(&s->ch, s->content);
	int ret;

	if (n != (ssize_t)s->content)
		return read_fail(n);
	s->content = 0;
	n = channel_read(&s->ch, &head, sizeof(head));
	if (n != sizeof(head))
		return read_fail(n);
	if (le64toh(head.len) > STREAM_MAX) {
		err("the saved guest is damaged: a record of %llu bytes",
		    (unsigned long long)le64toh(head.len));
		return -EINVAL;
	}
	rec->type = le32toh(head.type);
	rec->version = s->version;
	ret = get_payload(s, rec, le64toh(head.len));
	if (ret)
		return ret;
	s->records++;
	if (crc32(sum_head(&head), rec->data, rec->len) !=
	    le32toh(head.sum)) {
		err("the saved guest is damaged: record %llu has a wrong checksum",
		    (unsigned long long)s->records);
		return -EINVAL;
	}
	return 0;
}

static bool known_type(const struct stream_record *rec)
{
	switch (rec->type) {
	case STREAM_MACHINE:
	case STREAM_PAGES:
	case STREAM_DEVICES:
	case STREAM_END:
	case STREAM_BALLOON:
		return true;
	case STREAM_CONTENT:
		return rec->version > 1;
	}
	return false;
}

int stream_get(struct stream *s, struct stream_record *rec)
{
	int ret;

	do {
		ret = get_one(s, rec);
		if (ret)
			return ret;
	} while (rec->type & STREAM_OPTIONAL && !known_type(rec));
	if (rec->type == STREAM_END)
		return check_end(s, rec);
	if (!known_type(rec)) {
		err("the saved guest has records of type %u, which this tarn-vmm does not know",
		    rec->type);
		return -EPROTONOSUPPORT;
	}
	return 1;
}

static u64 body_len(const struct stream_pages *head)
{
	switch (head->kind) {
	case STREAM_PAGES_ZERO:
	case STREAM_PAGES_BALLOON:
		return 0;
	case STREAM_PAGES_PATTERN:
	case STREAM_PAGES_SAME:
		return sizeof(u64);
	case STREAM_PAGES_DATA:
		if (head->count <= STREAM_PAGES_MAX)
			return (u64)head->count << STREAM_PAGE_SHIFT;
		break;
	}
	return UINT64_MAX;
}

/* @body is as long as the kind says. */
static bool kind_fits(const struct stream_record *rec,
		      const struct stream_pages *head, const u8 *body)
{
	u64 source;

	if ((rec->type == STREAM_BALLOON) != (head->kind == STREAM_PAGES_BALLOON))
		return false;
	if (head->kind != STREAM_PAGES_SAME)
		return true;
	memcpy(&source, body, sizeof(source));
	source = le64toh(source);
	return rec->version > 1 && !head->flags && source < head->gpa &&
	       IS_ALIGNED(source, (u64)STREAM_PAGE_SIZE);
}

int stream_pages_get(const struct stream_record *rec,
		     struct stream_pages *head, const u8 **body)
{
	struct stream_pages le;

	if (rec->len < sizeof(le))
		return pages_fail();
	memcpy(&le, rec->data, sizeof(le));
	head->gpa = le64toh(le.gpa);
	head->count = le32toh(le.count);
	head->kind = le16toh(le.kind);
	head->flags = le16toh(le.flags);
	*body = rec->data + sizeof(le);
	if (head->count && !(head->flags & ~STREAM_PAGES_PAGED) &&
	    IS_ALIGNED(head->gpa, (u64)STREAM_PAGE_SIZE) &&
	    body_len(head) == rec->len - sizeof(le) &&
	    kind_fits(rec, head, *body))
		return 0;
	return pages_fail();
}

static bool head_fits(const struct stream_content *head, u32 len)
{
	u32 plain = head->count << STREAM_PAGE_SHIFT;

	if (!head->count || head->count > STREAM_PAGES_MAX || head->zero ||
	    head->pad >= CHANNEL_BLOCK ||
	    !IS_ALIGNED(head->gpa, (u64)STREAM_PAGES_MAX * STREAM_PAGE_SIZE))
		return false;
	if (len != sizeof(*head) + head->count * sizeof(struct stream_entry) +
			   head->pad)
		return false;
	if (head->encoding == STREAM_PLAIN)
		return head->bytes == plain;
	return head->encoding == STREAM_ZSTD && head->bytes &&
	       head->bytes < plain;
}

static bool entry_fits(const struct stream_entry *entry, int before)
{
	return entry->page > before && !(entry->flags & ~STREAM_PAGES_PAGED) &&
	       entry->heat < TARN_ACTIVITY_CLASSES && !entry->zero;
}

int stream_content_get(const struct stream_record *rec,
		       struct stream_content *head,
		       struct stream_entry *entries)
{
	struct stream_content le;
	const u8 *end = rec->data + rec->len, *p;
	int before = -1;
	u32 i;

	if (rec->len < sizeof(le))
		return pages_fail();
	memcpy(&le, rec->data, sizeof(le));
	head->gpa = le64toh(le.gpa);
	head->count = le32toh(le.count);
	head->encoding = le16toh(le.encoding);
	head->zero = le.zero;
	head->bytes = le32toh(le.bytes);
	head->pad = le32toh(le.pad);
	if (!head_fits(head, rec->len))
		return pages_fail();
	memcpy(entries, rec->data + sizeof(le), head->count * sizeof(*entries));
	for (i = 0; i < head->count; i++) {
		if (!entry_fits(&entries[i], before))
			return pages_fail();
		before = entries[i].page;
		entries[i].sum = le32toh(entries[i].sum);
	}
	for (p = end - head->pad; p < end; p++)
		if (*p)
			return pages_fail();
	return 0;
}

int stream_content_read(struct stream *s, void *data)
{
	ssize_t n = channel_read(&s->ch, data, s->content);

	if (n != (ssize_t)s->content)
		return read_fail(n);
	s->content = 0;
	return 0;
}

int stream_content_read_at(struct stream *s, void *data, size_t len, u64 pos)
{
	ssize_t n = channel_read_at(&s->ch, data, len, pos);

	return n == (ssize_t)len ? 0 : read_fail(n);
}
