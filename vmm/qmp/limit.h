/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events that a guest raises as often as it likes: of each kind, and of each
 * thing that it is about, monitors hear one a second and in the end the last.
 */
#ifndef TARN_QMP_LIMIT_H
#define TARN_QMP_LIMIT_H

#include <jansson.h>

struct loop;

/** qmp_limit_init() - @loop is the main loop; qmp_limit_exit() drops the rest. */
void qmp_limit_init(struct loop *loop);
void qmp_limit_exit(void);

/**
 * qmp_event_limited() - qmp_event() once a second. Under the VM's lock.
 * @name: the event; it stays valid
 * @key: what it is about
 * @data: taken over; one that has to wait is replaced by the next
 */
void qmp_event_limited(const char *name, const char *key, json_t *data);

#endif
