/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One table entry says what an extensible call looks like; uapi_check() then
 * sends it short, exact, long with a zero tail, long with another tail, with
 * every unknown flag, every reserved field, bad addresses and to files of the
 * wrong kind.
 */
#ifndef SELFTESTS_LIB_UAPI_H
#define SELFTESTS_LIB_UAPI_H

#include "pool.h"

#define UAPI_MAX_SIZE 2048

/** struct uapi_call - a call and how to make a good one */
struct uapi_call {
	const char *name;
	unsigned long cmd;
	size_t size;
	/** As first published, if it has grown since. */
	size_t min_size;
	/** Mask of the flags it knows. */
	u32 flags;
	/** Offsets of its 32-bit reserved fields, 0 ends the list. */
	u16 reserved[4];
	/** A descriptor that takes the call, fresh if the call works once. */
	int (*open)(void);
	void (*close)(int fd);
	/** Make @arg a good call; size is set and the rest zero before. */
	void (*fill)(void *arg);
	/** The call wants CAP_SYS_ADMIN. */
	bool admin;
};

void uapi_check(const struct uapi_call *call, const int *wrong, int nr_wrong);
/** In a process without capabilities: the call gives EPERM. */
void uapi_check_admin(const struct uapi_call *call);

#endif /* SELFTESTS_LIB_UAPI_H */
