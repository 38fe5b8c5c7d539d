/* SPDX-License-Identifier: GPL-2.0-only */
/* Another process that runs a guest: its VM, and its memory that is in pools. */
#ifndef TARNCTL_PROCESS_H
#define TARNCTL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "maps.h"

/**
 * struct process - a process, which stays the same whatever happens to its id
 * @pid: its id
 * @pidfd: descriptor of it
 * @dir: of its directory in /proc
 * @name: of its program, clean
 */
struct process {
	pid_t pid;
	int pidfd;
	int dir;
	char name[64];
};

/**
 * process_open() - Take hold of a process.
 * @text: its id
 * Return: 0, -EINVAL if @text is none, or another errno; all are reported.
 */
int process_open(struct process *proc, const char *text);
void process_close(struct process *proc);

/** process_open_quiet() - Likewise, nothing is reported. */
int process_open_quiet(struct process *proc, pid_t pid);

/** process_has_vm() - Whether it has a VM of KVM, as far as can be seen. */
bool process_has_vm(const struct process *proc);

/**
 * process_vm() - Get the descriptor of its VM.
 * @wanted: number of the descriptor in the process; NULL: the only one
 * Return: a descriptor of our own, or an errno, reported.
 */
int process_vm(const struct process *proc, const char *wanted);

/**
 * struct process_part - a partition that the process has mapped
 * @file: what of it, and where
 * @fd: open for reading and writing
 */
struct process_part {
	struct mapped_file file;
	int fd;
};

/**
 * process_part_open() - Open a partition that the process has mapped.
 * @flags: O_RDONLY or O_RDWR
 * Return: a descriptor, -ENOTTY if it is no partition (any more) or can't be seen,
 * or an errno, reported.
 */
int process_part_open(const struct process *proc,
		      const struct mapped_file *file, int flags);

struct process_parts {
	struct process_part *items;
	size_t count;
};

/**
 * process_parts_read() - Find the partitions that are its memory.
 * @parts: to be freed by process_parts_free() whatever is returned
 * Return: 0 or an errno, reported.
 */
int process_parts_read(const struct process *proc, struct process_parts *parts);
void process_parts_free(struct process_parts *parts);

#endif
