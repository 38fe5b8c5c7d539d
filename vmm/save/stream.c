// SPDX-License-Identifier: GPL-2.0-only
/* Records to and from a file descriptor; see stream.h. */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zlib.h>

#include "error.h"
#include "save/stream.h"

/* How often somebody who waits looks whether it is still wanted, ms. */
#define LOOK 200

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

static int wait_for(struct stream *s, short events)
{
	struct pollfd pfd = {.fd = s->fd, .events = events};
	int ret;

	do {
		if (s->cancel && READ_ONCE(*s->cancel))
			return -ECANCELED;
		ret = poll(&pfd, 1, LOOK);
	} while (!ret || (ret < 0 && errno == EINTR));
	return ret < 0 ? -errno : 0;
}

static int write_all(struct stream *s, struct iovec *iov, int nr)
{
	ssize_t n;
	int ret;

	while (nr) {
		ret = wait_for(s, POLLOUT);
		if (ret)
			return ret;
		n = writev(s->fd, iov, nr);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		s->bytes += n;
		while (nr && (size_t)n >= iov->iov_len) {
			n -= iov->iov_len;
			iov++;
			nr--;
		}
		if (nr) {
			iov->iov_base = (u8 *)iov->iov_base + n;
			iov->iov_len -= n;
		}
	}
	return 0;
}

/* Return the bytes read, fewer than @len at the end of the file only. */
static ssize_t read_all(struct stream *s, void *buf, size_t len)
{
	size_t done = 0;
	ssize_t n;
	int ret;

	while (done < len) {
		ret = wait_for(s, POLLIN);
		if (ret)
			return ret;
		n = read(s->fd, (u8 *)buf + done, len - done);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (!n)
			break;
		if (n > 0)
			done += n;
	}
	s->bytes += done;
	return done;
}

/* Writing */

int stream_begin(struct stream *s)
{
	struct stream_head head = {
		.version = htole32(STREAM_VERSION),
	};
	struct iovec iov = {&head, sizeof(head)};

	memcpy(head.magic, STREAM_MAGIC, sizeof(head.magic));
	return write_all(s, &iov, 1);
}

static u32 sum_head(const struct record_head *head)
{
	u32 sum = crc32(0, (const void *)&head->type, sizeof(head->type));

	return crc32(sum, (const void *)&head->len, sizeof(head->len));
}

int stream_put(struct stream *s, u32 type, const void *head, u32 head_len,
	       const void *body, u32 body_len)
{
	struct record_head rec = {
		.type = htole32(type),
		.len = htole64((u64)head_len + body_len),
	};
	struct iovec iov[] = {
		{&rec, sizeof(rec)},
		{(void *)head, head_len},
		{(void *)body, body_len},
	};
	u32 sum = sum_head(&rec);

	if ((u64)head_len + body_len > STREAM_MAX)
		return -EMSGSIZE;
	if (head_len)
		sum = crc32(sum, head, head_len);
	if (body_len)
		sum = crc32(sum, body, body_len);
	rec.sum = htole32(sum);
	s->records++;
	return write_all(s, iov, ARRAY_SIZE(iov));
}

int stream_end(struct stream *s)
{
	struct stream_end end = {.records = htole64(s->records)};

	return stream_put(s, STREAM_END, &end, sizeof(end), NULL, 0);
}

int stream_sync(struct stream *s)
{
	struct stat st;
	int ret;

	if (fstat(s->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return 0;
	do {
		ret = fdatasync(s->fd);
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
	ssize_t n = read_all(s, &head, sizeof(head));

	if (n < 0)
		return read_fail(n);
	if (n < (ssize_t)sizeof(head.magic) ||
	    memcmp(head.magic, STREAM_MAGIC, sizeof(head.magic))) {
		err("this is no guest that tarn-vmm has saved");
		return -EINVAL;
	}
	if (n != sizeof(head))
		return read_fail(n);
	if (le32toh(head.version) != STREAM_VERSION || head.zero) {
		err("the guest was saved in version %u of the format, this tarn-vmm knows %u: restore it with the one that saved it",
		    le32toh(head.version), STREAM_VERSION);
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

static int get_one(struct stream *s, struct stream_record *rec)
{
	struct record_head head;
	ssize_t n = read_all(s, &head, sizeof(head));

	if (n != sizeof(head))
		return read_fail(n);
	if (le64toh(head.len) > STREAM_MAX) {
		err("the saved guest is damaged: a record of %llu bytes",
		    (unsigned long long)le64toh(head.len));
		return -EINVAL;
	}
	rec->type = le32toh(head.type);
	rec->len = le64toh(head.len);
	n = read_all(s, rec->data, rec->len);
	if (n != (ssize_t)rec->len)
		return read_fail(n);
	s->records++;
	if (crc32(sum_head(&head), rec->data, rec->len) !=
	    le32toh(head.sum)) {
		err("the saved guest is damaged: record %llu has a wrong checksum",
		    (unsigned long long)s->records);
		return -EINVAL;
	}
	return 0;
}

int stream_get(struct stream *s, struct stream_record *rec)
{
	int ret;

	do {
		ret = get_one(s, rec);
		if (ret)
			return ret;
	} while (rec->type & STREAM_OPTIONAL && rec->type != STREAM_BALLOON);
	if (rec->type == STREAM_END)
		return check_end(s, rec);
	if (rec->type != STREAM_BALLOON &&
	    (rec->type < STREAM_MACHINE || rec->type > STREAM_END)) {
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
		return sizeof(u64);
	case STREAM_PAGES_DATA:
		if (head->count <= STREAM_PAGES_MAX)
			return (u64)head->count << STREAM_PAGE_SHIFT;
		break;
	}
	return UINT64_MAX;
}

int stream_pages_get(const struct stream_record *rec,
		     struct stream_pages *head, const u8 **body)
{
	struct stream_pages le;

	if (rec->len < sizeof(le))
		goto bad;
	memcpy(&le, rec->data, sizeof(le));
	head->gpa = le64toh(le.gpa);
	head->count = le32toh(le.count);
	head->kind = le16toh(le.kind);
	head->flags = le16toh(le.flags);
	*body = rec->data + sizeof(le);
	if ((rec->type == STREAM_BALLOON) == (head->kind == STREAM_PAGES_BALLOON) &&
	    head->count && !(head->flags & ~STREAM_PAGES_PAGED) &&
	    IS_ALIGNED(head->gpa, (u64)STREAM_PAGE_SIZE) &&
	    body_len(head) == rec->len - sizeof(le))
		return 0;
bad:
	err("the saved guest is damaged: a record of pages makes no sense");
	return -EINVAL;
}
