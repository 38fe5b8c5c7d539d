/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads /proc/PID/maps: which files a process has mapped, for all to see. */
#ifndef TARNCTL_MAPS_H
#define TARNCTL_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/**
 * struct mapped_file - a file that a process has mapped shared
 * @dev: its st_dev
 * @ino: its st_ino
 * @start: an address at which a part of it is mapped
 * @end: end of that part
 * @offset: first byte of the file that is mapped anywhere
 * @bytes: from there to the last one
 * @path: as the kernel has it, clean, maybe followed by " (deleted)"
 */
struct mapped_file {
	dev_t dev;
	ino_t ino;
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	uint64_t bytes;
	char *path;
};

struct mapped_files {
	struct mapped_file *items;
	size_t count;
};

/**
 * maps_read() - Gather the shared mappings of files, one entry a file.
 * @f: text of /proc/PID/maps
 * @files: result, to be freed by maps_free() whatever is returned
 *
 * Lines that make no sense are passed over.
 *
 * Return: 0, -ENOMEM, or the errno of reading @f.
 */
int maps_read(FILE *f, struct mapped_files *files);

/** How long a process may take, in ms: one that hangs may hold the lock of its memory. */
#define MAPS_MS 1000

/**
 * maps_read_process() - The same of a process, which may hang.
 * @dirfd: directory of /proc, or AT_FDCWD
 * @name: of its file from there
 * @pid: of the process, by which it is known again
 *
 * Return: likewise; -ETIMEDOUT: it takes too long. It is not tried again, and the answer
 * is the same at once, until the one that hangs has been read.
 */
int maps_read_process(int dirfd, const char *name, pid_t pid,
		      struct mapped_files *files);

/** maps_hang() - Whether that was the answer the last time. */
bool maps_hang(pid_t pid);
void maps_free(struct mapped_files *files);

#endif
