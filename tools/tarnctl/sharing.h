/* SPDX-License-Identifier: GPL-2.0-only */
/* With which others a partition shares frames of pages that hold the same. */
#ifndef TARNCTL_SHARING_H
#define TARNCTL_SHARING_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/tarn.h>

/** What stands for no domain. */
#define SHARING_NONE "none"

/**
 * sharing_parse() - Read the name of a domain, or 'none'.
 * @text: of the option --domain
 * @name: set to it, or to nothing
 * Return: 0 or -EINVAL, reported.
 */
int sharing_parse(const char *text, char name[TARN_DOMAIN_NAME]);

/** sharing_is_name() - Can a domain have that name? 'none' is one, too. */
static inline bool sharing_is_name(const char *text)
{
	size_t len = 0;

	while (text[len] > ' ' && text[len] < 0x7f)
		len++;
	return len && len < TARN_DOMAIN_NAME && !text[len];
}

/**
 * sharing_read() - In which domain a partition is.
 * @fd: of its file
 * @name: set to the domain, or to nothing
 * @leaves: set: it is leaving it
 * Return: 0 or an errno, not reported; -ENOTTY: the module knows no domains.
 */
int sharing_read(int fd, char name[TARN_DOMAIN_NAME], bool *leaves);

/**
 * sharing_set() - Have a partition be in a domain, or in none.
 * @fd: of its file, open for writing
 * @path: of it, for messages
 * @name: of the domain, or ""
 * Return: 0 or an errno, reported.
 */
int sharing_set(int fd, const char *path, const char *name);

#endif
