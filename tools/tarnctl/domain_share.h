/* SPDX-License-Identifier: GPL-2.0-only */
/* <sharing>: with which others the partitions of a domain share equal pages. */
#ifndef TARNCTL_DOMAIN_SHARE_H
#define TARNCTL_DOMAIN_SHARE_H

#include "domain_settings.h"
#include "process.h"

/**
 * domain_share() - Have all partitions of a domain share as its settings say.
 *
 * A partition that leaves another domain of sharing gets frames of its own for all that
 * it shares there, which may take a while. Where one partition cannot be changed, those
 * before it are in their old domains again.
 *
 * Return: 0 or an errno, reported.
 */
int domain_share(const struct domain *dom, const struct domain_settings *set,
		 const struct process_parts *parts);

#endif
