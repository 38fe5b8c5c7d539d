/* SPDX-License-Identifier: GPL-2.0-only */
/* Puts the settings of a running domain into effect. */
#ifndef TARNCTL_DOMAIN_APPLY_H
#define TARNCTL_DOMAIN_APPLY_H

#include "domain_settings.h"

/**
 * domain_apply() - Set what the partitions of a domain are to have.
 *
 * All settings are set, those that are not there to their defaults, so it does
 * not matter what was set before. Its VM is attached, if it is to be and the VMM
 * has not done that; where that fails the domain goes on without.
 *
 * Return: 0, or an errno, reported; nothing is changed then.
 */
int domain_apply(const struct domain *dom, const struct domain_settings *set);

#endif
