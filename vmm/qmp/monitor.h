/* SPDX-License-Identifier: GPL-2.0-only */
/* QMP monitors on chardevs: -mon and -qmp. */
#ifndef TARN_QMP_MONITOR_H
#define TARN_QMP_MONITOR_H

struct opts;
struct vm;

/** monitor_listen() - turn what happens to the machine into events. */
void monitor_listen(struct vm *vm);

/** monitor_listen_transfer() - the same for saving and restoring. */
void monitor_listen_transfer(struct vm *vm);

/** monitor_listen_devices() - the same for devices that were let go, and ports. */
void monitor_listen_devices(struct vm *vm);

/** monitor_create() - what a -mon option describes. */
int monitor_create(struct vm *vm, struct opts *opts);

/** monitor_create_str() - what a -qmp option says: a chardev in one string. */
int monitor_create_str(struct vm *vm, const char *str);

/** monitor_destroy_all() - at the end, before the chardevs go. */
void monitor_destroy_all(void);

#endif
