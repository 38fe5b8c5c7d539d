// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "aml.h"

#define OP_NAME 0x08
#define OP_BYTE 0x0a
#define OP_WORD 0x0b
#define OP_DWORD 0x0c
#define OP_STRING 0x0d
#define OP_QWORD 0x0e
#define OP_SCOPE 0x10
#define OP_BUFFER 0x11
#define OP_PACKAGE 0x12
#define OP_METHOD 0x14
#define OP_EXT 0x5b
#define OP_EXT_REGION 0x80
#define OP_EXT_FIELD 0x81
#define OP_EXT_DEVICE 0x82
#define OP_LOCAL0 0x60
#define OP_STORE 0x70
#define OP_AND 0x7b
#define OP_NOTIFY 0x86
#define OP_IF 0xa0

#define REGION_IO 1
#define FIELD_DWORD 3 /* accessed by double words, without a lock */

/* A package length is always written in this many bytes. */
#define PKG_LEN 3
#define PKG_MAX 0xfffffU

#define RES_IRQ 0x22
#define RES_IO 0x47
#define RES_END 0x79
#define RES_DWORD 0x87
#define RES_WORD 0x88

#define RES_TYPE_MEM 0
#define RES_TYPE_IO 1
#define RES_TYPE_BUS 2
#define RES_FIXED_PRODUCER 0x0c /* both ends fixed, a bridge's window */
#define RES_MEM_RW 0x01
#define RES_IO_ENTIRE 0x03

void aml_byte(struct aml *aml, u8 val)
{
	if (aml->len == aml->size)
		aml->full = true;
	else
		aml->buf[aml->len++] = val;
}

void aml_word(struct aml *aml, u16 val)
{
	aml_byte(aml, val);
	aml_byte(aml, val >> 8);
}

void aml_dword(struct aml *aml, u32 val)
{
	aml_word(aml, val);
	aml_word(aml, val >> 16);
}

void aml_qword(struct aml *aml, u64 val)
{
	aml_dword(aml, val);
	aml_dword(aml, val >> 32);
}

void aml_int(struct aml *aml, u64 val)
{
	if (val <= 1) {
		aml_byte(aml, val); /* ZeroOp, OneOp */
	} else if (val <= 0xff) {
		aml_byte(aml, OP_BYTE);
		aml_byte(aml, val);
	} else if (val <= 0xffff) {
		aml_byte(aml, OP_WORD);
		aml_word(aml, val);
	} else if (val <= 0xffffffff) {
		aml_byte(aml, OP_DWORD);
		aml_dword(aml, val);
	} else {
		aml_byte(aml, OP_QWORD);
		aml_qword(aml, val);
	}
}

void aml_string(struct aml *aml, const char *str)
{
	aml_byte(aml, OP_STRING);
	do {
		aml_byte(aml, *str);
	} while (*str++);
}

void aml_path(struct aml *aml, const char *path)
{
	while (*path)
		aml_byte(aml, *path++);
}

void aml_eisaid(struct aml *aml, const char *id)
{
	unsigned long num = strtoul(id + 3, NULL, 16);
	u16 letters = (id[0] - '@') << 10 | (id[1] - '@') << 5 | (id[2] - '@');

	aml_byte(aml, OP_DWORD);
	aml_byte(aml, letters >> 8);
	aml_byte(aml, letters);
	aml_byte(aml, num >> 8);
	aml_byte(aml, num);
}

void aml_name(struct aml *aml, const char *name)
{
	aml_byte(aml, OP_NAME);
	aml_path(aml, name);
}

static size_t begin(struct aml *aml)
{
	size_t mark = aml->len;
	unsigned int i;

	for (i = 0; i < PKG_LEN; i++)
		aml_byte(aml, 0);
	return mark;
}

/* The length counts its own bytes and all that follows. */
void aml_end(struct aml *aml, size_t mark)
{
	size_t len = aml->len - mark;

	if (aml->full || len > PKG_MAX) {
		aml->full = true;
		return;
	}
	aml->buf[mark] = (PKG_LEN - 1) << 6 | (len & 0x0f);
	aml->buf[mark + 1] = len >> 4;
	aml->buf[mark + 2] = len >> 12;
}

size_t aml_scope(struct aml *aml, const char *path)
{
	size_t mark;

	aml_byte(aml, OP_SCOPE);
	mark = begin(aml);
	aml_path(aml, path);
	return mark;
}

size_t aml_device(struct aml *aml, const char *name)
{
	size_t mark;

	aml_byte(aml, OP_EXT);
	aml_byte(aml, OP_EXT_DEVICE);
	mark = begin(aml);
	aml_path(aml, name);
	return mark;
}

size_t aml_package(struct aml *aml, u8 elements)
{
	size_t mark;

	aml_byte(aml, OP_PACKAGE);
	mark = begin(aml);
	aml_byte(aml, elements);
	return mark;
}

size_t aml_method(struct aml *aml, const char *name, u8 args)
{
	size_t mark;

	aml_byte(aml, OP_METHOD);
	mark = begin(aml);
	aml_path(aml, name);
	aml_byte(aml, args);
	return mark;
}

size_t aml_if_and(struct aml *aml, u8 local, u32 bits)
{
	size_t mark;

	aml_byte(aml, OP_IF);
	mark = begin(aml);
	aml_byte(aml, OP_AND);
	aml_byte(aml, OP_LOCAL0 + local);
	aml_int(aml, bits);
	aml_byte(aml, 0); /* the result is not kept */
	return mark;
}

void aml_io_fields(struct aml *aml, const char *region, u16 port,
		   const char *const *names, unsigned int nr)
{
	size_t mark;
	unsigned int i;

	aml_byte(aml, OP_EXT);
	aml_byte(aml, OP_EXT_REGION);
	aml_path(aml, region);
	aml_byte(aml, REGION_IO);
	aml_int(aml, port);
	aml_int(aml, nr * 4);

	aml_byte(aml, OP_EXT);
	aml_byte(aml, OP_EXT_FIELD);
	mark = begin(aml);
	aml_path(aml, region);
	aml_byte(aml, FIELD_DWORD);
	for (i = 0; i < nr; i++) {
		aml_path(aml, names[i]);
		aml_byte(aml, 32); /* bits */
	}
	aml_end(aml, mark);
}

void aml_store_local(struct aml *aml, const char *name, u8 local)
{
	aml_byte(aml, OP_STORE);
	aml_path(aml, name);
	aml_byte(aml, OP_LOCAL0 + local);
}

void aml_store_field(struct aml *aml, const char *name, u64 val)
{
	aml_byte(aml, OP_STORE);
	aml_int(aml, val);
	aml_path(aml, name);
}

void aml_notify(struct aml *aml, const char *path, u8 val)
{
	aml_byte(aml, OP_NOTIFY);
	aml_path(aml, path);
	aml_int(aml, val);
}

/* Buffer(size) { descriptors, end tag }; the size is filled in at the end. */
size_t aml_resources(struct aml *aml)
{
	size_t mark;

	aml_byte(aml, OP_BUFFER);
	mark = begin(aml);
	aml_byte(aml, OP_WORD);
	aml_word(aml, 0);
	return mark;
}

void aml_resources_end(struct aml *aml, size_t mark)
{
	size_t start = mark + PKG_LEN + 3, len;

	aml_byte(aml, RES_END);
	aml_byte(aml, 0); /* a checksum that is not used */
	if (aml->full)
		return;
	len = aml->len - start;
	aml->buf[start - 2] = len;
	aml->buf[start - 1] = len >> 8;
	aml_end(aml, mark);
}

void aml_res_io(struct aml *aml, u16 base, u8 len)
{
	aml_byte(aml, RES_IO);
	aml_byte(aml, 1); /* decodes 16 bits */
	aml_word(aml, base);
	aml_word(aml, base);
	aml_byte(aml, 1);
	aml_byte(aml, len);
}

void aml_res_irq(struct aml *aml, unsigned int irq)
{
	aml_byte(aml, RES_IRQ);
	aml_word(aml, 1U << irq);
}

static void word_window(struct aml *aml, u8 type, u8 flags, u16 first, u16 last)
{
	aml_byte(aml, RES_WORD);
	aml_word(aml, 13);
	aml_byte(aml, type);
	aml_byte(aml, RES_FIXED_PRODUCER);
	aml_byte(aml, flags);
	aml_word(aml, 0); /* granularity */
	aml_word(aml, first);
	aml_word(aml, last);
	aml_word(aml, 0); /* translation */
	aml_word(aml, last - first + 1);
}

void aml_res_bus(struct aml *aml, u16 first, u16 last)
{
	word_window(aml, RES_TYPE_BUS, 0, first, last);
}

void aml_res_io_window(struct aml *aml, u16 first, u16 last)
{
	word_window(aml, RES_TYPE_IO, RES_IO_ENTIRE, first, last);
}

void aml_res_mem_window(struct aml *aml, u32 first, u32 last)
{
	aml_byte(aml, RES_DWORD);
	aml_word(aml, 23);
	aml_byte(aml, RES_TYPE_MEM);
	aml_byte(aml, RES_FIXED_PRODUCER);
	aml_byte(aml, RES_MEM_RW);
	aml_dword(aml, 0);
	aml_dword(aml, first);
	aml_dword(aml, last);
	aml_dword(aml, 0);
	aml_dword(aml, last - first + 1);
}
