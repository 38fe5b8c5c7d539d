/* SPDX-License-Identifier: GPL-2.0-only */
/* Capabilities of saving and moving a guest that a manager switches. */
#ifndef TARN_QMP_CAPABILITIES_H
#define TARN_QMP_CAPABILITIES_H

#include "lib/types.h"

/** enum qmp_capability - in the order of the names in capabilities.c. */
enum qmp_capability {
	QMP_CAP_EVENTS, /* MIGRATION and MIGRATION_PASS events are wanted */
	QMP_CAP_PAUSE_BEFORE_SWITCHOVER,
	QMP_NR_CAPS,
};

/** qmp_capability() - whether it is switched on. */
bool qmp_capability(enum qmp_capability cap);

#endif
