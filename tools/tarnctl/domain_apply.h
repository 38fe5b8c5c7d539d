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

/**
 * domain_pid() - The process of a running domain.
 * @pid: its id, as text
 * Return: 0, or an errno, reported.
 */
int domain_pid(const struct domain *dom, char *pid, size_t size);

/**
 * domain_oom_apply() - Give its VMM the oom_score_adj that an operator wants for all.
 * Return: 0, also if none is wanted; or an errno, reported.
 */
int domain_oom_apply(const struct domain *dom);

/**
 * domain_reset() - Have the VM of a domain begin anew, as its guest has.
 *
 * What the guest before the reset had pinned or given hints about is no business
 * of the one after it. tarn-vmm does this by itself when it resets the machine;
 * for another VMM the VM is detached and attached again.
 *
 * Return: how many partitions had a VM, or an errno, reported.
 */
int domain_reset(const struct domain *dom);

#endif
