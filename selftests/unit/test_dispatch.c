// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs that follow the home nodes of their memory, against a module, threads and
 * a clock that are made up. The sandbox is the real one.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/tarn.h>

#include "fake_error.h"
#include "sandbox.h"
#include "tap.h"

static int fake_getaffinity(pid_t tid, size_t size, cpu_set_t *set);
static int fake_setaffinity(pid_t tid, size_t size, const cpu_set_t *set);
static int fake_ioctl(int fd, unsigned long request, ...);
static int fake_fstatfs(int fd, struct statfs *fs);
static void fake_allow(pid_t tid);

#define sched_getaffinity fake_getaffinity
#define sched_setaffinity fake_setaffinity
#define ioctl fake_ioctl
#define fstatfs fake_fstatfs
#define sandbox_allow_affinity fake_allow
#include "lib/cpus.c"
#include "lib/affinity.c"
#include "hostnode.c"
#include "mem.c"
#include "dispatch.c"
#undef sched_getaffinity
#undef sched_setaffinity
#undef ioctl
#undef fstatfs
#undef sandbox_allow_affinity

/* Descriptors of files in pools, and of others. */
#define POOL_FD 10
#define OTHER_FD 20
#define FIRST_TID 1000
#define MAX_VCPUS 4

/* Nodes 0 and 1 have processors 0-3 and 4-7, node 2 has memory alone. */
static char nodes_dir[] = "/tmp/test_dispatch.XXXXXX";

/* Bits are nodes. */
static struct {
	unsigned int homes[2];
	unsigned int pages[2]; /* on these it has pages */
	u64 wanted;
	int error;
	unsigned int calls;
} module;

/* Bits are processors. */
static struct {
	u64 mask[MAX_VCPUS];
	u64 usable; /* online, and in the cpuset */
	unsigned int gets;
	unsigned int sets;
	unsigned int allowed;
} host;

struct loop_timer {
	void (*fn)(void *arg);
	void *arg;
	u64 due;
};

static struct loop_timer timer;
static u64 now;
static struct vm_config config;
static struct vm vm;
static struct vcpu vcpus[MAX_VCPUS];
static struct mem_backend backends[2];

/* What the rest of the VMM does here */

u64 loop_now(void)
{
	return now;
}

struct loop_timer *loop_timer_add(struct loop *loop, void (*fn)(void *arg),
				  void *arg)
{
	timer = (struct loop_timer){.fn = fn, .arg = arg};
	return &timer;
}

void loop_timer_set(struct loop_timer *t, u64 ns)
{
	CHECK(!ns || (ns > now && ns - now <= 1000000000ULL));
	t->due = ns;
}

void loop_timer_del(struct loop_timer *t)
{
	t->due = 0;
	t->fn = NULL;
}

static void fake_allow(pid_t tid)
{
	CHECK_EQ(tid, FIRST_TID + host.allowed);
	host.allowed++;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

static int fake_fstatfs(int fd, struct statfs *fs)
{
	memset(fs, 0, sizeof(*fs));
	fs->f_type = fd < OTHER_FD ? TARN_SUPER_MAGIC : 0x1021994;
	return 0;
}

static int fake_ioctl(int fd, unsigned long request, ...)
{
	struct tarn_partition_homes *call;
	unsigned int i = fd - POOL_FD, nid;
	struct tarn_home *homes;
	va_list ap;
	u32 n = 0;

	va_start(ap, request);
	call = va_arg(ap, void *);
	va_end(ap);
	CHECK_EQ(request, TARN_PARTITION_HOMES);
	CHECK_EQ(call->size, sizeof(*call));
	CHECK_EQ(call->flags, 0);
	CHECK(i < ARRAY_SIZE(module.homes));
	module.calls++;
	if (module.error)
		return fail(module.error);
	homes = (void *)(uintptr_t)call->homes;
	for (nid = 0; nid < 8; nid++) {
		bool home = module.homes[i] >> nid & 1;

		if (!home && !(module.pages[i] >> nid & 1))
			continue;
		if (n < call->count)
			homes[n] = (struct tarn_home){
				.node = nid,
				.flags = home ? TARN_NODE_IS_HOME : 0,
				.wanted_frames = home ? module.wanted : 0,
			};
		n++;
	}
	call->count = n;
	return 0;
}

static int fake_getaffinity(pid_t tid, size_t size, cpu_set_t *set)
{
	u64 mask = host.mask[tid - FIRST_TID] & host.usable;
	unsigned int i;

	host.gets++;
	CPU_ZERO_S(size, set);
	for (i = 0; i < 64; i++)
		if (mask >> i & 1)
			CPU_SET_S(i, size, set);
	return 0;
}

static int fake_setaffinity(pid_t tid, size_t size, const cpu_set_t *set)
{
	u64 mask = 0;
	unsigned int i;

	host.sets++;
	for (i = 0; i < 64; i++)
		mask |= (u64)!!CPU_ISSET_S(i, size, set) << i;
	if (!(mask & host.usable))
		return fail(EINVAL);
	host.mask[tid - FIRST_TID] = mask;
	return 0;
}

/* What tests do */

static void add_memory(unsigned int i, int fd, u64 size, unsigned int node)
{
	static char *ids[] = {"ram0", "ram1"};

	backends[i] = (struct mem_backend){.id = ids[i],
					   .fd = fd,
					   .size = size,
					   .hva = (void *)0x7000000000,
					   .share = true};
	CHECK_EQ(tarn_mem_add(&vm.mem, &backends[i], node), 0);
}

static void set_masks(u64 mask)
{
	unsigned int i;

	for (i = 0; i < MAX_VCPUS; i++)
		host.mask[i] = mask;
}

static void setup(int dispatch)
{
	unsigned int i;

	memset(&module, 0, sizeof(module));
	memset(&host, 0, sizeof(host));
	memset(&vm, 0, sizeof(vm));
	memset(&config, 0, sizeof(config));
	host.usable = 0xff;
	set_masks(0xff);
	config.dispatch = dispatch;
	vm.config = &config;
	vm.vcpus = vcpus;
	vm.nr_vcpus = MAX_VCPUS;
	vm.state = VM_RUNNING;
	for (i = 0; i < MAX_VCPUS; i++)
		vcpus[i].tid = FIRST_TID + i;
	fake_error[0] = 0;
}

static void setup_one(int dispatch, unsigned int homes)
{
	setup(dispatch);
	add_memory(0, POOL_FD, GIB(1), 0);
	module.homes[0] = homes;
}

static void begin(void)
{
	CHECK_EQ(create(&vm, nodes_dir), 0);
}

static void tick(void)
{
	CHECK(timer.due);
	now = timer.due;
	timer.due = 0;
	timer.fn(timer.arg);
}

/* A second in which no mask is so much as looked at. */
static void quiet_tick(void)
{
	unsigned int gets = host.gets, sets = host.sets;

	tick();
	CHECK_EQ(host.gets, gets);
	CHECK_EQ(host.sets, sets);
}

static void check_masks(u64 mask)
{
	unsigned int i;

	for (i = 0; i < MAX_VCPUS; i++)
		CHECK_EQ(host.mask[i], mask);
}

/* Tests */

static void check_list(const char *text, u64 mask)
{
	unsigned int i;
	struct cpus cpus;

	CHECK_EQ(cpus_parse(text, &cpus), 0);
	for (i = 0; i < CPUS_MAX; i++)
		CHECK_EQ(cpus_has(&cpus, i), i < 64 && mask >> i & 1);
}

static void test_lists(void)
{
	static const char *const bad[] = {"-1", "1-", "3-1", "0,", ",0", "0 1",
					  "x", "8192", "0-99999999999999999999"};
	struct cpus cpus;
	unsigned int i;
	char buf[16];

	check_list("", 0);
	check_list("\n", 0);
	check_list("0\n", 1);
	check_list("0-3,8", 0x10f);
	check_list("2,4-5,63", 1ULL << 63 | 0x34);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(cpus_parse(bad[i], &cpus), -EINVAL);
	CHECK_EQ(cpus_parse("0-1,3,8190-8191", &cpus), 0);
	cpus_format(&cpus, buf, sizeof(buf));
	CHECK_STR(buf, "0-1,3...");
	cpus_parse("0-1,3,5-7", &cpus);
	cpus_format(&cpus, buf, sizeof(buf));
	CHECK_STR(buf, "0-1,3,5-7");
	cpus_parse("", &cpus);
	cpus_format(&cpus, buf, sizeof(buf));
	CHECK_STR(buf, "");
}

static void test_nodes(void)
{
	struct host_nodes nodes;

	CHECK_EQ(host_nodes_read(&nodes, nodes_dir), 0);
	CHECK_EQ(nodes.nr, 3);
	CHECK(cpus_has(host_node_cpus(&nodes, 0), 3));
	CHECK(!cpus_has(host_node_cpus(&nodes, 0), 4));
	CHECK(cpus_has(host_node_cpus(&nodes, 1), 4));
	CHECK(cpus_empty(host_node_cpus(&nodes, 2)));
	CHECK(!host_node_cpus(&nodes, 3));
	host_nodes_free(&nodes);
	CHECK_EQ(host_nodes_read(&nodes, "/nonexistent"), -ENOENT);
}

static void check_nothing(void)
{
	CHECK(!vm.dispatch);
	CHECK_EQ(timer.due, 0);
	CHECK_EQ(host.sets, 0);
	CHECK_EQ(host.allowed, 0);
	CHECK_STR(fake_error, "");
	dispatch_destroy(&vm);
}

static void test_nothing(void)
{
	setup_one(CONFIG_DISPATCH_OFF, 1);
	CHECK_EQ(dispatch_create(&vm), 0);
	CHECK_EQ(module.calls, 0);
	check_nothing();

	setup(CONFIG_DISPATCH_STRICT);
	add_memory(0, OTHER_FD, GIB(1), 0);
	begin();
	CHECK_EQ(module.calls, 0);
	check_nothing();

	/* An older module. */
	setup_one(CONFIG_DISPATCH_STRICT, 1);
	module.error = ENOTTY;
	begin();
	CHECK_EQ(module.calls, 1);
	check_nothing();

	/* A kernel without NUMA. */
	setup_one(CONFIG_DISPATCH_STRICT, 1);
	CHECK_EQ(create(&vm, "/nonexistent"), 0);
	check_nothing();
}

static void test_strict(void)
{
	setup_one(CONFIG_DISPATCH_STRICT, 1 << 0);
	begin();
	CHECK_EQ(host.allowed, MAX_VCPUS);
	check_masks(0x0f);
	CHECK(strstr(fake_error, "0-3"));
	quiet_tick();
	module.homes[0] = 1 << 1;
	tick();
	check_masks(0xf0);
	CHECK_EQ(host.sets, 2 * MAX_VCPUS);
	quiet_tick();
	/* How much is wanted there, and where pages are, is nothing to a vCPU. */
	module.wanted = 1000;
	module.pages[0] = 1 << 0;
	quiet_tick();
	module.homes[0] = 1 << 0 | 1 << 1;
	tick();
	check_masks(0xff);
	module.homes[0] = 1 << 0;
	tick();
	check_masks(0x0f);
	module.homes[0] = 0;
	tick();
	check_masks(0xff);
	quiet_tick();
	dispatch_destroy(&vm);
	CHECK(!timer.fn);
}

static void test_allowed(void)
{
	setup_one(CONFIG_DISPATCH_STRICT, 1 << 0);
	set_masks(0x3c);
	begin();
	check_masks(0x0c);
	module.homes[0] = 1 << 1;
	tick();
	check_masks(0x30);
	module.homes[0] = 0;
	tick();
	check_masks(0x3c);
	dispatch_destroy(&vm);
}

static void test_nowhere(void)
{
	setup_one(CONFIG_DISPATCH_STRICT, 1 << 1);
	set_masks(0x03);
	begin();
	check_masks(0x03);
	CHECK_EQ(host.sets, 0);
	CHECK(strstr(fake_error, "4 of 4 CPUs stay"));
	CHECK(strstr(fake_error, "4-7"));
	quiet_tick();
	/* A node of memory alone, and one that the host got meanwhile: said once. */
	fake_error[0] = 0;
	module.homes[0] = 1 << 2;
	tick();
	module.homes[0] = 1 << 5;
	tick();
	check_masks(0x03);
	CHECK_STR(fake_error, "");
	module.homes[0] = 1 << 0 | 1 << 2;
	tick();
	check_masks(0x03);
	CHECK_EQ(host.sets, 0);
	dispatch_destroy(&vm);
}

static void test_soft(void)
{
	setup_one(CONFIG_DISPATCH_SOFT, 1 << 1);
	vm.state = VM_PRELAUNCH;
	begin();
	check_masks(0xf0);
	/* They sleep as yet, and are moved when they wake. */
	quiet_tick();
	check_masks(0xf0);
	vm.state = VM_RUNNING;
	tick();
	check_masks(0xff);
	quiet_tick();
	module.homes[0] = 1 << 0;
	tick();
	check_masks(0x0f);
	/* Moved on before they were let go. */
	module.homes[0] = 1 << 1;
	tick();
	check_masks(0xf0);
	tick();
	check_masks(0xff);
	quiet_tick();
	module.homes[0] = 0;
	tick();
	check_masks(0xff);
	CHECK_EQ(host.sets, 5 * MAX_VCPUS);
	quiet_tick();
	module.homes[0] = 1 << 0;
	tick();
	module.homes[0] = 0;
	tick();
	check_masks(0xff);
	dispatch_destroy(&vm);
}

/* A manager pins a vCPU, as libvirt does before it lets the guest run. */
static void test_pinned(void)
{
	setup_one(CONFIG_DISPATCH_SOFT, 1 << 0);
	begin();
	host.mask[1] = 0x04;
	tick();
	CHECK_EQ(host.mask[0], 0xff);
	CHECK_EQ(host.mask[1], 0x04);
	host.mask[2] = 0x18;
	module.homes[0] = 1 << 1;
	tick();
	CHECK_EQ(host.mask[0], 0xf0);
	CHECK_EQ(host.mask[1], 0x04);
	CHECK_EQ(host.mask[2], 0x10);
	CHECK(strstr(fake_error, "1 of 4 CPUs stay"));
	tick();
	CHECK_EQ(host.mask[0], 0xff);
	CHECK_EQ(host.mask[1], 0x04);
	CHECK_EQ(host.mask[2], 0x18);
	dispatch_destroy(&vm);

	setup_one(CONFIG_DISPATCH_STRICT, 1 << 0);
	begin();
	host.mask[1] = 0x04;
	module.homes[0] = 0;
	tick();
	CHECK_EQ(host.mask[0], 0xff);
	CHECK_EQ(host.mask[1], 0x04);
	dispatch_destroy(&vm);
}

/* That a mask is narrower than what was given is nobody's pin then. */
static void test_narrowed(void)
{
	setup_one(CONFIG_DISPATCH_STRICT, 1 << 0);
	begin();
	host.usable = 0xf7;
	module.homes[0] = 1 << 1;
	tick();
	check_masks(0xf0);
	host.usable = 0xff;
	module.homes[0] = 0;
	tick();
	check_masks(0xff);
	dispatch_destroy(&vm);

	/* A cpuset without any processor of the home. */
	setup_one(CONFIG_DISPATCH_STRICT, 0);
	begin();
	host.usable = 0x0f;
	module.homes[0] = 1 << 1;
	tick();
	check_masks(0xff);
	CHECK(strstr(fake_error, "4 of 4 CPUs stay"));
	dispatch_destroy(&vm);
}

static void test_guest_nodes(void)
{
	unsigned int i;

	setup(CONFIG_DISPATCH_STRICT);
	config.nr_nodes = 2;
	for (i = 0; i < MAX_VCPUS; i++)
		config.node[i % 2].cpu[i] = true;
	add_memory(0, POOL_FD, GIB(4), 0);
	add_memory(1, POOL_FD + 1, GIB(1), 1);
	module.homes[1] = 1 << 0;
	begin();
	/* The first one lies on both sides of the room for devices. */
	CHECK_EQ(module.calls, 2);
	CHECK_EQ(host.mask[0], 0xff);
	CHECK_EQ(host.mask[1], 0x0f);
	CHECK_EQ(host.mask[2], 0xff);
	CHECK_EQ(host.mask[3], 0x0f);
	CHECK_EQ(host.sets, 2);
	module.homes[0] = 1 << 1;
	tick();
	CHECK_EQ(host.mask[0], 0xf0);
	CHECK_EQ(host.mask[1], 0x0f);
	CHECK_EQ(host.sets, 4);
	dispatch_destroy(&vm);
}

/* Two files for the memory of one node. */
static void test_union(void)
{
	setup(CONFIG_DISPATCH_STRICT);
	set_masks(0x3f);
	add_memory(0, POOL_FD, GIB(1), 0);
	add_memory(1, POOL_FD + 1, GIB(1), 0);
	module.homes[1] = 1 << 1;
	begin();
	check_masks(0x30);
	module.homes[0] = 1 << 0;
	tick();
	check_masks(0x3f);
	dispatch_destroy(&vm);
}

static void test_error(void)
{
	setup_one(CONFIG_DISPATCH_STRICT, 1 << 0);
	begin();
	module.error = EIO;
	tick();
	check_masks(0xff);
	CHECK_EQ(timer.due, 0);
	dispatch_destroy(&vm);

	setup_one(CONFIG_DISPATCH_SOFT, 1 << 0);
	begin();
	module.error = EIO;
	tick();
	check_masks(0xff);
	CHECK_EQ(module.calls, 2);
	tick();
	CHECK_EQ(module.calls, 2);
	CHECK_EQ(timer.due, 0);
	dispatch_destroy(&vm);
}

enum outcome { DONE, REFUSED, FAILED };

#define OWN 0
#define NONE -1

/* Whom a thread of a kind is allowed to put on processors, and whom it puts there. */
static void confined_child(enum sandbox_kind kind, pid_t allowed, pid_t tid)
{
	unsigned int i;
	cpu_set_t set;
	int ret;

	sched_getaffinity(0, sizeof(set), &set);
	sandbox_init(true);
	/* As many as there can be, so that the filter is as long as it gets. */
	for (i = 1; i < SANDBOX_MAX_AFFINE; i++)
		sandbox_allow_affinity(1000000 + 3 * i);
	sandbox_allow_affinity(allowed == OWN ? gettid() : allowed);
	tid = tid == OWN ? gettid() : tid;
	ret = sandbox_enter(kind) ? FAILED : DONE;
	if (!ret && tid != NONE &&
	    (sched_getaffinity(tid, sizeof(set), &set) ||
	     sched_setaffinity(tid, sizeof(set), &set)))
		ret = FAILED;
	/* Before _exit() AddressSanitizer makes a call that is refused. */
	syscall(SYS_exit_group, ret);
}

static enum outcome confined(enum sandbox_kind kind, pid_t allowed, pid_t tid)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		confined_child(kind, allowed, tid);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return FAILED;
	/* For the same reason the signal can come twice. */
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? REFUSED : FAILED;
	return WEXITSTATUS(status) == 128 + SIGSYS ? REFUSED :
						     WEXITSTATUS(status);
}

static void test_sandbox(void)
{
	static const enum sandbox_kind others[] = {
		SANDBOX_VCPU, SANDBOX_IO, SANDBOX_DEVICES, SANDBOX_TRANSFER,
		SANDBOX_SIGNALS,
	};
	unsigned int i;

	CHECK_EQ(confined(SANDBOX_MAIN, OWN, OWN), DONE);
	CHECK_EQ(confined(SANDBOX_MONITOR, OWN, OWN), DONE);
	CHECK_EQ(confined(SANDBOX_MAIN, OWN, getpid()), REFUSED);
	CHECK_EQ(confined(SANDBOX_MONITOR, getpid(), OWN), REFUSED);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		CHECK_EQ(confined(others[i], OWN, NONE), DONE);
		CHECK_EQ(confined(others[i], OWN, OWN), REFUSED);
	}
}

static const struct tap_test tests[] = {
	{"lists of processors", test_lists},
	{"nodes of the host", test_nodes},
	{"nothing to follow", test_nothing},
	{"strict: masks are those of the homes", test_strict},
	{"only what the VMM may use", test_allowed},
	{"a home without a processor is said once", test_nowhere},
	{"soft: masks are narrow until the guest has run", test_soft},
	{"who is pinned by others stays so", test_pinned},
	{"processors that go, and cpusets", test_narrowed},
	{"each vCPU follows the memory of its node", test_guest_nodes},
	{"memory in two files", test_union},
	{"a module that fails", test_error},
	{"the sandbox lets the main thread do it, to vCPUs", test_sandbox},
};

static void make_node(const char *name, const char *list)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", nodes_dir, name);
	if (mkdir(path, 0700))
		abort();
	strcat(path, "/cpulist");
	f = fopen(path, "w");
	if (!f)
		abort();
	fputs(list, f);
	fclose(f);
}

int main(void)
{
	char command[64];
	int ret;

	if (!mkdtemp(nodes_dir))
		return 1;
	make_node("node0", "0-3\n");
	make_node("node1", "4-7\n");
	make_node("node2", "\n");
	/* What is there beside nodes. */
	make_node("power", "");
	make_node("node1x", "9");
	ret = tap_run(tests, ARRAY_SIZE(tests));
	snprintf(command, sizeof(command), "rm -r %s", nodes_dir);
	return system(command) ? 1 : ret;
}
