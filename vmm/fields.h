/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Saved state by tables: which members of a structure are fields, and under
 * which tag. What is written are the members one by one, so a structure may
 * change as it likes while its table keeps the tags.
 */
#ifndef TARN_FIELDS_H
#define TARN_FIELDS_H

#include "state.h"

/**
 * struct field - an unsigned integer, or an array of bytes.
 * @tag: in the saved state
 * @off: in the structure
 * @size: 1, 2, 4 or 8, or any with @bytes
 * @bytes: written as it is
 * @boolean: 0 or 1
 */
struct field {
	const char *tag;
	u16 off;
	u16 size;
	bool bytes;
	bool boolean;
};

#define FIELD_SIZE(type, member) sizeof(((type *)NULL)->member)

#define FIELD(tag_, type, member)                                              \
	{                                                                      \
		.tag = tag_, .off = offsetof(type, member),                    \
		.size = FIELD_SIZE(type, member),                              \
	}
#define FIELD_BOOL(tag_, type, member)                                         \
	{                                                                      \
		.tag = tag_, .off = offsetof(type, member),                    \
		.size = FIELD_SIZE(type, member), .boolean = true,             \
	}
#define FIELD_BYTES(tag_, type, member)                                        \
	{                                                                      \
		.tag = tag_, .off = offsetof(type, member),                    \
		.size = FIELD_SIZE(type, member), .bytes = true,               \
	}

/**
 * fields_put() - write the fields of @obj.
 * @prefix: goes before each tag; "" for none
 */
int fields_put(struct state_out *out, const char *prefix, const void *obj,
	       const struct field *fields, unsigned int nr);

/**
 * fields_get() - read them.
 *
 * Return: 0, or -errno when one is missing or does not fit; @obj is then partly
 * filled.
 */
int fields_get(struct state_in *in, const char *prefix, void *obj,
	       const struct field *fields, unsigned int nr);

#endif
