// SPDX-License-Identifier: GPL-2.0-only
/* See slow.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"
#include "slow.h"

#define CONFIG "/sys/kernel/config/nullb/nullb0"

static int shell(const char *format, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(cmd, sizeof(cmd), format, ap);
	va_end(ap);
	return system(cmd);
}

/*
 * 3 s for each request, or 4. Not more: one that has taken 5 s null_blk has fail.
 */
void slow_device_make(const char *from)
{
	const unsigned long seconds = test_slow() > 1 ? 4 : 3;

	TEST_REQUIRE(!shell("modprobe -q null_blk nr_devices=0 && "
			    "{ mountpoint -q /sys/kernel/config || "
			    "mount -t configfs none /sys/kernel/config; } && "
			    "mkdir " CONFIG), "no null_blk");
	ASSERT_EQ(shell("cd " CONFIG " && echo 1 >memory_backed && "
			"echo 64 >size && echo 4 >hw_queue_depth && "
			"echo 1 >power && dd if=%s of=" SLOW_DEVICE " bs=1M count=1 "
			"oflag=direct 2>/dev/null", from), 0);
	ASSERT_EQ(shell("cd " CONFIG " && echo 0 >power && "
			"echo 2 >irqmode && echo %lu >completion_nsec && "
			"echo 1 >power", seconds * 1000000000), 0);
}

/* What has been read lets go of it a moment later. */
void slow_device_drop(void)
{
	WAIT_FOR(!shell("echo 0 >" CONFIG "/power && rmdir " CONFIG));
	ASSERT_EQ(shell("rmmod null_blk"), 0);
}
