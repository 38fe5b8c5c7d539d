/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting for something that the kernel does by itself: a line on the terminal tells how
 * far it is, and a signal ends the waiting, not the thing.
 */
#ifndef TARNCTL_WAITING_H
#define TARNCTL_WAITING_H

#include <signal.h>
#include <stdbool.h>

/**
 * waiting_begin() - Hold back what ends the waiting, before the thing is begun.
 * @signals: set to SIGINT and SIGTERM, but for those that the caller ignores
 */
void waiting_begin(sigset_t *signals);

/** waiting_on() - Wait for a moment. Return: false if one of @signals came. */
bool waiting_on(const sigset_t *signals);

/** waiting_tell() - Overwrite the line on the terminal; NULL clears it. */
void waiting_tell(const char *text);

#endif
