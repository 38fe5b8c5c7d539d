/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Saved device state: a stream of sections, each with a name, an instance and
 * a version; within a section every field carries its tag and its length. A
 * reader looks fields up by tag, takes what it knows, may skip what it does not
 * and fails on what it needs and does not find. Structures are never written
 * raw.
 */
#ifndef TARN_STATE_H
#define TARN_STATE_H

#include "lib/types.h"

/** struct state_out - a stream that is being written. */
struct state_out;

/** struct state_in - one section that is being read. */
struct state_in;

/** state_put_u64() - write a field; narrower integers are widened. */
int state_put_u64(struct state_out *out, const char *tag, u64 val);

/** state_put_bytes() - write @len bytes as one field. */
int state_put_bytes(struct state_out *out, const char *tag, const void *buf,
		    u32 len);

/** state_get_u64() - read a field; -ENOENT when absent, -ERANGE above @max. */
int state_get_u64(struct state_in *in, const char *tag, u64 *val, u64 max);

/** state_get_bytes() - read a field of exactly @len bytes, else -EINVAL. */
int state_get_bytes(struct state_in *in, const char *tag, void *buf, u32 len);

#endif
