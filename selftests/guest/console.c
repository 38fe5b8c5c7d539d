// SPDX-License-Identifier: GPL-2.0-only
/* See console.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"

void guest_off(void)
{
	fflush(stdout);
	sync();
	/* Let the console drain, then end whichever way the machine knows. */
	usleep(20000);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

void guest_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("guest: failed: ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	guest_off();
}

/* The kernel gives init a console where it has one made in time. */
static void open_device(void)
{
	int fd;

	if (fcntl(STDOUT_FILENO, F_GETFD) >= 0)
		return;
	mkdir("/dev", 0755);
	if (mount("dev", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY)
		return;
	fd = open("/dev/console", O_RDWR);
	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
}

void console_open(void)
{
	open_device();
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("guest: up\n");
}
