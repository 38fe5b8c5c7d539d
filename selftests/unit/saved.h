/* SPDX-License-Identifier: GPL-2.0-only */
/* Streams in memory for tests of saved guests: made, damaged, read. */
#ifndef TARN_UNIT_SAVED_H
#define TARN_UNIT_SAVED_H

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "save/stream.h"

/** struct bytes - a stream as it lies in a file. */
struct bytes {
	u8 *data;
	size_t len;
};

static inline struct bytes bytes_of(int fd)
{
	struct bytes b = {.len = lseek(fd, 0, SEEK_END)};

	b.data = malloc(b.len ? b.len : 1);
	if (!b.data || pread(fd, b.data, b.len, 0) != (ssize_t)b.len)
		abort();
	return b;
}

/** A file that holds @len bytes of @data, to be read from its start. */
static inline int file_of(const void *data, size_t len)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len ||
	    lseek(fd, 0, SEEK_SET))
		abort();
	return fd;
}

#endif
