// SPDX-License-Identifier: GPL-2.0-only
/* Copying out of, into and cutting arrays of struct iovec. */
#include <string.h>

#include "lib/iov.h"

size_t iov_to_buf(const struct iovec *iov, unsigned int nr, size_t off,
		  void *buf, size_t len)
{
	size_t done = 0, part;

	for (; nr && done < len; iov++, nr--) {
		if (off >= iov->iov_len) {
			off -= iov->iov_len;
			continue;
		}
		part = min_t(size_t, len - done, iov->iov_len - off);
		memcpy((u8 *)buf + done, (u8 *)iov->iov_base + off, part);
		done += part;
		off = 0;
	}
	return done;
}

size_t iov_from_buf(const struct iovec *iov, unsigned int nr, size_t off,
		    const void *buf, size_t len)
{
	size_t done = 0, part;

	for (; nr && done < len; iov++, nr--) {
		if (off >= iov->iov_len) {
			off -= iov->iov_len;
			continue;
		}
		part = min_t(size_t, len - done, iov->iov_len - off);
		memcpy((u8 *)iov->iov_base + off, (const u8 *)buf + done, part);
		done += part;
		off = 0;
	}
	return done;
}

size_t iov_skip(struct iovec **iov, unsigned int *nr, size_t len)
{
	size_t done = 0, part;

	while (*nr && done < len) {
		part = min_t(size_t, len - done, (*iov)->iov_len);
		(*iov)->iov_base = (u8 *)(*iov)->iov_base + part;
		(*iov)->iov_len -= part;
		done += part;
		if ((*iov)->iov_len)
			break;
		(*iov)++;
		(*nr)--;
	}
	return done;
}

size_t iov_trim(struct iovec *iov, unsigned int *nr, size_t len)
{
	size_t done = 0, part;

	while (*nr && done < len) {
		struct iovec *last = &iov[*nr - 1];

		part = min_t(size_t, len - done, last->iov_len);
		last->iov_len -= part;
		done += part;
		if (!last->iov_len)
			(*nr)--;
	}
	return done;
}
