/* SPDX-License-Identifier: GPL-2.0-only */
/* What a domain must be like for its memory to be in a pool. */
#ifndef TARNCTL_DOMAIN_RULES_H
#define TARNCTL_DOMAIN_RULES_H

#include "domain_settings.h"

/** domain_in_files() - Whether its memory is in files of memory_backing_dir. */
bool domain_in_files(const struct domain *dom);

/**
 * domain_rules_check() - Check the domain around the settings.
 * Return: 0, or -EINVAL, reported.
 */
int domain_rules_check(const struct domain *dom,
		       const struct domain_settings *set);

/**
 * domain_rules_note() - Print what works but may not be what is wanted.
 * Return: number of notes.
 */
unsigned int domain_rules_note(const struct domain *dom,
			       const struct domain_settings *set);

/**
 * domain_home_tune() - Have the nodes of <numatune> be the homes.
 * Return: 0, or -EINVAL, reported.
 */
int domain_home_tune(struct domain_settings *set, const struct domain *dom);

/** domain_home_cell() - Those of a node of the guest, if it has its own, or NULL. */
const struct domain_cell *domain_home_cell(const struct domain_settings *set,
					   unsigned int cell);

/**
 * domain_home_check() - Check that home nodes are there.
 * @sysfs: "/sys", or NULL: this host is not the one that the domain is for
 * Return: 0, or an errno, reported.
 */
int domain_home_check(const struct domain *dom,
		      const struct domain_settings *set, const char *sysfs);

/**
 * domain_namespace_check() - Look for settings that nobody would look at, as their
 * namespace is another one than Tarn's, or none.
 * Return: 0 or -EINVAL, reported.
 */
int domain_namespace_check(const struct domain *dom);

/**
 * domain_home_note() - Report what the domain says otherwise of its memory and its
 * vCPUs, which holds.
 * @sysfs: as above; without it not all can be told
 */
void domain_home_note(const struct domain *dom,
		      const struct domain_settings *set, const char *sysfs);

#endif
