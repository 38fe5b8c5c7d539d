/* SPDX-License-Identifier: GPL-2.0-only */
/* What start.S and C share: layout.h's words, which an assembler cannot read. */
#ifndef TARN_ADJUNCT_IMAGE_VERSION_H
#define TARN_ADJUNCT_IMAGE_VERSION_H

#define HEADER_MAGIC 0x544e554a4441
#define HEADER_VERSION 1

/* Bytes from one stub to the next. */
#define EXCEPTION_STUB 16

#endif
