// SPDX-License-Identifier: GPL-2.0-only
/*
 * See http.h. Each socket has a thread of libmicrohttpd, and each request opens the
 * history anew, so that no reader keeps its log from being folded.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#include <microhttpd.h>

#include "api.h"
#include "error.h"
#include "http.h"
#include "metrics.h"
#include "page.h"
#include "pool.h"

/*
 * Beyond that many the oldest is closed for one that is new: who says nothing, or reads
 * slowly, keeps nobody out. The library refuses new ones itself where it has too many, so
 * that its limit is higher.
 */
#define CONNECTIONS_MAX 64
#define CONNECTIONS_SPARE 64
#define SECONDS_IDLE 5
#define MEMORY_MAX (32 << 10)
#define RANGE_DEFAULT 3600
/*
 * Bytes of answers that were not sent yet, of all connections: who asks and does not read
 * has them kept until it is closed. One answer may have more. The unit has MemoryMax=256M.
 */
#ifndef UNSENT_MAX
#define UNSENT_MAX (64 << 20)
#endif
#define SEND_BLOCK (32 << 10)

#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; version=0.0.4; charset=utf-8"
#define TYPE_OPEN "application/openmetrics-text; version=1.0.0; charset=utf-8"

/**
 * struct client - a connection
 * @fd: the library's
 * @link: in clients of the server, unless it is being closed
 */
struct client {
	int fd;
	bool linked;
	TAILQ_ENTRY(client) link;
};

/**
 * struct server - a socket that is served
 * @daemon: of libmicrohttpd
 * @opts: how to answer
 * @local: it is a unix socket
 * @clients: the oldest first; its thread's alone
 * @count: of them
 */
struct server {
	struct MHD_Daemon *daemon;
	const struct http_options *opts;
	bool local;
	TAILQ_HEAD(, client) clients;
	unsigned int count;
};

/**
 * struct answer - of a request
 * @status: of HTTP
 * @type: of @body
 * @body: memory to be freed, or NULL
 * @len: of it
 */
struct answer {
	unsigned int status;
	const char *type;
	char *body;
	size_t len;
};

/**
 * struct body - of an answer that is being sent
 * @text: memory to be freed
 * @len: of it, which is part of unsent
 */
struct body {
	char *text;
	size_t len;
};

/* Of all threads: bytes of bodies that are there. */
static atomic_size_t unsent;

/* ---- sending ------------------------------------------------------------ */

static const char *const headers[][2] = {
	{ "Content-Security-Policy",
	  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Cache-Control", "no-store" },
};

static enum MHD_Result queue(struct MHD_Connection *connection,
			     struct MHD_Response *response,
			     const struct answer *answer)
{
	enum MHD_Result ret;
	size_t i;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", answer->type);
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		MHD_add_response_header(response, headers[i][0], headers[i][1]);
	if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	ret = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return ret;
}

static ssize_t read_body(void *arg, uint64_t pos, char *buf, size_t max)
{
	const struct body *body = arg;
	size_t left = body->len - pos;

	if (!left)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (max > left)
		max = left;
	memcpy(buf, body->text + pos, max);
	return max;
}

static void free_body(void *arg)
{
	struct body *body = arg;

	atomic_fetch_sub(&unsent, body->len);
	free(body->text);
	free(body);
}

/* Whether @len bytes more may wait. One thread at a time asks, and adds. */
static bool has_room(size_t len)
{
	size_t now = atomic_load(&unsent);

	return !now || (now < UNSENT_MAX && len <= UNSENT_MAX - now);
}

/* Takes over the body. */
static struct MHD_Response *make_response(struct answer *answer)
{
	struct body *body = malloc(sizeof(*body));
	struct MHD_Response *response;

	if (!body) {
		free(answer->body);
		return NULL;
	}
	*body = (struct body){ answer->body, answer->len };
	atomic_fetch_add(&unsent, body->len);
	response = MHD_create_response_from_callback(body->len, SEND_BLOCK,
						     read_body, body, free_body);
	if (!response)
		free_body(body);
	return response;
}

static enum MHD_Result send_text(struct MHD_Connection *connection,
				 unsigned int status, const char *text)
{
	struct answer answer = { .status = status,
				 .type = "text/plain; charset=utf-8" };

	return queue(connection,
		     MHD_create_response_from_buffer(strlen(text), (void *)text,
						     MHD_RESPMEM_PERSISTENT),
		     &answer);
}

/* ---- answers ------------------------------------------------------------ */

static bool wants_open(struct MHD_Connection *connection)
{
	const char *accept = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, "Accept");

	return accept && strstr(accept, "application/openmetrics-text");
}

static int answer_metrics(struct MHD_Connection *connection,
			  struct history *history, struct answer *answer)
{
	bool open = wants_open(connection);
	struct latest latest;
	int ret;
	FILE *f;

	ret = latest_read(&latest, history, time(NULL));
	if (ret)
		return ret;
	f = open_memstream(&answer->body, &answer->len);
	ret = f ? metrics_write(f, &latest, open) : -ENOMEM;
	if (f && fclose(f))
		ret = -ENOMEM;
	latest_free(&latest);
	answer->type = open ? TYPE_OPEN : TYPE_TEXT;
	return ret;
}

/* Takes over @value. */
static int answer_json(struct answer *answer, json_t *value)
{
	if (!value)
		return -EIO;
	answer->body = json_dumps(value, JSON_COMPACT);
	json_decref(value);
	if (!answer->body)
		return -ENOMEM;
	answer->len = strlen(answer->body);
	answer->type = TYPE_JSON;
	return 0;
}

static int answer_pools(struct history *history, struct answer *answer)
{
	struct latest latest;
	int ret = latest_read(&latest, history, time(NULL));

	if (ret)
		return ret;
	ret = answer_json(answer, api_pools(&latest));
	latest_free(&latest);
	return ret;
}

static int get_number(struct MHD_Connection *connection, const char *name,
		      int64_t *val)
{
	const char *text = MHD_lookup_connection_value(
		connection, MHD_GET_ARGUMENT_KIND, name);
	char *end;

	if (!text)
		return 0;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*val = strtoll(text, &end, 10);
	/* Room for the nanoseconds of it. */
	return errno || *end || *val > INT64_MAX / 2000000000 ? -EINVAL : 0;
}

/* @path: takes the place of the pool, PATH_MAX */
static int get_range(struct MHD_Connection *connection, struct api_range *range,
		     char *path)
{
	const char *pool = MHD_lookup_connection_value(
		connection, MHD_GET_ARGUMENT_KIND, "pool");
	int64_t partition = TARN_PARTITION_NONE;
	time_t now = time(NULL);

	range->since = now - RANGE_DEFAULT;
	range->until = (int64_t)now + 1;
	if (get_number(connection, "since", &range->since) ||
	    get_number(connection, "until", &range->until) ||
	    get_number(connection, "partition", &partition) ||
	    partition > UINT32_MAX || range->since >= range->until ||
	    range->until - range->since > 2 * HISTORY_MINUTES_KEPT)
		return -EINVAL;
	if (pool)
		pool_dir(path, pool);
	range->pool = pool ? path : NULL;
	range->partition = partition;
	return 0;
}

static int answer_past(struct MHD_Connection *connection, const char *url,
		       struct history *history, struct answer *answer)
{
	bool events = !strcmp(url, "/api/events");
	struct api_range range;
	char path[PATH_MAX];

	if (get_range(connection, &range, path) || (!events && !range.pool))
		return -EINVAL;
	return answer_json(answer, events ? api_events(history, &range) :
					    api_timeline(history, &range));
}

/* What goes wrong is said once, not with each request. */
static void report_new(void)
{
	static char said[1200];
	const char *text = err_take();

	if (*text && strcmp(text, said))
		fputs(text, stderr);
	snprintf(said, sizeof(said), "%s", text);
}

static int answer_data(struct MHD_Connection *connection, const char *url,
		       const struct http_options *opts, struct answer *answer)
{
	struct history *history;
	int ret;

	/* Not even made where there is no room for any. */
	if (!has_room(1))
		return -ENOBUFS;
	ret = history_open(&history, opts->history);
	if (ret)
		return ret;
	if (!strcmp(url, "/metrics"))
		ret = answer_metrics(connection, history, answer);
	else if (!strcmp(url, "/api/pools"))
		ret = answer_pools(history, answer);
	else
		ret = answer_past(connection, url, history, answer);
	history_close(history);
	return ret || has_room(answer->len) ? ret : -ENOBUFS;
}

static bool is_data(const struct http_options *opts, const char *url)
{
	if (!strcmp(url, "/metrics"))
		return true;
	return opts->page && (!strcmp(url, "/api/pools") ||
			      !strcmp(url, "/api/timeline") ||
			      !strcmp(url, "/api/events"));
}

static enum MHD_Result send_data(struct MHD_Connection *connection,
				 const char *url, const struct http_options *opts)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct answer answer = { .status = MHD_HTTP_OK, .type = TYPE_JSON };
	struct MHD_Response *response = NULL;
	int ret;

	/* One at a time: who asks much takes one processor at most. */
	pthread_mutex_lock(&lock);
	err_defer(true);
	ret = answer_data(connection, url, opts, &answer);
	report_new();
	err_defer(false);
	if (!ret)
		response = make_response(&answer);
	pthread_mutex_unlock(&lock);
	if (!ret)
		return queue(connection, response, &answer);
	free(answer.body);
	if (ret == -ENOBUFS)
		return send_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				 "Too much is being sent: ask again\n");
	if (ret == -EINVAL)
		return send_text(connection, MHD_HTTP_BAD_REQUEST,
				 "pool, partition, since and until are names and numbers\n");
	return send_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			 "The history cannot be read: is tarn-logd running?\n");
}

static enum MHD_Result send_page(struct MHD_Connection *connection,
				 const char *url)
{
	struct answer answer = { .status = MHD_HTTP_OK };
	const struct page *page = page_find(url);

	if (!page)
		return send_text(connection, MHD_HTTP_NOT_FOUND,
				 "There is no such page\n");
	answer.type = page->type;
	return queue(connection,
		     MHD_create_response_from_buffer(strlen(page->text),
						     (void *)page->text,
						     MHD_RESPMEM_PERSISTENT),
		     &answer);
}

/* ---- requests ----------------------------------------------------------- */

/* @host: "name", "name:port", "[::1]:port" */
static size_t host_length(const char *host)
{
	const char *end = *host == '[' ? strchr(host, ']') : NULL;

	return end ? (size_t)(end + 1 - host) : strcspn(host, ":");
}

static bool is_host(const char *host, size_t len, const char *name)
{
	return strlen(name) == len && !strncasecmp(host, name, len);
}

bool http_host_allowed(const struct http_options *opts, const char *host)
{
	static const char *const loopback[] = { "localhost", "127.0.0.1",
						"[::1]" };
	size_t len = host ? host_length(host) : 0, i;

	for (i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++) {
		if (host && is_host(host, len, loopback[i]))
			return true;
	}
	for (i = 0; i < opts->hosts_count; i++) {
		if (host && is_host(host, len, opts->hosts[i]))
			return true;
	}
	return false;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      const char *version, const char *data,
			      size_t *size, void **state)
{
	static int begun;
	const struct server *server = arg;
	const char *host = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, "Host");

	/* The first call has the headers alone, of a body nothing is wanted. */
	if (!*state) {
		*state = &begun;
		return MHD_YES;
	}
	if (*size) {
		*size = 0;
		return MHD_YES;
	}
	if (!server->local && !http_host_allowed(server->opts, host))
		return send_text(connection, MHD_HTTP_FORBIDDEN,
				 "Not by this name: see --host in tarn-exporter(8)\n");
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				 "It can only be read\n");
	if (is_data(server->opts, url))
		return send_data(connection, url, server->opts);
	if (server->opts->page)
		return send_page(connection, url);
	return send_text(connection, MHD_HTTP_NOT_FOUND,
			 "There is /metrics alone\n");
}

/* ---- connections -------------------------------------------------------- */

static void forget(struct server *server, struct client *client)
{
	if (!client->linked)
		return;
	TAILQ_REMOVE(&server->clients, client, link);
	client->linked = false;
	server->count--;
}

/* The library finds it closed and does the rest. */
static void close_oldest(struct server *server)
{
	struct client *oldest = TAILQ_FIRST(&server->clients);

	shutdown(oldest->fd, SHUT_RDWR);
	forget(server, oldest);
}

static void connected(struct server *server, struct MHD_Connection *connection,
		      void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct client *client = info ? calloc(1, sizeof(*client)) : NULL;

	*context = client;
	if (!client)
		return;
	client->fd = info->connect_fd;
	client->linked = true;
	TAILQ_INSERT_TAIL(&server->clients, client, link);
	if (++server->count > CONNECTIONS_MAX)
		close_oldest(server);
}

static void notify(void *arg, struct MHD_Connection *connection, void **context,
		   enum MHD_ConnectionNotificationCode code)
{
	struct server *server = arg;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		connected(server, connection, context);
	} else if (*context) {
		forget(server, *context);
		free(*context);
		*context = NULL;
	}
}

void *http_start(int fd, bool local, const struct http_options *opts)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server) {
		err_nomem();
		return NULL;
	}
	server->opts = opts;
	server->local = local;
	TAILQ_INIT(&server->clients);
	server->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL,
		handle, server,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX + CONNECTIONS_SPARE,
		MHD_OPTION_NOTIFY_CONNECTION, notify, server,
		MHD_OPTION_CONNECTION_TIMEOUT, SECONDS_IDLE,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX,
		MHD_OPTION_END);
	if (server->daemon)
		return server;
	free(server);
	err("libmicrohttpd does not start: too few descriptors or threads?");
	return NULL;
}

void http_stop(void *arg)
{
	struct server *server = arg;

	if (!server)
		return;
	MHD_stop_daemon(server->daemon);
	free(server);
}
