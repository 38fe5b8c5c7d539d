// SPDX-License-Identifier: GPL-2.0-only
/* A reader of /dev/kmsg: a read gives "PRIORITY,NUMBER,TIME,FLAGS;TEXT", and lines about it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "klog.h"

int klog_open(void)
{
	int fd = ASSERT_OK(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));

	ASSERT_OK(lseek(fd, 0, SEEK_END));
	return fd;
}

void klog_rewind(int fd)
{
	ASSERT_OK(lseek(fd, 0, SEEK_SET));
}

bool klog_next(int fd, struct klog_record *r)
{
	char line[4096], *text;
	ssize_t n;

	/* EPIPE: what was next is overwritten already; it goes on with what there is. */
	do
		n = SYS(read(fd, line, sizeof(line) - 1));
	while (n == -EPIPE);
	if (n == -EAGAIN)
		return false;
	ASSERT_GT(n, 0);
	line[n] = 0;
	text = strchr(line, ';');
	ASSERT(text);
	/* Above it is who said it: 0 is the kernel. */
	r->level = atoi(line) & 7;
	snprintf(r->text, sizeof(r->text), "%.*s", (int)strcspn(text + 1, "\n"),
		 text + 1);
	return true;
}

bool klog_has(int fd, const char *text)
{
	struct klog_record r;

	while (klog_next(fd, &r))
		if (strstr(r.text, text))
			return true;
	return false;
}
