/* SPDX-License-Identifier: GPL-2.0-only */
/* What a host needs for Tarn, a check each. */
#ifndef TARNCTL_DOCTOR_H
#define TARNCTL_DOCTOR_H

#include <stddef.h>

/** enum doctor_state - what a check found */
enum doctor_state {
	DOCTOR_GOOD,
	/** something will be less good than it could be */
	DOCTOR_POOR,
	/** something will not work */
	DOCTOR_BAD,
	/** the host has no use for it */
	DOCTOR_NONE,
};

/**
 * struct finding - what a check found
 * @state: how it is
 * @text: a sentence about that
 * @remedy: what to do, empty where nothing has to be done
 */
struct finding {
	enum doctor_state state;
	char text[384];
	char remedy[512];
};

/**
 * struct doctor_check - a check
 * @name: what it is about
 * @run: fills in the finding, which is DOCTOR_NONE before
 */
struct doctor_check {
	const char *name;
	void (*run)(struct finding *found);
};

extern const struct doctor_check doctor_host_checks[];
extern const struct doctor_check doctor_adapter_checks[];
extern const struct doctor_check doctor_libvirt_checks[];

/** found() - Fill in a finding; what is to be done is NULL where nothing is. */
void found(struct finding *finding, enum doctor_state state, const char *remedy,
	   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/** doctor_read() - Read the beginning of a file as text, empty if it cannot be. */
void doctor_read(const char *path, char *text, size_t size);

#endif
