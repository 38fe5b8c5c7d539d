/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where libvirt has the memory of domains: a directory for each below
 * memory_backing_dir. If that is in a pool, so is the memory. Else, below
 * /run/tarn, each such directory becomes a link to one in the pool of the domain.
 */
#ifndef TARNCTL_DOMAIN_PLACE_H
#define TARNCTL_DOMAIN_PLACE_H

#include "domain.h"
#include "pool.h"

/** struct domain_place - what libvirt is configured to do */
struct domain_place {
	/** memory_backing_dir */
	char dir[1024];
	/** it is in a pool, the one with this st_dev */
	bool in_pool;
	dev_t dev;
	/** it is below /run/tarn and in no pool: links are to be made */
	bool links;
};

/**
 * domain_place_read() - Look at the configuration.
 * @conf: qemu.conf; that it is missing means that all is at its default
 * Return: 0, or an errno, reported.
 */
int domain_place_read(struct domain_place *place, const char *conf);

/** domain_place_check() - Check that memory can come to be in @pool. */
int domain_place_check(const struct domain_place *place,
		       const struct domain *dom, const struct pool *pool);

/**
 * domain_place_link() - Make the directory of a domain a link into its pool.
 * Return: 0, also if it is one already, or an errno, reported.
 */
int domain_place_link(const struct domain_place *place,
		      const struct domain *dom, const struct pool *pool);

/** domain_place_unlink() - Undo that for domains that are gone. */
void domain_place_unlink(const struct domain_place *place,
			 const struct domain *dom);

#endif
