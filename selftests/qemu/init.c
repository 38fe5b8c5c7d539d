// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of L1, the virtual machine that the tests run in. Linked statically, it
 * is all there is in the initramfs beside a few kernel modules.
 *
 * It makes the host's root (9p) the lower layer of an overlay on tmpfs, moves
 * there, mounts what a Linux system has, loads tarn.ko, runs one command whose
 * output goes to two virtio-serial ports, takes everything down again, unloads
 * tarn.ko, looks for complaints of the kernel, and writes the verdict to a
 * third port: "exit N", or "broken" when the kernel is not to be trusted any
 * more.
 *
 * What to do comes in /job of the initramfs: conf holds lines "key value", argv
 * and env hold strings that end in NUL. selftests/qemu/l1 writes them.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/hpet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NEWROOT "/newroot"
#define OPTIONS_9P "trans=virtio,version=9p2000.L,msize=512000,access=any"
#define MAX_KEEP 8
#define MAX_WORDS 256
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct job {
	char *cwd;
	char *modules; /* where L1's /lib/modules/<release> is on the host */
	char *release;
	char *probe; /* modules to load by modprobe, with spaces between */
	char *module; /* tarn.ko, or NULL */
	char *kvm_module; /* tarn_kvm.ko, or NULL */
	bool share;
	bool awake; /* see keep_awake() */
	char *keep[MAX_KEEP]; /* paths that a tmpfs must not hide */
	int nr_keep;
	char **argv;
	char **env;
};

enum { PORT_OUT, PORT_ERR, PORT_STATUS, NR_PORTS };

static const char *const port_names[NR_PORTS] = {"tarn.out", "tarn.err",
						 "tarn.status"};
static int ports[NR_PORTS] = {-1, -1, -1};

/* To the kernel's log, and so to the console. */
static void say(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int fd, len;

	len = snprintf(text, sizeof(text), "<3>l1: ");
	va_start(ap, fmt);
	vsnprintf(text + len, sizeof(text) - len, fmt, ap);
	va_end(ap);
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, text, strlen(text)) < 0)
			sync();
		close(fd);
	}
}

static void finish(const char *verdict)
{
	if (ports[PORT_STATUS] >= 0 &&
	    write(ports[PORT_STATUS], verdict, strlen(verdict)) < 0)
		say("cannot write the verdict: %m");
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void die(const char *what)
{
	say("%s: %s", what, strerror(errno));
	finish("broken\n");
}

static char *slurp(const char *path, size_t *len)
{
	size_t size = 0, room = 0;
	char *text = NULL;
	ssize_t ret;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	do {
		if (room - size < 4096) {
			room = room * 2 + 8192;
			text = realloc(text, room);
			if (!text)
				die("memory");
		}
		ret = read(fd, text + size, room - size - 1);
		if (ret > 0)
			size += ret;
	} while (ret > 0);
	close(fd);
	text[size] = '\0';
	if (len)
		*len = size;
	return text;
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static char **strings(const char *path)
{
	size_t len, nr = 0, i;
	char **list, *text;

	text = slurp(path, &len);
	if (!text)
		die(path);
	for (i = 0; i < len; i++)
		nr += !text[i];
	list = calloc(nr + 1, sizeof(*list));
	if (!list)
		die("memory");
	for (i = 0; i < nr; i++, text += strlen(text) + 1)
		list[i] = text;
	return list;
}

static void read_job(struct job *job)
{
	char *line, *value, *rest = slurp("/job/conf", NULL);

	if (!rest)
		die("/job/conf");
	while ((line = strsep(&rest, "\n"))) {
		value = strchr(line, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		if (!strcmp(line, "cwd"))
			job->cwd = value;
		else if (!strcmp(line, "modules"))
			job->modules = value;
		else if (!strcmp(line, "release"))
			job->release = value;
		else if (!strcmp(line, "probe"))
			job->probe = value;
		else if (!strcmp(line, "module"))
			job->module = value;
		else if (!strcmp(line, "kvm_module"))
			job->kvm_module = value;
		else if (!strcmp(line, "share"))
			job->share = true;
		else if (!strcmp(line, "awake"))
			job->awake = true;
		else if (!strcmp(line, "keep") && job->nr_keep < MAX_KEEP)
			job->keep[job->nr_keep++] = value;
	}
	job->argv = strings("/job/argv");
	job->env = strings("/job/env");
}

static void mkdirs(const char *path)
{
	char part[PATH_MAX];
	size_t i;

	for (i = 1; path[i] && i < sizeof(part); i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		mkdir(part, 0755);
	}
	mkdir(path, 0755);
}

static void mount_on(const char *source, const char *dir, const char *type,
		     unsigned long flags, const char *data)
{
	mkdirs(dir);
	if (mount(source, dir, type, flags, data)) {
		say("mount of %s (%s) failed", dir, type ?: "bind");
		die("mount");
	}
}

static int load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
		err = -errno;
	close(fd);
	return err;
}

/* /modules of the initramfs: names sort in the order of dependence. */
static void load_first_modules(void)
{
	struct dirent **names;
	char path[PATH_MAX];
	int i, nr, err;

	nr = scandir("/modules", &names, NULL, alphasort);
	for (i = 0; i < nr; i++) {
		if (names[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/modules/%s", names[i]->d_name);
		err = load(path);
		if (err)
			say("%s: %s", path, strerror(-err));
	}
}

static bool find_port(int port)
{
	char path[PATH_MAX], *name;
	struct dirent *entry;
	DIR *dir;

	dir = opendir("/sys/class/virtio-ports");
	while (dir && ports[port] < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name",
			 entry->d_name);
		name = slurp(path, NULL);
		if (name && !strncmp(name, port_names[port],
				     strlen(port_names[port]))) {
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			ports[port] = open(path, O_WRONLY | O_CLOEXEC);
		}
		free(name);
	}
	if (dir)
		closedir(dir);
	return ports[port] >= 0;
}

/* Ports appear asynchronously; without one there is no verdict, as l1 notices. */
static void open_ports(void)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	int port, tries;

	for (port = 0; port < NR_PORTS; port++)
		for (tries = 0; !find_port(port) && tries < 10000; tries++)
			nanosleep(&pause, NULL);
}

static void mount_root(const struct job *job)
{
	char from[PATH_MAX], to[PATH_MAX];
	int i;

	mount_on("hostroot", "/lower", "9p", MS_RDONLY,
		 OPTIONS_9P ",cache=loose");
	mount_on("tmpfs", "/upper", "tmpfs", 0, "size=75%");
	mkdirs("/upper/data");
	mkdirs("/upper/work");
	mount_on("l1", NEWROOT, "overlay", 0,
		 "lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work");

	for (i = 0; i < job->nr_keep; i++) {
		snprintf(from, sizeof(from), NEWROOT "%s", job->keep[i]);
		snprintf(to, sizeof(to), "/keep/%d", i);
		mount_on(from, to, NULL, MS_BIND, NULL);
	}
	mount_on("tmpfs", NEWROOT "/tmp", "tmpfs", 0, "mode=1777");
	mount_on("tmpfs", NEWROOT "/run", "tmpfs", 0, "mode=0755");
	for (i = 0; i < job->nr_keep; i++) {
		snprintf(from, sizeof(from), "/keep/%d", i);
		snprintf(to, sizeof(to), NEWROOT "%s", job->keep[i]);
		mount_on(from, to, NULL, MS_BIND, NULL);
	}
	if (job->share)
		mount_on("share", NEWROOT "/share", "9p", 0,
			 OPTIONS_9P ",cache=mmap");
	if (job->modules) {
		snprintf(from, sizeof(from), NEWROOT "%s", job->modules);
		snprintf(to, sizeof(to), NEWROOT "/lib/modules/%s",
			 job->release);
		mount_on(from, to, NULL, MS_BIND, NULL);
	}
}

static void enter_root(void)
{
	static const char *const moved[] = {"/dev", "/proc", "/sys"};
	char to[PATH_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(moved); i++) {
		snprintf(to, sizeof(to), NEWROOT "%s", moved[i]);
		mkdirs(to);
		if (mount(moved[i], to, NULL, MS_MOVE, NULL))
			die(moved[i]);
	}
	if (chdir(NEWROOT) || mount(".", "/", NULL, MS_MOVE, NULL) ||
	    chroot(".") || chdir("/"))
		die("new root");
}

static void mount_rest(void)
{
	mount_on("devpts", "/dev/pts", "devpts", 0,
		 "mode=0620,gid=5,ptmxmode=0666");
	mount_on("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777");
	mount_on("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	/* Absent from some kernels; a test that needs them says so. */
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	put("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	put("/sys/fs/cgroup/cgroup.subtree_control", "+cpu");
	put("/sys/fs/cgroup/cgroup.subtree_control", "+io");
	if (symlink("/proc/self/fd", "/dev/fd") ||
	    symlink("fd/0", "/dev/stdin") || symlink("fd/1", "/dev/stdout") ||
	    symlink("fd/2", "/dev/stderr"))
		say("/dev/fd: %m");
}

static void loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		say("lo: %m");
	if (fd >= 0)
		close(fd);
}

/*
 * Have the HPET interrupt ten times a second. QEMU's main thread notes an
 * interrupt in a word that the emulated processor changes, too, when it enters
 * and leaves a guest, neither of them atomically. So one can get lost until the
 * next one of any kind, and an idle L1 whose only timer that was would sleep for
 * ever. The HPET counts on by itself.
 */
static void keep_awake(void)
{
	int fd = open("/dev/hpet", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return; /* the debug kernel has none */
	if (ioctl(fd, HPET_IRQFREQ, 10UL) || ioctl(fd, HPET_EPI, 0) ||
	    ioctl(fd, HPET_IE_ON, 0))
		say("/dev/hpet: %m");
}

static int run_quietly(char *const argv[])
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		int fd = open("/dev/kmsg", O_WRONLY);

		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

static void load_ours(const char *path)
{
	int err = path ? load(path) : 0;

	if (err) {
		errno = -err;
		die(path);
	}
}

static void load_modules(const struct job *job)
{
	char *argv[MAX_WORDS] = {"/sbin/modprobe", "-a"}, *word,
	     *rest = job->probe;
	int nr = 2;

	while (rest && nr < MAX_WORDS - 1 && (word = strsep(&rest, " ")))
		if (*word)
			argv[nr++] = word;
	if (nr > 2 && run_quietly(argv))
		say("modprobe failed");
	load_ours(job->module);
	load_ours(job->kvm_module);
}

static pid_t start(const struct job *job, int out, int err)
{
	sigset_t none;
	pid_t pid;
	int in;

	pid = fork();
	if (pid)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	in = open("/dev/null", O_RDONLY);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	closefrom(3);
	if (chdir(job->cwd) && chdir("/"))
		_exit(126);
	environ = job->env;
	execvp(job->argv[0], job->argv);
	fprintf(stderr, "l1: %s: %s\n", job->argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Pass on what is there; false at the end of the stream. */
static bool pass(int from, int to)
{
	static char text[65536];
	ssize_t len, done, ret;

	len = read(from, text, sizeof(text));
	if (len < 0)
		return errno == EAGAIN || errno == EINTR;
	for (done = 0; done < len; done += ret) {
		ret = write(to, text + done, len - done);
		if (ret < 0 && errno == EINTR)
			ret = 0;
		if (ret < 0)
			return false;
	}
	return len > 0;
}

/* Reap everybody; true when the child of interest is among them. */
static bool reap(pid_t pid, int *status)
{
	bool seen = false;
	pid_t dead;
	int how;

	while ((dead = waitpid(-1, &how, WNOHANG)) > 0) {
		if (dead == pid) {
			*status = how;
			seen = true;
		}
	}
	return seen;
}

/*
 * The command writes to pipes rather than to the ports themselves: a port can
 * be open only once, so that "> /dev/stderr" would fail. Output that is left in
 * the pipes when the command has ended still belongs to it; what its children
 * write later does not.
 */
static int run(const struct job *job)
{
	int out[2], err[2], status = 0;
	struct pollfd fds[3];
	sigset_t chld;
	bool ended;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		die("pipe");
	fds[0] = (struct pollfd){.fd = out[0], .events = POLLIN};
	fds[1] = (struct pollfd){.fd = err[0], .events = POLLIN};
	fds[2] = (struct pollfd){.fd = signalfd(-1, &chld, SFD_CLOEXEC),
				 .events = POLLIN};

	pid = start(job, out[1], err[1]);
	if (pid < 0)
		die("fork");
	close(out[1]);
	close(err[1]);
	for (ended = false; !ended;) {
		if (poll(fds, 3, -1) < 0)
			continue;
		if (fds[2].revents) {
			struct signalfd_siginfo info;

			ended = read(fds[2].fd, &info, sizeof(info)) > 0 &&
				reap(pid, &status);
		}
		if (fds[0].revents && !pass(fds[0].fd, ports[PORT_OUT]))
			fds[0].fd = -1;
		if (fds[1].revents && !pass(fds[1].fd, ports[PORT_ERR]))
			fds[1].fd = -1;
	}
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	while (poll(fds, 1, 0) > 0 && fds[0].fd >= 0 &&
	       pass(out[0], ports[PORT_OUT]))
		;
	while (poll(fds + 1, 1, 0) > 0 && fds[1].fd >= 0 &&
	       pass(err[0], ports[PORT_ERR]))
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void kill_everybody(void)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	int tries, status;

	for (tries = 0; tries < 1000; tries++) {
		kill(-1, SIGKILL);
		reap(-1, &status);
		if (waitpid(-1, &status, WNOHANG) < 0 && errno == ECHILD)
			return;
		nanosleep(&pause, NULL);
	}
	say("processes survive SIGKILL");
}

/* Unmount pools from the last to the first, as they may be stacked. */
static void unmount_pools(void)
{
	char *dirs[64], *line, *rest, *word;
	int nr = 0, field;

	rest = slurp("/proc/self/mountinfo", NULL);
	while (rest && (line = strsep(&rest, "\n")) && nr < 64) {
		if (!strstr(line, " - tarnfs "))
			continue;
		for (field = 0; field < 5; field++)
			word = strsep(&line, " ");
		dirs[nr++] = word;
	}
	while (nr--)
		if (umount2(dirs[nr], 0))
			say("umount %s: %m", dirs[nr]);
}

/*
 * With nobody left, nothing may hold a module: io_uring and the VFS drop
 * their last references from work queues, so give them some time.
 */
static void unload(const char *name)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	int tries;

	for (tries = 0; tries < 200; tries++) {
		if (!syscall(SYS_delete_module, name, O_NONBLOCK) ||
		    errno == ENOENT)
			return;
		nanosleep(&pause, NULL);
	}
	say("BUG: %s.ko cannot be unloaded after everybody has gone: %m", name);
}

/* What two scans cannot reach is a leak. */
static void scan_for_leaks(void)
{
	const struct timespec pause = {.tv_sec = 5, .tv_nsec = 500000000};
	char *text, *line, *rest;

	if (access("/sys/kernel/debug/kmemleak", W_OK))
		return;
	put("/sys/kernel/debug/kmemleak", "scan");
	nanosleep(&pause, NULL); /* younger objects are not reported */
	put("/sys/kernel/debug/kmemleak", "scan");
	text = slurp("/sys/kernel/debug/kmemleak", NULL);
	if (!text || !*text)
		return;
	say("kmemleak: leaks found");
	for (rest = text; (line = strsep(&rest, "\n"));)
		if (*line)
			say("%s", line);
}

/* For a warning that a command kept from the console. */
static void check_taint(void)
{
	const unsigned long bad_page = 1 << 5, died = 1 << 7, warned = 1 << 9,
			    locked_up = 1 << 14;
	char *text = slurp("/proc/sys/kernel/tainted", NULL);
	unsigned long taint = text ? strtoul(text, NULL, 0) : 0;

	if (taint & (bad_page | died | warned | locked_up))
		say("BUG: the kernel is tainted: %lu", taint);
	free(text);
}

int main(void)
{
	struct job job = {.cwd = "/"};
	char verdict[32];
	int status;

	mount_on("devtmpfs", "/dev", "devtmpfs", 0, "mode=0755");
	mount_on("proc", "/proc", "proc", 0, NULL);
	mount_on("sysfs", "/sys", "sysfs", 0, NULL);
	read_job(&job);
	load_first_modules();
	open_ports();
	mount_root(&job);
	enter_root();
	mount_rest();
	loopback_up();
	if (job.awake)
		keep_awake();
	if (sethostname("l1", 2))
		say("hostname: %m");
	load_modules(&job);
	if (access("/dev/kvm", F_OK) == 0 && chmod("/dev/kvm", 0666))
		say("/dev/kvm: %m");

	status = run(&job);
	klogctl(8, NULL,
		5); /* whatever level the command left the console at */
	kill_everybody();
	if (job.module) {
		unmount_pools();
		unload("tarn");
		unload("tarn_kvm");
	}
	scan_for_leaks();
	check_taint();
	snprintf(verdict, sizeof(verdict), "exit %d\n", status);
	finish(verdict);
}
