// SPDX-License-Identifier: GPL-2.0-only
/* See adapter_client.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "../tarn-adapter/wire.h"
#include "adapter_client.h"
#include "client.h"
#include "error.h"

/* It answers when owners have acknowledged or were fenced, which it waits for ten minutes. */
#define TIMEOUT_SECONDS 1300

/* ---- which there are ------------------------------------------------------------------ */

static bool is_socket(const char *name)
{
	size_t len = strlen(name), end = strlen(WIRE_SUFFIX);

	return len > end && !strcmp(name + len - end, WIRE_SUFFIX);
}

static int add_name(struct adapter_names *names, const char *name)
{
	char **items = reallocarray(names->items, names->count + 1, sizeof(*items));

	if (!items)
		return err_nomem();
	names->items = items;
	items[names->count] = strndup(name, strlen(name) - strlen(WIRE_SUFFIX));
	if (!items[names->count])
		return err_nomem();
	names->count++;
	return 0;
}

int adapter_names_read(struct adapter_names *names)
{
	struct dirent **entries;
	int count, i, ret = 0;

	*names = (struct adapter_names){ 0 };
	count = scandir(WIRE_DIR, &entries, NULL, alphasort);
	if (count < 0)
		return errno == ENOENT ? 0 : err_errno(-errno, WIRE_DIR);
	for (i = 0; i < count; i++) {
		if (!ret && is_socket(entries[i]->d_name))
			ret = add_name(names, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (ret)
		adapter_names_free(names);
	return ret;
}

void adapter_names_free(struct adapter_names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct adapter_names){ 0 };
}

/* "02:00.0" means "0000:02:00.0". */
static bool is_meant(const char *item, const char *name)
{
	return !strcasecmp(item, name) ||
	       (!strncmp(item, "0000:", 5) && !strcasecmp(item + 5, name));
}

/* Return: the one that is meant, of @names, or NULL, reported. */
static const char *choose(const struct adapter_names *names, const char *name)
{
	size_t i;

	for (i = 0; name && i < names->count; i++) {
		if (is_meant(names->items[i], name))
			return names->items[i];
	}
	if (!name && names->count == 1)
		return names->items[0];
	if (!names->count)
		err("no adapter has a manager: systemctl start tarn-adapter@ADDRESS");
	else if (name)
		err("adapter '%s' has no manager ('tarnctl adapter list' lists those that have one)",
		    name);
	else
		err("there are several adapters, which one is meant? 'tarnctl adapter list' lists them");
	return NULL;
}

/* ---- talking -------------------------------------------------------------------------- */

static int connect_to(const char *name)
{
	const struct timeval timeout = { .tv_sec = TIMEOUT_SECONDS };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock, ret;

	snprintf(addr.sun_path, sizeof(addr.sun_path), WIRE_DIR "/%.64s" WIRE_SUFFIX, name);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_errno(-errno, "make a socket");
	if (!setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) &&
	    !connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		return sock;
	ret = -errno;
	close(sock);
	if (ret == -ECONNREFUSED)
		err("the manager of %s has ended: systemctl start tarn-adapter@%s", name, name);
	else
		err_errno(ret, "%s", addr.sun_path);
	return ret;
}

int adapter_client_open(const char *name)
{
	struct adapter_names names;
	const char *meant;
	int ret = adapter_names_read(&names);

	if (ret)
		return ret;
	meant = choose(&names, name);
	ret = meant ? connect_to(meant) : -ENODEV;
	adapter_names_free(&names);
	return ret;
}

json_t *adapter_client_read(int sock)
{
	char *text = malloc(WIRE_ANSWER_MAX);
	json_t *message = NULL;
	json_error_t error;
	ssize_t len;

	if (!text) {
		err_nomem();
		return NULL;
	}
	do
		len = recv(sock, text, WIRE_ANSWER_MAX, 0);
	while (len < 0 && errno == EINTR);
	if (len < 0) {
		err_errno(-errno, "no answer of the manager");
	} else if (len) {
		message = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
		if (!json_is_object(message)) {
			err("what the manager says makes no sense: %s", error.text);
			json_decref(message);
			message = NULL;
		}
	}
	free(text);
	return message;
}

static int send_request(int sock, json_t *request)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int ret = 0;

	json_decref(request);
	if (!text)
		return err_nomem();
	if (send(sock, text, strlen(text), MSG_NOSIGNAL) < 0)
		ret = err_errno(-errno, "ask the manager");
	free(text);
	return ret;
}

json_t *adapter_client_ask(int sock, json_t *request)
{
	json_t *answer = send_request(sock, request) ? NULL : adapter_client_read(sock);

	if (!answer || !strcmp(client_text(answer, "type"), "ok"))
		return answer;
	err("%s", client_text(answer, "text"));
	json_decref(answer);
	return NULL;
}

json_t *adapter_client_once(const char *name, json_t *request)
{
	int sock = adapter_client_open(name);
	json_t *answer;

	if (sock < 0) {
		json_decref(request);
		return NULL;
	}
	answer = adapter_client_ask(sock, request);
	close(sock);
	return answer;
}
