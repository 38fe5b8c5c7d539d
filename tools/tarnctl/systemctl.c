// SPDX-License-Identifier: GPL-2.0-only
/* See systemctl.h. */
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"
#include "systemctl.h"

#define WORDS_MAX 16

bool systemctl_there(void)
{
	struct stat st;

	/* See sd_booted(3). */
	return !stat("/run/systemd/system", &st);
}

int systemctl_run(const char *verb, ...)
{
	const char *words[WORDS_MAX] = { "systemctl", verb };
	int count = 2, ret, status;
	va_list args;
	pid_t pid;

	va_start(args, verb);
	while (count < WORDS_MAX - 1 &&
	       (words[count] = va_arg(args, const char *)))
		count++;
	va_end(args);
	words[count] = NULL;
	ret = posix_spawnp(&pid, words[0], NULL, NULL, (char **)words, environ);
	if (ret)
		return err_errno(-ret, "run systemctl");
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_errno(-errno, "wait for systemctl");
	}
	return status ? -EREMOTEIO : 0;
}
