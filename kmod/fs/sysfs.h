/* SPDX-License-Identifier: GPL-2.0-only */
/* /sys/fs/tarn: a directory a pool, in it one a partition. */
#ifndef TARN_SYSFS_H
#define TARN_SYSFS_H

struct tarn_node;
struct tarn_partition;
struct tarn_pool;

int tarn_sysfs_init(void);
void tarn_sysfs_exit(void);
int tarn_sysfs_make_node(struct tarn_node *node);
int tarn_sysfs_add_pool(struct tarn_pool *pool);
void tarn_sysfs_remove_pool(struct tarn_pool *pool);
int tarn_sysfs_add_partition(struct tarn_partition *part);
void tarn_sysfs_remove_partition(struct tarn_partition *part);

/* sysfs_node.c, for sysfs.c */
int tarn_sysfs_nodes_init(void);
void tarn_sysfs_nodes_exit(void);
int tarn_sysfs_add_nodes(struct tarn_pool *pool);
void tarn_sysfs_remove_nodes(struct tarn_pool *pool);
int tarn_sysfs_add_partition_nodes(struct tarn_partition *part);

#endif
