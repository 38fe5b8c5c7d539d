// SPDX-License-Identifier: GPL-2.0-only
/* See script.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"
#include "sample.h"
#include "script.h"

/* Between being asked to end and being killed. */
#define GRACE_NS 2000000000ULL
#define SECOND_NS 1000000000ULL

int script_rules_check(struct script_rules *rules)
{
	struct passwd *user;

	rules->uid = geteuid();
	rules->gid = getegid();
	if (rules->uid)
		return 0;
	errno = 0;
	user = getpwnam(rules->user);
	if (!user) {
		err("there is no user '%s' to run scripts of %s; systemd-sysusers makes it, or name another one with --alert-user",
		    rules->user, rules->dir);
		return errno ? -errno : -ENOENT;
	}
	if (!user->pw_uid) {
		err("scripts of %s are not run as root: name another user with --alert-user",
		    rules->dir);
		return -EPERM;
	}
	rules->uid = user->pw_uid;
	rules->gid = user->pw_gid;
	return 0;
}

/* ---- finding them ------------------------------------------------------- */

/* As run-parts(8): no copies of editors and packages. */
static bool is_name(const char *name)
{
	return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")];
}

static bool is_trusted(const struct stat *st)
{
	return (!st->st_uid || st->st_uid == geteuid()) &&
	       !(st->st_mode & 0022);
}

static bool is_script(int dirfd, const char *dir, const char *name)
{
	struct stat st;

	if (!is_name(name) || fstatat(dirfd, name, &st, 0) ||
	    !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return false;
	if (is_trusted(&st))
		return true;
	err("%s/%s is not run: others than root may write to it", dir, name);
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_add(struct script_list *list, const char *name)
{
	char **names = reallocarray(list->names, list->count + 1,
				    sizeof(*names));

	if (names)
		list->names = names;
	if (names && (names[list->count] = strdup(name)))
		list->count++;
	else
		err_nomem();
}

void script_list_read(struct script_list *list, const struct script_rules *rules)
{
	DIR *dir = opendir(rules->dir);
	struct dirent *entry;
	struct stat st;

	memset(list, 0, sizeof(*list));
	if (!dir) {
		if (errno != ENOENT)
			err_errno(-errno, "%s", rules->dir);
		return;
	}
	if (fstat(dirfd(dir), &st) || !is_trusted(&st)) {
		err("scripts of %s are not run: others than root may write to it",
		    rules->dir);
	} else {
		while ((entry = readdir(dir))) {
			if (is_script(dirfd(dir), rules->dir, entry->d_name))
				list_add(list, entry->d_name);
		}
	}
	closedir(dir);
	if (list->count)
		qsort(list->names, list->count, sizeof(*list->names), by_name);
}

void script_list_free(struct script_list *list)
{
	while (list->count)
		free(list->names[--list->count]);
	free(list->names);
	memset(list, 0, sizeof(*list));
}

/* ---- running one -------------------------------------------------------- */

/* In the child: give up all that a script must not have. Does not return. */
static void __attribute__((noreturn))
become(const struct script_rules *rules, const char *path, char *const *env)
{
	char *argv[] = { (char *)path, NULL };
	struct rlimit cpu = { rules->seconds, rules->seconds + 1 };
	struct rlimit core = { 0, 0 };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	int fd, i;

	setpgid(0, 0);
	for (i = 1; i < _NSIG; i++)
		sigaction(i, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fd = open("/dev/null", O_RDONLY);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		_exit(126);
	if (syscall(SYS_close_range, 3U, ~0U, 0U) && errno != ENOSYS)
		_exit(126);
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_CORE, &core);
	umask(077);
	/* Capabilities go with the last user id that is root's. */
	if (!geteuid() && (setgroups(0, NULL) ||
			   setresgid(rules->gid, rules->gid, rules->gid) ||
			   setresuid(rules->uid, rules->uid, rules->uid) ||
			   !getuid() || !setuid(0)))
		_exit(126);
	if (chdir("/"))
		_exit(126);
	execve(path, argv, env);
	_exit(errno == ENOENT ? 127 : 126);
}

int script_start(struct script *script, const struct script_rules *rules,
		 const char *name, char *const *env)
{
	char path[PATH_MAX];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", rules->dir, name);
	pid = fork();
	if (pid < 0)
		return err_errno(-errno, "run %s", path);
	if (!pid)
		become(rules, path, env);
	/* Here as well, so that the group is there when it is to be ended. */
	setpgid(pid, pid);
	script->name = name;
	script->pid = pid;
	script->asked = false;
	script->deadline = sample_clock() + rules->seconds * SECOND_NS;
	/* It is ours until it is waited for: the number cannot be another's. */
	script->pidfd = syscall(SYS_pidfd_open, pid, 0U);
	return 0;
}

static void report_end(const struct script *script,
		       const struct script_rules *rules, int status)
{
	if (script->asked)
		err("%s/%s took more than %u seconds and was ended", rules->dir,
		    script->name, rules->seconds);
	else if (WIFSIGNALED(status))
		err("%s/%s ended by signal %d", rules->dir, script->name,
		    WTERMSIG(status));
	else if (WEXITSTATUS(status))
		err("%s/%s ended with status %d", rules->dir, script->name,
		    WEXITSTATUS(status));
}

static void forget(struct script *script)
{
	if (script->pidfd >= 0)
		close(script->pidfd);
	script->pidfd = -1;
	script->pid = 0;
}

/* Before it is waited for, so that the group cannot be anybody else's. */
static bool has_ended(const struct script *script)
{
	siginfo_t info = { 0 };

	return !waitid(P_PID, script->pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       info.si_pid == script->pid;
}

bool script_look(struct script *script, const struct script_rules *rules)
{
	int status;

	if (!script->pid)
		return true;
	if (has_ended(script)) {
		/* What it left in the background ends with it. */
		kill(-script->pid, SIGKILL);
		while (waitpid(script->pid, &status, 0) < 0 && errno == EINTR)
			;
		report_end(script, rules, status);
		forget(script);
		return true;
	}
	if (sample_clock() < script->deadline)
		return false;
	kill(-script->pid, script->asked ? SIGKILL : SIGTERM);
	script->asked = true;
	script->deadline = sample_clock() + GRACE_NS;
	return false;
}

void script_end(struct script *script)
{
	if (!script->pid)
		return;
	kill(-script->pid, SIGKILL);
	while (waitpid(script->pid, NULL, 0) < 0 && errno == EINTR)
		;
	forget(script);
}
