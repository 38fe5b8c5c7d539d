/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Amounts of memory and time as people write and read them. A bare number
 * counts pages, one with a suffix (B K M G T P) counts bytes, one with '%' is a
 * part of a whole that the caller names.
 */
#ifndef TARNCTL_SIZE_H
#define TARNCTL_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Room that the longest formatted value needs. */
#define SIZE_TEXT_MAX 32

/**
 * size_parse_pages() - Read an amount of memory.
 * @text: "4096", "16M", "1.5G", "25%"
 * @whole: pages that 100 % stand for; 0: '%' is an error
 * @pages: result
 *
 * Return: 0, -EINVAL (no such amount, or not a number of whole pages), -ERANGE.
 */
int size_parse_pages(const char *text, uint64_t whole, uint64_t *pages);

/**
 * size_parse_bytes() - As size_parse_pages(), where pages are no unit that
 * anybody would mean: a number must have a suffix.
 */
int size_parse_bytes(const char *text, uint64_t *bytes);

/**
 * size_format() - Write an amount of memory: "1.5G", "410M", "0"; with @exact,
 * in bytes.
 */
const char *size_format(char *buf, uint64_t bytes, bool exact);

/** size_format_pages() - As size_format(), of pages. */
const char *size_format_pages(char *buf, uint64_t pages, bool exact);

/** time_format() - Write a duration: "850ns", "80us", "1.2ms", "2.1s". */
const char *time_format(char *buf, uint64_t ns);

/**
 * time_parse() - Read a duration: "2ms", "1.5s", "800us"; a number has to have a unit.
 * @ns: result
 *
 * Return: 0 or -EINVAL.
 */
int time_parse(const char *text, uint64_t *ns);

/** rate_format() - Write a number a second: "0.5", "12", "8431", "1.2M". */
const char *rate_format(char *buf, double rate);

#endif
