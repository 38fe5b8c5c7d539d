// SPDX-License-Identifier: GPL-2.0-only
/* Images in qcow2: requests to what serves them, and images and options that are refused. */
#include "backend/block.h"
#include "backend/nbd-end.h"
#include "backend/nbd-server.h"
#include "error.h"
#include "lib/iov.h"
#include "lib/opts.h"
#include "tap.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/tarn-test-qcow2-XXXXXX";
static char reason[8192];
static struct loop *loop;

static bool shell(const char *command)
{
	char text[512];

	snprintf(text, sizeof(text), "cd %s && { %s; } >/dev/null 2>&1", dir,
		 command);
	return !system(text);
}

static int create(const char *options)
{
	struct opts *opts;
	char text[512];
	int ret;

	snprintf(text, sizeof(text), options, dir, dir, dir);
	if (opts_parse(&opts, "blockdev", text, "driver"))
		abort();
	*reason = '\0';
	error_capture(reason, sizeof(reason));
	ret = blockdev_create(opts);
	error_capture(NULL, 0);
	opts_destroy(opts);
	return ret;
}

static struct block *use(const char *options)
{
	struct block *blk;
	int ret = create(options);

	CHECK_EQ(ret, 0);
	blk = ret ? NULL : block_attach("d", "a test");
	error_capture(reason, sizeof(reason));
	ret = blk ? block_use(blk, false) : -ENODEV;
	error_capture(NULL, 0);
	CHECK_EQ(ret, 0);
	if (ret)
		printf("# %s\n", reason);
	return ret ? NULL : blk;
}

static void let_go(struct block *blk)
{
	if (!blk)
		return;
	block_detach(blk);
	CHECK_EQ(blockdev_delete("d"), 0);
}

/* Requests, from the loop's own thread as a device sends them */

struct test_req {
	struct block_req br;
	struct block *blk;
	struct iovec iov[3];
	int ret;
};

static sem_t ended;
static pthread_t thread;

static void *loop_thread(void *arg)
{
	loop_run(loop);
	return NULL;
}

static void done(struct block_req *br, int ret)
{
	container_of(br, struct test_req, br)->ret = ret;
	sem_post(&ended);
}

static void submit_in_loop(void *arg)
{
	struct test_req *req = arg;

	req->ret = 1;
	req->br.iov = req->iov;
	req->br.done = done;
	block_submit(req->blk, loop, &req->br);
}

static void submit(struct block *blk, struct test_req *req, enum block_op op,
		   u64 off, u64 len)
{
	req->blk = blk;
	req->br.op = op;
	req->br.off = off;
	req->br.len = len;
	loop_call(loop, submit_in_loop, req);
}

static int one(struct block *blk, enum block_op op, unsigned int flags, u64 off,
	       void *buf, u64 len)
{
	struct test_req req = {.br.flags = flags};
	size_t odd = len > 100 ? 100 : 0;

	/* Pieces that are no whole sectors. */
	req.iov[0] = (struct iovec){buf, odd};
	req.iov[1] = (struct iovec){(u8 *)buf + odd, len - odd};
	req.br.nr_iov = 2;
	submit(blk, &req, op, off, len);
	sem_wait(&ended);
	return req.ret;
}

#define MEG (1U << 20)

static u8 data[4 * MEG], got[4 * MEG];

static void test_requests(void)
{
	struct block *blk;
	unsigned int i;

	CHECK(shell("qemu-img create -f qcow2 a.qcow2 64M"));
	blk = use("qcow2,node-name=d,discard=unmap,file.driver=file,file.filename=%s/a.qcow2");
	if (!blk)
		return;
	CHECK_EQ(blk->size, 64 * MEG);
	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 4096 + 1;
	CHECK_EQ(one(blk, BLOCK_WRITE, BLOCK_FUA, 512, data, sizeof(data)), 0);
	CHECK_EQ(one(blk, BLOCK_READ, 0, 512, got, sizeof(got)), 0);
	CHECK(!memcmp(data, got, sizeof(got)));
	CHECK_EQ(one(blk, BLOCK_FLUSH, 0, 0, NULL, 0), 0);
	/* From another thread than that of the loop. */
	for (i = 0; i < 100; i++)
		CHECK_EQ(block_sync_all(), 0);
	CHECK_EQ(one(blk, BLOCK_ZERO, BLOCK_UNMAP, MEG, NULL, MEG), 0);
	CHECK_EQ(one(blk, BLOCK_ZERO, 0, 2 * MEG, NULL, 4096), 0);
	CHECK_EQ(one(blk, BLOCK_READ, 0, 0, got, sizeof(got)), 0);
	memset(data + MEG - 512, 0, MEG);
	memset(data + 2 * MEG - 512, 0, 4096);
	CHECK(!memcmp(got + 512, data, sizeof(got) - 512));
	CHECK_EQ(one(blk, BLOCK_DISCARD, 0, 0, NULL, 4 * MEG), 0);
	CHECK_EQ(one(blk, BLOCK_READ, 0, 2 * MEG, got, MEG), 0);
	CHECK(got[0] == 0 && got[MEG - 1] == 0);
	CHECK_EQ(blk->stats.ops[BLOCK_WRITE], 1);
	CHECK_EQ(blk->stats.failed[BLOCK_READ], 0);
	let_go(blk);
	/* It is closed when that returns. */
	CHECK(shell("qemu-img check a.qcow2 && qemu-io -c 'write 0 512' a.qcow2"));
}

/* More than the socket takes at once, in both directions. */
static void test_many(void)
{
	static struct test_req reqs[256];
	static u8 bufs[256][65536];
	struct block *blk;
	unsigned int i, j, round, bad;

	CHECK(shell("qemu-img create -f qcow2 m.qcow2 64M"));
	blk = use("qcow2,node-name=d,file.driver=file,file.filename=%s/m.qcow2");
	if (!blk)
		return;
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 256; i++) {
			memset(bufs[i], round ? 0 : i + 1, sizeof(bufs[i]));
			reqs[i].iov[0] = (struct iovec){bufs[i], 65536};
			reqs[i].br.nr_iov = 1;
			submit(blk, &reqs[i], round ? BLOCK_READ : BLOCK_WRITE,
			       i * 65536, 65536);
		}
		for (i = 0; i < 256; i++)
			sem_wait(&ended);
		for (i = 0, bad = 0; i < 256; i++) {
			bad += !!reqs[i].ret;
			for (j = 0; j < 65536; j += 4095)
				bad += bufs[i][j] != (u8)(i + 1);
		}
		CHECK_EQ(bad, 0);
	}
	let_go(blk);
}

static void test_backing(void)
{
	struct block *blk;

	CHECK(shell("qemu-img create -f raw base.raw 8M && printf base | dd of=base.raw conv=notrunc"));
	CHECK(shell("qemu-img create -f qcow2 -F raw -b base.raw t.qcow2 8M"));
	/* As the header says, as the option says, and without. */
	blk = use("qcow2,node-name=d,file.driver=file,file.filename=%s/t.qcow2");
	CHECK(blk && !one(blk, BLOCK_READ, 0, 0, got, 512));
	CHECK(!memcmp(got, "base", 4));
	let_go(blk);
	CHECK(shell("qemu-img create -f raw other.raw 8M && printf othr | dd of=other.raw conv=notrunc"));
	CHECK_EQ(create("raw,node-name=b,read-only=on,file.driver=file,file.filename=%s/other.raw"), 0);
	blk = use("qcow2,node-name=d,backing=b,file.driver=file,file.filename=%s/t.qcow2");
	CHECK(blk && !one(blk, BLOCK_READ, 0, 0, got, 512));
	CHECK(!memcmp(got, "othr", 4));
	CHECK_EQ(blockdev_delete("b"), -EBUSY);
	let_go(blk);
	CHECK_EQ(blockdev_delete("b"), 0);
	blk = use("qcow2,node-name=d,backing=,file.driver=file,file.filename=%s/t.qcow2");
	CHECK(blk && !one(blk, BLOCK_READ, 0, 0, got, 512));
	CHECK(!got[0] && !got[3]);
	let_go(blk);
}

#define CHAIN "qcow2,node-name=d,file.driver=file,file.filename=%s/h.qcow2"

static bool refused(const char *make, const char *why)
{
	int ret;

	if (!shell(make))
		return false;
	ret = create(CHAIN);
	if (!ret)
		blockdev_delete("d");
	return ret && strstr(reason, why);
}

/* What the header of an image that somebody else has made may name. */
static void test_backing_names(void)
{
	struct block *blk;

	/* qemu-img itself would not make all of them. */
	CHECK(shell("qemu-img create -f raw s.raw 8M; qemu-img create -f qcow2 -F raw -b s.raw h.qcow2"));
	CHECK(!create(CHAIN) && !blockdev_delete("d"));
	CHECK(refused("qemu-img rebase -u -f qcow2 -F raw -b 'json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"s.raw\"}}' h.qcow2",
		      "which is no file"));
	CHECK(refused("qemu-img rebase -u -f qcow2 -F raw -b nbd://localhost:1/x h.qcow2",
		      "which is no file"));
	CHECK(refused("qemu-img rebase -u -f qcow2 -F raw -b file:s.raw h.qcow2",
		      "which is no file"));
	CHECK(refused("qemu-img rebase -u -f qcow2 -F raw -b /dev/null h.qcow2",
		      "no plain file"));
	CHECK(refused("qemu-img rebase -u -f qcow2 -F raw -b /proc/kallsyms h.qcow2",
		      "no plain file"));
	CHECK(refused("ln -s /proc/kallsyms link; qemu-img rebase -u -f qcow2 -F raw -b link h.qcow2",
		      "no plain file"));
	CHECK(refused("mkfifo pipe; qemu-img rebase -u -f qcow2 -F raw -b pipe h.qcow2",
		      "no plain file"));
	CHECK(refused("qemu-img rebase -u -f qcow2 -F vmdk -b s.raw h.qcow2",
		      "neither raw nor qcow2"));
	CHECK(refused("qemu-img rebase -u -f qcow2 -F raw -b nothing.raw h.qcow2",
		      "cannot open 'nothing.raw'"));
	CHECK(refused("qemu-img rebase -u -f qcow2 -F qcow2 -b s.raw h.qcow2",
		      "is no qcow2 image"));
	CHECK(refused("qemu-img rebase -u -f qcow2 -F qcow2 -b h.qcow2 h.qcow2",
		      "below each other"));
	/* Without a format it would be guessed, from what a guest may have written. */
	CHECK(refused("python3 -c 'f=open(\"h.qcow2\",\"r+b\"); d=f.read(4096); f.seek(d.index(bytes.fromhex(\"e2792aca\"))); f.write(bytes.fromhex(\"12345678\"))'; qemu-img info h.qcow2",
		      "does not say the format"));
	/* One that says it, two below each other, seen from another directory. */
	CHECK(shell("mkdir -p sub; printf deep | dd of=s.raw conv=notrunc; qemu-img create -f qcow2 -F raw -b ../s.raw sub/m.qcow2; rm h.qcow2; qemu-img create -f qcow2 -F qcow2 -b sub/m.qcow2 h.qcow2"));
	blk = use(CHAIN);
	CHECK(blk && !one(blk, BLOCK_READ, 0, 0, got, 512));
	CHECK(!memcmp(got, "deep", 4));
	let_go(blk);
	/* One of those below may not name anything either. */
	CHECK(refused("qemu-img rebase -u -f qcow2 -F raw -b nbd://localhost:1/x sub/m.qcow2",
		      "which is no file"));
	/* Unless the user says what is to be there. */
	CHECK_EQ(create("raw,node-name=b,read-only=on,file.driver=file,file.filename=%s/s.raw"), 0);
	blk = use("qcow2,node-name=d,backing=b,file.driver=file,file.filename=%s/sub/m.qcow2");
	CHECK(blk && !one(blk, BLOCK_READ, 0, 0, got, 512));
	let_go(blk);
	CHECK_EQ(blockdev_delete("b"), 0);
}

static void test_read_only(void)
{
	struct block *blk = use("qcow2,node-name=d,read-only=on,file.driver=file,file.filename=%s/a.qcow2");

	CHECK(blk && !one(blk, BLOCK_READ, 0, 0, got, 4096));
	/* A device refuses it before; so does what serves it. */
	CHECK(blk && one(blk, BLOCK_WRITE, 0, 0, data, 512) == -EPERM);
	/* Others may read it, too. */
	CHECK(shell("qemu-io -r -c 'read 0 512' a.qcow2"));
	let_go(blk);
}

static void test_server_gone(void)
{
	struct block *blk = use("qcow2,node-name=d,file.driver=file,file.filename=%s/m.qcow2");
	unsigned int i;

	CHECK(blk && !one(blk, BLOCK_READ, 0, 0, got, 512));
	/* The power button of a service is not meant for it. */
	CHECK(shell("pkill -PWR -f '^qemu-nbd json.*'$PWD/m.qcow2"));
	CHECK(blk && !one(blk, BLOCK_WRITE, 0, 0, data, 512));
	CHECK(blk && !one(blk, BLOCK_FLUSH, 0, 0, NULL, 0));
	CHECK(shell("pkill -KILL -f '^qemu-nbd json.*'$PWD/m.qcow2"));
	error_capture(reason, sizeof(reason));
	for (i = 0; blk && i < 3; i++)
		CHECK(one(blk, BLOCK_WRITE, 0, 0, data, 65536) < 0);
	CHECK(blk && one(blk, BLOCK_FLUSH, 0, 0, NULL, 0) < 0);
	CHECK(blk && block_sync_all() < 0);
	error_capture(NULL, 0);
	let_go(blk);
}

#define HUNG "qcow2,node-name=d,file.driver=file,file.filename=%s/m.qcow2"

/* A signal for what serves m.qcow2. */
static bool send_server(const char *sig)
{
	char text[128];

	snprintf(text, sizeof(text), "pkill -%s -f '^qemu-nbd json.*'$PWD/m.qcow2",
		 sig);
	return shell(text);
}

static unsigned int ms_since(u64 start)
{
	return (loop_now() - start) / 1000000;
}

static void test_flush_hangs(void)
{
	struct block *blk = use(HUNG);
	u64 start;

	CHECK(blk && !one(blk, BLOCK_WRITE, 0, 0, data, 4096));
	nbd_limits.server_ms = 300;
	CHECK(send_server("STOP"));
	start = loop_now();
	CHECK_EQ(block_sync_all(), -ETIMEDOUT);
	CHECK(ms_since(start) < 5000);
	CHECK(send_server("CONT"));
	nbd_limits.server_ms = NBD_SERVER_SECONDS * 1000;
	/* It was only not waited for. */
	CHECK_EQ(block_sync_all(), 0);
	CHECK(blk && !one(blk, BLOCK_READ, 0, 0, got, 4096));
	let_go(blk);
}

static void test_requests_hang(void)
{
	static struct test_req reqs[64];
	static u8 bufs[64][65536];
	struct block *blk = use(HUNG);
	unsigned int i;
	u64 start;

	CHECK(blk && !one(blk, BLOCK_READ, 0, 0, got, 512));
	if (!blk)
		return;
	CHECK(block_can_abandon(blk));
	CHECK(send_server("STOP"));
	for (i = 0; i < 64; i++) {
		reqs[i].iov[0] = (struct iovec){bufs[i], 65536};
		reqs[i].br.nr_iov = 1;
		submit(blk, &reqs[i], i % 2 ? BLOCK_WRITE : BLOCK_READ,
		       i * 65536, 65536);
	}
	usleep(100000);
	CHECK(sem_trywait(&ended));
	start = loop_now();
	error_capture(reason, sizeof(reason));
	block_abandon(blk);
	for (i = 0; i < 64; i++)
		sem_wait(&ended);
	for (i = 0; i < 64; i++)
		CHECK(reqs[i].ret < 0);
	CHECK(one(blk, BLOCK_READ, 0, 0, got, 512) < 0);
	CHECK(block_sync_all() < 0);
	CHECK(ms_since(start) < 5000);
	/* It cannot end, so it is killed, and the image is free. */
	nbd_limits.server_ms = 300;
	let_go(blk);
	nbd_limits.server_ms = NBD_SERVER_SECONDS * 1000;
	error_capture(NULL, 0);
	CHECK(!send_server("CONT"));
	CHECK(shell("qemu-img check -q m.qcow2 && qemu-io -c 'write 0 512' m.qcow2"));
}

/* In place of qemu-nbd: a script. */
static void fake_server(const char *script)
{
	static char path[512];
	char text[512];
	const char *old = getenv("PATH");

	snprintf(text, sizeof(text),
		 "mkdir -p fake; printf '#!/bin/sh\\n%%s\\n' '%s' >fake/qemu-nbd; chmod +x fake/qemu-nbd",
		 script);
	CHECK(shell(text));
	snprintf(path, sizeof(path), "%s/fake:%s", dir, old);
	setenv("PATH", path, 1);
}

static void real_server(void)
{
	setenv("PATH", strchr(getenv("PATH"), ':') + 1, 1);
}

static void test_start_hangs(void)
{
	u64 start = loop_now();

	CHECK_EQ(create(HUNG), 0);
	fake_server("echo $$ >\"$0.pid\"; exec sleep 600");
	nbd_limits.server_ms = 500;
	error_capture(reason, sizeof(reason));
	CHECK_EQ(block_use(block_attach("d", "a test"), false), -ETIMEDOUT);
	error_capture(NULL, 0);
	CHECK(strstr(reason, "did not open it within"));
	block_detach(block_find("d"));
	CHECK_EQ(blockdev_delete("d"), 0);
	CHECK(ms_since(start) < 5000);
	CHECK(shell("test -s fake/qemu-nbd.pid && ! kill -0 $(cat fake/qemu-nbd.pid)"));
	nbd_limits.server_ms = NBD_SERVER_SECONDS * 1000;
	real_server();
}

/* What the server gets of the VMM: no secrets, no descriptors, no privileges. */
static void test_server_of_own(void)
{
	struct block *blk;
	int fd = open("/dev/null", O_RDONLY);

	setenv("A_SECRET", "of the VMM", 1);
	fake_server("d=$(dirname $0); env >$d/env; grep NoNewPrivs /proc/$$/status >$d/privs; ls /proc/$$/fd >$d/fds; PATH=${PATH#*:}; exec qemu-nbd \"$@\"");
	blk = use(HUNG);
	real_server();
	CHECK(blk && !one(blk, BLOCK_READ, 0, 0, got, 512));
	CHECK(shell("grep -q ^LISTEN_FDS=1$ fake/env && ! grep -q SECRET fake/env"));
	CHECK(shell("! grep -v -e ^PATH= -e ^LISTEN_ -e ^PWD= -e ^_= fake/env"));
	CHECK(shell("grep -q 1$ fake/privs"));
	/* Those from 10 on are the shell's own. */
	CHECK(shell("test \"$(grep -v ^1. fake/fds | sort | xargs)\" = '0 1 2 3'"));
	let_go(blk);
	unsetenv("A_SECRET");
	close(fd);
}

static sem_t is_closed;
static char closed_device[16];

static void on_closed(const char *device)
{
	snprintf(closed_device, sizeof(closed_device), "%s", device);
	sem_post(&is_closed);
}

static void detach_in_loop(void *arg)
{
	block_detach(arg);
}

static void end_in_loop(void *arg)
{
	nbd_end_in(arg);
}

/* The main loop goes on while an image is being closed. */
static void test_closed_later(void)
{
	struct block *blk = use(HUNG);
	u64 start;

	if (!blk)
		return;
	sem_init(&is_closed, 0, 0);
	block_set_closed(on_closed);
	block_set_device(blk, "disk0");
	loop_call(loop, end_in_loop, loop);
	CHECK(!one(blk, BLOCK_WRITE, 0, 0, data, 4096));
	CHECK(send_server("STOP"));
	start = loop_now();
	loop_call(loop, detach_in_loop, blk);
	CHECK(ms_since(start) < 1000);
	CHECK(block_is_closing("disk0") && !block_is_closing("disk1"));
	CHECK_EQ(blockdev_delete("d"), -EBUSY);
	CHECK(sem_trywait(&is_closed));
	CHECK(send_server("CONT"));
	sem_wait(&is_closed);
	CHECK_STR(closed_device, "disk0");
	CHECK(!block_is_closing("disk0"));
	CHECK_EQ(blockdev_delete("d"), 0);
	CHECK(shell("qemu-io -c 'write 0 512' m.qcow2"));

	/* One that does not end is killed there. */
	blk = use(HUNG);
	CHECK(blk && send_server("STOP"));
	block_set_device(blk, "disk1");
	nbd_limits.server_ms = 300;
	loop_call(loop, detach_in_loop, blk);
	nbd_limits.server_ms = NBD_SERVER_SECONDS * 1000;
	sem_wait(&is_closed);
	CHECK_STR(closed_device, "disk1");
	CHECK_EQ(blockdev_delete("d"), 0);
	CHECK(shell("qemu-io -c 'write 0 512' m.qcow2"));
	loop_call(loop, end_in_loop, NULL);
	block_set_closed(NULL);
}

static void test_in_use(void)
{
	struct block *blk = use("qcow2,node-name=d,file.driver=file,file.filename=%s/a.qcow2");

	CHECK(!shell("qemu-io -c 'write 0 512' a.qcow2"));
	CHECK_EQ(create("qcow2,node-name=e,file.driver=file,file.filename=%s/a.qcow2"), 0);
	error_capture(reason, sizeof(reason));
	CHECK(block_use(block_attach("e", "another"), false) < 0);
	error_capture(NULL, 0);
	CHECK(strstr(reason, "in use by another program"));
	block_detach(block_find("e"));
	CHECK_EQ(blockdev_delete("e"), 0);
	error_capture(reason, sizeof(reason));
	CHECK_EQ(create("qcow2,node-name=e,file.driver=file,file.filename=%s/m.qcow2"), 0);
	error_capture(reason, sizeof(reason));
	CHECK_EQ(block_use(block_attach("e", "another"), true), -EINVAL);
	error_capture(NULL, 0);
	CHECK(strstr(reason, "share-rw=on needs a raw image"));
	block_detach(block_find("e"));
	CHECK_EQ(blockdev_delete("e"), 0);
	let_go(blk);
}

/* One word of the header of a.qcow2, in another file. */
static void damage(off_t off, u64 val, size_t size)
{
	char path[128];
	u64 be = htobe64(val << (64 - 8 * size));
	int fd;

	CHECK(shell("cp a.qcow2 bad.qcow2"));
	snprintf(path, sizeof(path), "%s/bad.qcow2", dir);
	fd = open(path, O_RDWR);
	CHECK(pwrite(fd, &be, size, off) == (ssize_t)size);
	close(fd);
}

#define BAD "qcow2,node-name=d,file.driver=file,file.filename=%s/bad.qcow2"

static void test_headers(void)
{
	damage(0, 0x514649fa, 4);
	CHECK_EQ(create(BAD), -EINVAL);
	CHECK(strstr(reason, "is no qcow2 image"));
	damage(4, 4, 4);
	CHECK_EQ(create(BAD), -EINVAL);
	damage(32, 2, 4);
	CHECK_EQ(create(BAD), -EINVAL);
	CHECK(strstr(reason, "encrypted"));
	damage(24, 1ULL << 63, 8);
	CHECK_EQ(create(BAD), -EINVAL);
	CHECK(shell("truncate -s 40 bad.qcow2"));
	CHECK_EQ(create(BAD), -EINVAL);
	/* What only what serves it sees. */
	damage(20, 40, 4);
	CHECK_EQ(create(BAD), 0);
	error_capture(reason, sizeof(reason));
	CHECK(block_use(block_attach("d", "a test"), false) < 0);
	error_capture(NULL, 0);
	CHECK(strstr(reason, "bad.qcow2': "));
	block_detach(block_find("d"));
	CHECK_EQ(blockdev_delete("d"), 0);
	CHECK_EQ(create("qcow2,node-name=d,file.driver=file,file.filename=/nonexistent"),
		 -ENOENT);
	CHECK_EQ(create("qcow2,node-name=d,file=nobody"), -EINVAL);
	CHECK_EQ(create("qcow2,node-name=d,encrypt.format=luks,file.driver=file,file.filename=%s/a.qcow2"),
		 -EINVAL);
	CHECK(!block_find("d"));
}

static void test_begin(void)
{
	CHECK(mkdtemp(dir));
	sem_init(&ended, 0, 0);
	loop = loop_create(64);
	CHECK(loop && !pthread_create(&thread, NULL, loop_thread, NULL));
}

static void test_end(void)
{
	block_destroy_all();
	loop_stop(loop);
	pthread_join(thread, NULL);
	loop_destroy(loop);
	CHECK(shell("rm -r $PWD"));
}

static const struct tap_test tests[] = {
	{"a loop", test_begin},
	{"requests", test_requests},
	{"many at once", test_many},
	{"backing files", test_backing},
	{"backing files that a header names", test_backing_names},
	{"read only", test_read_only},
	{"what serves it is gone", test_server_gone},
	{"a flush that takes too long", test_flush_hangs},
	{"requests that hang", test_requests_hang},
	{"a server that does not start", test_start_hangs},
	{"what a server gets", test_server_of_own},
	{"an image is closed later", test_closed_later},
	{"images in use", test_in_use},
	{"headers and options that are refused", test_headers},
	{"the end", test_end},
};
TAP_MAIN(tests)
