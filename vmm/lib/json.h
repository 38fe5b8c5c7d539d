/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON objects as option values, the way libvirt passes -device and others. */
#ifndef TARN_LIB_JSON_H
#define TARN_LIB_JSON_H

#include <jansson.h>

struct opts;

/**
 * json_to_opts() - Turn a JSON object into an option tree.
 * @out: the tree; freed and NULL on failure
 * @text: one object and nothing behind it but white space
 *
 * Numbers are integers, null is not accepted, nesting ends where that of
 * option trees does. Failures are reported.
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int json_to_opts(struct opts **out, const char *text);

/**
 * json_value_to_opts() - The same for an object that was parsed already.
 * @name: of the tree, for messages; not copied
 */
int json_value_to_opts(struct opts **out, const char *name, const json_t *val);

#endif
