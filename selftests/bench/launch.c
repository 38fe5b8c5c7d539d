// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starts a VMM and watches the guest's console on its standard output. Prints
 *
 *   mark_ms N		from exec to the first line that contains the mark
 *   private_mib N	with --private FILE: memory of the VMM itself when the
 *			mark came, that is Private_* of its smaps without the
 *			mappings of FILE, which is the guest's memory
 *
 * and passes the guest's own lines on. With --until-mark the VMM is ended then.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

struct options {
	const char *mark;
	const char *private;
	bool until_mark;
	bool quiet;
};

/* A line of smaps that begins a mapping starts with its addresses. */
static bool is_mapping(const char *line)
{
	return strspn(line, "0123456789abcdef") >= 4 && strchr(line, '-');
}

static double private_mib(pid_t pid, const char *except)
{
	unsigned long kib, sum = 0;
	bool counts = true;
	char path[64], line[1024];
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	in = fopen(path, "re");
	if (!in)
		return -1;
	while (fgets(line, sizeof(line), in)) {
		if (is_mapping(line))
			counts = !strstr(line, except);
		else if (counts &&
			 (sscanf(line, "Private_Clean: %lu", &kib) == 1 ||
			  sscanf(line, "Private_Dirty: %lu", &kib) == 1))
			sum += kib;
	}
	fclose(in);
	return (double)sum / 1024;
}

static pid_t start(char **command, int *from)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execvp(command[0], command);
		fprintf(stderr, "launch: %s: %s\n", command[0],
			strerror(errno));
		_exit(127);
	}
	close(fds[1]);
	*from = fds[0];
	return pid;
}

static void at_mark(const struct options *opt, pid_t pid, uint64_t began)
{
	printf("mark_ms %.1f\n", (double)(clock_ns() - began) / 1000000);
	if (opt->private) {
		/* Let it come to rest. */
		sleep(2);
		printf("private_mib %.2f\n", private_mib(pid, opt->private));
	}
	if (opt->until_mark)
		kill(pid, SIGKILL);
}

static int run(const struct options *opt, char **command)
{
	uint64_t began = clock_ns();
	bool marked = false;
	char line[1024];
	int fd = -1, status;
	pid_t pid;
	FILE *in;

	pid = start(command, &fd);
	if (pid < 0)
		return pid;
	in = fdopen(fd, "re");
	if (!in)
		return -errno;
	while (fgets(line, sizeof(line), in)) {
		if (!marked && strstr(line, opt->mark)) {
			marked = true;
			at_mark(opt, pid, began);
		}
		line[strcspn(line, "\r\n")] = '\0';
		if (!opt->quiet)
			printf("%s\n", line);
	}
	fclose(in);
	waitpid(pid, &status, 0);
	if (!marked) {
		fprintf(stderr, "launch: the guest never said '%s'\n",
			opt->mark);
		return -EIO;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "mark", required_argument, NULL, 'm' },
		{ "private", required_argument, NULL, 'p' },
		{ "until-mark", no_argument, NULL, 'u' },
		{ "quiet", no_argument, NULL, 'q' },
		{ NULL, 0, NULL, 0 },
	};
	struct options opt = { .mark = "guest: up" };
	int c, ret;

	while ((c = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		switch (c) {
		case 'm':
			opt.mark = optarg;
			break;
		case 'p':
			opt.private = optarg;
			break;
		case 'u':
			opt.until_mark = true;
			break;
		case 'q':
			opt.quiet = true;
			break;
		default:
			return 2;
		}
	}
	if (optind >= argc) {
		fprintf(stderr, "usage: launch [--mark TEXT] [--private FILE] "
				"[--until-mark] [--quiet] COMMAND...\n");
		return 2;
	}
	ret = run(&opt, argv + optind);
	if (ret)
		fprintf(stderr, "launch: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
