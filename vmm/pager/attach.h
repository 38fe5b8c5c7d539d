/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pager's end of /dev/tarn: all calls and mappings of linux/tarn.h except
 * TARN_CMD_SERVE, which each queue issues on its own ring.
 */
#ifndef TARN_PAGER_ATTACH_H
#define TARN_PAGER_ATTACH_H

#include "types.h"
#include "uuid.h"

struct device;
struct options;

/**
 * struct attachment - a pool that we are, or become, the pager of
 * @fd: of /dev/tarn
 * @pool_fd: of the mount's directory
 * @features: TARN_FEATURE_*
 * @queues: number of queues
 * @depth: of each
 * @uuid: of the pool
 * @uuid_text: the same
 * @window: the frame window
 * @window_bytes: its length
 * @queue_bytes: length of a queue's area
 */
struct attachment {
	int fd;
	int pool_fd;
	u64 features;
	unsigned int queues;
	unsigned int depth;
	u8 uuid[16];
	char uuid_text[UUID_TEXT];
	u8 *window;
	u64 window_bytes;
	u64 queue_bytes;
};

int attach_open(struct attachment *at, const struct options *opts);
int attach_list_stored(struct attachment *at,
			   int (*fn)(void *arg, u64 cookie), void *arg);
int attach_map_window(struct attachment *at);
void *attach_map_queue(struct attachment *at, unsigned int queue);
int attach_start(struct attachment *at, void (*fn)(void *arg, u64 cookie),
		 void *arg);
int attach_grant(struct attachment *at, struct device *dev);
int attach_status(struct attachment *at, u32 flags, u64 capacity, u64 used);

#endif
