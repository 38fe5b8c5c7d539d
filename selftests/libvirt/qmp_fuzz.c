// SPDX-License-Identifier: GPL-2.0-only
/*
 * Send a monitor what no client should: commands with wrong, odd and huge
 * arguments, text that is no JSON, commands cut short, descriptors by the dozen,
 * and read nothing for a while. Now and then a new client must still get its
 * answer at once. What there is to send is learned from the schema.
 *
 *   qmp_fuzz SOCKET SEED ROUNDS
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MS 20000
#define FDS 20

static const char *path;
static json_t *commands; /* name: { argument: type } */
static uint64_t seed;

static void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	exit(1);
}

static unsigned int pick(unsigned int n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 16) % n;
}

/* A client */

static int client(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)))
		fail("cannot connect to %s: %s", path, strerror(errno));
	return fd;
}

/* Read what is there and throw it away. */
static void drain(int fd)
{
	static char buf[65536];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

/* A client that reads its answers while it sends, so that neither waits. */
static bool push(int fd, const char *text, size_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT | POLLIN};
	ssize_t n;

	while (len) {
		if (poll(&p, 1, ANSWER_MS) <= 0)
			fail("the monitor takes nothing any more");
		if (p.revents & POLLIN)
			drain(fd);
		n = send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n > 0) {
			text += n;
			len -= n;
		}
	}
	return true;
}

static void push_text(int fd, const char *text)
{
	push(fd, text, strlen(text));
}

/* Read up to a line that has @mark; the line is the caller's to free. */
static char *await(int fd, const char *mark)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char *buf = NULL, *line, *hit;
	size_t len = 0;
	ssize_t n;

	for (;;) {
		buf = realloc(buf, len + 65536 + 1);
		if (poll(&p, 1, ANSWER_MS) <= 0)
			fail("no answer to %s", mark);
		n = recv(fd, buf + len, 65536, 0);
		if (n <= 0)
			fail("the monitor is gone before %s", mark);
		len += n;
		buf[len] = '\0';
		hit = strstr(buf, mark);
		if (hit && strchr(hit, '\n'))
			break;
	}
	for (line = hit; line > buf && line[-1] != '\n'; line--)
		;
	line = strndup(line, strcspn(line, "\n"));
	free(buf);
	return line;
}

static char *ask(const char *command)
{
	char text[200];
	int fd = client();
	char *line;

	push_text(fd, "{\"execute\":\"qmp_capabilities\"}");
	snprintf(text, sizeof(text), "{\"execute\":\"%s\",\"id\":\"mark\"}",
		 command);
	push_text(fd, text);
	line = await(fd, "\"id\":\"mark\"");
	close(fd);
	return line;
}

/* What there is to send */

static json_t *entry(json_t *schema, const char *name)
{
	json_t *e;
	size_t i;

	json_array_foreach(schema, i, e)
		if (!strcmp(json_string_value(json_object_get(e, "name")),
			    name))
			return e;
	return NULL;
}

static void learn(void)
{
	char *line = ask("query-qmp-schema");
	json_t *answer = json_loads(line, 0, NULL), *schema, *e, *args, *m;
	const char *name, *meta;
	size_t i, j;

	schema = json_object_get(answer, "return");
	commands = json_object();
	json_array_foreach(schema, i, e) {
		name = json_string_value(json_object_get(e, "name"));
		meta = json_string_value(json_object_get(e, "meta-type"));
		/* These two end the program as they should. */
		if (strcmp(meta, "command") || !strcmp(name, "quit") ||
		    !strcmp(name, "set-action"))
			continue;
		args = json_object();
		json_array_foreach(json_object_get(entry(schema,
			json_string_value(json_object_get(e, "arg-type"))),
			"members"), j, m)
			json_object_set(args, json_string_value(
				json_object_get(m, "name")),
				json_object_get(m, "type"));
		json_object_set_new(commands, name, args);
	}
	if (json_object_size(commands) < 20)
		fail("there are only %zu commands",
		     json_object_size(commands));
	json_decref(answer);
	free(line);
}

static const char *nth_key(json_t *object, unsigned int n)
{
	const char *key;
	json_t *val;

	json_object_foreach(object, key, val)
		if (!n--)
			return key;
	return NULL;
}

static json_t *some_text(void)
{
	static const char *const texts[] = {
		"", "a", "disk0", "balloon0", "f1", "s1", "raw", "file", "tap",
		"virtio-blk-pci", "virtio-net-pci", "iothread", "secret",
		"rng-random", "memory-backend-ram", "pci.0", "0x1f.7", "-1",
		"/machine/peripheral/balloon0", "guest-stats", "type",
		"guest-stats-polling-interval", "/dev/null", "/dev/zero",
		"/nonexistent", "/dev/fdset/0", "/proc/self/mem", "%s%n%d",
		"\xc3\xa9\xe2\x82\xac", "../../x", "isa-serial", "host",
		"/machine/unattached/device[99999999999]",
	};
	char *big;
	json_t *val;

	if (pick(20))
		return json_string(texts[pick(sizeof(texts) /
					      sizeof(texts[0]))]);
	big = malloc(70000);
	memset(big, 'A' + pick(26), 70000);
	val = json_stringn(big, pick(70000));
	free(big);
	return val;
}

static json_t *some_value(unsigned int depth)
{
	static const json_int_t ints[] = {
		0, 1, -1, 2, 255, 4096, 1 << 20, INT32_MAX, INT32_MIN,
		UINT32_MAX, INT64_MAX, INT64_MIN, 1LL << 40};
	json_t *val;
	unsigned int n = pick(4);

	switch (pick(depth ? 9 : 7)) {
	case 0:
		return json_integer(ints[pick(sizeof(ints) / sizeof(ints[0]))]);
	case 1:
		return json_boolean(pick(2));
	case 2:
		return json_null();
	case 3:
		return json_real(1e300);
	case 7:
		for (val = json_array(); n; n--)
			json_array_append_new(val, some_value(depth - 1));
		return val;
	case 8:
		for (val = json_object(); n; n--)
			json_object_set_new(val, nth_key(commands, pick(
				json_object_size(commands))),
				some_value(depth - 1));
		return val;
	default:
		return some_text();
	}
}

static json_t *fitting(const char *type)
{
	if (!strcmp(type, "int"))
		return json_integer((json_int_t)pick(1000) - 10);
	if (!strcmp(type, "bool"))
		return json_boolean(pick(2));
	if (!strcmp(type, "any") || *type == '[')
		return some_value(3);
	return some_text();
}

/* A command with some of its arguments, mostly of the right type. */
static char *some_command(void)
{
	static const char *const extra[] = {"drive", "id", "filename", "addr",
					    "bus", "size", "file", "netdev",
					    "fd", "node-name", "iothread"};
	const char *name = nth_key(commands,
				   pick(json_object_size(commands)));
	json_t *types = json_object_get(commands, name), *type;
	json_t *args = json_object(), *msg;
	const char *key;
	char *text;

	json_object_foreach(types, key, type)
		if (pick(10))
			json_object_set_new(args, key, pick(6) ?
				fitting(json_string_value(type)) :
				some_value(4));
	while (!pick(3))
		json_object_set_new(args, extra[pick(sizeof(extra) /
						     sizeof(extra[0]))],
				    some_value(3));
	msg = json_pack("{ssso}", "execute", name, "arguments", args);
	if (pick(2))
		json_object_set_new(msg, "id", some_value(3));
	text = json_dumps(msg, JSON_COMPACT);
	json_decref(msg);
	return text;
}

/* Ways to send it */

static void send_mutated(int fd)
{
	char *text = some_command();
	size_t len = strlen(text), i;

	for (i = pick(6); len > 1 && i; i--) {
		size_t at = pick(len);

		switch (pick(4)) {
		case 0:
			text[at] = pick(256);
			break;
		case 1:
			len = at + 1;
			break;
		case 2:
			memmove(text + at, text + at + 1, len - at - 1);
			len--;
			break;
		case 3:
			text[at] = "{}[]\",:\\\n"[pick(9)];
			break;
		}
	}
	push(fd, text, len);
	if (pick(2))
		push_text(fd, "\n");
	free(text);
}

static void send_deep(int fd)
{
	unsigned int n = pick(5000);

	while (n--)
		push_text(fd, pick(2) ? "[" : "{\"a\":");
	push_text(fd, "\n");
}

/* More than a command may have, and more than one buffer holds. */
static void send_huge(int fd)
{
	size_t len = 1500000;
	char *text = malloc(len);

	memset(text, 'x', len);
	memcpy(text, "{\"execute\":\"", 12);
	push(fd, text, len);
	push_text(fd, "\"}\n");
	free(text);
}

static void send_fds(int fd)
{
	char control[CMSG_SPACE(sizeof(int) * FDS)] = {0};
	const char *name = pick(2) ? "getfd\",\"arguments\":{\"fdname\":\"x\"}}" :
				     "add-fd\"}";
	unsigned int n = 1 + pick(FDS), i;
	char text[100];
	struct iovec iov = {.iov_base = text};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(sizeof(int) * n),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int fds[FDS];

	for (i = 0; i < n; i++)
		fds[i] = open("/dev/null", O_RDWR);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n);
	iov.iov_len = snprintf(text, sizeof(text), "{\"execute\":\"%s", name);
	if (pick(3) == 0)
		iov.iov_len = 1;
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
		fail("sendmsg: %s", strerror(errno));
	for (i = 0; i < n; i++)
		close(fds[i]);
}

static void send_command(int fd)
{
	char *text = some_command();

	push_text(fd, text);
	free(text);
}

/* Ask for much and read none of it. */
static void send_deaf(int fd)
{
	unsigned int i;

	for (i = 0; i < 300; i++)
		if (send(fd, "{\"execute\":\"query-qmp-schema\"}", 30,
			 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
}

static void round_of_calls(void)
{
	int fd = client();
	unsigned int n = 1 + pick(40);

	if (pick(20))
		push_text(fd, "{\"execute\":\"qmp_capabilities\"}");
	while (n--) {
		switch (pick(60)) {
		case 0:
			send_huge(fd);
			break;
		case 1:
			send_deep(fd);
			break;
		case 2:
			send_fds(fd);
			break;
		case 3:
			send_deaf(fd);
			break;
		default:
			if (pick(3))
				send_command(fd);
			else
				send_mutated(fd);
		}
	}
	/* Half of them leave in the middle of something. */
	if (pick(2))
		push_text(fd, "{\"execute\":\"query-st");
	close(fd);
}

int main(int argc, char **argv)
{
	unsigned long i, rounds;

	if (argc != 4)
		fail("usage: qmp_fuzz SOCKET SEED ROUNDS");
	path = argv[1];
	seed = strtoull(argv[2], NULL, 0) * 2654435761u + 1;
	rounds = strtoul(argv[3], NULL, 0);
	json_object_seed(1);
	learn();
	for (i = 0; i < rounds; i++) {
		round_of_calls();
		if (i % 5 == 4)
			free(ask("query-status"));
	}
	free(ask("query-status"));
	json_decref(commands);
	printf("%lu rounds, the monitor still answers\n", rounds);
	return 0;
}
