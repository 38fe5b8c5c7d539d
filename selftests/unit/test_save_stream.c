// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stream of a saved guest and the memory in it: what is written is read, in
 * whatever pieces it comes; what is damaged is refused and touches nothing beyond
 * the guest's memory.
 */
#include "../../vmm/mem.c"
#include "../../vmm/save/memory.c"
#include "../../vmm/save/stream.c"
#include "fake_error.h"
#include "saved.h"
#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#define PAGE STREAM_PAGE_SIZE
#define LOW_PAGES 600
#define HIGH_PAGES 40
#define HIGH 0x100000000ULL

static struct mem_backend backends[2];
static struct tarn_mem mem;

static u8 *map(int fd, u64 pages)
{
	u8 *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		     fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

/* Plain memory, and a file that has holes. */
static void make_memory(void)
{
	int fd = memfd_create("ram", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, HIGH_PAGES * PAGE))
		abort();
	backends[0] = (struct mem_backend){.fd = -1};
	backends[1] = (struct mem_backend){.fd = fd, .share = true};
	mem.nr = 2;
	mem.size = (LOW_PAGES + HIGH_PAGES) * PAGE;
	mem.range[0] = (struct mem_range){0, LOW_PAGES * PAGE,
					  map(-1, LOW_PAGES), -1, 0, 0,
					  &backends[0]};
	mem.range[1] = (struct mem_range){HIGH, HIGH_PAGES * PAGE,
					  map(fd, HIGH_PAGES), fd, 0, 0,
					  &backends[1]};
}

static void free_memory(void)
{
	munmap(mem.range[0].hva, LOW_PAGES * PAGE);
	munmap(mem.range[1].hva, HIGH_PAGES * PAGE);
	close(backends[1].fd);
}

static void fill_random(u8 *p, size_t len, unsigned int seed)
{
	while (len--)
		*p++ = rand_r(&seed) >> 7;
}

static void fill_memory(void)
{
	u8 *low = mem.range[0].hva, *high = mem.range[1].hva;

	fill_random(low, 3 * PAGE, 1);
	memset(low + 3 * PAGE, 0xa5, 300 * PAGE);
	/* A page whose last word alone is different. */
	memset(low + 303 * PAGE, 0x11, PAGE);
	low[304 * PAGE - 1] = 0x12;
	fill_random(low + 310 * PAGE, 280 * PAGE, 2);
	fill_random(high + 5 * PAGE, PAGE, 3);
	memset(high + 20 * PAGE, 0, PAGE);
}

/* Pages that nobody has written to. */
static const struct stream_pages balloon = {
	HIGH + 24 * PAGE, 10, STREAM_PAGES_BALLOON, 0
};

static int save(struct memory_progress *progress)
{
	int fd = memfd_create("saved", MFD_CLOEXEC);
	struct stream s = {.fd = fd};

	if (fd < 0)
		abort();
	CHECK_EQ(stream_begin(&s), 0);
	CHECK_EQ(stream_put(&s, STREAM_MACHINE, "abc", 3, "defg", 4), 0);
	CHECK_EQ(stream_put(&s, STREAM_OPTIONAL | 77, "zzz", 3, NULL, 0), 0);
	CHECK_EQ(memory_save(&s, &mem, progress), 0);
	CHECK_EQ(stream_put(&s, STREAM_BALLOON, &balloon, sizeof(balloon), NULL, 0), 0);
	CHECK_EQ(stream_put(&s, STREAM_DEVICES, NULL, 0, NULL, 0), 0);
	CHECK_EQ(stream_end(&s), 0);
	return fd;
}

/*
 * 0, or what refused it. One buffer serves all: that AddressSanitizer marks 16 MiB
 * as allocated and as freed takes far longer than reading the stream.
 */
static int restore_fd(int fd, struct memory_progress *progress)
{
	static u8 buffer[STREAM_MAX];
	struct stream s = {.fd = fd};
	struct stream_record rec = {.data = buffer};
	int ret = stream_open(&s);

	progress->total = mem.size;
	while (!ret && (ret = stream_get(&s, &rec)) > 0) {
		ret = 0;
		if (rec.type == STREAM_PAGES || rec.type == STREAM_BALLOON)
			ret = memory_load(&mem, &rec, progress);
		if (rec.type == STREAM_MACHINE &&
		    (rec.len != 7 || memcmp(rec.data, "abcdefg", 7)))
			ret = -EILSEQ;
	}
	return ret;
}

static int restore(const u8 *data, size_t len)
{
	struct memory_progress progress = {0};
	int fd = file_of(data, len), ret;

	CHECK_EQ(memory_clear(&mem), 0);
	ret = restore_fd(fd, &progress);
	close(fd);
	return ret;
}

static struct bytes saved(void)
{
	struct memory_progress progress = {0};
	struct bytes b;
	int fd;

	make_memory();
	fill_memory();
	fd = save(&progress);
	b = bytes_of(fd);
	close(fd);
	return b;
}

static void test_roundtrip(void)
{
	u8 *low = malloc(LOW_PAGES * PAGE), *high = malloc(HIGH_PAGES * PAGE);
	struct memory_progress progress = {0};
	struct stat st;
	struct bytes b;
	int fd;

	make_memory();
	fill_memory();
	memcpy(low, mem.range[0].hva, LOW_PAGES * PAGE);
	fd = save(&progress);
	/* What was a hole still is. */
	CHECK_EQ(fstat(backends[1].fd, &st), 0);
	CHECK_EQ(st.st_blocks, 2 * PAGE / 512);
	memcpy(high, mem.range[1].hva, HIGH_PAGES * PAGE);
	CHECK_EQ(progress.done, mem.size);
	CHECK_EQ(progress.data_pages, 3 + 1 + 280 + 1);
	CHECK_EQ(progress.paged_pages, 0);
	b = bytes_of(fd);
	CHECK(b.len < 286 * PAGE);
	CHECK_EQ(restore(b.data, b.len), 0);
	CHECK(!memcmp(low, mem.range[0].hva, LOW_PAGES * PAGE));
	CHECK(!memcmp(high, mem.range[1].hva, HIGH_PAGES * PAGE));
	close(fd);
	free(b.data);
	free(low);
	free(high);
	free_memory();
}

struct feed {
	struct bytes b;
	int fd;
};

/* In pieces of any size, as a pipe may bring them. */
static void *feed(void *arg)
{
	struct feed *f = arg;
	unsigned int seed = 7;
	size_t off = 0;
	ssize_t n;

	while (off < f->b.len) {
		n = write(f->fd, f->b.data + off,
			  min_t(size_t, f->b.len - off,
				1 + rand_r(&seed) % 9000));
		if (n <= 0)
			break;
		off += n;
	}
	close(f->fd);
	return NULL;
}

static void test_pipe(void)
{
	struct memory_progress progress = {0};
	struct feed f = {.b = saved()};
	pthread_t thread;
	int fds[2];

	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	f.fd = fds[1];
	CHECK_EQ(pthread_create(&thread, NULL, feed, &f), 0);
	CHECK_EQ(restore_fd(fds[0], &progress), 0);
	pthread_join(thread, NULL);
	close(fds[0]);
	free(f.b.data);
	free_memory();
}

/* Nobody reads: it ends when it is not wanted any more. */
static void test_cancel(void)
{
	struct memory_progress progress = {0};
	bool cancel = true;
	struct stream s = {.cancel = &cancel};
	int fds[2];

	make_memory();
	fill_memory();
	CHECK_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	s.fd = fds[1];
	CHECK_EQ(memory_save(&s, &mem, &progress), -ECANCELED);
	cancel = false;
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(memory_save(&s, &mem, &progress), -EPIPE);
	close(fds[1]);
	free_memory();
}

static void test_short(void)
{
	struct bytes b = saved();
	size_t len;

	for (len = 0; len < b.len; len += 1 + len / 40)
		CHECK(restore(b.data, len) < 0);
	CHECK(restore(b.data, b.len - 1) < 0);
	free(b.data);
	free_memory();
}

static void test_flipped(void)
{
	struct bytes b = saved();
	unsigned int seed = 5;
	size_t i, at;

	for (i = 0; i < 600; i++) {
		/* The heads of the first records, then anywhere. */
		at = i < 100 ? i : rand_r(&seed) % b.len;
		b.data[at] ^= 1 << i % 8;
		CHECK(restore(b.data, b.len) < 0);
		b.data[at] ^= 1 << i % 8;
	}
	CHECK_EQ(restore(b.data, b.len), 0);
	free(b.data);
	free_memory();
}

static void put_pages(struct stream *s, u64 gpa, u32 count, u16 kind, u16 flags,
		      u32 body)
{
	static u8 zeroes[STREAM_PAGES_MAX * STREAM_PAGE_SIZE];
	struct stream_pages head = {gpa, count, kind, flags};

	CHECK_EQ(stream_put(s, STREAM_PAGES, &head, sizeof(head), zeroes, body),
		 0);
}

/* Records whose checksum is right and that make no sense. */
static void test_hostile(void)
{
	static const struct {
		u64 gpa;
		u32 count;
		u16 kind;
		u16 flags;
		u32 body;
	} bad[] = {
		{0, 0, STREAM_PAGES_ZERO, 0, 0},
		{0, 1, 0, 0, 0},
		{0, 1, 9, 0, 0},
		{0, 1, STREAM_PAGES_ZERO, 0, 1},
		{0, 1, STREAM_PAGES_ZERO, 2, 0},
		{1, 1, STREAM_PAGES_ZERO, 0, 0},
		{0, LOW_PAGES + 1, STREAM_PAGES_ZERO, 0, 0},
		{0, UINT32_MAX, STREAM_PAGES_PATTERN, 0, 8},
		{0, 1, STREAM_PAGES_PATTERN, 0, 7},
		{(LOW_PAGES - 1) * PAGE, 2, STREAM_PAGES_PATTERN, 0, 8},
		{0, 2, STREAM_PAGES_DATA, 0, PAGE},
		{0, 1, STREAM_PAGES_DATA, 0, PAGE + 1},
		{0, STREAM_PAGES_MAX + 1, STREAM_PAGES_DATA, 0, PAGE},
		{(LOW_PAGES - 1) * PAGE, 2, STREAM_PAGES_DATA, 0, 2 * PAGE},
		{LOW_PAGES * PAGE, 1, STREAM_PAGES_DATA, 0, PAGE},
		{HIGH + HIGH_PAGES * PAGE, 1, STREAM_PAGES_DATA, 0, PAGE},
		{UINT64_MAX & ~4095ULL, 1, STREAM_PAGES_DATA, 0, PAGE},
		{UINT64_MAX & ~4095ULL, 2, STREAM_PAGES_PATTERN, 1, 8},
	};
	struct memory_progress progress = {0};
	size_t i;

	make_memory();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct stream s = {.fd = memfd_create("bad", MFD_CLOEXEC)};

		CHECK_EQ(stream_begin(&s), 0);
		put_pages(&s, bad[i].gpa, bad[i].count, bad[i].kind,
			  bad[i].flags, bad[i].body);
		CHECK_EQ(stream_end(&s), 0);
		lseek(s.fd, 0, SEEK_SET);
		CHECK(restore_fd(s.fd, &progress) < 0);
		close(s.fd);
	}
	free_memory();
}

static const struct tap_test tests[] = {
	{"what was written is read", test_roundtrip},
	{"it comes through a pipe in pieces", test_pipe},
	{"readers that do not read", test_cancel},
	{"streams cut short", test_short},
	{"streams with a bit flipped", test_flipped},
	{"records that make no sense", test_hostile},
};

TAP_MAIN(tests)
