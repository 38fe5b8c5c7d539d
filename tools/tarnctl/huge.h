/* SPDX-License-Identifier: GPL-2.0-only */
/* Which blocks become 2 MiB frames, by name. */
#ifndef TARNCTL_HUGE_H
#define TARNCTL_HUGE_H

#include <stdint.h>

/** huge_name() - The name of an enum tarn_huge, "?" of one that is not known. */
const char *huge_name(uint64_t huge);

/** huge_find() - The reverse. Return: 0, or -EINVAL, not reported. */
int huge_find(const char *text, uint32_t *huge);

/** huge_parse() - Likewise. Return: 0, or -EINVAL, reported as of "@what=@text". */
int huge_parse(const char *what, const char *text, uint32_t *huge);

#endif
