// SPDX-License-Identifier: GPL-2.0-only
/*
 * Start tarn-vmm with command lines that nobody should write: options of
 * libvirt's in any order, with bytes changed, cut off, doubled, with numbers that
 * are too large. It must say no and end with 1, or start and end when it is told
 * to; a signal or a report of a sanitizer is a failure.
 *
 *   argv_fuzz PROGRAM SEED ROUNDS [KERNEL]
 *
 * With KERNEL, where /dev/kvm works, some runs get as far as a machine. Run it in
 * an empty folder: some options make files.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX 40
#define VALUE_MAX 100000
#define START_MS 400
#define END_MS 20000

static const char *const words[][2] = {
	{"-name", "guest=x,debug-threads=on"},
	{"-machine", "pc,usb=off,dump-guest-core=off,memory-backend=ram0"},
	{"-machine", "none,accel=kvm:tcg"},
	{"-accel", "kvm"},
	{"-cpu", "host,tarn=off"},
	{"-m", "size=65536k"},
	{"-m", "64"},
	{"-smp", "1,maxcpus=2,sockets=2,cores=1,threads=1"},
	{"-numa", "node,nodeid=0,cpus=0-1,memdev=ram0"},
	{"-numa", "dist,src=0,dst=1,val=20"},
	{"-object", "{\"qom-type\":\"memory-backend-file\",\"id\":\"ram0\",\"mem-path\":\"mem\",\"discard-data\":true,\"share\":true,\"x-use-canonical-path-for-ramblock-id\":false,\"size\":67108864,\"host-nodes\":[0],\"policy\":\"preferred\"}"},
	{"-object", "memory-backend-ram,id=ram0,size=64M"},
	{"-object", "{\"qom-type\":\"iothread\",\"id\":\"iothread1\"}"},
	{"-object", "{\"qom-type\":\"secret\",\"id\":\"key0\",\"format\":\"raw\",\"file\":\"image\"}"},
	{"-object", "rng-random,id=rng0,filename=image"},
	{"-overcommit", "mem-lock=off"},
	{"-uuid", "a3e80547-eddc-4829-9735-e9a4899f6f44"},
	{"-display", "none"},
	{"-chardev", "socket,id=chr0,path=sock,server=on,wait=off"},
	{"-chardev", "socket,id=chr0,fd=0,server=on,wait=off"},
	{"-chardev", "file,id=chr1,path=out,append=on"},
	{"-chardev", "null,id=chr2"},
	{"-mon", "chardev=chr0,id=monitor,mode=control"},
	{"-qmp", "unix:qmp,server=on,wait=off"},
	{"-rtc", "base=utc,driftfix=slew"},
	{"-boot", "strict=on"},
	{"-blockdev", "{\"driver\":\"file\",\"filename\":\"image\",\"aio\":\"native\",\"node-name\":\"s1\",\"cache\":{\"direct\":true,\"no-flush\":false},\"auto-read-only\":true,\"discard\":\"unmap\"}"},
	{"-blockdev", "{\"node-name\":\"f1\",\"read-only\":false,\"cache\":{\"direct\":true,\"no-flush\":false},\"driver\":\"raw\",\"file\":\"s1\"}"},
	{"-blockdev", "driver=raw,node-name=f2,file.driver=file,file.filename=image"},
	{"-device", "{\"driver\":\"virtio-blk-pci\",\"scsi\":false,\"bus\":\"pci.0\",\"addr\":\"0x3\",\"drive\":\"f1\",\"id\":\"disk0\",\"bootindex\":1,\"write-cache\":\"on\"}"},
	{"-device", "virtio-balloon-pci,id=balloon0,bus=pci.0,addr=0x4"},
	{"-device", "{\"driver\":\"isa-serial\",\"chardev\":\"chr2\",\"id\":\"serial0\",\"index\":0}"},
	{"-device", "virtio-rng-pci,rng=rng0,max-bytes=1024,period=1000"},
	{"-device", "virtio-serial-pci,id=ser0,max_ports=16"},
	{"-device", "virtserialport,bus=ser0.0,nr=1,chardev=chr1,name=port"},
	{"-device", "pvpanic,ioport=1285"},
	{"-netdev", "tap,fd=0,id=net0,vhost=on,vhostfd=1"},
	{"-device", "virtio-net-pci,netdev=net0,mac=52:54:00:11:22:33"},
	{"-audiodev", "{\"id\":\"audio1\",\"driver\":\"none\"}"},
	{"-add-fd", "set=0,fd=0,opaque=x"},
	{"-global", "kvm-pit.lost_tick_policy=delay"},
	{"-sandbox", "off,obsolete=deny,elevateprivileges=deny"},
	{"-msg", "timestamp=on"},
	{"-serial", "null"},
	{"-append", "console=ttyS0"},
	{"-pidfile", "pid"},
	{"-S", NULL},
	{"-no-shutdown", NULL},
	{"-nodefaults", NULL},
	{"-no-user-config", NULL},
	{"-nographic", NULL},
	{"-help", NULL},
	{"-version", NULL},
};

#define NR_WORDS (sizeof(words) / sizeof(words[0]))

static uint64_t seed;
static char *args[ARGS_MAX + 8];
static unsigned int nr_args;

static unsigned int pick(unsigned int n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 16) % n;
}

/* No byte becomes a slash: files stay in this folder. */
static char some_char(void)
{
	static const char chars[] = "{}[]\",:=.-+0123456789abcMGx\\ \t\xff\x80";

	return chars[pick(sizeof(chars) - 1)];
}

/* Another number for the first one. */
static void set_number(char *text)
{
	static const char *const numbers[] = {
		"-1", "0", "4294967296", "18446744073709551615",
		"99999999999999999999999", "1e9", "0x7fffffff", "1.5"};
	const char *number = numbers[pick(sizeof(numbers) /
					  sizeof(numbers[0]))];
	size_t at = strcspn(text, "0123456789"), skip;
	char rest[4096];

	if (!text[at])
		return;
	skip = strspn(text + at, "0123456789");
	snprintf(rest, sizeof(rest), "%s", text + at + skip);
	snprintf(text + at, VALUE_MAX - at, "%s%s", number, rest);
}

static char *mutate(const char *value)
{
	char *text = calloc(1, VALUE_MAX);
	unsigned int n = pick(4);
	size_t len;

	snprintf(text, 2048, "%s", value);
	while (n--) {
		len = strlen(text);
		switch (pick(6)) {
		case 0:
			if (len)
				text[pick(len)] = some_char();
			break;
		case 1:
			text[pick(len + 1)] = '\0';
			break;
		case 2:
			snprintf(text + len, 4096, ",%s", value);
			break;
		case 3:
			set_number(text);
			break;
		case 4:
			if (pick(20) || len > VALUE_MAX / 4)
				break;
			memset(text + len, some_char(), 60000);
			break;
		case 5:
			snprintf(text + len, 64, ",%c%c=%c", some_char(),
				 some_char(), some_char());
			break;
		}
	}
	return text;
}

static void add(const char *arg)
{
	args[nr_args++] = strdup(arg);
}

static void make_args(const char *program, const char *kernel)
{
	unsigned int n = 1 + pick(12), i;
	/* Half of the lines have hardly a fault, so that they get further. */
	bool gentle = pick(2);

	while (nr_args)
		free(args[--nr_args]);
	add(program);
	if (kernel && !pick(3)) {
		add("-S");
		add("-kernel");
		add(kernel);
	}
	while (n-- && nr_args < ARGS_MAX) {
		i = pick(NR_WORDS);
		add(words[i][0]);
		if (words[i][1] && pick(50))
			args[nr_args++] = gentle && pick(8) ?
				strdup(words[i][1]) : mutate(words[i][1]);
	}
	/* A sanitizer's own calls are none of those that the sandbox knows. */
	add("-sandbox");
	add("off");
	args[nr_args] = NULL;
}

static void show(void)
{
	unsigned int i;

	for (i = 0; i < nr_args; i++)
		printf("%s'%.200s'", i ? " " : "# ", args[i]);
	printf("\n");
}

static bool ended(pid_t pid, unsigned int ms, int *status)
{
	struct timespec pause = {.tv_nsec = 5000000};

	for (; ms > 5; ms -= 5) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static pid_t start(void)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	fd = open("/dev/null", O_RDWR);
	dup2(fd, 0);
	dup2(fd, 1);
	fd = open("messages", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dup2(fd, 2);
	execv(args[0], args);
	_exit(99);
}

/* True when it behaved. */
static bool run(void)
{
	pid_t pid = start();
	int status = 0;

	if (!ended(pid, START_MS, &status)) {
		kill(pid, SIGTERM);
		if (!ended(pid, END_MS, &status)) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			printf("# it does not end\n");
			return false;
		}
	}
	/* 2: it makes no sense. */
	if (WIFEXITED(status) && WEXITSTATUS(status) <= 2)
		return true;
	/* Told to end before it could take notice. */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
		return true;
	printf("# status %#x\n", status);
	return false;
}

int main(int argc, char **argv)
{
	unsigned long i, rounds, bad = 0;
	int fd;

	if (argc < 4) {
		printf("usage: argv_fuzz PROGRAM SEED ROUNDS [KERNEL]\n");
		return 2;
	}
	seed = strtoull(argv[2], NULL, 0) * 2654435761u + 1;
	rounds = strtoul(argv[3], NULL, 0);
	setenv("ASAN_OPTIONS", "exitcode=98:detect_leaks=1", 1);
	fd = open("image", O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, 1 << 20)) {
		perror("image");
		return 2;
	}
	for (i = 0; i < rounds && bad < 5; i++) {
		make_args(argv[1], argc > 4 ? argv[4] : NULL);
		if (run())
			continue;
		bad++;
		show();
		fflush(stdout);
		if (system("grep -aE 'ERROR|runtime error|SUMMARY|^ +#[0-9]' messages | head -n 12"))
			printf("# no report\n");
	}
	printf("%lu command lines, %lu not taken well\n", i, bad);
	return bad ? 1 : 0;
}
