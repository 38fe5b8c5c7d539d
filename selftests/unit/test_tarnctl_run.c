// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl run: its options, kinds of images, and the command line that comes of them. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/tarnctl/error.c"
#include "../../tools/tarnctl/run_command.c"
#include "../../tools/tarnctl/run_image.c"
#define has has_file
#include "../../tools/tarnctl/run_net.c"
#undef has
#include "../../tools/tarnctl/run_option.c"
#include "../../tools/tarnctl/run_seed.c"
#include "../../tools/tarnctl/suggest.c"
#include "tap.h"

#define ARGV_MAX 24

/* The message of what @expr reports. */
#define MESSAGE(expr)                                                          \
	({                                                                     \
		err_defer(true);                                               \
		(void)(expr);                                                  \
		strstr(deferred, ": ") ? strstr(deferred, ": ") + 2 : "";      \
	})

static struct run run;
static char line[512];
static char *argv[ARGV_MAX];

static int parse(const char *text)
{
	int argc = 0;
	char *word;

	snprintf(line, sizeof(line), "%s", text);
	for (word = strtok(line, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return run_options_parse(&run, argc, argv);
}

static void test_options(void)
{
	CHECK_EQ(parse("-m 4G --name=web disk.img --disk a --disk=b,ro -nd"), 0);
	CHECK_STR(run.image, "disk.img");
	CHECK_STR(run.memory, "4G");
	CHECK_STR(run.name, "web");
	CHECK_EQ(run.disks.count, 2);
	CHECK_STR(run.disks.items[1], "b,ro");
	CHECK(run.dry_run && run.daemon && !run.help);
	CHECK(!*run.vmm);
	CHECK_EQ(parse("-c4 k -- -append x --help"), 0);
	CHECK_STR(run.cpus, "4");
	CHECK(!run.help);
	CHECK_STR(run.vmm[0], "-append");
	CHECK_STR(run.vmm[2], "--help");
	CHECK(!run.vmm[3]);
	CHECK_EQ(parse("--help"), 0);
	CHECK(run.help);
}

static void test_refused_options(void)
{
	CHECK_EQ(parse(""), -EINVAL);
	CHECK_EQ(parse("--daemon=on k"), -EINVAL);
	CHECK_EQ(parse("k --memory"), -EINVAL);
	CHECK_EQ(parse("-z k"), -EINVAL);
	CHECK(strstr(MESSAGE(parse("--memroy 4G k")), "did you mean '--memory'"));
	CHECK(strstr(MESSAGE(parse("k other")), "--disk FILE adds others"));
	CHECK(strstr(MESSAGE(parse("k -serial")), "unknown option"));
}

/* Files of these tests are in a directory of their own. */
static char dir[] = "/tmp/test-run-XXXXXX";

static const char *make_file(const char *name, const void *head, size_t len,
			     off_t size)
{
	static char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, size), 0);
	CHECK_EQ(pwrite(fd, head, len, 0), (ssize_t)len);
	close(fd);
	return path;
}

static void test_kinds(void)
{
	char bzimage[BZIMAGE_MAGIC_OFF + 4] = { 0 };
	enum run_kind kind = RUN_RAW;
	const char *path;

	memcpy(bzimage + BZIMAGE_MAGIC_OFF, "HdrS", 4);
	CHECK_EQ(run_image_kind(make_file("b", bzimage, sizeof(bzimage), 4096),
				&kind), 0);
	CHECK_EQ(kind, RUN_KERNEL);
	kind = RUN_RAW;
	CHECK_EQ(run_image_kind(make_file("e", "\177ELF", 4, 4096), &kind), 0);
	CHECK_EQ(kind, RUN_KERNEL);
	CHECK_EQ(run_image_kind(make_file("r.img", "", 0, 4096), &kind), 0);
	CHECK_EQ(kind, RUN_RAW);
	CHECK_EQ(run_image_kind(make_file("q.qcow2", qcow2_magic, 4, 4096),
				&kind), 0);
	CHECK_EQ(kind, RUN_QCOW2);
	/* A guest may have written that to its raw disk. */
	path = make_file("r.img", qcow2_magic, 4, 4096);
	CHECK(strstr(MESSAGE(run_image_kind(path, &kind)), ",format=raw if a guest"));
	CHECK_EQ(run_image_kind(make_file("z.qcow2", "", 0, 4096), &kind), -EINVAL);
	CHECK_EQ(run_image_kind(make_file("s", "x", 1, 511), &kind), -EINVAL);
	CHECK_EQ(run_image_kind(dir, &kind), -EINVAL);
	CHECK_EQ(run_image_kind("/nonexistent", &kind), -ENOENT);
}

static void test_disks(void)
{
	const char *path = make_file("d", qcow2_magic, 4, 4096);
	char text[200];
	struct run_disk disk;

	snprintf(text, sizeof(text), "%s,format=qcow2,ro", path);
	CHECK_EQ(run_disk_parse(&disk, text), 0);
	CHECK_STR(disk.path, path);
	CHECK_EQ(disk.kind, RUN_QCOW2);
	CHECK(disk.read_only);
	run_disk_free(&disk);
	snprintf(text, sizeof(text), "%s,rw", path);
	CHECK(strstr(MESSAGE(run_disk_parse(&disk, text)), "',rw' is not known"));
	run_disk_free(&disk);
	/* A comma in a name is one if there is such a file. */
	path = make_file("a,ro", "", 0, 4096);
	CHECK_EQ(run_disk_parse(&disk, path), 0);
	CHECK_STR(disk.path, path);
	CHECK(!disk.read_only);
	run_disk_free(&disk);
}

static bool has(const struct run_words *words, const char *option,
		const char *value)
{
	size_t i;

	for (i = 0; i + 1 < words->count; i++)
		if (!strcmp(words->items[i], option) &&
		    !strcmp(words->items[i + 1], value))
			return true;
	return false;
}

static void test_command(void)
{
	struct run_disk disks[] = {
		{ .path = "/a,b.qcow2", .kind = RUN_QCOW2 },
		{ .path = "/r", .kind = RUN_RAW, .read_only = true },
	};
	const struct run_net nets[] = {
		{ .tap = "tap0", .fd = -1, .mac = "52:54:00:00:00:01" },
		{ .fd = 9, .mac = "52:54:00:00:00:02" },
	};
	struct run_plan plan = {
		.run = &run, .memory = 1ULL << 30, .cpus = 3, .nets = nets,
		.dir = "/run/tarn/pool0", .disks = disks, .nr_disks = 2,
		.seed = 7,
	};
	struct run_words words;

	CHECK_EQ(parse("--name web --net tap0 --net br0 --qmp /q,s image -- -S"), 0);
	CHECK_EQ(run_command_make(&words, &plan), 0);
	CHECK_STR(words.items[0], "tarn-vmm");
	CHECK(has(&words, "-name", "guest=web"));
	CHECK(has(&words, "-m", "1048576k"));
	CHECK(has(&words, "-smp", "3"));
	CHECK(has(&words, "-object",
		  "memory-backend-file,id=ram0,size=1048576k,share=on,mem-path=/run/tarn/pool0/web"));
	CHECK(has(&words, "-machine", "pc,memory-backend=ram0"));
	CHECK(has(&words, "-blockdev",
		  "qcow2,node-name=disk0,discard=unmap,file.driver=file,file.filename=/a,,b.qcow2"));
	CHECK(has(&words, "-device", "virtio-blk-pci,id=vd0,drive=disk0,bootindex=1"));
	CHECK(has(&words, "-blockdev",
		  "raw,node-name=disk1,read-only=on,file.driver=file,file.filename=/r"));
	CHECK(has(&words, "-blockdev",
		  "raw,node-name=seed,read-only=on,file.driver=file,file.filename=/dev/fd/7"));
	CHECK(has(&words, "-netdev", "tap,id=net0,ifname=tap0"));
	CHECK(has(&words, "-device", "virtio-net-pci,id=nic0,netdev=net0,mac=52:54:00:00:00:01"));
	CHECK(has(&words, "-netdev", "tap,id=net1,fd=9"));
	CHECK(has(&words, "-qmp", "unix:/q,,s,server=on,wait=off"));
	CHECK(has(&words, "-chardev", "stdio,id=console,escape=on"));
	CHECK(!has(&words, "-serial", "null"));
	CHECK(!has(&words, "-append", "console=ttyS0"));
	CHECK_STR(words.items[words.count - 1], "-S");
	CHECK(!words.items[words.count]);
	run_words_free(&words);
}

static void test_command_of_kernel(void)
{
	struct run_plan plan = {
		.run = &run, .memory = 1ULL << 28, .cpus = 1, .kernel = "/k",
		.seed = -1,
	};
	struct run_words words;

	CHECK_EQ(parse("-d --name k /k"), 0);
	CHECK_EQ(run_command_make(&words, &plan), 0);
	CHECK(has(&words, "-kernel", "/k"));
	CHECK(has(&words, "-append", "console=ttyS0"));
	CHECK(has(&words, "-serial", "null"));
	CHECK(!has(&words, "-machine", "pc,memory-backend=ram0"));
	CHECK_STR(words.items[words.count - 1], "-daemonize");
	run_words_free(&words);
}

static void test_keys(void)
{
	static const char key[] = "# mine\nssh-ed25519 AAAA me\n\nssh-rsa BBBB\r\n";
	struct seed seed = { .keys = strdup("") };
	const char *path = make_file("keys", key, strlen(key), strlen(key));

	CHECK_EQ(add_keys(&seed, path), 0);
	CHECK_STR(seed.keys, "  - \"ssh-ed25519 AAAA me\"\n  - \"ssh-rsa BBBB\"\n");
	path = make_file("keys", "a \"b", 4, 4);
	CHECK_EQ(add_keys(&seed, path), -EINVAL);
	path = make_file("keys", "\n", 1, 1);
	CHECK(strstr(MESSAGE(add_keys(&seed, path)), "has no key"));
	path = make_file("keys", "-----BEGIN OPENSSH PRIVATE KEY-----", 35, 35);
	CHECK(strstr(MESSAGE(add_keys(&seed, path)), "public keys of ssh"));
	free(seed.keys);
}

/* The file system has both files, word for word. */
static void test_seed(void)
{
	static const char data[] = "#cloud-config\nruncmd: [reboot]\n";
	static const char meta[] = "local-hostname: \"web\"";
	static const char rc[] = "-no_such_command\n-abort_on ALL\n";
	char *image = NULL;
	struct stat st;
	int fd;

	if (system("command -v xorriso genisoimage >/dev/null")) {
		TAP_SKIP("neither xorriso nor genisoimage is here");
		return;
	}
	CHECK_EQ(parse("--name web k"), 0);
	/* What a user has xorriso do in general is not done here. */
	make_file(".xorrisorc", rc, strlen(rc), strlen(rc));
	run.user_data = make_file("user", data, strlen(data), strlen(data));
	setenv("HOME", dir, 1);
	fd = run_seed_make(&run);
	unsetenv("HOME");
	CHECK(fd >= 0);
	if (fd < 0 || fstat(fd, &st) || st.st_size < 34816)
		CHECK(!"a disk");
	else
		image = malloc(st.st_size);
	if (image && pread(fd, image, st.st_size, 0) == st.st_size) {
		CHECK(!memcmp(image + 32769, "CD001", 5));
		CHECK(!memcmp(image + 32808, "CIDATA ", 7));
		CHECK(memmem(image, st.st_size, data, strlen(data)));
		CHECK(memmem(image, st.st_size, meta, strlen(meta)));
	}
	free(image);
	close(fd);
}

static void test_nets(void)
{
	struct run_net a, b;

	CHECK(strstr(MESSAGE(run_net_open(&a, "no-such-if", "g", 0, false)), "no interface"));
	CHECK(strstr(MESSAGE(run_net_open(&a, "../../etc", "g", 0, false)), "no interface"));
	CHECK(strstr(MESSAGE(run_net_open(&a, "", "g", 0, false)), "no interface"));
	CHECK(strstr(MESSAGE(run_net_open(&a, "lo", "g", 0, false)), "neither a tap nor a bridge"));
	/* Addresses are the same again, and differ by host, guest and card. */
	CHECK_EQ(set_mac(&a, NULL, "web", 0), 0);
	CHECK_EQ(set_mac(&b, NULL, "web", 0), 0);
	CHECK_STR(a.mac, b.mac);
	CHECK(!strncmp(a.mac, "52:54:00:", 9) && strlen(a.mac) == 17);
	set_mac(&b, NULL, "web", 1);
	CHECK(strcmp(a.mac, b.mac));
	set_mac(&b, NULL, "db", 0);
	CHECK(strcmp(a.mac, b.mac));
	derive_mac(&a, "one", "web", 0);
	derive_mac(&b, "two", "web", 0);
	CHECK(strcmp(a.mac, b.mac));
	/* Or it is said. */
	CHECK_EQ(set_mac(&a, "02:00:00:Ab:00:1f", "web", 0), 0);
	CHECK_STR(a.mac, "02:00:00:Ab:00:1f");
	CHECK(strstr(MESSAGE(set_mac(&a, "02:00:00:00:00", "web", 0)), "no address"));
	CHECK(strstr(MESSAGE(set_mac(&a, "03:00:00:00:00:00", "web", 0)), "no address"));
	CHECK(strstr(MESSAGE(set_mac(&a, "02:00:00:00:00:0g", "web", 0)), "no address"));
	CHECK(strstr(MESSAGE(run_net_open(&a, "lo,mac=02:00:00:00:00:01", "g", 0, false)),
		     "'lo' is neither"));
	CHECK_STR(a.mac, "02:00:00:00:00:01");
}

static unsigned int count_taps(void)
{
	FILE *f = popen("ls -d /sys/class/net/tarn* 2>/dev/null | wc -l", "r");
	unsigned int n = 0;

	CHECK(fscanf(f, "%u", &n) == 1);
	pclose(f);
	return n;
}

/* A dry run looks for all, and makes nothing. */
static void test_dry_run(void)
{
	static const char data[] = "#cloud-config\n{}\n";
	struct run_net net;
	struct run_plan plan = { .run = &run, .memory = 1ULL << 28, .cpus = 1,
				 .kernel = "/k", .nets = &net };
	struct run_words words;
	unsigned int taps;

	CHECK_EQ(parse("-n --name dry --net br0 /k"), 0);
	run.user_data = make_file("user", data, strlen(data), strlen(data));
	CHECK_EQ(plan.seed = run_seed_make(&run), RUN_FD_DRY);
	CHECK(MESSAGE(run_net_open(&net, "no-such-if", "dry", 0, true)));
	if (geteuid() || system("ip link add name test-dry type bridge 2>/dev/null")) {
		net = (struct run_net){ .fd = RUN_FD_DRY, .mac = "52:54:00:00:00:01" };
	} else {
		taps = count_taps();
		CHECK_EQ(run_net_open(&net, "test-dry", "dry", 0, true), 0);
		CHECK_EQ(net.fd, RUN_FD_DRY);
		CHECK_EQ(count_taps(), taps);
		CHECK_EQ(system("ip link del test-dry"), 0);
	}
	CHECK_EQ(run_command_make(&words, &plan), 0);
	CHECK(has(&words, "-netdev", "tap,id=net0,fd=N"));
	CHECK(has(&words, "-blockdev",
		  "raw,node-name=seed,read-only=on,file.driver=file,file.filename=/dev/fd/N"));
	run_words_free(&words);
}

/* A program that fails, and leaves something; files in the home are not looked at. */
static void test_seed_leaves_nothing(void)
{
	static const char tool[] = "#!/bin/sh\ntouch left\nenv >$0.env\nexit 1\n";
	const char *path = getenv("PATH");
	char command[300], *both;

	CHECK_EQ(parse("--name web k"), 0);
	CHECK(!chmod(make_file("xorriso", tool, strlen(tool), strlen(tool)), 0755));
	CHECK(asprintf(&both, "%s:%s", dir, path) > 0);
	setenv("PATH", both, 1);
	setenv("A_SECRET", "1", 1);
	CHECK(!system("ls -d /tmp/tarnctl-* 2>/dev/null | sort >/tmp/test-run-before"));
	CHECK(strstr(MESSAGE(run_seed_make(&run)), "could not be made"));
	CHECK(!system("ls -d /tmp/tarnctl-* 2>/dev/null | sort | cmp - /tmp/test-run-before"));
	snprintf(command, sizeof(command),
		 "grep -q ^HOME=/tmp/tarnctl- %s/xorriso.env && ! grep -q SECRET %s/xorriso.env",
		 dir, dir);
	CHECK(!system(command));
	unlink("/tmp/test-run-before");
	free(both);
	unsetenv("A_SECRET");
	setenv("PATH", strchr(getenv("PATH"), ':') + 1, 1);
}

static void test_clean_up(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	CHECK_EQ(system(command), 0);
}

static void test_begin(void)
{
	CHECK(mkdtemp(dir));
}

static const struct tap_test tests[] = {
	{"a directory for files", test_begin},
	{"options, and what is behind --", test_options},
	{"options that are refused", test_refused_options},
	{"kinds of images", test_kinds},
	{"disks by their words", test_disks},
	{"the command line of a disk", test_command},
	{"the command line of a kernel", test_command_of_kernel},
	{"keys", test_keys},
	{"the disk for cloud-init", test_seed},
	{"a program that fails", test_seed_leaves_nothing},
	{"networks", test_nets},
	{"a dry run", test_dry_run},
	{"it is gone", test_clean_up},
};
TAP_MAIN(tests)
