// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saves a guest to a file and restores it, with a VMM that speaks QMP. Prints
 *
 *	saved_mib N	what the file takes
 *	save_ms N	from the commands to when all of it is on its disk
 *	restore_ms N	from the start of the VMM that restores it to when the guest works
 *			as fast as before, by nine tenths
 *
 * The guest goes round its hot pages, counts each, and ticks (selftests/guest/hold.c). How
 * fast it is before is the mean of many ticks; afterwards that of as many as WINDOW, and
 * what counts is when these begin. Then it reads all of its memory, and fails the run if
 * anything is not as it was.
 *
 * Both VMMs get the same commands: the guest is stopped, and then saved, without a limit of
 * speed. With --fd the file is handed over open, as libvirt does it with QEMU, which has no
 * other way to a file without a program in between; else it is named. Between saving and
 * restoring a command of the caller runs, so that nothing of the file is in the page cache.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/tarn.h>

#include "clock.h"
#include "qmp.h"
#include "ticker.h"

/* Ticks that do not count, at first. */
#define WARM 16
#define WINDOW 32
#define BEFORE (4 * WINDOW)
/* As fast as before: so many hundredths of that. */
#define PERCENT 90
/* What a file is called that is handed over. */
#define HANDED "file"
/* Rounds of looks by which a pool knows what is hot. */
#define ROUNDS 10
#define POLL_US 200000
/* What has not come by then never does: rounds, and the speed of before. */
#define MOST_NS (300 * NSEC_PER_SEC)
#define MOST_WORDS 64
/* Bytes a second that libvirt takes for no limit. */
#define NO_LIMIT "9223372036853727232"

/**
 * struct options - what is asked for
 * @file: that the guest is saved to
 * @socket: of the VMM's monitor
 * @between: run between saving and restoring, or NULL
 * @partition: the guest's memory in a pool, or NULL
 * @fd: the file is handed over
 * @command: of the VMM, without monitor and -incoming
 */
struct options {
	const char *file;
	const char *socket;
	const char *between;
	const char *partition;
	bool fd;
	char **command;
};

static struct ticker ticker;
static struct qmp qmp;

/* ---- the VMM ------------------------------------------------------------ */

static int make_command(const struct options *opt, bool incoming, char **words,
			char *monitor, size_t size)
{
	unsigned int n = 0;

	snprintf(monitor, size, "unix:%s,server=on,wait=off", opt->socket);
	while (opt->command[n] && n < MOST_WORDS - 5) {
		words[n] = opt->command[n];
		n++;
	}
	if (opt->command[n])
		return -E2BIG;
	words[n++] = "-qmp";
	words[n++] = monitor;
	if (incoming) {
		words[n++] = "-incoming";
		words[n++] = "defer";
	}
	words[n] = NULL;
	return 0;
}

/* Its time begins when it is started. */
static int start(const struct options *opt, bool incoming)
{
	char *words[MOST_WORDS], monitor[256];
	int ret;

	ret = make_command(opt, incoming, words, monitor, sizeof(monitor));
	if (ret)
		return ret;
	unlink(opt->socket);
	ret = ticker_start(&ticker, words);
	if (ret)
		return ret;
	ret = qmp_open(&qmp, opt->socket, &ticker.ended);
	if (ret)
		ticker_stop(&ticker);
	return ret;
}

static void stop(void)
{
	qmp_close(&qmp);
	ticker_stop(&ticker);
}

/* Save to the file, or restore from it, by that command. */
static int transfer(const struct options *opt, const char *command, int flags)
{
	char uri[256];
	int fd, ret;

	if (!opt->fd) {
		snprintf(uri, sizeof(uri), "file:%s", opt->file);
		return qmp_migrate(&qmp, command, uri);
	}
	fd = open(opt->file, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = qmp_pass(&qmp, fd, HANDED);
	close(fd);
	return ret ? ret : qmp_migrate(&qmp, command, "fd:" HANDED);
}

/* ---- how fast the guest is ---------------------------------------------- */

/* The pool has seen what the guest uses, as it would have of one that ran for a while. */
static int wait_rounds(const struct options *opt)
{
	struct tarn_partition_heat heat = { .size = sizeof(heat) };
	uint64_t first = 0, began = clock_ns();
	int fd, ret = 0;

	if (!opt->partition)
		return 0;
	fd = open(opt->partition, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		usleep(POLL_US);
		if (ioctl(fd, TARN_PARTITION_HEAT, &heat))
			ret = -errno;
		else if (clock_ns() - began > MOST_NS)
			ret = -ETIME;
		/* The one under way may have begun before the guest was ready. */
		else if (!first)
			first = heat.rounds + 1;
	} while (!ret && heat.rounds < first + ROUNDS);
	close(fd);
	return ret;
}

/* Nanoseconds a tick from now on. */
static int measure_before(double *ns)
{
	size_t from;
	int ret;

	pthread_mutex_lock(&ticker.lock);
	from = ticker.count + WARM;
	pthread_mutex_unlock(&ticker.lock);
	ret = ticker_wait(&ticker, from + BEFORE + 1);
	if (!ret)
		*ns = (double)(ticker.at[from + BEFORE] - ticker.at[from]) /
		      BEFORE;
	return ret;
}

/* Is it as fast from that tick on, if one takes @ns? */
static bool is_fast(size_t from, double ns)
{
	double took = (double)(ticker.at[from + WINDOW] - ticker.at[from]);

	return took * PERCENT <= ns * WINDOW * 100;
}

/* When the first window began in which it was as fast as that. */
static int measure_after(double ns, uint64_t *at)
{
	size_t from;
	int ret;

	for (from = 0;; from++) {
		ret = ticker_wait(&ticker, from + WINDOW + 1);
		if (ret)
			return ret;
		if (is_fast(from, ns))
			break;
		if (ticker.at[from] - ticker.began > MOST_NS)
			return -ETIME;
	}
	*at = ticker.at[from];
	return 0;
}

/* ---- saving and restoring ----------------------------------------------- */

/* All is on the disk, and so much of it. */
static int sync_file(const struct options *opt, double *mib)
{
	int fd = open(opt->file, O_RDONLY | O_CLOEXEC), ret = 0;
	struct stat st;
	off_t blocks;

	if (fd < 0)
		return -errno;
	if (fdatasync(fd) || fstat(fd, &st)) {
		ret = -errno;
	} else {
		/* Holes of a file are nothing that was written. */
		blocks = (off_t)st.st_blocks * 512;
		*mib = (double)(blocks < st.st_size ? blocks : st.st_size) /
		       (1 << 20);
	}
	close(fd);
	return ret;
}

static int save(const struct options *opt)
{
	uint64_t began;
	double mib = 0;
	int ret;

	ret = qmp_command(&qmp, "migrate-set-parameters",
			  "{\"max-bandwidth\":" NO_LIMIT "}");
	if (ret)
		return ret;
	began = clock_ns();
	ret = qmp_command(&qmp, "stop", "{}");
	if (!ret)
		ret = transfer(opt, "migrate", O_WRONLY | O_CREAT | O_TRUNC);
	if (!ret)
		ret = sync_file(opt, &mib);
	if (ret)
		return ret;
	printf("save_ms %.1f\n", (double)(clock_ns() - began) / 1000000);
	printf("saved_mib %.2f\n", mib);
	return 0;
}

static int run_saved(const struct options *opt, double *ns)
{
	int ret = start(opt, false);

	if (ret)
		return ret;
	ret = ticker_wait_ready(&ticker);
	if (!ret)
		ret = wait_rounds(opt);
	if (!ret)
		ret = measure_before(ns);
	if (!ret)
		ret = save(opt);
	stop();
	return ret;
}

/* Is it the guest that was saved? One that began anew says that it is ready. */
static int check_restored(void)
{
	if (!ticker.ready)
		return ticker_verify(&ticker);
	fprintf(stderr, "saves: the guest was not restored, but booted\n");
	return -EILSEQ;
}

/* It was stopped as it was saved. */
static int run_restored(const struct options *opt, double ns)
{
	uint64_t at;
	int ret = start(opt, true);

	if (ret)
		return ret;
	ret = transfer(opt, "migrate-incoming", O_RDONLY);
	if (!ret)
		ret = qmp_command(&qmp, "cont", "{}");
	if (!ret)
		ret = measure_after(ns, &at);
	if (!ret)
		printf("restore_ms %.1f\n",
		       (double)(at - ticker.began) / 1000000);
	if (!ret)
		ret = check_restored();
	stop();
	return ret;
}

static int run(const struct options *opt)
{
	double ns = 0;
	int ret = run_saved(opt, &ns);

	if (ret)
		return ret;
	printf("tick_ms %.2f\n", ns / 1000000);
	/* What is restored is from the file, and nothing else. */
	if (opt->partition && !access(opt->partition, F_OK))
		return -EEXIST;
	if (opt->between && system(opt->between))
		return -EIO;
	return run_restored(opt, ns);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "file", required_argument, NULL, 'f' },
		{ "socket", required_argument, NULL, 's' },
		{ "between", required_argument, NULL, 'b' },
		{ "partition", required_argument, NULL, 'p' },
		{ "fd", no_argument, NULL, 'd' },
		{ NULL, 0, NULL, 0 },
	};
	struct options opt = {};
	int c, ret;

	while ((c = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		if (c == 'f')
			opt.file = optarg;
		else if (c == 's')
			opt.socket = optarg;
		else if (c == 'b')
			opt.between = optarg;
		else if (c == 'p')
			opt.partition = optarg;
		else if (c == 'd')
			opt.fd = true;
		else
			return 2;
	}
	opt.command = argv + optind;
	if (!opt.file || !opt.socket || optind >= argc) {
		fprintf(stderr, "usage: saves --file FILE --socket PATH [--between COMMAND] "
				"[--partition FILE] [--fd] VMM...\n");
		return 2;
	}
	ret = run(&opt);
	if (ret)
		fprintf(stderr, "saves: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
