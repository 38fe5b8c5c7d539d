// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sysfs interface of KSM. See ksm.h.
 *
 * It is set to do what it does at once: it never sleeps, and has no adviser. A pass over
 * all pages is one batch, as between two batches it does things that are not merging.
 * What else there is stays as the kernel has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ksm.h"
#include "task.h"

#define KSM "/sys/kernel/mm/ksm"
#define STOP 0
#define RUN 1
#define UNMERGE 2
#define POLL_US 2000
#define MOST_NS (600 * NSEC_PER_SEC)

static int put_text(const char *text, const char *file)
{
	char path[64];
	int fd, ret = 0;

	snprintf(path, sizeof(path), KSM "/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int put(uint64_t value, const char *file)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return put_text(text, file);
}

static long long get(const char *file)
{
	char path[64];
	long long value;
	FILE *in;

	snprintf(path, sizeof(path), KSM "/%s", file);
	in = fopen(path, "re");
	if (!in)
		return -errno;
	if (fscanf(in, "%lld", &value) != 1)
		value = -EINVAL;
	fclose(in);
	return value;
}

int ksm_setup(uint64_t pages)
{
	int ret;

	if (access(KSM "/run", F_OK))
		return -EOPNOTSUPP;
	ret = put(UNMERGE, "run");
	/* Kernels before 6.8 have none. */
	if (!ret && !access(KSM "/advisor_mode", F_OK))
		ret = put_text("none", "advisor_mode");
	if (!ret)
		ret = put(0, "sleep_millisecs");
	if (!ret)
		ret = put(pages, "pages_to_scan");
	/* Of others that there were. */
	if (!ret && get("pages_shared"))
		ret = -EBUSY;
	return ret;
}

int ksm_run(uint64_t sharing, uint64_t *cpu_ns)
{
	uint64_t began = clock_ns();
	int pid = task_find("ksmd"), ret;
	int64_t before, after;

	if (pid < 0)
		return pid;
	before = task_cpu_ns(pid);
	ret = before < 0 ? (int)before : put(RUN, "run");
	while (!ret && get("pages_sharing") < (long long)sharing) {
		usleep(POLL_US);
		if (clock_ns() - began > MOST_NS)
			ret = -ETIME;
	}
	after = task_cpu_ns(pid);
	put(STOP, "run");
	if (ret)
		return ret;
	*cpu_ns = (uint64_t)(after - before);
	return after < 0 ? (int)after : 0;
}

void ksm_reset(void)
{
	put(UNMERGE, "run");
	put(STOP, "run");
}
