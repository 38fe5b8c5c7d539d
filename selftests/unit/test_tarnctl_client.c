// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: talking over a real unix socket to a peer that may misbehave. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "../../tools/tarnctl/client.c"
#include "tap.h"

/**
 * struct peer - a server of one connection
 * @reply: what it sends after a line; NULL: it hangs up
 * @reply_len: bytes of it
 * @heard: the line it got
 * @passed: st_ino of the file whose descriptor it got, 0: none
 */
struct peer {
	const char *reply;
	size_t reply_len;
	char heard[4096];
	ino_t passed;
	int listener;
	pthread_t thread;
	char path[64];
};

static void hear(struct peer *peer, int sock)
{
	size_t used = 0;

	while (!memchr(peer->heard, '\n', used)) {
		char control[CMSG_SPACE(sizeof(int))];
		struct iovec iov = { peer->heard + used,
				     sizeof(peer->heard) - used };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = sizeof(control) };
		ssize_t len = recvmsg(sock, &msg, 0);
		struct cmsghdr *header = CMSG_FIRSTHDR(&msg);

		if (len <= 0)
			return;
		used += len;
		if (header && header->cmsg_type == SCM_RIGHTS) {
			struct stat st;
			int fd;

			memcpy(&fd, CMSG_DATA(header), sizeof(fd));
			if (!fstat(fd, &st))
				peer->passed = st.st_ino;
			close(fd);
		}
	}
	peer->heard[used - 1] = '\0';
}

static void *serve(void *arg)
{
	struct peer *peer = arg;
	int sock = accept(peer->listener, NULL, NULL);
	size_t done = 0;

	hear(peer, sock);
	while (peer->reply && done < peer->reply_len) {
		ssize_t len = send(sock, peer->reply + done,
				   peer->reply_len - done, MSG_NOSIGNAL);

		if (len <= 0)
			break;
		done += len;
	}
	close(sock);
	return NULL;
}

static void begin(struct peer *peer, const char *reply, size_t len)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	memset(peer, 0, sizeof(*peer));
	peer->reply = reply;
	peer->reply_len = len;
	snprintf(peer->path, sizeof(peer->path), "/tmp/tarnctl-client-%d",
		 getpid());
	unlink(peer->path);
	strcpy(addr.sun_path, peer->path);
	peer->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(bind(peer->listener, (void *)&addr, sizeof(addr)), 0);
	CHECK_EQ(listen(peer->listener, 1), 0);
	pthread_create(&peer->thread, NULL, serve, peer);
}

static void end(struct peer *peer)
{
	pthread_join(peer->thread, NULL);
	close(peer->listener);
	unlink(peer->path);
}

static int ask(struct peer *peer, const char *reply, size_t len, int pass,
	       json_t **answer)
{
	int sock, ret;

	*answer = NULL;
	begin(peer, reply, len);
	sock = client_open(peer->path);
	CHECK(sock >= 0);
	ret = client_call(sock, json_pack("{s:s, s:i}", "cmd", "x", "n", 3),
			  pass, answer);
	close(sock);
	end(peer);
	return ret;
}

static void test_answer(void)
{
	static const char reply[] = "{\"ok\": true, \"n\": 12, \"s\": \"t\"}\n";
	struct peer peer;
	json_t *answer;

	CHECK_EQ(ask(&peer, reply, strlen(reply), -1, &answer), 0);
	CHECK_STR(peer.heard, "{\"cmd\":\"x\",\"n\":3}");
	CHECK_EQ(client_number(answer, "n"), 12);
	CHECK_EQ(client_number(answer, "none"), 0);
	CHECK_EQ(client_number(answer, "s"), 0);
	CHECK_STR(client_text(answer, "s"), "t");
	CHECK_STR(client_text(answer, "n"), "-");
	CHECK(!client_flag(answer, "n"));
	CHECK_EQ(peer.passed, 0);
	json_decref(answer);
}

static void test_pass(void)
{
	static const char reply[] = "{\"ok\": true}\n";
	int fd = open("/proc/self/exe", O_RDONLY);
	struct peer peer;
	struct stat st;
	json_t *answer;

	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(ask(&peer, reply, strlen(reply), fd, &answer), 0);
	CHECK_EQ(peer.passed, st.st_ino);
	json_decref(answer);
	close(fd);
}

static void test_refused(void)
{
	static const char reply[] =
		"{\"ok\": false, \"error\": \"in use\", \"errno\": \"EBUSY\"}\n";
	struct peer peer;
	json_t *answer;

	CHECK_EQ(ask(&peer, reply, strlen(reply), -1, &answer), -EREMOTEIO);
}

static void test_broken(void)
{
	static const char *const replies[] = {
		"\n", "{\n", "[]\n", "null\n", "{\"ok\": true,}\n",
		"{\"ok\": true} x\n", "{\"ok\": true, \"ok\": true}\n",
		"\xff\n",
	};
	struct peer peer;
	json_t *answer;
	size_t i;

	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		CHECK_EQ(ask(&peer, replies[i], strlen(replies[i]), -1,
			     &answer), -EPROTO);
	/* Without "ok" it is no yes, and not the no that says that nothing was done. */
	CHECK_EQ(ask(&peer, "{}\n", 3, -1, &answer), -EPROTO);
	CHECK_EQ(ask(&peer, "{\"ok\": 1}\n", 10, -1, &answer), -EPROTO);
	/* It hangs up: at once, and in the middle of a line. */
	CHECK_EQ(ask(&peer, NULL, 0, -1, &answer), -ECONNRESET);
	CHECK_EQ(ask(&peer, "{\"ok\"", 5, -1, &answer), -ECONNRESET);
}

static void test_long(void)
{
	size_t len = ANSWER_MAX + 10;
	char *reply = malloc(len);
	struct peer peer;
	json_t *answer;

	/* Longer than a socket's buffer, and then longer than any answer is. */
	memset(reply, ' ', len);
	memcpy(reply, "{\"ok\": true", 11);
	memcpy(reply + ANSWER_MAX - 2, "}\n", 2);
	CHECK_EQ(ask(&peer, reply, ANSWER_MAX, -1, &answer), 0);
	json_decref(answer);
	memset(reply + ANSWER_MAX - 2, ' ', 12);
	CHECK_EQ(ask(&peer, reply, len, -1, &answer), -EMSGSIZE);
	free(reply);
}

static void test_open(void)
{
	char path[200];
	struct peer peer;

	CHECK_EQ(client_open("/nonexistent/x.pager"), -ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	CHECK_EQ(client_open(path), -ENAMETOOLONG);
	/* A socket file that nobody listens at any more. */
	begin(&peer, NULL, 0);
	close(client_open(peer.path));
	pthread_join(peer.thread, NULL);
	close(peer.listener);
	CHECK_EQ(client_open(peer.path), -ECONNREFUSED);
	unlink(peer.path);
}

static const struct tap_test tests[] = {
	{ "an answer", test_answer },
	{ "a descriptor is passed", test_pass },
	{ "a pager that says no", test_refused },
	{ "answers that make no sense", test_broken },
	{ "long answers", test_long },
	{ "sockets that are not there", test_open },
};

TAP_MAIN(tests)
