/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a monitor asks of the memory balloon: a target, the state and the
 * guest's statistics. A machine has at most one balloon. All calls are made
 * under the VM's lock.
 */
#ifndef TARN_VIRTIO_BALLOON_H
#define TARN_VIRTIO_BALLOON_H

#include <linux/virtio_balloon.h>

#include "lib/types.h"

/**
 * struct balloon_info - the state of the balloon.
 * @actual: bytes of RAM that the guest has left
 * @target: bytes that it should have
 * @inflated: bytes given back through the inflate queue so far
 * @deflated: bytes of it that the guest said it takes again, so far
 * @reported: bytes given back through free page reporting so far
 * @stats: VIRTIO_BALLOON_S_*; UINT64_MAX where the guest said nothing
 * @updated: CLOCK_REALTIME in seconds of the last statistics, 0 for never
 * @interval: seconds between statistics, 0 for none
 */
struct balloon_info {
	u64 actual;
	u64 target;
	u64 inflated;
	u64 deflated;
	u64 reported;
	u64 stats[VIRTIO_BALLOON_S_NR];
	u64 updated;
	u32 interval;
};

/** balloon_get() - -ENODEV without a balloon. */
int balloon_get(struct balloon_info *info);

/** balloon_set_target() - ask the guest to make do with @bytes. */
int balloon_set_target(u64 bytes);

/** balloon_set_interval() - ask for statistics every @seconds; 0 stops. */
int balloon_set_interval(u32 seconds);

/** balloon_set_listener() - call @fn when the guest has changed its size. */
void balloon_set_listener(void (*fn)(u64 actual, void *arg), void *arg);

#endif
