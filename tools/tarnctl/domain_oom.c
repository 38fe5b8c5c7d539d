// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "domain_oom.h"
#include "error.h"

/* Those of proc(5). */
#define SCORE_MIN (-1000)
#define SCORE_MAX 1000

static int parse(const char *text, int *score)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (end == text || errno || n < SCORE_MIN || n > SCORE_MAX)
		return -EINVAL;
	while (isspace((unsigned char)*end))
		end++;
	*score = n;
	return *end ? -EINVAL : 0;
}

int domain_oom_read(const char *path, int *score)
{
	FILE *f = fopen(path, "re");
	char text[64];
	size_t len;

	if (!f)
		return errno == ENOENT ? 0 : err_errno(-errno, "open %s", path);
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	fclose(f);
	if (len < sizeof(text) - 1 && !parse(text, score))
		return 1;
	err("%s: not a number from %d to %d", path, SCORE_MIN, SCORE_MAX);
	return -EINVAL;
}

int domain_oom_set(int dir, int score)
{
	int fd = openat(dir, "oom_score_adj", O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = dprintf(fd, "%d\n", score) < 0 ? -errno : 0;
	close(fd);
	return ret;
}
