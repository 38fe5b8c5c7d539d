// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: directories of libvirt's domains in a pool in which others may write. */
#include "../../tools/tarnctl/domain_place.c"
#include "fake_error.h"
#include "tap.h"

static char root[] = "/tmp/test_place.XXXXXX";

int pool_open(const struct pool *pool)
{
	return open(pool->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int pool_list_read(struct pool_list *list)
{
	return -EIO;
}

void pool_list_free(struct pool_list *list)
{
}

int domain_err(const struct domain *dom, const xmlNode *node, const char *fmt, ...)
{
	return -EINVAL;
}

static const struct pool pool = { .mount = root };
static struct domain web = { .name = "web", .uuid = "c0ffee", .source = "web.xml" };

static void shell(const char *command)
{
	char text[256];

	snprintf(text, sizeof(text), "cd %s && %s", root, command);
	CHECK(!system(text));
}

/* make_dir() where the root has @mode, after @before. */
static int make_after(const char *mode, const char *before)
{
	struct stat like = { .st_uid = geteuid(), .st_gid = getegid() };
	char command[200];

	shell("rm -rf domains && chmod 0755 .");
	snprintf(command, sizeof(command), "umask 0; %s; chmod %s .", before, mode);
	shell(command);
	fake_error[0] = '\0';
	return make_dir(&pool, &web, &like);
}

static mode_t mode_of(const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return stat(path, &st) ? 0 : st.st_mode & 07777;
}

static void test_made(void)
{
	CHECK_EQ(make_after("0755", ":"), 0);
	CHECK_EQ(mode_of("domains"), 0711);
	CHECK_EQ(mode_of("domains/libvirt-c0ffee"), 0711);
	CHECK_EQ(mode_of("domains/libvirt-c0ffee/web"), 0700);
	/* With what another start has left, and with a group that makes files in the pool. */
	CHECK_EQ(make_after("1770", "mkdir -m 0711 -p domains/libvirt-c0ffee/web && chmod -R 0711 domains && touch domains/libvirt-c0ffee/web/ram"),
		 0);
	CHECK_EQ(mode_of("domains/libvirt-c0ffee/web"), 0700);
	CHECK_EQ(mode_of("domains/libvirt-c0ffee/web/ram"), 0);
}

static void test_others_write(void)
{
	CHECK_EQ(make_after("1770", "mkdir -m 0777 domains"), -EPERM);
	CHECK(strstr(fake_error, "/domains"));
	CHECK(strstr(fake_error, "remove it"));
	CHECK_EQ(make_after("1770", "mkdir -m 0770 domains"), -EPERM);
	CHECK_EQ(make_after("1770", "mkdir -m 0711 domains && mkdir -m 0777 domains/libvirt-c0ffee"),
		 -EPERM);
	CHECK(strstr(fake_error, "/domains/libvirt-c0ffee"));
	CHECK_EQ(mode_of("domains/libvirt-c0ffee/web"), 0);
}

/* Who made it may have it open. */
static void test_was_there(void)
{
	CHECK_EQ(make_after("0755", "mkdir -m 0711 domains domains/libvirt-c0ffee && mkdir -m 0777 -p domains/libvirt-c0ffee/web/sub"),
		 -EEXIST);
	CHECK(strstr(fake_error, "/domains/libvirt-c0ffee/web"));
	CHECK(strstr(fake_error, "remove it"));
}

static void test_others_own(void)
{
	if (geteuid()) {
		TAP_SKIP("files of others can be made by root alone");
		return;
	}
	CHECK_EQ(make_after("1770", "mkdir -m 0711 domains && chown 1 domains"),
		 -EPERM);
	CHECK_EQ(make_after("0755", "chown 1 ."), -EPERM);
	shell("chown 0 .");
}

/* Whoever may rename in the root may put another directory there at any time. */
static void test_root(void)
{
	CHECK_EQ(make_after("0770", ":"), -EPERM);
	CHECK(strstr(fake_error, "mode=1770"));
	CHECK_EQ(make_after("0777", ":"), -EPERM);
	CHECK_EQ(mode_of("domains"), 0);
}

static const struct tap_test tests[] = {
	{ "directories are made", test_made },
	{ "others may write to one that is there", test_others_write },
	{ "one of the domain cannot be emptied", test_was_there },
	{ "another one owns one", test_others_own },
	{ "others may rename in the root", test_root },
};

int main(void)
{
	char command[80];
	int ret;

	if (!mkdtemp(root))
		return 1;
	ret = tap_run(tests, sizeof(tests) / sizeof(tests[0]));
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command) ? 1 : ret;
}
