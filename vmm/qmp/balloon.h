/* SPDX-License-Identifier: GPL-2.0-only */
/* The balloon's properties in the object model. */
#ifndef TARN_QMP_BALLOON_H
#define TARN_QMP_BALLOON_H

#include "qmp/command.h"

#define QMP_BALLOON_STATS "guest-stats"
#define QMP_BALLOON_INTERVAL "guest-stats-polling-interval"

/** qmp_balloon_has() - whether the balloon has the property @name. */
bool qmp_balloon_has(const char *name);

/** qmp_balloon_get() - answer with the property @name, which it has. */
void qmp_balloon_get(struct qmp_call *call, const char *name);

/** qmp_balloon_set() - change it, or say why not. */
void qmp_balloon_set(struct qmp_call *call, const char *name,
		     const json_t *value);

/** qmp_balloon_listen() - tell monitors what the balloon that is there does. */
void qmp_balloon_listen(void);

#endif
