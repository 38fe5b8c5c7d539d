/* SPDX-License-Identifier: GPL-2.0-only */
/* The pool that a domain is to have its memory in. */
#ifndef TARNCTL_DOMAIN_POOL_H
#define TARNCTL_DOMAIN_POOL_H

#include "domain_settings.h"
#include "pool.h"

/** domain_pool_get() - Find it. Return: 0, or an errno, reported. */
int domain_pool_get(struct pool *pool, const struct domain *dom,
		    const struct domain_settings *set);

/**
 * domain_pool_check() - Check that the pool can keep what the domain is to have.
 * Return: 0, or an errno, reported.
 */
int domain_pool_check(const struct pool *pool, const struct domain *dom,
		      const struct domain_settings *set);

#endif
