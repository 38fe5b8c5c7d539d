/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One guest of the demo: its VMM, what its console says, and the file in the
 * pool that is its memory.
 */
#ifndef TARN_DEMO_GUEST_H
#define TARN_DEMO_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/tarn.h>

enum guest_phase {
	GUEST_BOOTING,
	GUEST_FILLING,
	GUEST_WORKING,
	GUEST_DONE,
	/* Ended without having said that it was done. */
	GUEST_DEAD,
};

/**
 * struct guest_config - what all guests share
 * @pool: mount point
 * @kernel: image
 * @initrd: initramfs whose init is the worker
 * @memory_mib: of a guest
 * @work_mib: of it, worked on
 * @seconds: of work
 */
struct guest_config {
	const char *pool;
	const char *kernel;
	const char *initrd;
	unsigned int memory_mib;
	unsigned int work_mib;
	unsigned int seconds;
};

/**
 * struct guest - one of them
 * @name: also of its file
 * @pid: of the VMM, 0 when it is gone
 * @console: its serial line, -1 when it is closed
 * @file: its memory, for the counters
 * @phase: how far it is
 * @filled_percent: of the memory worked on
 * @ops: accesses that it reported
 * @wrong: bytes that it found wrong
 * @rate: accesses a second, of late
 * @info: counters of the partition
 * @page_in_rate: a second, of late
 * @line: what of a console line has come
 * @length: of it
 * @last_words: last line that is no report, to be shown when it dies
 */
struct guest {
	char name[16];
	pid_t pid;
	int console;
	int file;
	enum guest_phase phase;
	unsigned int filled_percent;
	uint64_t ops;
	uint64_t wrong;
	double rate;
	struct tarn_partition_info info;
	double page_in_rate;
	char line[256];
	unsigned int length;
	char last_words[256];
};

int guest_start(struct guest *guest, const struct guest_config *config,
		unsigned int number);

/* Takes what the console has to say; closes it at its end. */
void guest_listen(struct guest *guest);

/* Reads the counters, @seconds after the last time. */
void guest_count(struct guest *guest, double seconds);

void guest_end(struct guest *guest);

const char *guest_phase_name(const struct guest *guest);

#endif
