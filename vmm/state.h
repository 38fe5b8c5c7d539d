/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Saved device state: a stream of sections, each with a name and a version;
 * within a section every field carries its tag and its length. A reader looks
 * fields up by tag, takes what it knows, may skip what it does not and fails on
 * what it needs and does not find. Structures are never written raw.
 */
#ifndef TARN_STATE_H
#define TARN_STATE_H

#include "lib/types.h"

#define STATE_NAME_MAX 64

/** struct state_out - a stream that is being written. */
struct state_out;

/** struct state_in - one section that is being read. */
struct state_in {
	char name[STATE_NAME_MAX];
	u32 version;
	/* private: */
	const u8 *fields;
	size_t len;
};

/** state_out_create() - an empty stream, or NULL. */
struct state_out *state_out_create(void);
void state_out_destroy(struct state_out *out);

/** state_out_data() - what was written so far; the stream keeps it. */
const void *state_out_data(const struct state_out *out, size_t *len);

/** state_section() - begin a section, which ends the one before. */
int state_section(struct state_out *out, const char *name, u32 version);

/**
 * state_next() - read the section at @off of a stream.
 * @off: moved behind it
 *
 * Return: 1, 0 at the end, -EINVAL when the stream is malformed.
 */
int state_next(const void *data, size_t len, size_t *off, struct state_in *in);

/** state_put_u64() - write a field; narrower integers are widened. */
int state_put_u64(struct state_out *out, const char *tag, u64 val);

/** state_put_bytes() - write @len bytes as one field. */
int state_put_bytes(struct state_out *out, const char *tag, const void *buf,
		    u32 len);

/** state_get_u64() - read a field; -ENOENT when absent, -ERANGE above @max. */
int state_get_u64(struct state_in *in, const char *tag, u64 *val, u64 max);

/** state_get_bytes() - read a field of exactly @len bytes, else -EINVAL. */
int state_get_bytes(struct state_in *in, const char *tag, void *buf, u32 len);

/**
 * state_get_var() - read a field of at most @max bytes.
 * @len: how many it has
 *
 * Return: 0, -ENOENT when absent, -ERANGE when it is longer.
 */
int state_get_var(struct state_in *in, const char *tag, void *buf, u32 max,
		  u32 *len);

/** struct state_field - a field as it lies in a section. */
struct state_field {
	const char *tag; /* not terminated */
	u8 tag_len;
	const u8 *data;
	u32 len;
};

/**
 * state_field_next() - the field at @off of a section, for who shows them all.
 * @off: 0 at first; moved behind it
 *
 * Return: 1, 0 at the end, -EINVAL when the section is malformed.
 */
int state_field_next(const struct state_in *in, size_t *off,
		     struct state_field *field);

#endif
