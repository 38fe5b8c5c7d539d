/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firmware configuration device of QEMU's machines: numbered entries and named
 * files that firmware reads through two ports. They are only read here: there is no
 * DMA, and nothing that the guest writes is kept but which entry it reads.
 */
#ifndef TARN_FWCFG_H
#define TARN_FWCFG_H

#include "../../lib/types.h"

struct fwcfg;
struct vm;

/* Entries by number. */
#define FWCFG_SIGNATURE 0x00
#define FWCFG_ID 0x01
#define FWCFG_UUID 0x02
#define FWCFG_NOGRAPHIC 0x04
#define FWCFG_NB_CPUS 0x05
#define FWCFG_MAX_CPUS 0x0f
#define FWCFG_FILE_DIR 0x19

int fwcfg_create(struct vm *vm, struct fwcfg **out);

/** fwcfg_clear() - forget all entries and files, at a reset. */
void fwcfg_clear(struct fwcfg *fw);

/** fwcfg_set() - make what is at @data, which is copied, entry @key. */
int fwcfg_set(struct fwcfg *fw, u16 key, const void *data, size_t len);

/** fwcfg_set_u16() - a number. */
int fwcfg_set_u16(struct fwcfg *fw, u16 key, u16 val);

/** fwcfg_add_file() - make it a file; @name is not copied. */
int fwcfg_add_file(struct fwcfg *fw, const char *name, const void *data,
		   size_t len);

/** fwcfg_add_u64() - a file that holds a number. */
int fwcfg_add_u64(struct fwcfg *fw, const char *name, u64 val);

/** fwcfg_finish() - write the directory of files, when all are there. */
int fwcfg_finish(struct fwcfg *fw);

#endif
