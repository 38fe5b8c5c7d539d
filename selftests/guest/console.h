/* SPDX-License-Identifier: GPL-2.0-only */
/* What every init of a small guest needs: a console, a verdict, an end. */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

/** Give the program a console where the kernel did not, say "guest: up". */
void console_open(void);

/** End the guest, whichever way the machine knows. */
__attribute__((noreturn)) void guest_off(void);

/** Say "guest: failed: ..." and end the guest. */
void guest_fail(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#endif
