/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Masks that were given to threads and not taken back, in /run/tarn/homes/threads. One
 * that is killed leaves them behind, and the next one would take them for what somebody
 * else has set.
 */
#ifndef TARN_FOLLOW_KEPT_H
#define TARN_FOLLOW_KEPT_H

#include <stdint.h>
#include <stdio.h>

#include "lib/affinity.h"

/**
 * struct kept - a thread
 * @tid: its id
 * @start: when it began, which no other one of this id has in common
 * @base: what it may use
 * @given: what it was given
 */
struct kept {
	pid_t tid;
	uint64_t start;
	struct cpus base;
	struct cpus given;
};

struct kept_list {
	struct kept *items;
	size_t count;
};

/** kept_read() - Read what is there; lines that make no sense are passed over. */
void kept_read(struct kept_list *list, FILE *f);
void kept_free(struct kept_list *list);

/** kept_write() - Write a thread. */
void kept_write(FILE *f, const struct affinity *a, uint64_t start);

/**
 * kept_restore() - Give a thread its base again, if its mask is still the one given.
 * Return: whether it was.
 */
bool kept_restore(const struct kept_list *list, struct affinity *a,
		  uint64_t start);

#endif
