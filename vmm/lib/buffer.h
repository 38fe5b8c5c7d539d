/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes that come in at the end and go out at the front. */
#ifndef TARN_LIB_BUFFER_H
#define TARN_LIB_BUFFER_H

#include "lib/types.h"

/** struct buffer - @len bytes at @data; zeroed when empty. */
struct buffer {
	char *data;
	size_t len;
	/* private: */
	size_t size;
};

/** buffer_add() - append @len bytes; 0 or -ENOMEM, which changes nothing. */
int buffer_add(struct buffer *b, const void *data, size_t len);

/** buffer_drop() - remove @len bytes at the front, which must be there. */
void buffer_drop(struct buffer *b, size_t len);

/** buffer_free() - remove all and give the memory back. */
void buffer_free(struct buffer *b);

#endif
