// SPDX-License-Identifier: GPL-2.0-only
/* See content.h. */
#include "content.h"
#include "log.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Where data without a signature is looked for, at both ends. */
#define CONTENT_EDGE (1ULL << 20)

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
static bool is_of_page(blkid_probe probe, const struct content_area *pages)
{
	const char *text = value_of(probe, "SBMAGIC_OFFSET");
	u64 at;

	if (!text)
		text = value_of(probe, "PTMAGIC_OFFSET");
	if (!pages || !text)
		return false;
	at = strtoull(text, NULL, 10);
	return at >= pages->from && at < pages->end;
}

/* Returns 1 where there is a signature, 0 where there is none, or -errno. */
static int find_signature(blkid_probe probe, const struct content_area *pages,
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
		if (!is_of_page(probe, pages))
			return 1;
		log_warn("what looks like %s is a page of a guest", text);
	} while (1);
}

static bool is_zero(const u8 *data, size_t len)
{
	while (len)
		if (data[--len])
			return false;
	return true;
}

/* As find_signature(), for anything in [from, end), which is CONTENT_EDGE at most. */
static int find_data(int fd, u64 from, u64 end, char *text)
{
	u8 *data = malloc(CONTENT_EDGE);
	ssize_t n = 0;
	int ret = 0;

	if (!data)
		return -ENOMEM;
	for (; !ret && from < end; from += n) {
		n = pread(fd, data, end - from, from);
		if (n <= 0)
			ret = n ? -errno : -EIO;
		else
			ret = !is_zero(data, n);
	}
	free(data);
	if (ret == 1)
		snprintf(text, CONTENT_TEXT, "data without a known signature");
	return ret;
}

static int find_any(int fd, const struct content_area *pages, char *text)
{
	blkid_probe probe = blkid_new_probe();
	u64 bytes;
	int ret;

	if (!probe)
		return -ENOMEM;
	errno = 0;
	if (blkid_probe_set_device(probe, fd, 0, 0)) {
		ret = errno ? -errno : -EIO;
		goto out;
	}
	ret = find_signature(probe, pages, text);
	bytes = blkid_probe_get_size(probe);
	if (!ret && !pages)
		ret = find_data(fd, 0, min_t(u64, bytes, CONTENT_EDGE), text);
	if (!ret && !pages && bytes > CONTENT_EDGE)
		ret = find_data(fd, bytes - CONTENT_EDGE, bytes, text);
out:
	blkid_free_probe(probe);
	return ret;
}

/**
 * content_find() - see what an open file or block device holds
 * @pages: where pages of guests lie, whose content means nothing; NULL: nowhere, and
 *	any byte but zero in the first and the last MiB counts, too
 * @text: CONTENT_TEXT bytes for its name
 *
 * The library reads to where it likes, so direct I/O is off meanwhile: nothing
 * else uses @fd.
 *
 * Return: 1: something that its owner could miss; 0: nothing; -errno.
 */
int content_find(int fd, const struct content_area *pages, char *text)
{
	int flags = fcntl(fd, F_GETFL);
	int ret;

	if (flags < 0)
		return -errno;
	if (flags & O_DIRECT && fcntl(fd, F_SETFL, flags & ~O_DIRECT))
		return -errno;
	ret = find_any(fd, pages, text);
	if (flags & O_DIRECT && fcntl(fd, F_SETFL, flags))
		return -errno;
	return ret;
}
