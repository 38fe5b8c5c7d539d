/* SPDX-License-Identifier: GPL-2.0-only */
/* What pictures have in common. */
#ifndef TARNCTL_SVG_H
#define TARNCTL_SVG_H

#include <stdbool.h>
#include <stdio.h>

/** svg_begin() - Begin a picture on white. @title: clean text. */
void svg_begin(FILE *f, int width, int height, const char *title);

/** svg_text() - Write clean text as it is. */
void svg_text(FILE *f, const char *text);

/** svg_stripes() - Define a pattern: @colour on white, or @colour alone. */
void svg_stripes(FILE *f, const char *id, const char *colour, bool on_white);

#endif
