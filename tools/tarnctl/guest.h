/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests: the processes that have partitions mapped, and what they are called. libvirt
 * keeps the pid of a domain in a file that is named after it; other guests have the name
 * that their VMM was given on its command line (-name). That is the word of the process:
 * two may say the same, so a name counts only where it is the only one.
 *
 * Who may not look into a process, as other users, sees no guest there.
 */
#ifndef TARNCTL_GUEST_H
#define TARNCTL_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "maps.h"
#include "partition.h"
#include "pool.h"

#define GUEST_UUID_TEXT 37

/**
 * struct guest_file - a partition that a guest has mapped
 * @file: what of it, and where
 * @id: of the partition, if its file was removed, else 0
 */
struct guest_file {
	struct mapped_file file;
	__u32 id;
};

/**
 * struct guest - a process with partitions
 * @pid: its id
 * @name: of the guest, any bytes; NULL: it has none
 * @uuid: as the VMM was given it, that of the domain under libvirt; "": none
 * @vmm: its program
 * @vm: it has a VM of KVM, so it is no helper of a VMM
 * @domain: the name is that of a domain of libvirt
 * @files: the partitions
 * @count: of them
 */
struct guest {
	pid_t pid;
	char *name;
	char uuid[GUEST_UUID_TEXT];
	char *vmm;
	bool vm;
	bool domain;
	struct guest_file *files;
	size_t count;
};

/** struct guests - all of a host, as far as they can be seen */
struct guests {
	struct guest *items;
	size_t count;
};

/**
 * guests_read() - Find the guests.
 * @guests: result; zeroed if this fails
 * @pools: their partitions are looked for
 * Return: 0 or an errno, reported.
 */
int guests_read(struct guests *guests, const struct pool_list *pools);
void guests_free(struct guests *guests);

/**
 * guests_find() - Whose partition this is.
 * @dev: of the pool
 * @part: from a list of it
 * @file: set to how the guest has it, if it is not NULL
 * Return: the guest, before processes that help it; or NULL.
 */
const struct guest *guests_find(const struct guests *guests, dev_t dev,
				const struct partition *part,
				const struct guest_file **file);

/**
 * guests_name() - Name the partitions of a pool after their guests: "web", or, where a
 * guest has several, "web/ram1", with the name of the file or "id:5".
 * Return: 0 or an errno, reported.
 */
int guests_name(const struct guests *guests, const struct pool *pool,
		struct partition_list *list);

/** guests_name_list() - All at once, of one pool. Return: likewise. */
int guests_name_list(const struct pool *pool, struct partition_list *list);

/**
 * guest_open() - Open a partition that a guest has mapped, whatever its file is called.
 * Return: a descriptor or an errno, reported.
 */
int guest_open(const struct guest *guest, const struct guest_file *file,
	       int flags);

/**
 * guests_reach() - Open a partition of a list for reading: its file, or what a guest has
 * mapped where that was removed.
 * @dirfd: of the pool, from pool_open()
 * Return: a descriptor or a negative errno, which may be reported.
 */
int guests_reach(const struct guests *guests, dev_t dev, int dirfd,
		 const struct partition *part);

/* Apart for tests. */
int guest_parse(struct guest *guest, const char *text, size_t len);

#endif
