// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarn-vmm: start in the order of one table, run the event loop, go back.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adjunct/adjunct.h"
#include "arch/x86/x86.h"
#include "backend/block.h"
#include "backend/block-nvme.h"
#include "backend/nbd-end.h"
#include "backend/net.h"
#include "backend/rng.h"
#include "backend/secret.h"
#include "chardev.h"
#include "config.h"
#include "dispatch.h"
#include "error.h"
#include "iothread.h"
#include "lib/opts.h"
#include "loop.h"
#include "object.h"
#include "pci.h"
#include "qmp/fds.h"
#include "qmp/monitor.h"
#include "ring.h"
#include "sandbox.h"
#include "save/transfer.h"
#include "signals.h"
#include "vcpu.h"
#include "vm.h"
#include "wait.h"
#include "worker.h"

#define MAIN_RING 256
#define RESERVED_RINGS 8
/* Until the vCPUs have stopped, and for everything after that. */
#define STOP_SECONDS 2
#define END_SECONDS 5

static struct vm_config config;
static struct vm vm = {.fd = -1, .kvm_fd = -1};
static int daemon_pipe = -1;
static bool running; /* start-up is over */

/* Signals, and the end */

static void on_end(void)
{
	vm_end(&vm, VM_BY_SIGNAL);
}

static void on_power(void)
{
	if (!config.no_machine)
		vm_power_button(&vm);
}

/* Whoever has a guest saved must not take a part of it for the whole. */
static int exit_status(void)
{
	return READ_ONCE(vm.held) ? EXIT_FAILURE : vm.exit_status;
}

static void remove_pidfile(void)
{
	if (config.pidfile)
		unlink(config.pidfile);
}

/*
 * A thread that waits for a page of a pool without a pager is not to be had
 * back, but ends with the process.
 */
static void give_up(void)
{
	remove_pidfile();
	_exit(READ_ONCE(running) ? exit_status() : EXIT_FAILURE);
}

static const struct signal_ops signal_ops = {
	.end = on_end,
	.power = on_power,
	.give_up = give_up,
};

/*
 * A page of guest memory that cannot be had (its file was cut short, the pool
 * cannot read it back) ends this guest alone. The guest's own accesses make
 * KVM_RUN fail; this is for those of devices.
 */
static void on_sigbus(int sig, siginfo_t *si, void *ctx)
{
	err("guest crashed: the host cannot provide the memory at %p",
	    si->si_addr);
	_exit(VM_EXIT_CRASH);
}

static int signals_prepare(void)
{
	struct sigaction sa = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO,
	};

	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGBUS, &sa, NULL))
		return -errno;
	return signals_init();
}

static int signals_begin(void)
{
	return signals_start(vm.loop, &signal_ops);
}

/* -daemonize: the parent leaves when the child has started. */

static int daemon_init(void)
{
	int fds[2];
	char status;
	pid_t pid;

	if (!config.daemonize)
		return 0;
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0)
		return err_errno(-errno, "fork");
	if (pid) {
		close(fds[1]);
		_exit(read(fds[0], &status, 1) == 1 ? EXIT_SUCCESS
						    : EXIT_FAILURE);
	}
	close(fds[0]);
	daemon_pipe = fds[1];
	setsid();
	return 0;
}

static int daemon_detach(void)
{
	struct stat st;
	int fd;

	if (daemon_pipe < 0)
		return 0;
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_errno(-errno, "/dev/null");
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	/*
	 * Messages go on to a file. Whoever reads them from a pipe or a terminal
	 * is done when this is in the background, and may wait for its end.
	 */
	if (fstat(STDERR_FILENO, &st) || !S_ISREG(st.st_mode))
		dup2(fd, STDERR_FILENO);
	close(fd);
	if (chdir("/"))
		return err_errno(-errno, "chdir");
	if (write(daemon_pipe, "", 1) != 1)
		return -EPIPE;
	close(daemon_pipe);
	return 0;
}

static int loop_init(void)
{
	pthread_mutex_init(&vm.lock, NULL);
	TAILQ_INIT(&vm.devices);
	vm.loop = loop_create(MAIN_RING);
	if (!vm.loop)
		return -EIO;
	loop_set_lock(vm.loop, &vm.lock);
	return 0;
}

static void loop_exit(void)
{
	loop_destroy(vm.loop);
	pthread_mutex_destroy(&vm.lock);
}

/* Objects and backends */

static int create_object(void *arg, struct opts *opts)
{
	return object_create(opts);
}

static int objects_init(void)
{
	return config_for_each(&config.objects, "object", create_object, NULL);
}

static void objects_exit(void)
{
	adjunct_settings_destroy_all();
	secret_destroy_all();
	rng_destroy_all();
	iothread_destroy_all();
	mem_backend_destroy_all();
}

static int add_fd(void *arg, struct opts *opts)
{
	return qmp_fdset_add(opts);
}

static int fds_init(void)
{
	return config_for_each(&config.fds, "add-fd", add_fd, NULL);
}

static int create_chardev(void *arg, struct opts *opts)
{
	return chardev_create(&vm, opts);
}

static int create_blockdev(void *arg, struct opts *opts)
{
	return blockdev_create(opts);
}

/* The end of the VMM takes as long as that of what serves its images. */
static void on_image_end(unsigned int ms)
{
	signals_end_within(END_SECONDS + ms / 1000);
}

static int blockdevs_init(void)
{
	nbd_end_set_waiting(on_image_end);
	/* The guest that comes may have them still, where it comes from. */
	if (config.incoming)
		block_give_up_all();
	return config_for_each(&config.blockdevs, "blockdev", create_blockdev,
			       NULL);
}

static void blockdevs_exit(void)
{
	block_set_closed(NULL);
	block_destroy_all();
}

static int create_netdev(void *arg, struct opts *opts)
{
	return netdev_create(opts);
}

static int netdevs_init(void)
{
	return config_for_each(&config.netdevs, "netdev", create_netdev, NULL);
}

static void netdevs_exit(void)
{
	netdev_destroy_all();
}

static int chardevs_init(void)
{
	return config_for_each(&config.chardevs, "chardev", create_chardev,
			       NULL);
}

static void chardevs_exit(void)
{
	chardev_destroy_all();
}

/* The machine */

static int machine_init(void)
{
	return vm_create(&vm, &config);
}

static void machine_exit(void)
{
	vm_destroy(&vm);
}

/* Devices want to know how large their disks are. */
static int adjuncts_init(void)
{
	int ret = adjuncts_start(&vm);

	return ret ?: block_nvme_ready();
}

static int board_init(void)
{
	return x86_board_create(&vm);
}

/* All devices go here, the board's own last. */
static void board_exit(void)
{
	struct device *dev;

	while ((dev = TAILQ_LAST(&vm.devices, device_list)))
		dev->ops->destroy(dev);
	pci_exit(&vm);
}

static int create_device(void *arg, struct opts *opts)
{
	return device_create(&vm, opts);
}

static int create_serials(void)
{
	unsigned int i;
	char id[24];
	int ret;

	for (i = 0; i < config.nr_serial; i++) {
		if (!strcmp(config.serial[i], "none"))
			continue;
		snprintf(id, sizeof(id), "serial%u", i);
		ret = chardev_create_str(&vm, id, config.serial[i]);
		if (!ret)
			ret = serial_create(&vm, i, chardev_find(id), NULL);
		if (ret)
			return ret;
	}
	return 0;
}

static int devices_init(void)
{
	int ret = create_serials();

	return ret
		       ?: config_for_each(&config.devices, "device",
					  create_device, NULL);
}

static int vcpus_init(void)
{
	return vcpus_start(&vm);
}

/* They stand still, as does all that could be waited for with them. */
static void vcpus_exit(void)
{
	signals_end_within(END_SECONDS);
}

static int dispatch_init(void)
{
	return dispatch_create(&vm);
}

static void dispatch_exit(void)
{
	dispatch_destroy(&vm);
}

static int load_init(void)
{
	if (config.incoming)
		vm.state = VM_INMIGRATE;
	return vm_reset(&vm);
}

static int create_monitor(void *arg, struct opts *opts)
{
	return monitor_create(&vm, opts);
}

static int monitors_init(void)
{
	unsigned int i;
	int ret;

	vm.config = &config;
	monitor_listen(&vm);
	if (!config.no_machine)
		monitor_listen_transfer(&vm);
	monitor_listen_devices(&vm);
	for (i = 0; i < config.nr_qmp; i++) {
		ret = monitor_create_str(&vm, config.qmp[i]);
		if (ret)
			return ret;
	}
	return config_for_each(&config.monitors, "mon", create_monitor, NULL);
}

static int pidfile_init(void)
{
	char buf[24];
	int fd, len, ret = 0;

	if (!config.pidfile)
		return 0;
	fd = open(config.pidfile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		  0644);
	if (fd < 0)
		return err_errno(-errno, "cannot create '%s'", config.pidfile);
	len = snprintf(buf, sizeof(buf), "%d\n", getpid());
	if (write(fd, buf, len) != len)
		ret = err_errno(-EIO, "cannot write '%s'", config.pidfile);
	close(fd);
	return ret;
}

static int transfer_init(void)
{
	return transfer_create(&vm);
}

static void transfer_exit(void)
{
	transfer_destroy(&vm);
}

/* Begun before the sandbox, in which no file can be opened. */
static int incoming_init(void)
{
	int ret = 0;

	if (!config.incoming || !strcmp(config.incoming, "defer"))
		return 0;
	vm_lock(&vm);
	ret = transfer_restore_from(&vm, config.incoming);
	vm_unlock(&vm);
	return ret;
}

static int sandbox_prepare(void)
{
	return sandbox_init(config.sandbox);
}

static bool has_monitor(void)
{
	return config.nr_qmp || !STAILQ_EMPTY(&config.monitors);
}

static enum sandbox_kind sandbox_kind(void)
{
	return has_monitor() ? SANDBOX_MONITOR : SANDBOX_MAIN;
}

/* What it does would be the main thread's if that could wait. */
static int worker_init(void)
{
	return worker_create(&vm, sandbox_kind());
}

/*
 * vCPUs stop before anything goes that a guest reaches: the worker, to which it has
 * devices ejected, and the monitors, which hear of it.
 */
static void worker_exit(void)
{
	worker_end(&vm);
	vm_lock(&vm);
	vcpus_stop(&vm);
	vm_unlock(&vm);
	worker_destroy(&vm);
}

static int sandbox_start(void)
{
	int ret = 0;

	/* A monitor adds iothreads, and devices that begin to need a thread. */
	if (config.sandbox)
		ret = ring_seal(has_monitor() ? RESERVED_RINGS : 0);
	return ret ?: sandbox_enter(sandbox_kind());
}

/**
 * struct step - a part of starting up.
 * @init: 0 or -errno, reported
 * @exit: undoes it
 * @guest: left out with -machine none
 */
struct step {
	const char *name;
	int (*init)(void);
	void (*exit)(void);
	bool guest;
};

static const struct step steps[] = {
	{"daemon", daemon_init, NULL, false},
	{"signals", signals_prepare, signals_exit, false},
	{"sandbox", sandbox_prepare, NULL, false},
	{"loop", loop_init, loop_exit, false},
	{"signal thread", signals_begin, signals_stop, false},
	{"fds", fds_init, qmp_fds_close, false},
	{"objects", objects_init, objects_exit, false},
	{"chardevs", chardevs_init, chardevs_exit, false},
	{"blockdevs", blockdevs_init, blockdevs_exit, false},
	{"netdevs", netdevs_init, netdevs_exit, false},
	{"machine", machine_init, machine_exit, true},
	{"adjuncts", adjuncts_init, adjuncts_stop, true},
	{"board", board_init, board_exit, true},
	{"devices", devices_init, NULL, true},
	{"kernel", load_init, NULL, true},
	{"cpus", vcpus_init, vcpus_exit, true},
	{"dispatch", dispatch_init, dispatch_exit, true},
	{"transfer", transfer_init, transfer_exit, true},
	{"monitors", monitors_init, monitor_destroy_all, false},
	{"pidfile", pidfile_init, remove_pidfile, false},
	{"detach", daemon_detach, NULL, false},
	{"incoming", incoming_init, NULL, true},
	{"worker", worker_init, worker_exit, true},
	{"sandbox", sandbox_start, NULL, false},
};

static bool skipped(const struct step *step)
{
	return step->guest && config.no_machine;
}

static int run(void)
{
	int ret = 0;

	WRITE_ONCE(running, true);
	vm_lock(&vm);
	if (!config.start_paused && !config.no_machine && !config.incoming)
		ret = vm_resume(&vm);
	nbd_end_in(vm.loop);
	vm_unlock(&vm);
	wait_never(true);
	ret = ret ?: loop_run(vm.loop);
	wait_never(false);
	nbd_end_in(NULL);
	return ret;
}

/* What was asked for are words; a disk that is full must not pass for success. */
static int finish_words(void)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return EXIT_SUCCESS;
	err_errno(-(errno ?: EIO), "write to stdout");
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	unsigned int done = 0;
	int ret;

	error_set_debug(getenv("TARN_DEBUG"));
	/* From the kernel now, since /dev/urandom cannot be opened later. */
	json_object_seed(0);
	ret = config_parse(&config, argc, argv);
	if (ret) {
		config_exit(&config);
		if (ret == -EINVAL)
			return VM_EXIT_USAGE;
		return ret > 0 ? finish_words() : EXIT_FAILURE;
	}
	if (config.name)
		error_set_name(config.name);
	transfer_fds_init();

	while (done < ARRAY_SIZE(steps)) {
		u64 start = loop_now();

		ret = skipped(&steps[done]) ? 0 : steps[done].init();
		info("%s took %llu us", steps[done].name,
		     (unsigned long long)(loop_now() - start) / 1000);
		if (ret) {
			info("start-up failed at '%s': %s", steps[done].name,
			     strerror(-ret));
			break;
		}
		done++;
	}
	if (!ret)
		ret = run();
	signals_end_within(running ? STOP_SECONDS : END_SECONDS);
	while (done--)
		if (steps[done].exit && !skipped(&steps[done]))
			steps[done].exit();
	config_exit(&config);
	return ret ? EXIT_FAILURE : exit_status();
}
