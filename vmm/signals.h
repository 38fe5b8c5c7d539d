/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals from outside, and the end of the process, which comes whatever its
 * other threads wait for.
 */
#ifndef TARN_SIGNALS_H
#define TARN_SIGNALS_H

#include "loop.h"

/**
 * struct signal_ops - what signals ask for.
 * @end: SIGTERM, SIGINT, SIGHUP; runs in the main loop
 * @power: SIGPWR; runs in the main loop
 * @give_up: the end did not come in time; ends the process, in the thread of
 *	     the signals, without waiting for anything
 */
struct signal_ops {
	void (*end)(void);
	void (*power)(void);
	void (*give_up)(void);
};

/** signals_init() - keep signals for later. Before the first thread. */
int signals_init(void);
void signals_exit(void);

/** signals_start() - begin to read them; @loop is the main loop. */
int signals_start(struct loop *loop, const struct signal_ops *ops);
void signals_stop(void);

/**
 * signals_end_within() - give up @seconds from now; 0 is never.
 *
 * A signal that ends the process gives it a limit, too.
 */
void signals_end_within(unsigned int seconds);

#endif
