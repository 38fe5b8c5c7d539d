/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IOMMU group that a function is in. Functions of one group can reach each other
 * without the IOMMU in between, so that who has one has them all: we take a group with
 * one function in it.
 */
#ifndef TARN_VFIO_GROUP_H
#define TARN_VFIO_GROUP_H

#include "lib/types.h"

/* "10000:01:00.0" and the like, with their end. */
#define VFIO_BDF_MAX 20

#define VFIO_SYSFS "/sys"

/** vfio_bdf_parse() - @text as sysfs writes it, or -EINVAL, reported. */
int vfio_bdf_parse(char bdf[VFIO_BDF_MAX], const char *text);

/**
 * vfio_group_find() - the group of a function that can be taken.
 * @sysfs: VFIO_SYSFS
 * @bdf: the function
 * @group: its number
 *
 * Return: 0, or what vfio_function_open() says of one that cannot, reported.
 */
int vfio_group_find(const char *sysfs, const char *bdf, unsigned int *group);

/**
 * vfio_group_open() - take a group, and put it into a container.
 *
 * Return: a descriptor, or -errno, reported.
 */
int vfio_group_open(unsigned int group, int container);

#endif
