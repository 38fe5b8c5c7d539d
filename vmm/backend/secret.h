/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Secrets (-object secret): bytes under a name, which other objects may ask for.
 * libvirt gives each guest one, its master key.
 */
#ifndef TARN_BACKEND_SECRET_H
#define TARN_BACKEND_SECRET_H

#include "lib/types.h"

struct opts;

/** secret_create() - read what an -object secret option names. */
int secret_create(struct opts *opts);

/** secret_find() - its bytes, NULL when there is none of that id. */
const u8 *secret_find(const char *id, size_t *len);

/** secret_destroy() - forget one: 0 or -ENOENT. */
int secret_destroy(const char *id);

/** secret_destroy_all() - at the end. */
void secret_destroy_all(void);

#endif
