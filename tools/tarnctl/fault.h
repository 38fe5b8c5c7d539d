/* SPDX-License-Identifier: GPL-2.0-only */
/* What page-ins under way wait for. */
#ifndef TARNCTL_FAULT_H
#define TARNCTL_FAULT_H

#include <linux/tarn.h>

/** fault_state_text() - What one waits for, for people: "a free frame". */
const char *fault_state_text(__u32 state);

/** fault_state_name() - Likewise in JSON: "frame". */
const char *fault_state_name(__u32 state);

#endif
