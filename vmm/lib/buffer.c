// SPDX-License-Identifier: GPL-2.0-only
/* Bytes that come in at the end and go out at the front. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buffer.h"

#define FIRST_SIZE 4096

int buffer_add(struct buffer *b, const void *data, size_t len)
{
	size_t size = b->size;
	char *p;

	if (!len)
		return 0;
	while (size < b->len + len)
		size = size ? size * 2 : FIRST_SIZE;
	if (size != b->size) {
		p = realloc(b->data, size);
		if (!p)
			return -ENOMEM;
		b->data = p;
		b->size = size;
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return 0;
}

void buffer_drop(struct buffer *b, size_t len)
{
	b->len -= len;
	if (b->len)
		memmove(b->data, b->data + len, b->len);
}

void buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){0};
}
