// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does one thing with an NVMe function by vmm/vfio, for vfio.sh: "vfio COMMAND BDF [ARG...]".
 * Exits with 0 when all came as it should; says on stderr what did not.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"
#include "nvme.h"
#include "sandbox.h"
#include "vfio/vfio.h"

/* Far from where memory of processes is, so that nothing is right by chance. */
#define IOVA 0x123400000ULL
#define PAGE 4096ULL
#define COMMAND 4 /* in configuration space */
#define MASTER 4
#define VERSION 8 /* in NVMe's registers */
#define QUIET_MS 300
#define LONG_MS 20000

#define EXPECT(cond)                                                           \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: not so: %s (errno %d)\n",      \
				__FILE__, __LINE__, #cond, errno);             \
			exit(1);                                               \
		}                                                              \
	} while (0)

#define EXPECT_EQ(a, b)                                                        \
	do {                                                                   \
		long long a_ = (long long)(a), b_ = (long long)(b);            \
									       \
		if (a_ != b_) {                                                \
			fprintf(stderr, "%s:%d: %s is %lld, not %lld\n",       \
				__FILE__, __LINE__, #a, a_, b_);               \
			exit(1);                                               \
		}                                                              \
	} while (0)

static struct vfio_function *take(const char *bdf)
{
	struct vfio_function *fn;

	EXPECT_EQ(vfio_function_open(bdf, &fn), 0);
	EXPECT(!strcmp(vfio_function_name(fn), bdf));
	return fn;
}

/* A function whose controller is not up. */
static struct nvme prepare(const char *bdf, u64 iova)
{
	struct vfio_function *fn = take(bdf);
	struct nvme nvme;

	EXPECT_EQ(vfio_function_enable(fn, true), 0);
	EXPECT(nvme_prepare(&nvme, fn, iova));
	return nvme;
}

/* One whose controller is up. */
static struct nvme take_nvme(const char *bdf, u64 iova)
{
	struct nvme nvme = prepare(bdf, iova);

	EXPECT(nvme_start(&nvme));
	return nvme;
}

static bool signalled(int fd, int ms)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	eventfd_t count;

	return poll(&pfd, 1, ms) == 1 && !eventfd_read(fd, &count);
}

static u8 *data(const struct nvme *nvme)
{
	return nvme->mem + NVME_DATA * NVME_PAGE;
}

/* Whether nothing but @byte is in a page. */
static bool is_filled(const u8 *page, u8 byte)
{
	size_t i;

	for (i = 0; i < PAGE; i++)
		if (page[i] != byte)
			return false;
	return true;
}

static u16 command_register(struct vfio_function *fn)
{
	u16 command;

	EXPECT_EQ(vfio_function_config_read(fn, COMMAND, &command, sizeof(command)), 0);
	return command;
}

static void show(char **arg)
{
	struct vfio_function *fn = take(arg[0]);
	const struct vfio_bar *bar;
	unsigned int i, piece;

	printf("%04x:%04x class %06x vectors %u addresses to %llx\n", vfio_function_vendor(fn),
	       vfio_function_device(fn), vfio_function_class(fn), vfio_function_vectors(fn),
	       (unsigned long long)vfio_function_iova_end(fn));
	for (i = 0; (bar = vfio_function_bar(fn, i)); i++) {
		if (!bar->size)
			continue;
		printf("BAR %u: %llx bytes, table %llx at %llx, mapped", i,
		       (unsigned long long)bar->size, (unsigned long long)bar->msix_len,
		       (unsigned long long)bar->msix_off);
		for (piece = 0; piece < bar->nr; piece++)
			printf(" %llx+%llx", (unsigned long long)bar->piece[piece].off,
			       (unsigned long long)bar->piece[piece].size);
		printf("\n");
	}
	EXPECT_EQ(vfio_function_class(fn), 0x010802);
	EXPECT_EQ(command_register(fn) & MASTER, 0);
	vfio_function_close(fn);
}

static void identify(char **arg)
{
	struct nvme nvme = take_nvme(arg[0], IOVA);

	EXPECT(nvme_identify(&nvme));
	EXPECT_EQ(vfio_function_unmap(nvme.fn, IOVA, NVME_DMA_SIZE), 0);
	vfio_function_close(nvme.fn);
}

/* All registers are there by load and store, but for those of the MSI-X table. */
static void hole(char **arg)
{
	struct vfio_function *fn = take(arg[0]);
	const struct vfio_bar *bar = vfio_function_bar(fn, 0);
	const u64 table = ALIGN_DOWN(bar->msix_off, PAGE);
	const u64 behind = ALIGN_UP(bar->msix_off + bar->msix_len, PAGE);
	u32 val, zero = 0;
	u64 mapped = 0;
	unsigned int i;

	EXPECT_EQ(vfio_function_enable(fn, true), 0);
	EXPECT_EQ(bar->msix_len, 16 * vfio_function_vectors(fn));
	for (i = 0; i < bar->nr; i++) {
		mapped += bar->piece[i].size;
		EXPECT(bar->piece[i].off >= behind ||
		       bar->piece[i].off + bar->piece[i].size <= table);
	}
	EXPECT_EQ(mapped, bar->size - (behind - table));
	EXPECT(!vfio_bar_ptr(bar, bar->msix_off, 4));
	EXPECT(!vfio_bar_ptr(bar, table - 4, 8));
	EXPECT(!vfio_bar_ptr(bar, bar->size - 4, 8));
	EXPECT(!vfio_bar_ptr(bar, ~0ULL, 8));
	EXPECT(vfio_bar_ptr(bar, table - 4, 4));

	EXPECT_EQ(vfio_function_bar_read(fn, 0, VERSION, &val, sizeof(val)), 0);
	EXPECT_EQ(*(volatile u32 *)vfio_bar_ptr(bar, VERSION, sizeof(val)), val);
	printf("NVMe %x.%x, table at %llx\n", val >> 16, val >> 8 & 255,
	       (unsigned long long)bar->msix_off);
	EXPECT_EQ(vfio_function_bar_write(fn, 0, bar->msix_off, &zero, sizeof(zero)), 0);
	EXPECT_EQ(vfio_function_bar_read(fn, 0, bar->msix_off, &val, sizeof(val)), 0);
	EXPECT_EQ(val, ~0U);

	EXPECT(!vfio_function_bar(fn, VFIO_BARS));
	EXPECT_EQ(vfio_function_bar_read(fn, 0, bar->size - 2, &val, sizeof(val)), -EINVAL);
	EXPECT_EQ(vfio_function_bar_read(fn, VFIO_BARS, 0, &val, sizeof(val)), -EINVAL);
	EXPECT_EQ(vfio_function_config_read(fn, 1 << 20, &val, sizeof(val)), -EINVAL);
	vfio_function_close(fn);
}

static void interrupt(char **arg)
{
	struct nvme nvme = prepare(arg[0], IOVA);
	const int efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	const unsigned int most = vfio_function_vectors(nvme.fn);
	int fds[2] = {efd, -1};
	int *all = calloc(most + 1, sizeof(*all));

	EXPECT(efd >= 0 && all && most >= 2);
	EXPECT_EQ(vfio_function_interrupts(nvme.fn, fds, 2), 0);
	EXPECT(nvme_start(&nvme));
	EXPECT(nvme_identify(&nvme));
	EXPECT(signalled(efd, LONG_MS));
	EXPECT_EQ(vfio_function_interrupts(nvme.fn, NULL, 0), 0);
	EXPECT_EQ(vfio_function_interrupts(nvme.fn, NULL, 0), 0);
	EXPECT(nvme_identify(&nvme));
	EXPECT(!signalled(efd, QUIET_MS));
	/* From none to one, and from one to another. */
	EXPECT_EQ(vfio_function_interrupts(nvme.fn, fds, 1), 0);
	fds[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	EXPECT_EQ(vfio_function_interrupts(nvme.fn, fds, 1), 0);
	EXPECT(nvme_identify(&nvme));
	EXPECT(signalled(fds[0], LONG_MS));
	EXPECT(!signalled(efd, 0));
	EXPECT_EQ(vfio_function_interrupts(nvme.fn, all, most + 1), -EINVAL);
	free(all);
	vfio_function_close(nvme.fn);
}

/* All but what is mapped is as after open. */
static void reset(char **arg)
{
	struct nvme nvme = prepare(arg[0], IOVA);
	int efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	EXPECT_EQ(vfio_function_interrupts(nvme.fn, &efd, 1), 0);
	EXPECT(nvme_start(&nvme));
	EXPECT(nvme_identify(&nvme));
	EXPECT(signalled(efd, LONG_MS));
	EXPECT_EQ(command_register(nvme.fn) & MASTER, MASTER);

	EXPECT_EQ(vfio_function_reset(nvme.fn), 0);
	EXPECT_EQ(command_register(nvme.fn) & MASTER, 0);
	EXPECT_EQ(vfio_function_enable(nvme.fn, true), 0);
	EXPECT(!nvme_ready(&nvme));
	EXPECT(nvme_start(&nvme));
	EXPECT(nvme_identify(&nvme));
	EXPECT(!signalled(efd, QUIET_MS));
	EXPECT_EQ(vfio_function_interrupts(nvme.fn, &efd, 1), 0);
	EXPECT(nvme_start(&nvme));
	EXPECT(nvme_identify(&nvme));
	EXPECT(signalled(efd, LONG_MS));
	vfio_function_close(nvme.fn);
}

static void dma(char **arg)
{
	struct vfio_function *fn = take(arg[0]);
	const u64 end = vfio_function_iova_end(fn);
	u8 *mem = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u8 *fixed = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(mem != MAP_FAILED && fixed != MAP_FAILED && end > IOVA);
	EXPECT(vfio_function_iova_usable(fn, end - PAGE, PAGE));
	EXPECT(!vfio_function_iova_usable(fn, end, PAGE));
	EXPECT(!vfio_function_iova_usable(fn, 0xfee00000, PAGE));
	EXPECT_EQ(vfio_function_map(fn, IOVA, mem, 0, true), -EINVAL);
	EXPECT_EQ(vfio_function_map(fn, IOVA, mem, 100, true), -EINVAL);
	EXPECT_EQ(vfio_function_map(fn, IOVA + 1, mem, PAGE, true), -EINVAL);
	EXPECT_EQ(vfio_function_map(fn, IOVA, mem + 1, PAGE, true), -EINVAL);
	EXPECT_EQ(vfio_function_map(fn, end - PAGE, mem, 2 * PAGE, true), -EINVAL);
	EXPECT_EQ(vfio_function_map(fn, -PAGE, mem, 2 * PAGE, true), -EINVAL);
	EXPECT_EQ(vfio_function_map(fn, 0xfee00000 - PAGE, mem, 2 * PAGE, true), -EINVAL);
	EXPECT_EQ(vfio_function_map(fn, IOVA, fixed, PAGE, true), -EFAULT);

	EXPECT_EQ(vfio_function_map(fn, IOVA, mem, 2 * PAGE, true), 0);
	EXPECT_EQ(vfio_function_map(fn, IOVA + PAGE, mem, PAGE, true), -EEXIST);
	EXPECT_EQ(vfio_function_unmap(fn, IOVA, PAGE), -EINVAL);
	EXPECT_EQ(vfio_function_map(fn, IOVA + 2 * PAGE, mem + 2 * PAGE, PAGE, true), 0);
	EXPECT_EQ(vfio_function_unmap(fn, IOVA, 4 * PAGE), -ENOENT);
	EXPECT_EQ(vfio_function_unmap(fn, IOVA, PAGE), -ENOENT);
	EXPECT_EQ(vfio_function_map(fn, end - PAGE, mem, PAGE, true), 0);
	EXPECT_EQ(vfio_function_unmap(fn, end - PAGE, PAGE), 0);
	vfio_function_close(fn);
}

/* More memory than may be locked. */
static void limit(char **arg)
{
	const u64 size = MIB(1);
	struct vfio_function *fn = take(arg[0]);
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(mem != MAP_FAILED);
	EXPECT_EQ(vfio_function_map(fn, IOVA, mem, size, true), -ENOMEM);
	EXPECT_EQ(vfio_function_map(fn, IOVA, mem, PAGE, true), 0);
	vfio_function_close(fn);
}

/* DMA to what is mapped for nobody: the device notices nothing, and memory has nothing. */
static void stray(char **arg)
{
	const u64 iova = strtoull(arg[1], NULL, 0);
	struct nvme nvme = take_nvme(arg[0], IOVA);

	memset(data(&nvme), 0x5a, PAGE);
	nvme_submit(&nvme, iova);
	printf("status %x\n", nvme_complete(&nvme));
	EXPECT(is_filled(data(&nvme), 0x5a));
	EXPECT(nvme_identify(&nvme));
	EXPECT(!is_filled(data(&nvme), 0x5a));
	vfio_function_close(nvme.fn);
}

/* DMA to what may be read alone. */
static void readonly(char **arg)
{
	const u64 iova = strtoull(arg[1], NULL, 0);
	struct nvme nvme = take_nvme(arg[0], IOVA);
	u8 *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(page != MAP_FAILED);
	memset(page, 0x5a, PAGE);
	EXPECT_EQ(vfio_function_map(nvme.fn, iova, page, PAGE, false), 0);
	nvme_submit(&nvme, iova);
	printf("status %x\n", nvme_complete(&nvme));
	EXPECT(is_filled(page, 0x5a));
	vfio_function_close(nvme.fn);
}

/* Two functions, each with a controller that is up: one does not reach what the other does. */
static void neighbour(char **arg)
{
	const u64 iova = strtoull(arg[2], NULL, 0);
	struct nvme first = take_nvme(arg[0], IOVA), second = take_nvme(arg[1], iova);

	EXPECT(nvme_identify(&first));
	EXPECT(nvme_identify(&second));
	memset(second.mem, 0x5a, NVME_DMA_SIZE);
	nvme_submit(&first, iova);
	printf("status %x\n", nvme_complete(&first));
	EXPECT(is_filled(second.mem, 0x5a));
	vfio_function_close(first.fn);
	EXPECT(nvme_start(&second));
	EXPECT(nvme_identify(&second));
	vfio_function_close(second.fn);
}

/* Not to be had: the errno is given. */
static void refused(char **arg)
{
	struct vfio_function *fn;

	EXPECT_EQ(vfio_function_open(arg[0], &fn), -atoi(arg[1]));
	EXPECT(!fn);
}

static void busy(char **arg)
{
	struct vfio_function *fn = take(arg[0]), *other;

	EXPECT_EQ(vfio_function_open(arg[0], &other), -EBUSY);
	vfio_function_close(fn);
}

/*
 * Have a shell write to a file of the host's. It has none of our descriptors, as some of
 * these files wait until the function is nobody's any more.
 */
static pid_t write_file(const char *path, const char *what)
{
	const pid_t pid = fork();

	if (pid)
		return pid;
	execlp("sh", "sh", "-c", "printf \"$1\" >\"$0\"", path, what, NULL);
	_exit(127);
}

static void await(pid_t pid)
{
	int status;

	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}

/* The host takes the function away, and waits until it is given. */
static void request(char **arg)
{
	struct nvme nvme = take_nvme(arg[0], IOVA);
	const int efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char path[100];
	pid_t pid;

	EXPECT_EQ(vfio_function_on_request(nvme.fn, efd), 0);
	EXPECT_EQ(vfio_function_on_request(nvme.fn, -1), 0);
	EXPECT_EQ(vfio_function_on_request(nvme.fn, -1), 0);
	EXPECT_EQ(vfio_function_on_request(nvme.fn, efd), 0);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind", arg[0]);
	pid = write_file(path, arg[0]);
	EXPECT(signalled(efd, LONG_MS));
	EXPECT(nvme_identify(&nvme));
	EXPECT_EQ(waitpid(pid, NULL, WNOHANG), 0);
	vfio_function_close(nvme.fn);
	await(pid);
}

/* As the kernel's aer_inject takes it. */
struct injection {
	u8 bus;
	u8 dev;
	u8 fn;
	u32 uncorrectable;
	u32 correctable;
	u32 header[4];
	u32 domain;
};

/* One that is not fatal unless it is made so. */
#define COMPLETION_TIMEOUT (1U << 14)

/* An error of the port that the function is below. */
static void port_error(char **arg)
{
	struct nvme nvme = take_nvme(arg[0], IOVA);
	const int efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	const int port = open("/dev/aer_inject", O_WRONLY | O_CLOEXEC);
	struct injection error = {.uncorrectable = COMPLETION_TIMEOUT};
	unsigned int bus, dev, fn;

	if (sscanf(arg[1], "%x:%x:%x.%x", &error.domain, &bus, &dev, &fn) != 4)
		exit(2);
	error.bus = bus;
	error.dev = dev;
	error.fn = fn;
	EXPECT(port >= 0 && efd >= 0);
	EXPECT_EQ(vfio_function_on_error(nvme.fn, efd), 0);
	EXPECT(!signalled(efd, 0));
	EXPECT_EQ(write(port, &error, sizeof(error)), sizeof(error));
	EXPECT(signalled(efd, LONG_MS));
	EXPECT_EQ(vfio_function_reset(nvme.fn), 0);
	EXPECT_EQ(vfio_function_enable(nvme.fn, true), 0);
	EXPECT(nvme_start(&nvme));
	EXPECT(nvme_identify(&nvme));
	EXPECT_EQ(vfio_function_on_error(nvme.fn, -1), 0);
	vfio_function_close(nvme.fn);
}

/* What can be done to a function inside the sandbox: all but to open one. */
static void use_confined(struct nvme *nvme, void *page, int efd, const char *bdf)
{
	struct vfio_function *other;
	u32 version;

	EXPECT(sandbox_confined());
	EXPECT_EQ(vfio_function_map(nvme->fn, IOVA + MIB(1), page, PAGE, true), 0);
	EXPECT_EQ(vfio_function_map(nvme->fn, IOVA + MIB(1), page, PAGE, true), -EEXIST);
	EXPECT_EQ(vfio_function_unmap(nvme->fn, IOVA + MIB(1), PAGE), 0);
	EXPECT_EQ(vfio_function_on_error(nvme->fn, efd), 0);
	EXPECT_EQ(vfio_function_on_request(nvme->fn, efd), 0);
	EXPECT_EQ(vfio_function_reset(nvme->fn), 0);
	EXPECT_EQ(vfio_function_enable(nvme->fn, true), 0);
	EXPECT_EQ(vfio_function_bar_read(nvme->fn, 0, VERSION, &version, sizeof(version)), 0);
	EXPECT_EQ(vfio_function_interrupts(nvme->fn, &efd, 1), 0);
	EXPECT(nvme_start(nvme));
	EXPECT(nvme_identify(nvme));
	EXPECT(signalled(efd, LONG_MS));
	EXPECT_EQ(vfio_function_open(bdf, &other), -EPERM);
	vfio_function_close(nvme->fn);
}

static void confined(char **arg)
{
	static const enum sandbox_kind kinds[] = {SANDBOX_VCPU, SANDBOX_DEVICES, SANDBOX_MAIN};
	const unsigned int kind = atoi(arg[1]);
	const int efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct nvme nvme;
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(kind < ARRAY_SIZE(kinds) && page != MAP_FAILED && efd >= 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	EXPECT_EQ(sandbox_init(true), 0);
	nvme = take_nvme(arg[0], IOVA);
	EXPECT_EQ(sandbox_enter(kinds[kind]), 0);
	use_confined(&nvme, page, efd, arg[0]);
}

/* Of what is open, only functions are read and written at offsets. This ends us. */
static void overreach(char **arg)
{
	struct vfio_function *fn;
	const int fd = memfd_create("other", MFD_CLOEXEC);

	EXPECT(fd >= 0);
	EXPECT_EQ(sandbox_init(true), 0);
	fn = take(arg[0]);
	EXPECT_EQ(sandbox_enter(SANDBOX_DEVICES), 0);
	EXPECT_EQ(vfio_function_enable(fn, true), 0);
	EXPECT_EQ(pwrite(fd, "", 1, 0), 1);
}

static const struct {
	const char *name;
	int args;
	void (*fn)(char **arg);
} commands[] = {
	{"show", 1, show},	     {"identify", 1, identify},	  {"hole", 1, hole},
	{"interrupt", 1, interrupt}, {"reset", 1, reset},	  {"dma", 1, dma},
	{"limit", 1, limit},	     {"stray", 2, stray},	  {"readonly", 2, readonly},
	{"neighbour", 3, neighbour}, {"refused", 2, refused},	  {"busy", 1, busy},
	{"request", 1, request},     {"port-error", 2, port_error}, {"confined", 2, confined},
	{"overreach", 1, overreach},
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 2 && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name) || argc != commands[i].args + 2)
			continue;
		commands[i].fn(argv + 2);
		return 0;
	}
	fprintf(stderr, "usage: vfio COMMAND BDF [ARG...]\n");
	return 2;
}
