/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that tarn-vmm has saved, read from the file that holds it: by itself, or
 * behind libvirt's header and XML.
 */
#ifndef TARNCTL_SAVED_H
#define TARNCTL_SAVED_H

#include <jansson.h>

#include <linux/tarn.h>

/**
 * struct saved - what is in the file.
 * @offset: where in the file it begins
 * @version: of the format
 * @bytes: its length
 * @complete: it ends as it should
 * @machine: array of the sections of the MACHINE record
 * @devices: of the DEVICES record
 * @zero_pages, @pattern_pages, @data_pages: pages by what they hold
 * @shared_pages: those that hold what others do
 * @paged_pages: of them, those that had no frame
 * @zstd_pages: of @data_pages, those that are compressed
 * @content_bytes: what @data_pages take in the file
 * @heat: @data_pages by enum tarn_activity
 * @runs: array of runs of pages, NULL unless asked for
 *
 * A section is {name, version, fields}; a field is a number, or text, or bytes
 * as hexadecimal digits behind "0x".
 */
struct saved {
	json_int_t offset;
	json_int_t version;
	json_int_t bytes;
	bool complete;
	json_t *machine;
	json_t *devices;
	json_int_t zero_pages;
	json_int_t pattern_pages;
	json_int_t balloon_pages;
	json_int_t data_pages;
	json_int_t shared_pages;
	json_int_t paged_pages;
	json_int_t zstd_pages;
	json_int_t content_bytes;
	json_int_t heat[TARN_ACTIVITY_CLASSES];
	json_t *runs;
};

/**
 * saved_read() - read all of @fd, and look at all checksums.
 * @runs: keep the runs of pages, too
 *
 * Return: 0, or -errno, reported; @saved then holds what came before.
 */
int saved_read(struct saved *saved, int fd, bool runs);
void saved_exit(struct saved *saved);

#endif
