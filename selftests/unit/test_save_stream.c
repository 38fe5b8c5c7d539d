// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stream of a saved guest and the memory in it: what is written is read, in
 * whatever pieces it comes; what is damaged is refused and touches nothing beyond
 * the guest's memory.
 */
#include "fake_error.h"
#include "mem.h"
#include "sandbox.h"
#include "save/content.h"
#include "save/memory.h"
#include "save/prefetch.h"
#include "save/workers.h"
#include "saved.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <zlib.h>

#define PAGE STREAM_PAGE_SIZE
#define LOW_PAGES 600
#define HIGH_PAGES 40
#define HIGH 0x100000000ULL

static struct mem_backend backends[2];
static struct tarn_mem mem;
static struct workers *workers;
static struct prefetch *prefetch;

int sandbox_enter(enum sandbox_kind kind) { return 0; }

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
		*p++ = rand_r(&seed) >> 7 & 0x3f;
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

static int save_as(bool compress, struct memory_progress *progress)
{
	int fd = memfd_create("saved", MFD_CLOEXEC);
	struct stream s = {.ch = {.fd = fd}};

	if (fd < 0)
		abort();
	CHECK_EQ(stream_begin(&s), 0);
	CHECK_EQ(stream_put(&s, STREAM_MACHINE, "abc", 3, "defg", 4), 0);
	CHECK_EQ(stream_put(&s, STREAM_OPTIONAL | 77, "zzz", 3, NULL, 0), 0);
	CHECK_EQ(memory_save(&s, &mem, workers, NULL, compress, progress), 0);
	CHECK_EQ(stream_put(&s, STREAM_BALLOON, &balloon, sizeof(balloon), NULL, 0), 0);
	CHECK_EQ(stream_put(&s, STREAM_DEVICES, NULL, 0, NULL, 0), 0);
	CHECK_EQ(stream_end(&s), 0);
	CHECK_EQ(stream_flush(&s), 0);
	stream_close(&s);
	return fd;
}

/*
 * 0, or what refused it. One buffer serves all: that AddressSanitizer marks 16 MiB
 * as allocated and as freed takes far longer than reading the stream.
 */
static int restore_fd(int fd, struct memory_progress *progress)
{
	static u8 buffer[STREAM_MAX];
	struct stream s = {.ch = {.fd = fd}};
	struct stream_record rec = {.data = buffer};
	struct memory_loader *l = memory_loader_create(&s, &mem, workers,
						       prefetch, progress);
	int ret = stream_open(&s);

	progress->total = mem.size;
	while (!ret && (ret = stream_get(&s, &rec)) > 0) {
		ret = 0;
		if (rec.type == STREAM_PAGES || rec.type == STREAM_BALLOON ||
		    rec.type == STREAM_CONTENT)
			ret = memory_load(l, &rec);
		if (rec.type == STREAM_MACHINE &&
		    (rec.len != 7 || memcmp(rec.data, "abcdefg", 7)))
			ret = -EILSEQ;
	}
	ret = ret ?: memory_load_end(l);
	memory_loader_destroy(l);
	stream_close(&s);
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

static struct bytes saved_as(bool compress)
{
	struct memory_progress progress = {0};
	struct bytes b;
	int fd;

	make_memory();
	fill_memory();
	fd = save_as(compress, &progress);
	b = bytes_of(fd);
	close(fd);
	return b;
}

static struct bytes saved(void)
{
	return saved_as(false);
}

static void check_roundtrip(bool compress, size_t most)
{
	u8 *low = malloc(LOW_PAGES * PAGE), *high = malloc(HIGH_PAGES * PAGE);
	struct memory_progress progress = {0};
	struct stat st;
	struct bytes b;
	int fd;

	make_memory();
	fill_memory();
	memcpy(low, mem.range[0].hva, LOW_PAGES * PAGE);
	fd = save_as(compress, &progress);
	/* What was a hole still is. */
	CHECK_EQ(fstat(backends[1].fd, &st), 0);
	CHECK_EQ(st.st_blocks, 2 * PAGE / 512);
	memcpy(high, mem.range[1].hva, HIGH_PAGES * PAGE);
	CHECK_EQ(progress.done, mem.size);
	CHECK_EQ(progress.data_pages, 3 + 1 + 280 + 1);
	CHECK_EQ(progress.paged_pages, 0);
	b = bytes_of(fd);
	CHECK(b.len < most);
	CHECK_EQ(restore(b.data, b.len), 0);
	CHECK(!memcmp(low, mem.range[0].hva, LOW_PAGES * PAGE));
	CHECK(!memcmp(high, mem.range[1].hva, HIGH_PAGES * PAGE));
	close(fd);
	free(b.data);
	free(low);
	free(high);
	free_memory();
}

static void test_roundtrip(void)
{
	/* A block at most in front of what a record holds. */
	check_roundtrip(false, (285 + 5) * PAGE);
}

/* Seven bits of eight are random; and one page is the same byte but for one. */
static void test_compressed(void)
{
	check_roundtrip(true, 285 * PAGE * 9 / 10);
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
	struct stream s = {.ch = {.cancel = &cancel}};
	int fds[2];

	make_memory();
	fill_memory();
	CHECK_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	s.ch.fd = fds[1];
	CHECK_EQ(stream_begin(&s), 0);
	CHECK_EQ(memory_save(&s, &mem, workers, NULL, false,
			     &progress), -ECANCELED);
	cancel = false;
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(memory_save(&s, &mem, workers, NULL, false,
			     &progress), -EPIPE);
	stream_close(&s);
	close(fds[1]);
	free_memory();
}

static void *cancel_soon(void *arg)
{
	usleep(50000);
	WRITE_ONCE(*(bool *)arg, true);
	return NULL;
}

/* In the middle: the pipe is full, chunks are in hand. */
static void test_cancel_later(void)
{
	struct memory_progress progress = {0};
	bool cancel = false;
	struct stream s = {.ch = {.cancel = &cancel}};
	pthread_t thread;
	int fds[2];

	make_memory();
	fill_memory();
	CHECK_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	s.ch.fd = fds[1];
	CHECK_EQ(stream_begin(&s), 0);
	CHECK_EQ(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
	CHECK_EQ(memory_save(&s, &mem, workers, NULL, false,
			     &progress), -ECANCELED);
	pthread_join(thread, NULL);
	CHECK(progress.done < mem.size);
	stream_close(&s);
	close(fds[0]);
	close(fds[1]);
	free_memory();
}

static void test_short(void)
{
	struct bytes b = saved();
	size_t len;

	for (len = 0; len < b.len; len += 1 + len / 20)
		CHECK(restore(b.data, len) < 0);
	CHECK(restore(b.data, b.len - 1) < 0);
	free(b.data);
	free_memory();
}

static void flip(bool compress)
{
	struct bytes b = saved_as(compress);
	unsigned int seed = 5;
	size_t i, at;

	for (i = 0; i < 300; i++) {
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

static void test_flipped(void)
{
	flip(false);
	flip(true);
}

/* As version 1 of the format has it: the head has no checksum. */
static void become_old(int fd)
{
	u32 version = htole32(1);

	CHECK_EQ(pwrite(fd, &version, sizeof(version), 8), sizeof(version));
}

static void put_pages(struct stream *s, u64 gpa, u32 count, u16 kind, u16 flags,
		      u32 body)
{
	static u8 zeroes[STREAM_PAGES_MAX * STREAM_PAGE_SIZE];
	struct stream_pages head = {gpa, count, kind, flags};

	CHECK_EQ(stream_put(s, STREAM_PAGES, &head, sizeof(head), zeroes, body),
		 0);
}

static struct stream stream_to(void)
{
	struct stream s = {.ch = {.fd = memfd_create("made", MFD_CLOEXEC)}};

	CHECK_EQ(stream_begin(&s), 0);
	return s;
}

/* It is there, and read from its beginning. */
static void finish(struct stream *s)
{
	CHECK_EQ(stream_end(s), 0);
	CHECK_EQ(stream_flush(s), 0);
	stream_close(s);
	lseek(s->ch.fd, 0, SEEK_SET);
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
		struct stream s = stream_to();

		put_pages(&s, bad[i].gpa, bad[i].count, bad[i].kind,
			  bad[i].flags, bad[i].body);
		finish(&s);
		CHECK(restore_fd(s.ch.fd, &progress) < 0);
		close(s.ch.fd);
	}
	free_memory();
}

/* What version 1 wrote: content in the records of pages. */
static void put_old(struct stream *s)
{
	struct stream_pages head = {0, 3, STREAM_PAGES_DATA, 0};
	u64 word = 0xa5a5a5a5a5a5a5a5ULL;

	CHECK_EQ(stream_put(s, STREAM_MACHINE, "abcdefg", 7, NULL, 0), 0);
	CHECK_EQ(stream_put(s, STREAM_PAGES, &head, sizeof(head),
			    mem.range[0].hva, 3 * PAGE), 0);
	head = (struct stream_pages){3 * PAGE, 300, STREAM_PAGES_PATTERN, 0};
	CHECK_EQ(stream_put(s, STREAM_PAGES, &head, sizeof(head), &word, 8), 0);
	head = (struct stream_pages){310 * PAGE, 250, STREAM_PAGES_DATA,
				     STREAM_PAGES_PAGED};
	CHECK_EQ(stream_put(s, STREAM_PAGES, &head, sizeof(head),
			    mem.range[0].hva + 310 * PAGE, 250 * PAGE), 0);
	head = (struct stream_pages){HIGH, 5, STREAM_PAGES_ZERO, 0};
	CHECK_EQ(stream_put(s, STREAM_PAGES, &head, sizeof(head), NULL, 0), 0);
	CHECK_EQ(stream_put(s, STREAM_BALLOON, &balloon, sizeof(balloon), NULL,
			    0), 0);
	CHECK_EQ(stream_put(s, STREAM_DEVICES, NULL, 0, NULL, 0), 0);
}

static void test_old(void)
{
	struct memory_progress progress = {0};
	u8 *low = malloc(LOW_PAGES * PAGE);
	struct stream s;

	make_memory();
	fill_memory();
	memcpy(low, mem.range[0].hva, LOW_PAGES * PAGE);
	s = stream_to();
	put_old(&s);
	finish(&s);
	become_old(s.ch.fd);
	CHECK_EQ(memory_clear(&mem), 0);
	CHECK_EQ(restore_fd(s.ch.fd, &progress), 0);
	CHECK(!memcmp(low, mem.range[0].hva, 303 * PAGE));
	CHECK(!memcmp(low + 310 * PAGE, mem.range[0].hva + 310 * PAGE,
		      250 * PAGE));
	CHECK_EQ(progress.data_pages, 253);
	CHECK_EQ(progress.paged_pages, 250);
	CHECK_EQ(progress.balloon_pages, 10);
	close(s.ch.fd);
	free(low);
	free_memory();
}

/* Records that it did not have are none of it. */
static void test_too_new(void)
{
	struct stream_pages head = {8 * PAGE, 1, STREAM_PAGES_SAME, 0};
	struct memory_progress progress = {0};
	struct bytes b = saved();
	struct stream s = stream_to();
	u64 source = 0;
	u32 version = 3;
	int fd;

	fd = file_of(b.data, b.len);
	become_old(fd);
	CHECK(restore_fd(fd, &progress) < 0);
	lseek(fd, 0, SEEK_SET);
	CHECK_EQ(pwrite(fd, &version, sizeof(version), 8), sizeof(version));
	CHECK_EQ(restore_fd(fd, &progress), -EPROTONOSUPPORT);
	close(fd);
	CHECK_EQ(stream_put(&s, STREAM_PAGES, &head, sizeof(head), &source, 8),
		 0);
	finish(&s);
	become_old(s.ch.fd);
	CHECK_EQ(restore_fd(s.ch.fd, &progress), -EINVAL);
	close(s.ch.fd);
	free(b.data);
	free_memory();
}

/** struct bad_content - a CONTENT record as it is written, and what is wrong with it. */
struct bad_content {
	const char *what;
	struct stream_content head;
	struct stream_entry entry[3];
};

#define TWO {{.page = 0}, {.page = 1}}

static const struct bad_content bad_contents[] = {
	{"its address", {PAGE, 2, STREAM_PLAIN, 0, 2 * PAGE, 0}, TWO},
	{"no memory", {1ULL << 30, 2, STREAM_PLAIN, 0, 2 * PAGE, 0}, TWO},
	{"the last chunk", {-1ULL << 20, 2, STREAM_PLAIN, 0, 2 * PAGE, 0}, TWO},
	{"behind memory", {512 * PAGE, 2, STREAM_PLAIN, 0, 2 * PAGE, 0}, {{.page = 87}, {.page = 88}}},
	{"no entries", {0, 0, STREAM_PLAIN, 0, 2 * PAGE, 0}, TWO},
	{"too few entries", {0, 1, STREAM_PLAIN, 0, 2 * PAGE, 0}, TWO},
	{"too many entries", {0, 257, STREAM_PLAIN, 0, 2 * PAGE, 0}, TWO},
	{"far too many", {0, 0x20000002, STREAM_PLAIN, 0, 2 * PAGE, 0}, TWO},
	{"its encoding", {0, 2, 2, 0, 2 * PAGE, 0}, TWO},
	{"its reserved field", {0, 2, STREAM_PLAIN, 1, 2 * PAGE, 0}, TWO},
	{"fewer bytes", {0, 2, STREAM_PLAIN, 0, PAGE, 0}, TWO},
	{"more bytes", {0, 2, STREAM_PLAIN, 0, 3 * PAGE, 0}, TWO},
	{"far more", {0, 2, STREAM_PLAIN, 0, UINT32_MAX, 0}, TWO},
	{"no padding", {0, 2, STREAM_PLAIN, 0, 2 * PAGE, 8}, TWO},
	{"no zeroes", {0, 2, STREAM_PLAIN, 0, 2 * PAGE, 8}, {{.page = 0}, {.page = 1}, {.page = 2}}},
	{"the order", {0, 2, STREAM_PLAIN, 0, 2 * PAGE, 0}, {{.page = 1}, {.page = 0}}},
	{"a page twice", {0, 2, STREAM_PLAIN, 0, 2 * PAGE, 0}, {{.page = 1}, {.page = 1}}},
	{"flags", {0, 2, STREAM_PLAIN, 0, 2 * PAGE, 0}, {{.page = 0}, {.page = 1, .flags = 2}}},
	{"heat", {0, 2, STREAM_PLAIN, 0, 2 * PAGE, 0}, {{.page = 0}, {.page = 1, .heat = 5}}},
	{"an entry's reserved field", {0, 2, STREAM_PLAIN, 0, 2 * PAGE, 0}, {{.page = 0}, {.page = 1, .zero = 1}}},
	{"a sum", {0, 2, STREAM_PLAIN, 0, 2 * PAGE, 0}, {{.page = 0}, {.page = 1, .sum = 1}}},
	{"no frame", {0, 2, STREAM_ZSTD, 0, PAGE, 0}, TWO},
	{"no bytes", {0, 2, STREAM_ZSTD, 0, 0, 0}, TWO},
	{"not smaller", {0, 2, STREAM_ZSTD, 0, 2 * PAGE, 0}, TWO},
};

/* Its checksum is right; of the pages, but for one of them. */
static void put_bad(struct stream *s, const struct bad_content *bad)
{
	static const u8 zeroes[3 * STREAM_PAGE_SIZE];
	struct stream_entry entry[3];
	u32 nr = bad->head.pad && bad->entry[2].page ? 3 : 2, sum;
	u64 body = bad->head.bytes > 3 * PAGE ? 3 * PAGE : bad->head.bytes;
	struct {
		u32 type;
		u32 sum;
		u64 len;
	} head = {.type = STREAM_CONTENT};

	memcpy(entry, bad->entry, sizeof(entry));
	content_sum(entry, 2, zeroes);
	entry[0].sum += bad->entry[0].sum;
	entry[1].sum += bad->entry[1].sum;
	head.len = sizeof(bad->head) + nr * sizeof(*entry) + body;
	sum = crc32(0, (void *)&head.type, sizeof(head.type));
	sum = crc32(sum, (void *)&head.len, sizeof(head.len));
	sum = crc32(sum, (void *)&bad->head, sizeof(bad->head));
	head.sum = crc32(sum, (void *)entry, nr * sizeof(*entry));
	s->records++;
	CHECK_EQ(channel_write(&s->ch, &head, sizeof(head)), 0);
	CHECK_EQ(channel_write(&s->ch, &bad->head, sizeof(bad->head)), 0);
	CHECK_EQ(channel_write(&s->ch, entry, nr * sizeof(*entry)), 0);
	CHECK_EQ(channel_write(&s->ch, zeroes, body), 0);
}

static int restore_content(const struct bad_content *bad)
{
	struct memory_progress progress = {0};
	struct stream s = stream_to();
	int ret;

	put_bad(&s, bad);
	finish(&s);
	ret = restore_fd(s.ch.fd, &progress);
	close(s.ch.fd);
	return ret;
}

static void test_hostile_content(void)
{
	const struct bad_content good = {
		"nothing", {0, 2, STREAM_PLAIN, 0, 2 * PAGE, 0}, TWO
	};
	size_t i;

	make_memory();
	CHECK_EQ(restore_content(&good), 0);
	for (i = 0; i < ARRAY_SIZE(bad_contents); i++) {
		if (restore_content(&bad_contents[i]) < 0)
			continue;
		printf("# %s\n", bad_contents[i].what);
		CHECK(!"it is refused");
	}
	free_memory();
}

static int restore_same(u64 gpa, u32 count, u16 flags, u64 source,
			unsigned int times)
{
	struct stream_pages head = {gpa, count, STREAM_PAGES_SAME, flags};
	struct memory_progress progress = {0};
	struct stream s = stream_to();
	int ret;

	while (times--)
		CHECK_EQ(stream_put(&s, STREAM_PAGES, &head, sizeof(head),
				    &source, 8), 0);
	finish(&s);
	ret = restore_fd(s.ch.fd, &progress);
	close(s.ch.fd);
	return ret;
}

/* Without a module they are copied, one by one: a source may be the same as another. */
static void test_same(void)
{
	u8 *low, *high;
	u32 i;

	make_memory();
	fill_memory();
	low = mem.range[0].hva;
	high = mem.range[1].hva;
	CHECK_EQ(restore_same(310 * PAGE, 3, 0, 0, 1), 0);
	CHECK(!memcmp(low, low + 310 * PAGE, 3 * PAGE));
	CHECK_EQ(restore_same(HIGH + PAGE, 7, 0, 320 * PAGE, 1), 0);
	CHECK(!memcmp(low + 320 * PAGE, high + PAGE, 7 * PAGE));
	CHECK_EQ(restore_same(400 * PAGE, 10, 0, 399 * PAGE, 1), 0);
	for (i = 400; i < 410; i++)
		CHECK(!memcmp(low + 399 * PAGE, low + i * PAGE, PAGE));
	free_memory();
}

static void test_hostile_same(void)
{
	make_memory();
	CHECK_EQ(restore_same(PAGE, 1, 0, 0, 1), 0);
	CHECK(restore_same(PAGE, 1, 0, PAGE, 1) < 0);
	CHECK(restore_same(PAGE, 1, 0, 2 * PAGE, 1) < 0);
	CHECK(restore_same(PAGE, 1, 0, 8, 1) < 0);
	CHECK(restore_same(PAGE, 1, STREAM_PAGES_PAGED, 0, 1) < 0);
	CHECK(restore_same(PAGE, LOW_PAGES, 0, 0, 1) < 0);
	CHECK(restore_same(HIGH, 2, 0, (LOW_PAGES - 1) * PAGE, 1) < 0);
	CHECK(restore_same(HIGH, 1, 0, LOW_PAGES * PAGE, 1) < 0);
	/* As often as there are pages, and no more. */
	CHECK_EQ(restore_same(PAGE, 1, 0, 0, LOW_PAGES + HIGH_PAGES), 0);
	CHECK(restore_same(PAGE, 1, 0, 0, LOW_PAGES + HIGH_PAGES + 1) < 0);
	free_memory();
}

static const struct tap_test tests[] = {
	{"what was written is read", test_roundtrip},
	{"and compressed", test_compressed},
	{"it comes through a pipe in pieces", test_pipe},
	{"readers that do not read", test_cancel},
	{"cancelled in the middle", test_cancel_later},
	{"streams cut short", test_short},
	{"streams with a bit flipped", test_flipped},
	{"records that make no sense", test_hostile},
	{"content that makes no sense", test_hostile_content},
	{"a stream of version 1", test_old},
	{"what a version does not have", test_too_new},
	{"pages that are the same as others", test_same},
	{"and such that cannot be", test_hostile_same},
};

int main(void)
{
	int ret;

	workers = workers_create(2);
	prefetch = prefetch_create(&mem);
	if (!workers || !prefetch)
		return EXIT_FAILURE;
	ret = tap_run(tests, ARRAY_SIZE(tests));
	prefetch_destroy(prefetch);
	workers_destroy(workers);
	return ret;
}
