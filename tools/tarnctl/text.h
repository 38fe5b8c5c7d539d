/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text whose bytes somebody else chose (names of files), made fit for a
 * terminal: an escape sequence in a file's name must not reach it.
 */
#ifndef TARNCTL_TEXT_H
#define TARNCTL_TEXT_H

#include <stddef.h>

/**
 * text_clean() - Copy @raw with all that does not print written as \xNN.
 * Return: memory to be freed, or NULL.
 */
char *text_clean(const char *raw);

/** text_width() - Columns that a clean text takes on the terminal. */
size_t text_width(const char *text);

/**
 * text_fit() - Shorten a clean text to @width columns.
 * @buf: result, room for @size bytes
 *
 * The beginning goes first, as the end of a path tells more.
 */
const char *text_fit(char *buf, size_t size, const char *text, size_t width);

/** text_cut() - Cut off what of a clean text goes beyond @width columns. */
void text_cut(char *text, size_t width);

#endif
