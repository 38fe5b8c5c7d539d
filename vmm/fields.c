// SPDX-License-Identifier: GPL-2.0-only
/* Saved state by tables; see fields.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "fields.h"

static int make_tag(char *tag, size_t size, const char *prefix,
		    const struct field *f)
{
	return (size_t)snprintf(tag, size, "%s%s", prefix, f->tag) < size
		       ? 0
		       : -ENAMETOOLONG;
}

static u64 load(const void *p, u16 size)
{
	u64 val = 0;

	memcpy(&val, p, size);
	return le64toh(val);
}

int fields_put(struct state_out *out, const char *prefix, const void *obj,
	       const struct field *fields, unsigned int nr)
{
	unsigned int i;
	char tag[64];
	int ret = 0;

	for (i = 0; i < nr && !ret; i++) {
		const struct field *f = &fields[i];
		const u8 *p = (const u8 *)obj + f->off;

		ret = make_tag(tag, sizeof(tag), prefix, f);
		if (ret)
			break;
		ret = f->bytes ? state_put_bytes(out, tag, p, f->size)
			       : state_put_u64(out, tag, load(p, f->size));
	}
	return ret;
}

static int get_one(struct state_in *in, const char *tag, u8 *p,
		   const struct field *f)
{
	u64 val, max = f->size == 8 ? UINT64_MAX : (1ULL << f->size * 8) - 1;
	int ret;

	if (f->bytes)
		return state_get_bytes(in, tag, p, f->size);
	ret = state_get_u64(in, tag, &val, f->boolean ? 1 : max);
	if (ret)
		return ret;
	val = htole64(val);
	memcpy(p, &val, f->size);
	return 0;
}

int fields_get(struct state_in *in, const char *prefix, void *obj,
	       const struct field *fields, unsigned int nr)
{
	unsigned int i;
	char tag[64];
	int ret = 0;

	for (i = 0; i < nr && !ret; i++) {
		ret = make_tag(tag, sizeof(tag), prefix, &fields[i]);
		if (!ret)
			ret = get_one(in, tag, (u8 *)obj + fields[i].off,
				      &fields[i]);
		if (ret)
			err_errno(ret, "saved state of '%s': field '%s'",
				  in->name, tag);
	}
	return ret;
}
