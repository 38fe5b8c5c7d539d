/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arrays of struct iovec as one run of bytes. A guest decides how a request is
 * cut into buffers, so headers and payload are found by offset, never by the
 * index of an element. All functions stop at the end of what there is.
 */
#ifndef TARN_LIB_IOV_H
#define TARN_LIB_IOV_H

#include <sys/uio.h>

#include "lib/types.h"

/** iov_to_buf() - copy @len bytes at @off out; returns the number copied. */
size_t iov_to_buf(const struct iovec *iov, unsigned int nr, size_t off,
		  void *buf, size_t len);

/** iov_from_buf() - copy @len bytes in at @off; returns the number copied. */
size_t iov_from_buf(const struct iovec *iov, unsigned int nr, size_t off,
		    const void *buf, size_t len);

/** iov_skip() - drop @len bytes at the front, in place; returns what was there.
 */
size_t iov_skip(struct iovec **iov, unsigned int *nr, size_t len);

/** iov_trim() - drop @len bytes at the end, in place; returns what was there. */
size_t iov_trim(struct iovec *iov, unsigned int *nr, size_t len);

#endif
