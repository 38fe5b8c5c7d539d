// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sysfs interface of DAMON. See damon.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "damon.h"
#include "task.h"

#define ADMIN "/sys/kernel/mm/damon/admin/kdamonds"
#define CONTEXT "0/contexts/0"
#define PAGE_SIZE 4096UL

static int put(uint64_t value, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static int put_text(const char *text, const char *file)
{
	char path[256];
	int fd, ret = 0;

	snprintf(path, sizeof(path), ADMIN "/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int put(uint64_t value, const char *fmt, ...)
{
	char file[200], text[24];
	va_list args;

	va_start(args, fmt);
	vsnprintf(file, sizeof(file), fmt, args);
	va_end(args);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return put_text(text, file);
}

static int put_attrs(size_t pages, uint64_t interval_us)
{
	static const char attrs[] = CONTEXT "/monitoring_attrs";
	int ret;

	/*
	 * Regions are not merged or split: their number is at its limits. What
	 * is done an aggregation comes after as many looks as possible.
	 */
	ret = put(interval_us, "%s/intervals/sample_us", attrs);
	if (!ret)
		ret = put(interval_us * 1000, "%s/intervals/aggr_us", attrs);
	if (!ret)
		ret = put(interval_us * 1000, "%s/intervals/update_us", attrs);
	if (!ret)
		ret = put(pages + 1, "%s/nr_regions/max", attrs);
	return ret ? ret : put(pages, "%s/nr_regions/min", attrs);
}

static int put_regions(const void *base, size_t pages)
{
	static const char target[] = CONTEXT "/targets/0";
	uint64_t at = (uintptr_t)base;
	int ret = put(pages, "%s/regions/nr_regions", target);
	size_t i;

	for (i = 0; !ret && i < pages; i++, at += PAGE_SIZE) {
		ret = put(at, "%s/regions/%zu/start", target, i);
		if (!ret)
			ret = put(at + PAGE_SIZE, "%s/regions/%zu/end", target,
				  i);
	}
	return ret;
}

int damon_start(const void *base, size_t pages, uint64_t interval_us)
{
	int ret;

	if (access(ADMIN, F_OK))
		return -EOPNOTSUPP;
	ret = put(1, "nr_kdamonds");
	if (!ret)
		ret = put(1, "0/contexts/nr_contexts");
	if (!ret)
		ret = put_text("fvaddr", CONTEXT "/operations");
	if (!ret)
		ret = put_attrs(pages, interval_us);
	if (!ret)
		ret = put(1, CONTEXT "/targets/nr_targets");
	if (!ret)
		ret = put(getpid(), CONTEXT "/targets/0/pid_target");
	if (!ret)
		ret = put_regions(base, pages);
	return ret ? ret : put_text("on", "0/state");
}

int64_t damon_cpu_ns(void)
{
	char pid[32] = "";
	FILE *in = fopen(ADMIN "/0/pid", "re");

	if (!in)
		return -errno;
	if (!fgets(pid, sizeof(pid), in))
		pid[0] = '\0';
	fclose(in);
	return task_cpu_ns(atoi(pid));
}

void damon_stop(void)
{
	put_text("off", "0/state");
	put(0, "nr_kdamonds");
}
