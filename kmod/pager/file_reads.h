/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads of a file that has pages of a partition (import.h). Work items read it: that may wait
 * for a filesystem, and who faults may hold mmap_lock. Loads wait here until it is their turn,
 * those that somebody waits for first; some that follow each other in the file are one read.
 * A few reads of a file are under way at most, so one that hangs keeps nobody but its own
 * partition waiting, as long as there are no more than some 60 such: the kernel runs 512 works
 * of a queue at a time.
 *
 * A read can't be taken back. So when the pool ends its loads are aborted, and the read goes
 * on with nothing but its pages, its file and the module; the frames stay in limbo until then.
 */
#ifndef TARN_FILE_READS_H
#define TARN_FILE_READS_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct file;
struct tarn_io;
struct tarn_partition;

/**
 * struct tarn_file_reads - what is to be read of a file
 * @file: read from, referenced
 * @shift: bytes that its pages lie behind those of the file
 * @lock: protects the rest
 * @ended: the pool has: what comes is aborted
 * @asked: loads that wait, and somebody for them
 * @guessed: loads that wait, and nobody for them
 * @waiting: how many they are together
 * @turns: reads that were begun
 * @under_way: struct file_read
 * @nr_under_way: how many
 *
 * It is there as long as there is a load of the file, or somebody else who has a copy in it;
 * and a grace period longer. The two numbers are read without the lock.
 */
struct tarn_file_reads {
	struct file *file;
	unsigned int shift;
	spinlock_t lock;
	bool ended;
	struct list_head asked;
	struct list_head guessed;
	unsigned int waiting;
	unsigned int turns;
	struct list_head under_way;
	unsigned int nr_under_way;
};

void tarn_file_reads_begin(struct tarn_file_reads *reads, struct file *file,
			   unsigned int shift);
bool tarn_file_reads_submit(struct tarn_file_reads *reads, struct tarn_io *io);
void tarn_file_reads_want(struct tarn_file_reads *reads, struct tarn_partition *part,
			  u64 index, u64 cookie);
int tarn_file_reads_wait(struct tarn_file_reads *reads);
void tarn_file_reads_end(struct tarn_file_reads *reads, struct list_head *loads);

int tarn_file_reads_init(void);
void tarn_file_reads_exit(void);

#endif
