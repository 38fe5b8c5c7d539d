// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors by name and in sets: getfd, add-fd, -add-fd and who opens them. */
#include "../../vmm/lib/opts.c"
#include "../../vmm/qmp/fds.c"
#include "fake_error.h"
#include "tap.h"

static int coming = -1;
static char answer[2000];
static json_int_t last_set, last_fd;

int qmp_call_fd(struct qmp_call *call)
{
	int fd = coming;

	coming = -1;
	return fd < 0 ? -ENOENT : fd;
}

json_t *qmp_text(const char *text)
{
	return json_string(text);
}

void qmp_reply(struct qmp_call *call, json_t *result)
{
	char *text;

	if (!result)
		result = json_object();
	text = json_dumps(result, JSON_COMPACT);
	snprintf(answer, sizeof(answer), "%s", text);
	last_set = json_integer_value(json_object_get(result, "fdset-id"));
	last_fd = json_integer_value(json_object_get(result, "fd"));
	free(text);
	json_decref(result);
}

void qmp_error(struct qmp_call *call, const char *class, const char *fmt, ...)
{
	snprintf(answer, sizeof(answer), "error: %s", fmt);
}

void qmp_fail(struct qmp_call *call, int ret)
{
	snprintf(answer, sizeof(answer), "failed: %s", fake_error);
}

static void call(const char *name, const char *args)
{
	const struct qmp_command *c;
	json_t *val = json_loads(args, 0, NULL);

	for (c = commands; c->name && strcmp(c->name, name); c++)
		;
	CHECK(c->name && val);
	answer[0] = '\0';
	c->run(NULL, NULL, val);
	json_decref(val);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_names(void)
{
	int first = dup(0), second = dup(0), fd;

	call("getfd", "{\"fdname\":\"a\"}");
	CHECK(strstr(answer, "No file descriptor"));
	coming = first;
	call("getfd", "{\"fdname\":\"7up\"}");
	CHECK(strstr(answer, "digit"));
	call("getfd", "{\"fdname\":\"a\"}");
	CHECK_STR(answer, "{}");
	/* The same name again closes the first. */
	coming = second;
	call("getfd", "{\"fdname\":\"a\"}");
	CHECK(!is_open(first) && is_open(second));
	fd = qmp_fd_take("a");
	CHECK_EQ(fd, second);
	CHECK_EQ(qmp_fd_take("a"), -ENOENT);
	call("closefd", "{\"fdname\":\"a\"}");
	CHECK(strstr(answer, "not found"));
	coming = fd;
	call("getfd", "{\"fdname\":\"b\"}");
	call("closefd", "{\"fdname\":\"b\"}");
	CHECK(!is_open(fd));
}

static void test_sets(void)
{
	int r = open("/dev/null", O_RDONLY), w = open("/dev/null", O_WRONLY);
	char text[100];
	int fd;

	coming = r;
	call("add-fd", "{\"fdset-id\":3,\"opaque\":\"reads\"}");
	CHECK_EQ(last_set, 3);
	coming = w;
	call("add-fd", "{\"fdset-id\":3}");
	CHECK_EQ(last_fd, w);
	coming = dup(0);
	call("add-fd", "{}");
	CHECK_EQ(last_set, 4);
	call("query-fdsets", "{}");
	CHECK(strstr(answer, "\"opaque\":\"reads\""));

	fd = qmp_open("/dev/fdset/3", O_WRONLY | O_CREAT, 0666);
	CHECK(fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	CHECK_EQ(qmp_fdset_open("/dev/fdset/3", O_RDWR), -ENOENT);
	CHECK_EQ(qmp_fdset_open("/dev/fdset/9", O_RDONLY), -ENOENT);
	CHECK_EQ(qmp_fdset_open("/dev/fdset/3x", O_RDONLY), -EINVAL);
	CHECK_EQ(qmp_fdset_open("/dev/fdset/", O_RDONLY), -EINVAL);
	CHECK_EQ(qmp_fdset_open("/dev/fdset/-1", O_RDONLY), -ENOENT);

	snprintf(text, sizeof(text), "{\"fdset-id\":3,\"fd\":%d}", w);
	call("remove-fd", text);
	CHECK(is_open(r) && !is_open(w));
	call("remove-fd", text);
	CHECK(strstr(answer, "no such"));
	call("remove-fd", "{\"fdset-id\":3}");
	CHECK(!is_open(r));
	call("add-fd", "{\"fdset-id\":-1}");
	CHECK(strstr(answer, "negative"));
	qmp_fds_close();
	CHECK_EQ(nr_fds, 0);
}

static void test_limit(void)
{
	char text[40];
	int i, fd = -1;

	for (i = 0; i <= FDS_MAX; i++) {
		coming = fd = dup(0);
		snprintf(text, sizeof(text), "{\"fdname\":\"n%d\"}", i);
		call("getfd", text);
	}
	CHECK(strstr(answer, "already"));
	CHECK(!is_open(fd));
	qmp_fds_close();
}

static int option(const char *text)
{
	struct opts *opts;
	int ret;

	CHECK_EQ(opts_parse(&opts, "-add-fd", text, NULL), 0);
	ret = qmp_fdset_add(opts);
	opts_destroy(opts);
	return ret;
}

static void test_option(void)
{
	char text[60];
	int fd = dup(0), got;

	snprintf(text, sizeof(text), "set=2,fd=%d,opaque=x", fd);
	CHECK_EQ(option(text), 0);
	got = qmp_open("/dev/fdset/2", O_RDONLY, 0);
	CHECK(got >= 0);
	close(got);
	CHECK(option("set=2,fd=999") < 0);
	CHECK(option("set=2,fd=1") < 0);
	CHECK(option("set=2") < 0);
	CHECK(option("fd=5") < 0);
	CHECK_EQ(qmp_open("/nonexistent/x", O_RDONLY, 0), -ENOENT);
	qmp_fds_close();
	CHECK(!is_open(fd));
}

static const struct tap_test tests[] = {
	{"names", test_names},
	{"sets", test_sets},
	{"there is a limit", test_limit},
	{"-add-fd", test_option},
};

TAP_MAIN(tests)
