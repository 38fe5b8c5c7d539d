/* SPDX-License-Identifier: GPL-2.0-only */
/* Units of pools, by systemctl(1). */
#ifndef TARNCTL_SYSTEMCTL_H
#define TARNCTL_SYSTEMCTL_H

#include <stdbool.h>

/** systemctl_there() - Whether systemd runs this host. */
bool systemctl_there(void);

/**
 * systemctl_run() - Run it; what it says goes where ours does.
 * @verb: as "enable", and options of it in further words, up to NULL
 * Return: 0, -EREMOTEIO if it fails, which it says, or an errno, reported.
 */
int systemctl_run(const char *verb, ...) __attribute__((sentinel));

/** systemctl_forget() - Have a unit that failed be as one that never ran. */
void systemctl_forget(const char *unit);

#endif
