// SPDX-License-Identifier: GPL-2.0-only
/*
 * The descriptor of a saved guest: what goes past the page cache lies at multiples of a
 * block, a head and a tail that do not go the other way, and who takes no such request is
 * asked for no more.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static ssize_t fake_write(int fd, const void *data, size_t len);
static ssize_t fake_pread(int fd, void *data, size_t len, off_t pos);

#define write fake_write
#define pread fake_pread
#include "../../vmm/save/channel.c"
#undef write
#undef pread

#define HEAD 100
#define LEN (3 * MIB(1) + 12345)

/*
 * The filesystem.
 * @direct, @buffered: requests by their kind
 * @refuses: those past the page cache
 * @most: bytes of a request; 0: any
 */
static struct {
	unsigned int direct;
	unsigned int buffered;
	bool refuses;
	size_t most;
} fs;

static u8 *content;

/* Whether it is refused. */
static bool request(int fd, const void *data, size_t len, off_t pos)
{
	if (!(fcntl(fd, F_GETFL) & O_DIRECT)) {
		fs.buffered++;
		return false;
	}
	fs.direct++;
	CHECK(IS_ALIGNED((uintptr_t)data, (uintptr_t)CHANNEL_BLOCK));
	CHECK(IS_ALIGNED(len, (size_t)CHANNEL_BLOCK));
	CHECK(IS_ALIGNED(pos, (off_t)CHANNEL_BLOCK));
	errno = EINVAL;
	return fs.refuses;
}

static ssize_t fake_write(int fd, const void *data, size_t len)
{
	if (request(fd, data, len, lseek(fd, 0, SEEK_CUR)))
		return -1;
	return write(fd, data, fs.most ? min_t(size_t, fs.most, len) : len);
}

static ssize_t fake_pread(int fd, void *data, size_t len, off_t pos)
{
	return request(fd, data, len, pos) ? -1 : pread(fd, data, len, pos);
}

/* On a disk, as far as this can be told. */
static int make_file(void)
{
	char path[] = "/var/tmp/tarn-test-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		abort();
	unlink(path);
	memset(&fs, 0, sizeof(fs));
	return fd;
}

static bool takes_direct(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	bool takes = !fcntl(fd, F_SETFL, flags | O_DIRECT);
	void *page = aligned_alloc(CHANNEL_BLOCK, CHANNEL_BLOCK);

	takes = takes && !pread(fd, page, CHANNEL_BLOCK, 0);
	free(page);
	fcntl(fd, F_SETFL, flags);
	if (!takes)
		TAP_SKIP("the filesystem does not take O_DIRECT");
	return takes;
}

static void make_content(void)
{
	unsigned int seed = 3;
	size_t i;

	content = malloc(HEAD + LEN);
	for (i = 0; i < HEAD + LEN; i++)
		content[i] = rand_r(&seed) >> 5;
}

/* Behind @head bytes of somebody else, in pieces of all sizes. */
static void write_file(int fd, size_t head)
{
	struct channel ch = {.fd = fd};
	unsigned int seed = 9;
	size_t off, n;

	CHECK_EQ(write(fd, content, head), (ssize_t)head);
	CHECK_EQ(channel_begin(&ch, true), 0);
	for (off = head; off < head + LEN; off += n) {
		n = min_t(size_t, head + LEN - off, rand_r(&seed) % 70000);
		CHECK_EQ(channel_tell(&ch), off);
		CHECK_EQ(channel_write(&ch, content + off, n), 0);
	}
	CHECK_EQ(channel_flush(&ch), 0);
	CHECK_EQ(ch.bytes, LEN);
	CHECK(!(fcntl(fd, F_GETFL) & O_DIRECT));
	channel_end(&ch);
}

static void check_file(int fd, size_t head)
{
	u8 *data = malloc(head + LEN);

	CHECK_EQ(lseek(fd, 0, SEEK_END), head + LEN);
	CHECK_EQ(pread(fd, data, head + LEN, 0), head + LEN);
	CHECK(!memcmp(data, content, head + LEN));
	free(data);
}

static void test_write(void)
{
	int fd = make_file();

	if (takes_direct(fd)) {
		write_file(fd, 0);
		check_file(fd, 0);
		/* All but the tail. */
		CHECK(fs.direct >= 3);
		CHECK_EQ(fs.buffered, 1);
	}
	close(fd);
}

static void test_write_behind(void)
{
	int fd = make_file();

	if (takes_direct(fd)) {
		write_file(fd, HEAD);
		check_file(fd, HEAD);
		CHECK(fs.direct >= 3);
		CHECK_EQ(fs.buffered, 2);
	}
	close(fd);
}

static void test_refused(void)
{
	int fd = make_file();

	if (takes_direct(fd)) {
		fs.refuses = true;
		write_file(fd, HEAD);
		check_file(fd, HEAD);
		CHECK_EQ(fs.direct, 1);
	}
	close(fd);
}

/* A disk that is nearly full, or a signal, may cut a write anywhere. */
static void test_cut(void)
{
	int fd = make_file();

	fs.most = 50001;
	if (takes_direct(fd)) {
		write_file(fd, HEAD);
		check_file(fd, HEAD);
	}
	close(fd);
}

/* It goes to the end, wherever the descriptor is. */
static void test_append(void)
{
	struct channel ch = {.fd = make_file()};
	u8 byte;

	CHECK_EQ(write(ch.fd, content, HEAD), HEAD);
	lseek(ch.fd, 0, SEEK_SET);
	CHECK(!fcntl(ch.fd, F_SETFL, fcntl(ch.fd, F_GETFL) | O_APPEND));
	CHECK_EQ(channel_begin(&ch, true), 0);
	CHECK_EQ(channel_tell(&ch), HEAD);
	CHECK_EQ(channel_write(&ch, content + HEAD, LEN), 0);
	CHECK_EQ(channel_flush(&ch), 0);
	check_file(ch.fd, HEAD);
	CHECK_EQ(pread(ch.fd, &byte, 1, HEAD + LEN), 0);
	channel_end(&ch);
	close(ch.fd);
}

/* From @head on, with pieces that are passed over. */
static void read_file(int fd, size_t head, size_t ahead)
{
	u8 *data = malloc(HEAD + LEN);
	struct channel ch = {.fd = fd};
	unsigned int seed = 4;
	size_t off, n;

	lseek(fd, head, SEEK_SET);
	CHECK_EQ(channel_begin(&ch, false), 0);
	ch.ahead = ahead;
	for (off = head; off < LEN; off += n) {
		n = min_t(size_t, LEN - off, rand_r(&seed) % 70000);
		CHECK_EQ(channel_tell(&ch), off);
		if (rand_r(&seed) % 3) {
			CHECK_EQ(channel_read(&ch, data, n), n);
			CHECK(!memcmp(data, content + off, n));
		} else {
			CHECK_EQ(channel_skip(&ch, n), n);
		}
	}
	CHECK_EQ(ch.bytes, LEN - head);
	CHECK_EQ(channel_read(&ch, data, LEN), 0);
	channel_end(&ch);
	free(data);
}

static void test_read(void)
{
	int fd = make_file(), direct = takes_direct(fd);

	write_file(fd, 0);
	memset(&fs, 0, sizeof(fs));
	read_file(fd, 0, CHANNEL_NEAR);
	read_file(fd, HEAD, CHANNEL_FAR);
	CHECK(!direct || (fs.direct && !fs.buffered));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_DIRECT);
	memset(&fs, 0, sizeof(fs));
	fs.refuses = true;
	read_file(fd, HEAD, CHANNEL_NEAR);
	CHECK_EQ(fs.direct, direct);
	close(fd);
}

/* What is passed over in a file is not read. */
static void test_skip(void)
{
	struct channel ch = {.fd = make_file()};
	u8 byte;

	write_file(ch.fd, 0);
	lseek(ch.fd, 0, SEEK_SET);
	memset(&fs, 0, sizeof(fs));
	CHECK_EQ(channel_begin(&ch, false), 0);
	CHECK_EQ(channel_read(&ch, &byte, 1), 1);
	CHECK_EQ(channel_skip(&ch, 2 * MIB(1)), 2 * MIB(1));
	CHECK_EQ(channel_read(&ch, &byte, 1), 1);
	CHECK_EQ(byte, content[2 * MIB(1) + 1]);
	CHECK_EQ(fs.direct + fs.buffered, 2);
	channel_end(&ch);
	close(ch.fd);
}

static void test_pipe(void)
{
	struct channel out = {0}, in = {0};
	u8 *data = malloc(60000);
	int fds[2];

	CHECK_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	out.fd = fds[1];
	in.fd = fds[0];
	CHECK_EQ(channel_begin(&out, true), 0);
	CHECK_EQ(channel_begin(&in, false), 0);
	CHECK(!in.file && !out.file);
	CHECK_EQ(channel_write(&out, content, 60000), 0);
	CHECK_EQ(channel_tell(&out), 60000);
	CHECK_EQ(channel_flush(&out), 0);
	CHECK_EQ(channel_read(&in, data, 1000), 1000);
	CHECK_EQ(channel_skip(&in, 50000), 50000);
	CHECK_EQ(channel_read(&in, data, 5000), 5000);
	CHECK(!memcmp(data, content + 51000, 5000));
	CHECK_EQ(channel_tell(&in), 56000);
	close(out.fd);
	CHECK_EQ(channel_skip(&in, 5000), 4000);
	CHECK(!(fcntl(in.fd, F_GETFL) & O_DIRECT));
	close(in.fd);
	channel_end(&out);
	channel_end(&in);
	free(data);
}

static const struct tap_test tests[] = {
	{"whole blocks go past the page cache", test_write},
	{"behind a head that is none", test_write_behind},
	{"one that refuses is asked once", test_refused},
	{"writes that are cut short", test_cut},
	{"a file that is appended to", test_append},
	{"what was written is read", test_read},
	{"what is passed over is not", test_skip},
	{"a pipe", test_pipe},
};

int main(void)
{
	int ret;

	make_content();
	ret = tap_run(tests, ARRAY_SIZE(tests));
	free(content);
	return ret;
}
