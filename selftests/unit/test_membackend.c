// SPDX-License-Identifier: GPL-2.0-only
/* Files that back guest memory: who may read them, and when they go. */
#include <stdlib.h>

#include "../../vmm/membackend.c"
#include "fake_error.h"
#include "tap.h"

static char dir[] = "/tmp/test_membackend.XXXXXX";
static char path[sizeof(dir) + 8];

static int create(const char *mem_path)
{
	struct opts *opts;
	char text[256];
	int ret;

	snprintf(text, sizeof(text), "memory-backend-file,id=ram0,size=64K,share=on,mem-path=%s",
		 mem_path);
	if (opts_parse(&opts, "object", text, "qom-type"))
		return -EINVAL;
	ret = mem_backend_create(opts);
	opts_destroy(opts);
	return ret;
}

static mode_t permissions(const char *name)
{
	struct stat st;

	return stat(name, &st) ? 0 : st.st_mode & 07777;
}

static void test_made(void)
{
	CHECK_EQ(create(path), 0);
	CHECK_EQ(permissions(path), 0600);
	mem_backend_destroy_all();
	CHECK(access(path, F_OK) && errno == ENOENT);
}

static void test_there(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0640);

	CHECK(fd >= 0);
	CHECK_EQ(create(path), 0);
	CHECK_EQ(permissions(path), 0640);
	mem_backend_destroy_all();
	CHECK_EQ(access(path, F_OK), 0);
	close(fd);
	unlink(path);
}

/* Another guest's memory is neither used nor removed. */
static void test_taken(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	CHECK(fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB));
	CHECK_EQ(create(path), -EBUSY);
	CHECK(!mem_backend_find("ram0"));
	CHECK_EQ(access(path, F_OK), 0);
	close(fd);
	CHECK_EQ(create(path), 0);
	fd = open(path, O_RDWR);
	CHECK(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK);
	mem_backend_destroy_all();
	CHECK_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
	close(fd);
	unlink(path);
}

static void test_unnamed(void)
{
	struct stat st;

	CHECK_EQ(create(dir), 0);
	CHECK_EQ(fstat(mem_backend_find("ram0")->fd, &st), 0);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_mode & 07777, 0600);
	mem_backend_destroy_all();
	CHECK_EQ(rmdir(dir), 0);
}

static const struct tap_test tests[] = {
	{"a file that is made is its owner's alone, and goes", test_made},
	{"a file that is there stays, as it is", test_there},
	{"a file that is another guest's memory", test_taken},
	{"a file in a directory has no name, and is its owner's alone", test_unnamed},
};

int main(void)
{
	/* Whatever the umask takes away elsewhere, here it takes nothing. */
	umask(0);
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/ram", dir);
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
