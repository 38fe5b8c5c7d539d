/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of what areas are, who registered them, and what is done with them. */
#ifndef TARNCTL_AREA_H
#define TARNCTL_AREA_H

#include <linux/tarn.h>
#include <linux/tarn_para.h>

/** area_type_name() - As 'ring'; 'type 99' where it is not known. */
const char *area_type_name(unsigned int type);

/** area_type_find() - The type of this name, or 0. */
unsigned int area_type_find(const char *name);

/** area_origin_name() - Who registered it: 'guest', 'vmm', 'kvm'. */
const char *area_origin_name(unsigned int origin);

/** area_state_name() - How it is kept: as an area that is listed says it. */
const char *area_state_name(unsigned int flags);

/** pin_policy_name() - As 'always', '?' where it is not known. */
const char *pin_policy_name(unsigned int policy);

/** pin_policy_find() - The policy of this name, or -1. */
int pin_policy_find(const char *name);

#endif
