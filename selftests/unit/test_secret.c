// SPDX-License-Identifier: GPL-2.0-only
/* Secrets: what is taken, and files that must not be read. */
#include "../../vmm/backend/secret.c"
#include "../../vmm/lib/opts.c"
#include "fake_error.h"
#include "tap.h"

static char dir[] = "/tmp/test-secret-XXXXXX";

static int make(const char *text)
{
	struct opts *opts;
	int ret;

	CHECK_EQ(opts_parse(&opts, "-object", text, "qom-type"), 0);
	ret = secret_create(opts);
	opts_destroy(opts);
	return ret;
}

/* A file of @len bytes as the secret @id. */
static int make_of_file(const char *id, size_t len)
{
	char path[64], text[200];
	int fd;

	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && !ftruncate(fd, len));
	close(fd);
	snprintf(text, sizeof(text), "secret,id=%s,file=%s", id, path);
	return make(text);
}

static void test_data(void)
{
	const u8 *data;
	size_t len = 0;

	CHECK_EQ(make("secret,id=a,data=hello,format=raw"), 0);
	data = secret_find("a", &len);
	CHECK(data && len == 5 && !memcmp(data, "hello", 5));
	CHECK(make("secret,id=a,data=again") < 0);
	CHECK_EQ(secret_destroy("a"), 0);
	CHECK_EQ(secret_destroy("a"), -ENOENT);
	CHECK(!secret_find("a", &len));
}

static void test_files(void)
{
	size_t len = 0;

	CHECK_EQ(make_of_file("empty", 0), 0);
	CHECK_EQ(make_of_file("largest", SECRET_MAX), 0);
	CHECK(secret_find("largest", &len) && len == SECRET_MAX);
	CHECK(make_of_file("larger", SECRET_MAX + 1) < 0);
	CHECK(!secret_find("larger", &len));
	secret_destroy_all();
	CHECK(!secret_find("empty", &len));
}

static void test_bad(void)
{
	char fifo[64], text[200];

	CHECK(make("secret,id=x") < 0);
	CHECK(make("secret,data=x") < 0);
	CHECK(make("secret,id=x,data=a,file=b") < 0);
	CHECK(make("secret,id=x,data=a,format=base64") < 0);
	CHECK(make("secret,id=x,file=/nonexistent") < 0);
	CHECK(make("secret,id=x,file=/dev/zero") < 0);
	CHECK(make("secret,id=x,file=/") < 0);
	/* Nobody ever opens its other end. */
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	CHECK_EQ(mkfifo(fifo, 0600), 0);
	snprintf(text, sizeof(text), "secret,id=x,file=%s", fifo);
	CHECK(make(text) < 0);
	CHECK(strstr(fake_error, "no plain file"));
	unlink(fifo);
}

static void test_end(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/file", dir);
	unlink(path);
	CHECK_EQ(rmdir(dir), 0);
}

static void test_begin(void)
{
	CHECK(mkdtemp(dir));
}

static const struct tap_test tests[] = {
	{"a folder", test_begin},
	{"given as text", test_data},
	{"given as files", test_files},
	{"what is refused", test_bad},
	{"nothing is left", test_end},
};

TAP_MAIN(tests)
