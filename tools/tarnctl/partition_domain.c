// SPDX-License-Identifier: GPL-2.0-only
/* See partition_domain.h. */
#include <string.h>

#include "partition_domain.h"

#define LIBVIRT_DIR "libvirt/qemu/"

char *partition_domain(const char *path)
{
	const char *at = path ? strstr(path, LIBVIRT_DIR) : NULL;
	size_t digits;

	if (!at || (at != path && at[-1] != '/'))
		return NULL;
	at += strlen(LIBVIRT_DIR);
	digits = strspn(at, "0123456789");
	if (!digits || at[digits] != '-')
		return NULL;
	at += digits + 1;
	/* A directory, and not without a name. */
	if (*at == '/' || !strchr(at, '/'))
		return NULL;
	return strndup(at, strcspn(at, "/"));
}
