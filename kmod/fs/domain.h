/* SPDX-License-Identifier: GPL-2.0-only */
/* Domains (pool/canon.h): who is in which, and how they begin and end. */
#ifndef TARN_FS_DOMAIN_H
#define TARN_FS_DOMAIN_H

struct tarn_partition;
struct tarn_partition_domain;
struct tarn_pool;
struct tarn_pool_sharing;

long tarn_domain_call(struct tarn_partition *part,
		      struct tarn_partition_domain *d);
void tarn_domain_leave(struct tarn_partition *part);
long tarn_domain_sharing(struct tarn_pool *pool, struct tarn_pool_sharing *s);

#endif
