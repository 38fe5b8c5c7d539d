/* SPDX-License-Identifier: GPL-2.0-only */
/* A uuid as text: lower-case hex with dashes, as in sysfs. */
#ifndef TARN_PAGER_UUID_H
#define TARN_PAGER_UUID_H

#include <stdio.h>
#include "types.h"

#define UUID_TEXT 37

static inline void uuid_format(const u8 *uuid, char *text)
{
	unsigned int i, at = 0;

	for (i = 0; i < 16; i++)
		at += snprintf(text + at, UUID_TEXT - at, "%s%02x",
			       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			       uuid[i]);
}

#endif
