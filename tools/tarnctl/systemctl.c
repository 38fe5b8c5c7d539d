// SPDX-License-Identifier: GPL-2.0-only
/* See systemctl.h. */
#include <errno.h>
#include <fcntl.h>
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

static int run(const char **words, bool quiet)
{
	posix_spawn_file_actions_t actions;
	int ret, status;
	pid_t pid;

	ret = posix_spawn_file_actions_init(&actions);
	if (!ret && quiet)
		ret = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO,
						       "/dev/null", O_WRONLY, 0);
	if (!ret)
		ret = posix_spawnp(&pid, words[0], &actions, NULL,
				   (char **)words, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (ret)
		return err_errno(-ret, "start systemctl");
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_errno(-errno, "wait for systemctl");
	}
	return status ? -EREMOTEIO : 0;
}

int systemctl_run(const char *verb, ...)
{
	const char *words[WORDS_MAX] = { "systemctl", verb };
	int count = 2;
	va_list args;

	va_start(args, verb);
	while (count < WORDS_MAX - 1 &&
	       (words[count] = va_arg(args, const char *)))
		count++;
	va_end(args);
	words[count] = NULL;
	return run(words, false);
}

void systemctl_forget(const char *unit)
{
	const char *words[] = { "systemctl", "reset-failed", unit, NULL };

	/* It complains about one that is not known. */
	run(words, true);
}
