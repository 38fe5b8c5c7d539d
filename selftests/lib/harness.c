// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a table of tests, each in a process of its own, and reports in KTAP.
 * Owns the watchdog, the mount namespace of a test and the check that a test
 * left neither processes nor pools behind.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "pager.h"

#define EXIT_SKIP 4
#define TIMEOUT_S 300

/* What a test's processes tell the runner. */
struct report {
	char reason[512];
	const char *wait_file;
	const char *wait_what;
	int wait_line;
};

static struct report *report;
static char **params;
static int nr_params;

void diag(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line + 2, sizeof(line) - 3, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 4)
		n = sizeof(line) - 4;
	line[0] = '#';
	line[1] = ' ';
	line[n + 2] = '\n';
	if (write(STDOUT_FILENO, line, n + 3) < 0)
		return;
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	char text[800];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag("%s:%d: %s", strrchr(file, '/') ? strrchr(file, '/') + 1 : file,
	     line, text);
	_exit(1);
}

void test_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(report->reason, sizeof(report->reason), fmt, ap);
	va_end(ap);
	_exit(EXIT_SKIP);
}

void wait_note(const char *file, int line, const char *what)
{
	report->wait_file = file;
	report->wait_line = line;
	report->wait_what = what;
}

unsigned int test_slow(void)
{
	const char *slow = getenv("TARN_SLOW");

	return slow ? atoi(slow) : 1;
}

void msleep(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000L };

	nanosleep(&ts, NULL);
}

/* More pages are unmapped than are flushed one by one. */
void flush_tlb(void)
{
	const size_t bytes = 64 * PAGE_SIZE;
	void *p = mmap(NULL, bytes, PROT_READ,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	ASSERT(p != MAP_FAILED);
	munmap(p, bytes);
}

u64 test_param(const char *key, u64 def)
{
	size_t len = strlen(key);
	char name[64];
	char *value;
	int i;

	for (i = 0; i < nr_params; i++) {
		if (!strncmp(params[i], key, len) && params[i][len] == '=')
			return strtoull(params[i] + len + 1, NULL, 0);
	}
	snprintf(name, sizeof(name), "TARN_%s", key);
	value = getenv(name);
	return value ? strtoull(value, NULL, 0) : def;
}

void *shared_alloc(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT(p != MAP_FAILED);
	return p;
}

pid_t spawn(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	ASSERT(pid >= 0);
	if (!pid)
		_exit(fn(arg));
	return pid;
}

int reap(pid_t pid)
{
	int status;
	pid_t got;

	wait_note(__FILE__, pid, "exit of a process (its pid is the line)");
	do {
		got = waitpid(pid, &status, 0);
	} while (got < 0 && errno == EINTR);
	ASSERT(got == pid);
	wait_note(NULL, 0, NULL);
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

char proc_state(pid_t pid)
{
	char path[64], line[512];
	char *p = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f))
		p = strrchr(line, ')');
	fclose(f);
	return p ? p[2] : 0;
}

static int count_pools(void)
{
	DIR *dir = opendir("/sys/fs/tarn");
	struct dirent *d;
	int n = 0;

	if (!dir)
		return 0;
	while ((d = readdir(dir)))
		n += strlen(d->d_name) == 36;
	closedir(dir);
	return n;
}

static void run_child(const struct tarn_test *test)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (geteuid() == 0) {
		ASSERT_OK(unshare(CLONE_NEWNS));
		ASSERT_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	}
	test->fn();
	_exit(0);
}

/* Children of a test that took groups of their own are ours by now. */
static void kill_orphans(void)
{
	DIR *procs = opendir("/proc");
	char path[64], line[512];
	struct dirent *d;
	char *p;
	FILE *f;
	int ppid;

	while (procs && (d = readdir(procs))) {
		if (atoi(d->d_name) <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/stat", d->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		p = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
		if (p && sscanf(p, ") %*c %d", &ppid) == 1 && ppid == getpid())
			kill(atoi(d->d_name), SIGKILL);
		fclose(f);
	}
	if (procs)
		closedir(procs);
}

/*
 * Reap @pid, or with -1 all that is left of a killed test; -ETIMEDOUT when
 * that takes too long: then something can't be killed.
 */
static int wait_child(pid_t pid, unsigned int seconds, int *status)
{
	unsigned int slept = 0;
	pid_t got;

	for (;;) {
		got = waitpid(pid, status, WNOHANG);
		if (got == pid)
			return 0;
		if (got < 0)
			return errno == ECHILD ? 0 : -errno;
		if (got > 0)
			continue;
		if (slept >= seconds * 1000)
			return -ETIMEDOUT;
		if (pid < 0)
			kill_orphans();
		msleep(slept < 200 ? 1 : 10);
		slept += slept < 200 ? 1 : 10;
	}
}

static void print_file(const char *path, const char *indent)
{
	char line[512];
	FILE *f = fopen(path, "r");

	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		diag("%s%.*s", indent, (int)strcspn(line, "\n"), line);
	fclose(f);
}

/* Where all threads of a test that does not end are. */
static void print_stacks(pid_t group)
{
	DIR *procs = opendir("/proc"), *tasks;
	struct dirent *d, *t;
	char path[600];

	while (procs && (d = readdir(procs))) {
		if (atoi(d->d_name) <= 0 || getpgid(atoi(d->d_name)) != group)
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/task", d->d_name);
		tasks = opendir(path);
		while (tasks && (t = readdir(tasks))) {
			if (t->d_name[0] == '.')
				continue;
			diag("thread %s of %s:", t->d_name, d->d_name);
			snprintf(path, sizeof(path),
				 "/proc/%.20s/task/%.20s/stack", d->d_name,
				 t->d_name);
			print_file(path, "    ");
		}
		if (tasks)
			closedir(tasks);
	}
	if (procs)
		closedir(procs);
}

static const char *run_one(const struct tarn_test *test)
{
	unsigned int timeout = test_param("timeout", TIMEOUT_S);
	int pools = count_pools();
	const char *why = NULL;
	int i, status = 0, ret;
	pid_t pid;

	memset(report, 0, sizeof(*report));
	pid = fork();
	if (!pid)
		run_child(test);
	setpgid(pid, pid);
	ret = wait_child(pid, timeout, &status);
	if (ret) {
		diag("no end after %u s%s%s", timeout,
		     report->wait_what ? ", waits for: " : "",
		     report->wait_what ? report->wait_what : "");
		if (report->wait_file)
			diag("at %s:%d", report->wait_file, report->wait_line);
		print_stacks(pid);
		why = "timeout";
	}
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	if (wait_child(-1, 60, &ret))
		return "left a process that can't be killed";
	if (why)
		return why;
	if (WIFSIGNALED(status)) {
		diag("ended by signal %d (%s)", WTERMSIG(status),
		     strsignal(WTERMSIG(status)));
		return "signal";
	}
	if (WEXITSTATUS(status) == EXIT_SKIP)
		return "SKIP";
	if (WEXITSTATUS(status))
		return "assertion";
	for (i = 0; i < 1000 && count_pools() > pools; i++)
		msleep(10);
	return i == 1000 ? "left a pool behind" : NULL;
}

static bool picked(const char *name, char **names, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return !nr;
}

void harness_init(void)
{
	report = shared_alloc(sizeof(*report));
}

int tests_main(int argc, char **argv, const struct tarn_test *tests,
	       size_t count)
{
	int failed = 0, skipped = 0, run = 0, opt;
	bool list = false;
	const char *why;
	size_t i, plan = 0;

	if (argc == 3 && !strcmp(argv[1], PAGER_ARG))
		return pager_main(atoi(argv[2]));
	params = calloc(argc + 1, sizeof(*params));
	harness_init();
	while ((opt = getopt(argc, argv, "lo:")) != -1) {
		if (opt == 'l')
			list = true;
		else if (opt == 'o')
			params[nr_params++] = optarg;
		else
			return 2;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < count; i++)
		plan += picked(tests[i].name, argv + optind, argc - optind);
	if (!list)
		printf("KTAP version 1\n1..%zu\n", plan);
	for (i = 0; i < count; i++) {
		if (!picked(tests[i].name, argv + optind, argc - optind))
			continue;
		if (list) {
			printf("%s\n", tests[i].name);
			continue;
		}
		why = run_one(&tests[i]);
		run++;
		if (why && !strcmp(why, "SKIP")) {
			skipped++;
			printf("ok %d %s # SKIP %s\n", run, tests[i].name,
			       report->reason);
		} else if (why) {
			failed++;
			printf("not ok %d %s # %s\n", run, tests[i].name, why);
		} else {
			printf("ok %d %s\n", run, tests[i].name);
		}
	}
	if (list)
		return 0;
	printf("# Totals: pass:%d fail:%d skip:%d\n", run - failed - skipped,
	       failed, skipped);
	if (!plan)
		return 2;
	return failed ? 1 : skipped == run ? EXIT_SKIP : 0;
}
