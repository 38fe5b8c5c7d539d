/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines of values with commas between (RFC 4180, but for the ends of lines). */
#ifndef TARNCTL_CSV_H
#define TARNCTL_CSV_H

#include <stdio.h>

/** csv_text() - Write a value, in quotes where it needs them. */
void csv_text(FILE *f, const char *text);

#endif
