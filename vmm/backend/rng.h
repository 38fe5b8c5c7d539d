/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sources of random numbers: -object rng-builtin (the kernel's generator) and
 * rng-random (a file, by default /dev/urandom).
 */
#ifndef TARN_BACKEND_RNG_H
#define TARN_BACKEND_RNG_H

#include "lib/types.h"

struct opts;
struct rng;

/** rng_create() - make the source that an -object option describes. */
int rng_create(struct opts *opts);

/** rng_find() - by id; NULL as @id gives the built-in one. */
struct rng *rng_find(const char *id);

/** rng_read() - up to @len bytes, without blocking: a number or -errno. */
ssize_t rng_read(struct rng *rng, void *buf, size_t len);

/** rng_fd() - polls readable after -EAGAIN; -1 when that never comes. */
int rng_fd(const struct rng *rng);

/** rng_destroy_all() - at the end. */
void rng_destroy_all(void);

#endif
