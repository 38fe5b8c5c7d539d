// SPDX-License-Identifier: GPL-2.0-only
/* See content.h. */
#include "content.h"
#include "log.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where data without a signature is looked for: all of both ends, */
#define CONTENT_EDGE (1ULL << 20)
/* so many pages in between, in even distances, */
#define CONTENT_SAMPLES 1024
/*
 * and so much of what was written to a file, in reads of CONTENT_EDGE at most. A pager that
 * is asked to add a device has 30 s to answer.
 */
#define CONTENT_READS 512

static const char *value_of(blkid_probe probe, const char *name)
{
	const char *value;

	return blkid_probe_lookup_value(probe, name, &value, NULL) ? NULL :
								      value;
}

/* "a signature of btrfs (filesystem 'backup')", "a partition table (dos)" */
static void name_signature(blkid_probe probe, char *text)
{
	const char *type = value_of(probe, "TYPE");
	const char *usage = value_of(probe, "USAGE");
	const char *label = value_of(probe, "LABEL");
	const char *table = value_of(probe, "PTTYPE");

	if (type)
		snprintf(text, CONTENT_TEXT, "a signature of %s (%s%s%.48s%s)",
			 type, usage ? usage : "other", label ? " '" : "",
			 label ? label : "", label ? "'" : "");
	else
		snprintf(text, CONTENT_TEXT, "a partition table (%s)",
			 table ? table : "of some kind");
}

/* Whether a guest may have written what was found: not where nothing tells. */
static bool is_of_page(blkid_probe probe, const struct content_area *known)
{
	const char *text = value_of(probe, "SBMAGIC_OFFSET");
	u64 at;

	if (!text)
		text = value_of(probe, "PTMAGIC_OFFSET");
	if (!text)
		return false;
	at = strtoull(text, NULL, 10);
	return at >= known->from && at < known->end;
}

/* Returns 1 where there is a signature, 0 where there is none, or -errno. */
static int find_signature(blkid_probe probe, const struct content_area *known,
			  char *text)
{
	int ret;

	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(
		probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE |
			       BLKID_SUBLKS_LABEL | BLKID_SUBLKS_MAGIC);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_MAGIC);
	do {
		errno = 0;
		ret = blkid_do_probe(probe);
		if (ret < 0)
			return errno ? -errno : -EIO;
		if (ret)
			return 0;
		name_signature(probe, text);
		if (!is_of_page(probe, known))
			return 1;
		log_warn("what looks like %s is a page of a guest", text);
		*text = '\0';
	} while (1);
}

/**
 * struct search - for any byte but zero
 * @fd: where
 * @known: where a byte means nothing
 * @text: what was found, or could not be read
 * @data: CONTENT_EDGE bytes
 */
struct search {
	int fd;
	const struct content_area *known;
	char *text;
	u8 *data;
};

/* At which byte there is the first one that is not zero; @len: at none. */
static size_t find_byte(const u8 *data, size_t len)
{
	size_t i = 0;

	if (!data[0] && !memcmp(data, data + 1, len - 1))
		return len;
	while (!data[i])
		i++;
	return i;
}

/* Of what was read from @from on, what is known counts as zero. */
static void forget_known(const struct search *s, u64 from, size_t len)
{
	u64 begin = from > s->known->from ? from : s->known->from;
	u64 end = min_t(u64, from + len, s->known->end);

	if (begin < end)
		memset(s->data + (begin - from), 0, end - begin);
}

static int fail_read(const struct search *s, u64 at, int error)
{
	snprintf(s->text, CONTENT_TEXT, "what can't be read at byte %llu (%s)",
		 (unsigned long long)at, strerror(error));
	return -error;
}

/* As find_signature(), for anything in [from, end), which is CONTENT_EDGE at most. */
static int find_data(const struct search *s, u64 from, u64 end)
{
	ssize_t n, at;

	for (; from < end; from += n) {
		n = pread(s->fd, s->data, end - from, from);
		if (n <= 0)
			return fail_read(s, from, n ? errno : EIO);
		forget_known(s, from, n);
		at = find_byte(s->data, n);
		if (at == n)
			continue;
		snprintf(s->text, CONTENT_TEXT,
			 "data without a known signature at byte %llu",
			 (unsigned long long)(from + at));
		return 1;
	}
	return 0;
}

/* The first page is one, as that is where partitions begin. */
static u64 sample_at(u64 from, u64 pages, unsigned int i, unsigned int nr)
{
	return from + (i * pages / nr << PAGER_PAGE_SHIFT);
}

/*
 * A disk is too large to be read. It is asked for all samples at once, and has them
 * in an order of its own: 10 ms for each, which is a slow one, are 10 s.
 */
static int find_samples(const struct search *s, u64 from, u64 end)
{
	u64 pages = (end - from + PAGER_PAGE_SIZE - 1) >> PAGER_PAGE_SHIFT;
	unsigned int i, nr = min_t(u64, pages, CONTENT_SAMPLES);
	int ret = 0;
	u64 at;

	for (i = 0; i < nr; i++)
		posix_fadvise(s->fd, sample_at(from, pages, i, nr), PAGER_PAGE_SIZE,
			      POSIX_FADV_WILLNEED);
	for (i = 0; i < nr && !ret; i++) {
		at = sample_at(from, pages, i, nr);
		ret = find_data(s, at, at + PAGER_PAGE_SIZE);
	}
	return ret;
}

/*
 * A file's filesystem knows where something was written. A slow disk takes 20 ms for a
 * read of CONTENT_EDGE, so all of them are 10 s; of what was not read by then there are
 * samples.
 */
static int find_written(const struct search *s, u64 from, u64 end)
{
	unsigned int reads = CONTENT_READS;
	off_t at, hole;
	int ret = 0;

	while (!ret && from < end && reads--) {
		at = lseek(s->fd, from, SEEK_DATA);
		/* Nothing more, or it does not know. */
		if (at < 0)
			return 0;
		hole = lseek(s->fd, at, SEEK_HOLE);
		if (hole < 0)
			return 0;
		from = min_t(u64, min_t(u64, hole, end), at + CONTENT_EDGE);
		ret = find_data(s, at, from);
	}
	return ret;
}

static int find_between(const struct search *s, u64 from, u64 end)
{
	struct stat st;
	int ret = find_samples(s, from, end);

	if (ret || fstat(s->fd, &st) || !S_ISREG(st.st_mode))
		return ret;
	return find_written(s, from, end);
}

static int find_anywhere(const struct search *s, u64 bytes)
{
	int ret = find_data(s, 0, min_t(u64, bytes, CONTENT_EDGE));

	if (!ret && bytes > CONTENT_EDGE)
		ret = find_data(s, bytes - CONTENT_EDGE, bytes);
	if (!ret && bytes > 2 * CONTENT_EDGE)
		ret = find_between(s, CONTENT_EDGE, bytes - CONTENT_EDGE);
	return ret;
}

static int find_unsigned(int fd, const struct content_area *known, u64 bytes, char *text)
{
	struct search search = {
		.fd = fd,
		.known = known,
		.text = text,
		.data = malloc(CONTENT_EDGE),
	};
	int ret = search.data ? find_anywhere(&search, bytes) : -ENOMEM;

	free(search.data);
	return ret;
}

static int find_any(int fd, const struct content_area *known, bool any, char *text)
{
	blkid_probe probe = blkid_new_probe();
	int ret;

	if (!probe)
		return -ENOMEM;
	errno = 0;
	if (blkid_probe_set_device(probe, fd, 0, 0))
		ret = errno ? -errno : -EIO;
	else
		ret = find_signature(probe, known, text);
	if (!ret && any)
		ret = find_unsigned(fd, known, blkid_probe_get_size(probe), text);
	blkid_free_probe(probe);
	return ret;
}

/**
 * content_find() - see what an open file or block device holds
 * @known: where there is what pagers wrote, whose content means nothing
 * @any: elsewhere any byte but zero counts, too, as far as one is found in samples and
 *	in what was written to a file: 20 s at most with a slow disk
 * @text: CONTENT_TEXT bytes for its name, or for where it can't be read; else empty
 *
 * The library reads to where it likes, so direct I/O is off meanwhile: nothing
 * else uses @fd.
 *
 * Return: 1: something that its owner could miss; 0: nothing; -errno.
 */
int content_find(int fd, const struct content_area *known, bool any, char *text)
{
	int flags = fcntl(fd, F_GETFL);
	int ret;

	*text = '\0';
	if (flags < 0)
		return -errno;
	if (flags & O_DIRECT && fcntl(fd, F_SETFL, flags & ~O_DIRECT))
		return -errno;
	ret = find_any(fd, known, any, text);
	/* It may be written past the page cache from now on. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (flags & O_DIRECT && fcntl(fd, F_SETFL, flags))
		return -errno;
	return ret;
}
