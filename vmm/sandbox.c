// SPDX-License-Identifier: GPL-2.0-only
/*
 * The seccomp filters. What io_uring could be asked for behind their back is
 * limited when a ring is made, and none can be made any more (ring.c).
 */
#include <errno.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <malloc.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/tarn.h>

#include "error.h"
#include "sandbox.h"

#define BIT(kind) (1U << (kind))
#define VCPU BIT(SANDBOX_VCPU)
#define DEVICES BIT(SANDBOX_DEVICES)
#define ADJUNCT BIT(SANDBOX_ADJUNCT)
#define IO (BIT(SANDBOX_IO) | DEVICES | ADJUNCT)
#define MONITOR BIT(SANDBOX_MONITOR)
#define MAIN (BIT(SANDBOX_MAIN) | MONITOR)
#define TRANSFER BIT(SANDBOX_TRANSFER)
#define SIGNALS BIT(SANDBOX_SIGNALS)
#define WORK (VCPU | IO | MAIN | TRANSFER)
#define ALL (WORK | SIGNALS)
/* What reaches devices: the main thread, and vCPUs in their exits. */
#define DEVICE (VCPU | MAIN)
/* What may reach functions of the host's devices. */
#define FUNCTION (DEVICE | DEVICES | ADJUNCT)

struct rule {
	int call;
	unsigned int kinds;
};

static const struct rule rules[] = {
	/* Running at all: locks, signals, malloc, the end of a thread. */
	{SCMP_SYS(futex), ALL},
	{SCMP_SYS(rt_sigreturn), ALL},
	{SCMP_SYS(rt_sigprocmask), ALL},
	{SCMP_SYS(restart_syscall), ALL},
	{SCMP_SYS(sched_yield), ALL},
	{SCMP_SYS(brk), ALL},
	{SCMP_SYS(munmap), ALL},
	{SCMP_SYS(mremap), ALL},
	{SCMP_SYS(madvise), ALL},
	{SCMP_SYS(getrandom), ALL},
	{SCMP_SYS(gettid), ALL},
	{SCMP_SYS(getpid), ALL},
	{SCMP_SYS(tgkill), ALL},
	{SCMP_SYS(clock_gettime), ALL},
	/* qsort() looks how much memory there is before it takes some. */
	{SCMP_SYS(sysinfo), ALL},
	{SCMP_SYS(exit), ALL},
	{SCMP_SYS(exit_group), ALL},
	/* Eventfds and messages; open files of devices. */
	{SCMP_SYS(read), ALL},
	{SCMP_SYS(write), ALL},
	{SCMP_SYS(readv), WORK},
	{SCMP_SYS(writev), WORK},
	{SCMP_SYS(close), WORK},
	{SCMP_SYS(fstat), WORK},
	{SCMP_SYS(newfstatat), WORK},
	/* The loops. */
	{SCMP_SYS(io_uring_enter), IO | MAIN},
	{SCMP_SYS(io_uring_register), IO | MAIN},
	/* Balloon pages go back by a hole in the memory's file. */
	{SCMP_SYS(fallocate), WORK},
	{SCMP_SYS(fcntl), DEVICE | TRANSFER}, /* locks on images, too */
	{SCMP_SYS(poll), FUNCTION | TRANSFER | SIGNALS},
	{SCMP_SYS(lseek), MAIN | TRANSFER},
	/* Which memory is in a pool. A monitor's thread is confined twice. */
	{SCMP_SYS(fstatfs), MONITOR | TRANSFER},
	/* Reading the kernel again at a reboot; a saved guest in a file. */
	{SCMP_SYS(pread64), MAIN | TRANSFER},
	{SCMP_SYS(eventfd2), DEVICE},
	/* Sockets that are already there, and what they accept. */
	{SCMP_SYS(accept4), MAIN | DEVICES},
	{SCMP_SYS(sendto), DEVICE | IO}, /* disks: to what serves an image */
	{SCMP_SYS(sendmsg), DEVICE},
	{SCMP_SYS(recvfrom), MAIN | IO},
	{SCMP_SYS(recvmsg), MAIN},
	{SCMP_SYS(shutdown), MAIN | IO}, /* disks: what serves one hangs */
	{SCMP_SYS(getsockopt), MAIN},
	/* Leaving: what serves an image ends, and was started by us. */
	{SCMP_SYS(waitid), MAIN},
	/* The files that were made at start-up. */
	{SCMP_SYS(unlink), MAIN | SIGNALS},
	{SCMP_SYS(unlinkat), MAIN},
	{SCMP_SYS(rt_sigaction), MAIN},
	{SCMP_SYS(fsync), MAIN | TRANSFER},
	{SCMP_SYS(fdatasync), MAIN | TRANSFER},
	/* What a monitor adds: images, and threads that serve them. */
	{SCMP_SYS(openat), MONITOR},
	{SCMP_SYS(statx), MONITOR},
	{SCMP_SYS(flock), MONITOR},
	{SCMP_SYS(clone), MONITOR},
	{SCMP_SYS(clone3), MONITOR},
	{SCMP_SYS(set_robust_list), MONITOR},
	{SCMP_SYS(rseq), MONITOR},
	{SCMP_SYS(sigaltstack), MONITOR},
	/* Such a thread confines itself further. */
	{SCMP_SYS(seccomp), MONITOR},
	{SCMP_SYS(prctl), MONITOR},
};

/* ioctl requests of whole types, where all are about what is open already. */
static const struct {
	u32 type;
	unsigned int kinds;
} ioctl_types[] = {
	{0xae, DEVICE | ADJUNCT}, /* KVM */
	{0xaf, DEVICE | DEVICES}, /* vhost */
	{0x12, MONITOR}, /* sizes of block devices */
};

/*
 * Of memory in a pool the VM is attached again at a reboot, and areas come and go
 * with queues; who saves it looks into it, who restores it says what pages hold and has
 * them go out or come in; the main thread looks where its homes are, and whether a
 * file has pages of it; a balloon takes pages, and ends with a reset. What else could be done with its file is nobody's
 * business here.
 */
static const struct {
	unsigned int request;
	unsigned int kinds;
} ioctls[] = {
	/* The interrupt of a device whose driver has no MSI. */
	{KVM_IRQ_LINE, IO},
	{TARN_PARTITION_ATTACH, DEVICE},
	{TARN_PARTITION_REGISTER, DEVICE},
	{TARN_PARTITION_UNREGISTER, DEVICE},
	{TARN_PARTITION_READ, MONITOR | TRANSFER},
	{TARN_PARTITION_PAGE_OUT, MONITOR | TRANSFER},
	{TARN_PARTITION_PAGE_IN, MONITOR | TRANSFER},
	{TARN_PARTITION_PATTERNS, MONITOR | TRANSFER},
	{TARN_PARTITION_HEAT, MONITOR | TRANSFER},
	{TARN_PARTITION_SHARED, MONITOR | TRANSFER},
	{TARN_PARTITION_FILL, MONITOR | TRANSFER},
	{TARN_PARTITION_COPY, MONITOR | TRANSFER},
	{TARN_PARTITION_IMPORT, MONITOR | TRANSFER},
	{TARN_PARTITION_INFO, MONITOR | TRANSFER},
	{TARN_PARTITION_HOMES, MAIN},
	{TARN_PARTITION_BALLOON, WORK},
	{TARN_PARTITION_NOTIFY, MONITOR},
	{TARN_GET_FEATURES, MONITOR},
	/* A function of a device that is open: its DMA, its interrupts, beginning anew. */
	{VFIO_IOMMU_MAP_DMA, FUNCTION},
	{VFIO_IOMMU_UNMAP_DMA, FUNCTION},
	{VFIO_DEVICE_GET_IRQ_INFO, FUNCTION},
	{VFIO_DEVICE_SET_IRQS, FUNCTION},
	{VFIO_DEVICE_RESET, FUNCTION},
	/* A terminal is left as it was found; nothing is typed into it. */
	{TCGETS, MAIN},
	{TCSETS, MAIN},
	/* A card that starts, and one that a monitor adds. */
	{TUNSETOFFLOAD, DEVICE | DEVICES},
	{TUNGETIFF, MONITOR},
	{TUNSETVNETHDRSZ, MONITOR},
};

/* Threads that the main thread puts on processors. */
static pid_t affine[SANDBOX_MAX_AFFINE];
static unsigned int nr_affine;

/* Descriptors with registers of devices in them. */
static int offsets[SANDBOX_MAX_OFFSETS];
static unsigned int nr_offsets;

static bool enabled;
static __thread bool confined;

bool sandbox_confined(void)
{
	return confined;
}

void sandbox_allow_affinity(pid_t tid)
{
	if (nr_affine < SANDBOX_MAX_AFFINE)
		affine[nr_affine++] = tid;
}

int sandbox_allow_offsets(int fd)
{
	if (nr_offsets == SANDBOX_MAX_OFFSETS) {
		err("a guest has %u functions of devices at most", nr_offsets);
		return -ENOSPC;
	}
	offsets[nr_offsets++] = fd;
	return 0;
}

static void on_sigsys(int sig, siginfo_t *info, void *ctx)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
						      info->si_syscall);

	err("system call %d (%s) refused by the sandbox", info->si_syscall,
	    name ?: "unknown");
	_exit(128 + SIGSYS);
}

int sandbox_init(bool on)
{
	struct sigaction sa = {
		.sa_sigaction = on_sigsys,
		.sa_flags = SA_SIGINFO,
	};

	enabled = on;
	if (!on)
		return 0;
	/* Reads the time zone's file now, because it cannot later. */
	tzset();
	/*
	 * A thread's heap that shrinks reads a file of /proc, with its lock
	 * held: so none does.
	 */
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	/*
	 * As many heaps as there would be by default. Without it a thread that needs one
	 * of its own, and is made by one that is confined, looks how many processors
	 * there are, which it may not.
	 */
	mallopt(M_ARENA_MAX, 8 * max_t(long, sysconf(_SC_NPROCESSORS_ONLN), 1));
	sigemptyset(&sa.sa_mask);
	return sigaction(SIGSYS, &sa, NULL) ? -errno : 0;
}

static int add_calls(scmp_filter_ctx ctx, unsigned int kind)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(rules) && !ret; i++)
		if (rules[i].kinds & kind)
			ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
					       rules[i].call, 0);
	for (i = 0; i < ARRAY_SIZE(ioctl_types) && !ret; i++)
		if (ioctl_types[i].kinds & kind)
			ret = seccomp_rule_add(
				ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				SCMP_A1(SCMP_CMP_MASKED_EQ, 0xff00,
					ioctl_types[i].type << 8));
	for (i = 0; i < ARRAY_SIZE(ioctls) && !ret; i++)
		if (ioctls[i].kinds & kind)
			ret = seccomp_rule_add(
				ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff,
					ioctls[i].request));
	return ret;
}

/* Memory may be had, but none that can be executed. */
static int add_memory(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp no_exec =
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int ret;

	ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec);
	return ret
		       ?: seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
					   SCMP_SYS(mprotect), 1, no_exec);
}

static int add_affinity(scmp_filter_ctx ctx)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr_affine && !ret; i++) {
		const struct scmp_arg_cmp thread =
			SCMP_A0(SCMP_CMP_EQ, affine[i]);

		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
				       SCMP_SYS(sched_getaffinity), 1, thread)
			      ?: seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
						  SCMP_SYS(sched_setaffinity),
						  1, thread);
	}
	return ret;
}

static int add_offsets(scmp_filter_ctx ctx)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr_offsets && !ret; i++) {
		const struct scmp_arg_cmp device =
			SCMP_A0(SCMP_CMP_EQ, offsets[i]);

		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(pread64),
				       1, device)
			      ?: seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
						  SCMP_SYS(pwrite64), 1,
						  device);
	}
	return ret;
}

/* What was made here hangs: it is killed, by a descriptor that only its maker has. */
static int add_kill(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
				SCMP_SYS(pidfd_send_signal), 1,
				SCMP_A1(SCMP_CMP_EQ, SIGKILL));
}

int sandbox_enter(enum sandbox_kind kind)
{
	scmp_filter_ctx ctx;
	int ret;

	if (!enabled)
		return 0;
	ctx = seccomp_init(SCMP_ACT_TRAP);
	if (!ctx)
		return -ENOMEM;
	ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!ret)
		ret = add_calls(ctx, BIT(kind));
	if (!ret)
		ret = add_memory(ctx);
	if (!ret && BIT(kind) & FUNCTION)
		ret = add_offsets(ctx);
	if (!ret && BIT(kind) & MAIN)
		ret = add_affinity(ctx) ?: add_kill(ctx);
	if (!ret)
		ret = seccomp_load(ctx);
	seccomp_release(ctx);
	confined = !ret;
	return ret ? err_errno(ret, "cannot set up the sandbox") : 0;
}
