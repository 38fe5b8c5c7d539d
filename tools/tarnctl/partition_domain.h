/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose memory a partition is, as far as its path tells. */
#ifndef TARNCTL_PARTITION_DOMAIN_H
#define TARNCTL_PARTITION_DOMAIN_H

/**
 * partition_domain() - The domain in a path that libvirt made,
 * "libvirt/qemu/ID-NAME/FILE". libvirt cuts names after 20 characters there, so this is
 * for what no process has mapped yet, see guest.h.
 * @path: of a partition in its pool, or NULL
 * Return: memory to be freed, NULL where there is none or memory ran out.
 */
char *partition_domain(const char *path);

#endif
