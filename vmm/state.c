// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stream of saved state. A section is its name, version and length, then
 * fields; a field is its tag, its length and its bytes. Integers are little
 * endian. A reader trusts none of the lengths.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

struct state_out {
	u8 *buf;
	size_t len;
	size_t size;
	size_t section; /* offset of the open section's header */
	bool open;
};

struct section_header {
	char name[STATE_NAME_MAX];
	u32 version;
	u32 len; /* of the fields */
} __attribute__((packed));

struct field_header {
	u8 tag_len;
	u32 len;
} __attribute__((packed));

struct state_out *state_out_create(void)
{
	return calloc(1, sizeof(struct state_out));
}

void state_out_destroy(struct state_out *out)
{
	if (!out)
		return;
	free(out->buf);
	free(out);
}

const void *state_out_data(const struct state_out *out, size_t *len)
{
	*len = out->len;
	return out->buf;
}

static void *append(struct state_out *out, size_t len)
{
	size_t size = out->size ?: 4096;
	u8 *buf, *p;

	while (size - out->len < len)
		size *= 2;
	if (size != out->size) {
		buf = realloc(out->buf, size);
		if (!buf)
			return NULL;
		out->buf = buf;
		out->size = size;
	}
	p = out->buf + out->len;
	out->len += len;
	return p;
}

int state_section(struct state_out *out, const char *name, u32 version)
{
	struct section_header *head;

	if (strlen(name) >= STATE_NAME_MAX)
		return -ENAMETOOLONG;
	out->section = out->len;
	head = append(out, sizeof(*head));
	if (!head)
		return -ENOMEM;
	memset(head, 0, sizeof(*head));
	strcpy(head->name, name);
	head->version = htole32(version);
	out->open = true;
	return 0;
}

int state_put_bytes(struct state_out *out, const char *tag, const void *buf,
		    u32 len)
{
	size_t tag_len = strlen(tag);
	struct field_header field = {.tag_len = tag_len, .len = htole32(len)};
	struct section_header *head;
	u8 *p;

	if (!out->open || !tag_len || tag_len > 255)
		return -EINVAL;
	p = append(out, sizeof(field) + tag_len + len);
	if (!p)
		return -ENOMEM;
	memcpy(p, &field, sizeof(field));
	memcpy(p + sizeof(field), tag, tag_len);
	memcpy(p + sizeof(field) + tag_len, buf, len);
	head = (void *)(out->buf + out->section);
	head->len = htole32(out->len - out->section - sizeof(*head));
	return 0;
}

int state_put_u64(struct state_out *out, const char *tag, u64 val)
{
	u64 le = htole64(val);

	return state_put_bytes(out, tag, &le, sizeof(le));
}

int state_next(const void *data, size_t len, size_t *off, struct state_in *in)
{
	struct section_header head;
	const u8 *p = data;

	if (*off == len)
		return 0;
	if (*off > len || len - *off < sizeof(head))
		return -EINVAL;
	memcpy(&head, p + *off, sizeof(head));
	*off += sizeof(head);
	if (le32toh(head.len) > len - *off || head.name[STATE_NAME_MAX - 1])
		return -EINVAL;
	memcpy(in->name, head.name, sizeof(in->name));
	in->version = le32toh(head.version);
	in->fields = p + *off;
	in->len = le32toh(head.len);
	*off += in->len;
	return 1;
}

int state_field_next(const struct state_in *in, size_t *off,
		     struct state_field *field)
{
	struct field_header head;
	size_t rest = in->len - *off;
	const u8 *p = in->fields + *off;

	if (!rest)
		return 0;
	if (rest < sizeof(head))
		return -EINVAL;
	memcpy(&head, p, sizeof(head));
	rest -= sizeof(head);
	p += sizeof(head);
	field->tag = (const char *)p;
	field->tag_len = head.tag_len;
	field->data = p + head.tag_len;
	field->len = le32toh(head.len);
	if (rest < head.tag_len || rest - head.tag_len < field->len)
		return -EINVAL;
	*off += sizeof(head) + head.tag_len + field->len;
	return 1;
}

/* The bytes of field @tag, or NULL with -ENOENT or -EINVAL in *ret. */
static const u8 *find(struct state_in *in, const char *tag, u32 *len, int *ret)
{
	size_t off = 0, tag_len = strlen(tag);
	struct state_field field;

	while ((*ret = state_field_next(in, &off, &field)) > 0) {
		if (field.tag_len == tag_len &&
		    !memcmp(field.tag, tag, tag_len)) {
			*len = field.len;
			return field.data;
		}
	}
	if (!*ret)
		*ret = -ENOENT;
	return NULL;
}

int state_get_u64(struct state_in *in, const char *tag, u64 *val, u64 max)
{
	const u8 *p;
	u64 le;
	u32 len;
	int ret;

	p = find(in, tag, &len, &ret);
	if (!p)
		return ret;
	if (len != sizeof(le))
		return -EINVAL;
	memcpy(&le, p, sizeof(le));
	if (le64toh(le) > max)
		return -ERANGE;
	*val = le64toh(le);
	return 0;
}

int state_get_bytes(struct state_in *in, const char *tag, void *buf, u32 len)
{
	const u8 *p;
	u32 have;
	int ret;

	p = find(in, tag, &have, &ret);
	if (!p)
		return ret;
	if (have != len)
		return -EINVAL;
	memcpy(buf, p, len);
	return 0;
}

int state_get_var(struct state_in *in, const char *tag, void *buf, u32 max,
		  u32 *len)
{
	const u8 *p;
	u32 have;
	int ret;

	p = find(in, tag, &have, &ret);
	if (!p)
		return ret;
	if (have > max)
		return -ERANGE;
	memcpy(buf, p, have);
	*len = have;
	return 0;
}
