/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is below a qcow2 image by its own header. Whoever made the image chose the name,
 * so it is taken only where it is that of a plain file whose format the header says;
 * what serves the image is told the files found here and looks at no name itself.
 */
#ifndef TARN_BACKEND_QCOW2_CHAIN_H
#define TARN_BACKEND_QCOW2_CHAIN_H

#include <jansson.h>

#include "lib/types.h"

struct opts;

#define QCOW2_MAGIC 0x514649fbU /* "QFI\xfb" */

/* Features without which an image can't be read: its data is in another file. */
#define QCOW2_DATA_FILE (1ULL << 2)

/** struct qcow2_header - how an image begins; big endian; from @incompatible on in version 3. */
struct qcow2_header {
	u32 magic;
	u32 version;
	u64 backing_file_offset;
	u32 backing_file_size;
	u32 cluster_bits;
	u64 size;
	u32 crypt_method;
	u32 l1_size;
	u64 l1_offset;
	u64 refcounts_offset;
	u32 refcounts_clusters;
	u32 snapshots;
	u64 snapshots_offset;
	u64 incompatible;
	u64 compatible;
	u64 autoclear;
	u32 refcount_order;
	u32 header_length;
} __attribute__((packed));

/**
 * qcow2_header_read() - read it and refuse what cannot be served.
 * @filename: for messages
 *
 * Return: 0 or -errno, reported.
 */
int qcow2_header_read(struct opts *opts, int fd, u64 off, const char *filename,
		      struct qcow2_header *h);

/**
 * qcow2_chain_find() - the files below an image.
 * @fd: the image, from @off on
 * @filename: of it; names without a slash at their beginning are relative to that
 * @chain: gets a node of QEMU's with all below it, null where there is none
 *
 * Return: 0 or -errno, reported.
 */
int qcow2_chain_find(struct opts *opts, int fd, u64 off, const char *filename,
		     json_t **chain);

#endif
