// SPDX-License-Identifier: GPL-2.0-only
/* Locks on images, against each other and against QEMU's own programs. */
#include "backend/block.h"
#include "error.h"
#include "lib/opts.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[] = "/tmp/tarn-test-lock-XXXXXX";
static char reason[512];

/* Make a node with @options and a device that uses it; 0 or -errno. */
static int use(const char *name, const char *options, bool shared)
{
	struct opts *opts;
	char text[256];
	int ret;

	snprintf(text, sizeof(text), "raw,node-name=%s,file.driver=file,file.filename=%s%s",
		 name, path, options);
	if (opts_parse(&opts, "blockdev", text, "driver"))
		abort();
	*reason = '\0';
	error_capture(reason, sizeof(reason));
	ret = blockdev_create(opts);
	opts_destroy(opts);
	if (!ret)
		ret = block_use(block_attach(name, "a test"), shared);
	error_capture(NULL, 0);
	return ret;
}

static void let_go(const char *name)
{
	struct block *blk = block_find(name);

	if (!blk)
		return;
	if (blk->user)
		block_detach(blk);
	CHECK_EQ(blockdev_delete(name), 0);
}

/* Run a program on the image, which is $i; whether it succeeded. */
static bool tool(const char *command)
{
	char text[256];

	snprintf(text, sizeof(text), "i=%s; %s >/dev/null 2>&1", path, command);
	return !system(text);
}

#define READS "qemu-io -f raw -r -c 'read 0 512' $i"
#define WRITES "qemu-io -f raw -c 'write 0 512' $i"
#define LOOKS "qemu-img info -f raw $i"
#define SHRINKS "qemu-img resize -f raw --shrink $i 1M"
#define CONVERTS "qemu-img convert -n -f raw -O raw $i.from $i"

static void test_begin(void)
{
	int fd = mkstemp(path);

	CHECK(fd >= 0 && !ftruncate(fd, 1 << 20));
	close(fd);
	/* The programs work on an image that nobody has. */
	CHECK(tool("qemu-img create -f raw $i.from 1M"));
	CHECK(tool(READS) && tool(WRITES) && tool(LOOKS));
	CHECK(tool(SHRINKS) && tool(CONVERTS));
}

static void test_writer(void)
{
	/* Who only looks at raw bytes may do so, beside a guest of QEMU, too. */
	CHECK_EQ(use("d", "", false), 0);
	CHECK(tool(READS));
	CHECK(!tool(WRITES));
	CHECK(!tool(SHRINKS));
	CHECK(!tool(CONVERTS));
	let_go("d");
	CHECK(tool(WRITES));
}

static void test_twice(void)
{
	CHECK_EQ(use("d", "", false), 0);
	CHECK_EQ(use("e", "", false), -EAGAIN);
	CHECK(strstr(reason, path) && strstr(reason, "share-rw=on"));
	let_go("e");
	CHECK_EQ(use("e", ",read-only=on", false), -EAGAIN);
	CHECK(strstr(reason, path) && strstr(reason, "force-share=on"));
	let_go("e");
	/* The loser took nothing away. */
	CHECK(!tool(WRITES));
	CHECK_EQ(use("e", ",read-only=on,force-share=on", false), 0);
	let_go("e");
	CHECK_EQ(use("e", ",file.locking=off", false), 0);
	let_go("e");
	CHECK(!tool(WRITES));
	let_go("d");
	CHECK_EQ(use("e", ",file.locking=on", false), 0);
	let_go("e");
}

static void test_shared(void)
{
	CHECK_EQ(use("d", "", true), 0);
	CHECK_EQ(use("e", "", true), 0);
	CHECK_EQ(use("f", "", false), -EAGAIN);
	let_go("f");
	CHECK(tool(WRITES));
	let_go("d");
	CHECK(tool(WRITES));
	let_go("e");
}

static void test_readers(void)
{
	CHECK_EQ(use("d", ",read-only=on", false), 0);
	CHECK_EQ(use("e", ",read-only=on", false), 0);
	CHECK(tool(READS));
	CHECK(tool(LOOKS));
	CHECK(!tool(WRITES));
	CHECK_EQ(use("f", "", false), -EAGAIN);
	let_go("f");
	let_go("d");
	let_go("e");
}

static void test_force_share(void)
{
	CHECK_EQ(use("d", ",force-share=on", false), -EINVAL);
	CHECK(strstr(reason, "read-only=on"));
}

/* qemu-io with the image open, until its input ends. */
static FILE *hold(const char *options)
{
	char text[256], line[64] = "";
	int in[2], out[2];
	pid_t pid;
	FILE *f;

	snprintf(text, sizeof(text), "exec qemu-io -f raw %s %s 2>&1", options, path);
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		abort();
	pid = fork();
	if (!pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl("/bin/sh", "sh", "-c", text, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	if (write(in[1], "length\n", 7) != 7)
		abort();
	/* It has it when it tells how large it is. */
	f = fdopen(out[0], "r");
	while (!strstr(line, "MiB") && fgets(line, sizeof(line), f))
		;
	CHECK(strstr(line, "MiB"));
	fclose(f);
	return fdopen(in[1], "w");
}

static void drop(FILE *holder)
{
	fclose(holder);
	CHECK(wait(NULL) > 0);
}

static void test_theirs(void)
{
	FILE *holder = hold("");

	CHECK_EQ(use("d", "", false), -EAGAIN);
	CHECK(strstr(reason, path));
	let_go("d");
	CHECK_EQ(use("d", ",read-only=on", false), -EAGAIN);
	let_go("d");
	drop(holder);
	holder = hold("-r");
	CHECK_EQ(use("d", ",read-only=on", false), 0);
	let_go("d");
	drop(holder);
	CHECK_EQ(use("d", "", false), 0);
	let_go("d");
}

/* As at both ends of a save: given up by one, had by the other. */
static void test_hand_over(void)
{
	FILE *holder;

	CHECK_EQ(use("d", "", false), 0);
	CHECK(!tool(WRITES));
	block_give_up_all();
	CHECK(tool(WRITES));
	/* What is plugged in meanwhile has no lock either. */
	CHECK_EQ(use("e", "", false), 0);
	let_go("e");
	holder = hold("");
	CHECK_EQ(block_take_back_all(), -EAGAIN);
	drop(holder);
	CHECK(tool(WRITES));
	CHECK_EQ(block_take_back_all(), 0);
	CHECK(!tool(WRITES));
	CHECK_EQ(block_take_back_all(), 0);
	let_go("d");
}

static void test_end(void)
{
	block_destroy_all();
	CHECK(tool("rm $i $i.from"));
}

static const struct tap_test tests[] = {
	{"QEMU's programs work on an image", test_begin},
	{"they refuse what a guest has", test_writer},
	{"two devices on one image", test_twice},
	{"share-rw=on", test_shared},
	{"readers", test_readers},
	{"force-share=on is for readers", test_force_share},
	{"what QEMU's programs have is refused", test_theirs},
	{"given up and taken back", test_hand_over},
	{"end", test_end},
};

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (system("command -v qemu-io >/dev/null && command -v qemu-img >/dev/null")) {
		printf("1..0 # SKIP qemu-img and qemu-io are not installed\n");
		return 4;
	}
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
