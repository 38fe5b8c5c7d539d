/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small assembler for ACPI machine language: terms are appended to a buffer,
 * and what has a length is opened and closed. Names are four characters.
 */
#ifndef TARN_AML_H
#define TARN_AML_H

#include "../../lib/types.h"

/**
 * struct aml - code being assembled.
 * @full: something did not fit; the code is then useless
 */
struct aml {
	u8 *buf;
	size_t size;
	size_t len;
	bool full;
};

void aml_byte(struct aml *aml, u8 val);
void aml_word(struct aml *aml, u16 val);
void aml_dword(struct aml *aml, u32 val);
void aml_qword(struct aml *aml, u64 val);

/** aml_int() - an integer constant in its shortest form. */
void aml_int(struct aml *aml, u64 val);
void aml_string(struct aml *aml, const char *str);

/** aml_path() - a name: "PCI0", or "\\_SB_" from the root. */
void aml_path(struct aml *aml, const char *path);

/** aml_eisaid() - a compressed id such as "PNP0A03" as an integer. */
void aml_eisaid(struct aml *aml, const char *id);

/** aml_name() - Name(@name, what is appended next). */
void aml_name(struct aml *aml, const char *name);

/* Each returns a mark for aml_end(). */
size_t aml_scope(struct aml *aml, const char *path);
size_t aml_device(struct aml *aml, const char *name);
size_t aml_package(struct aml *aml, u8 elements);

/* Code: what is between begin and aml_end() belongs to the block. */
size_t aml_method(struct aml *aml, const char *name, u8 args);
size_t aml_if_and(struct aml *aml, u8 local, u32 bits);

/** aml_io_fields() - name 32-bit registers one behind the other from @port. */
void aml_io_fields(struct aml *aml, const char *region, u16 port,
		   const char *const *names, unsigned int nr);

/** aml_store_local() - Local@local = the field @name. */
void aml_store_local(struct aml *aml, const char *name, u8 local);

/** aml_store_field() - the field @name = @val. */
void aml_store_field(struct aml *aml, const char *name, u64 val);

/** aml_notify() - Notify(@path, @val). */
void aml_notify(struct aml *aml, const char *path, u8 val);

/** aml_resources() - a buffer of resource descriptors. */
size_t aml_resources(struct aml *aml);
void aml_resources_end(struct aml *aml, size_t mark);
void aml_end(struct aml *aml, size_t mark);

/* Resource descriptors */
void aml_res_io(struct aml *aml, u16 base, u8 len);
void aml_res_irq(struct aml *aml, unsigned int irq);
void aml_res_bus(struct aml *aml, u16 first, u16 last);
void aml_res_io_window(struct aml *aml, u16 first, u16 last);
void aml_res_mem_window(struct aml *aml, u32 first, u32 last);

#endif
