// SPDX-License-Identifier: GPL-2.0-only
/* Images that O_DIRECT cannot be used with: the page cache is, and the reason told. */
#include <fcntl.h>
#include <sys/stat.h>

#include "fake_error.h"
#include "tap.h"

static struct statx asked;

static int fake_statx(int fd, const char *path, int flags, unsigned int mask,
		      struct statx *buf)
{
	*buf = asked;
	return 0;
}

/* A function-like macro, as a structure has the same name. */
#define statx(...) fake_statx(__VA_ARGS__)
#include "../../vmm/backend/block-open.c"
#undef statx

static char path[] = "/var/tmp/tarn-test-direct-XXXXXX";

/* Open the image where direct I/O asks for @mem and @off; is it direct? */
static bool is_direct(u32 mem, u32 off, u64 size)
{
	struct opts *opts;
	struct block *blk;
	char text[128];
	bool direct;

	*fake_error = '\0';
	asked.stx_mask = STATX_DIOALIGN;
	asked.stx_dio_mem_align = mem;
	asked.stx_dio_offset_align = off;
	CHECK_EQ(truncate(path, size), 0);
	snprintf(text, sizeof(text),
		 "file,node-name=d,cache.direct=on,filename=%s", path);
	CHECK_EQ(opts_parse(&opts, "blockdev", text, "driver"), 0);
	CHECK_EQ(blockdev_create(opts), 0);
	opts_destroy(opts);
	blk = block_attach("d", "a test");
	direct = blk->direct;
	CHECK_EQ(direct, ((struct block_file *)blk->data)->direct_fd >= 0);
	block_detach(blk);
	CHECK_EQ(blockdev_delete("d"), 0);
	return direct;
}

static void test_direct(void)
{
	CHECK(is_direct(512, 512, 1 << 20));
	CHECK(is_direct(4096, 4096, 1 << 20));
	CHECK(is_direct(1, BOUNCE_SIZE / 2, 1 << 20));
	CHECK_STR(fake_error, "");
}

static void test_reasons(void)
{
	CHECK(!is_direct(8192, 512, 1 << 20));
	CHECK(strstr(fake_error, "it asks for memory aligned to more than a page"));
	CHECK(!is_direct(512, BOUNCE_SIZE, 1 << 20));
	CHECK(strstr(fake_error, "it asks for units of a size"));
	CHECK(!is_direct(512, 3 * 512, 1 << 20));
	CHECK(strstr(fake_error, "it asks for units of a size"));
	CHECK(!is_direct(512, 4096, (1 << 20) + 512));
	CHECK(strstr(fake_error, "its size is no multiple of the unit"));
}

static const struct tap_test tests[] = {
	{ "direct I/O", test_direct },
	{ "why not", test_reasons },
};

int main(void)
{
	int fd = mkstemp(path), ret;

	if (fd < 0)
		return EXIT_FAILURE;
	close(fd);
	ret = tap_run(tests, ARRAY_SIZE(tests));
	unlink(path);
	return ret;
}
