/* SPDX-License-Identifier: GPL-2.0-only */
/* Which pages come home first, by name. */
#ifndef TARNCTL_PLACEMENT_H
#define TARNCTL_PLACEMENT_H

#include <linux/tarn.h>

/** placement_name() - "class", or "?" of one that is not known here. */
const char *placement_name(__u32 placement);

/** placement_parse() - Read a name, or report that @what is none. Return: 0 or -EINVAL. */
int placement_parse(const char *what, const char *text, __u32 *placement);

#endif
