// SPDX-License-Identifier: GPL-2.0-only
/* See security.h. */
#include "security.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/blkzoned.h>
#include <linux/capability.h>
#include <linux/cdrom.h>
#include <linux/fd.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <linux/tarn_pager.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

static void never_kill(void)
{
	static const char score[] = "-1000";
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, score, sizeof(score) - 1) < 0)
		log_warn("the OOM killer may take us: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

static int raise_limit(int resource, rlim_t want)
{
	struct rlimit limit = { .rlim_cur = want, .rlim_max = want };

	return setrlimit(resource, &limit) ? -errno : 0;
}

/*
 * All that is mapped now is read in and kept. What is mapped later is kept once it has
 * been touched.
 */
static int lock_memory(void)
{
	int ret = raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);

	if (ret)
		log_warn("can't lift the limit of locked memory: %s",
			 strerror(-ret));
	if (mlockall(MCL_CURRENT) || mlockall(MCL_FUTURE | MCL_ONFAULT)) {
		log_err("can't stay in memory (see --no-mlock): %s",
			strerror(errno));
		return -errno;
	}
	return 0;
}

/**
 * security_lock_later() - whether what is mapped from now on is kept once it was touched
 * @mlock: as security_protect() was told
 *
 * A mapping that the kernel does not lock, as it may not grow, is filled at once all the same
 * where others are to be locked: that of the window with an entry for each page of the pool.
 */
int security_lock_later(bool mlock, bool later)
{
	if (mlock && mlockall(later ? MCL_FUTURE | MCL_ONFAULT : MCL_CURRENT))
		return -errno;
	return 0;
}

/**
 * security_protect() - be dependable; before anything large is mapped
 *
 * An I/O flusher's allocations never wait for I/O, which might be our own.
 */
int security_protect(bool mlock)
{
	never_kill();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
		log_debug("no I/O flusher: %s", strerror(errno));
	return mlock ? lock_memory() : 0;
}

/* Not found, or not looked up: errno is of getpwnam() or getgrnam(). */
static int no_such(const char *what, const char *name)
{
	switch (errno) {
	case EINTR:
	case EIO:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		log_err("--user: can't look up %s %s: %s", what, name,
			strerror(errno));
		return -errno;
	default:
		log_err("--user: there is no %s %s", what, name);
		return -EINVAL;
	}
}

static int find_group(const char *name, gid_t *gid)
{
	struct group *gr;

	errno = 0;
	gr = getgrnam(name);
	if (!gr)
		return no_such("group", name);
	*gid = gr->gr_gid;
	return 0;
}

/**
 * security_find_user() - who USER[:GROUP] is
 *
 * Return: 0; -EINVAL: there is no such user or group; another -errno. The
 * reason has been logged.
 */
int security_find_user(const char *name, struct pager_user *user)
{
	char *copy = strdup(name);
	struct passwd *pw;
	char *group;
	int ret = 0;

	if (!copy)
		return -ENOMEM;
	group = strchr(copy, ':');
	if (group)
		*group++ = '\0';
	errno = 0;
	pw = getpwnam(copy);
	if (pw)
		*user = (struct pager_user){ .uid = pw->pw_uid, .gid = pw->pw_gid };
	else
		ret = no_such("user", copy);
	if (!ret && group)
		ret = find_group(group, &user->gid);
	free(copy);
	return ret;
}

/* Keep CAP_SYS_ADMIN, which calls of /dev/tarn want, and nothing else. */
static int keep_capability(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {
		{ .effective = 1 << CAP_SYS_ADMIN,
		  .permitted = 1 << CAP_SYS_ADMIN },
	};

	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/*
 * Become @user. The threads of the queues, which see the guests' data and the
 * devices, lose all capabilities; this one, which reports the status, keeps
 * the one that the module asks for.
 */
int security_drop(const struct pager_user *user)
{
	uid_t uid = user->uid;
	gid_t gid = user->gid;

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(1, &gid) || setresgid(gid, gid, gid) ||
	    setresuid(uid, uid, uid) || keep_capability()) {
		log_err("can't become user %u, group %u: %s", uid, gid, strerror(errno));
		return -errno;
	}
	return 0;
}

static const int allowed_calls[] = {
	/* The queues. */
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(futex),
	/* Superblocks, re-silvering, discard. */
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(fallocate),
	/* Log, eventfd, timer and signals. */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* A thread that was created before may still have to begin. */
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	/* malloc() looks for the number of processors. */
	SCMP_SYS(sched_getaffinity),
	/* abort() and assert(), so that a bug leaves its mark. */
	SCMP_SYS(tgkill),
	SCMP_SYS(gettid),
	SCMP_SYS(getpid),
	SCMP_SYS(sched_yield),
	/* The control socket, the log, the service manager. */
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(accept4),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(close),
	/* Devices added or replaced while we run. */
	SCMP_SYS(openat),
	SCMP_SYS(stat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fstat),
	SCMP_SYS(statx),
	SCMP_SYS(fstatfs),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(fcntl),
	SCMP_SYS(flock),
	SCMP_SYS(ftruncate),
	SCMP_SYS(getrandom),
	/* To look what is on them, which libblkid does as well. */
	SCMP_SYS(lseek),
	SCMP_SYS(fadvise64),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getdents64),
	/* A file that was created and is not used after all. */
	SCMP_SYS(unlink),
	/* malloc() of the control socket's text and of new devices. */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(mprotect),
};

static const unsigned long allowed_ioctls[] = {
	TARN_PAGER_STATUS, TARN_PAGER_GRANT, BLKDISCARD,
	BLKGETSIZE64,	   BLKSSZGET,	     BLKGETZONESZ,
	/* libblkid: is it a floppy disk, a CD, zoned, how large are blocks. */
	FDGETFDCSTAT,	   CDROM_GET_CAPABILITY, CDROM_LAST_WRITTEN,
	CDROM_DRIVE_STATUS, CDROMREADTOCENTRY,	 BLKREPORTZONE,
	BLKPBSZGET,	   BLKIOMIN,	     BLKIOOPT,
	BLKALIGNOFF,	   BLKGETDISKSEQ,    HDIO_GETGEO,
};

/* mmap and mprotect for data only. */
static bool is_mapping(int call)
{
	return call == SCMP_SYS(mmap) || call == SCMP_SYS(mprotect);
}

static int add_call(scmp_filter_ctx filter, int call)
{
	if (is_mapping(call))
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
					SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC,
						0));
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
}

static int add_rules(scmp_filter_ctx filter)
{
	unsigned int i;
	/* The queues see whether a page is right, at no other process' memory. */
	int ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
				   SCMP_SYS(process_vm_readv), 1,
				   SCMP_A0(SCMP_CMP_EQ, getpid()));

	for (i = 0; i < ARRAY_SIZE(allowed_calls) && !ret; i++)
		ret = add_call(filter, allowed_calls[i]);
	for (i = 0; i < ARRAY_SIZE(allowed_ioctls) && !ret; i++)
		ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl),
				       1,
				       SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff,
					       allowed_ioctls[i]));
	return ret;
}

/**
 * security_confine() - from now on, only what serving needs
 *
 * The threads of the queues exist and have their rings. A call that is not
 * allowed ends the process, which the module and its guests survive.
 */
int security_confine(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int ret;

	if (!filter)
		return -ENOMEM;
	ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!ret)
		ret = add_rules(filter);
	if (!ret)
		ret = seccomp_load(filter);
	seccomp_release(filter);
	if (ret)
		log_err("can't confine system calls (see --no-seccomp): %s",
			strerror(-ret));
	return ret;
}
