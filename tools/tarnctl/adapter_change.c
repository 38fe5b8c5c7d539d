// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl adapter grant, revoke, destroy, reset and events. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "adapter_client.h"
#include "client.h"
#include "commands.h"
#include "error.h"
#include "json.h"
#include "text.h"

/* What all of them tell at the end. */
static int print_end(json_t *answer, const struct options *opts)
{
	json_int_t fenced = client_number(answer, "fenced");

	if (opts->json) {
		json_object_del(answer, "type");
		return json_print(answer, JSON_INDENT(2));
	}
	if (json_object_get(answer, "took_ms"))
		printf("done in %lld ms\n", client_number(answer, "took_ms"));
	if (fenced)
		printf("%lld guest%s did not acknowledge: offline until it does\n", fenced,
		       fenced == 1 ? "" : "s");
	json_decref(answer);
	return err_stdout();
}

/* ---- grant ------------------------------------------------------------------------------ */

#define AMOUNTS 2

/**
 * struct wish - an amount on the command line: "queues=3", "interrupts=+1"
 * @key: which, as in messages
 * @number: how many
 * @more: beyond what is there
 */
struct wish {
	const char *key;
	long number;
	bool more;
};

/* Return: 0 or ERR_USAGE, reported. */
static int parse_wish(struct wish *wish, const char *word)
{
	static const char *const keys[AMOUNTS] = { "queues", "interrupts" };
	size_t len = strcspn(word, "="), i;
	const char *value = word + len + 1;
	char *end;

	for (i = 0; i < AMOUNTS; i++) {
		if (strlen(keys[i]) == len && !strncmp(word, keys[i], len))
			break;
	}
	if (i == AMOUNTS) {
		err("tarnctl adapter grant: there is queues= and interrupts=, not '%s'", word);
		return ERR_USAGE;
	}
	*wish = (struct wish){ .key = keys[i], .more = *value == '+' || *value == '-' };
	errno = 0;
	wish->number = strtol(value, &end, 10);
	if (!errno && end != value && !*end && labs(wish->number) <= UINT16_MAX)
		return 0;
	err("tarnctl adapter grant: %s= wants a number, or +N or -N, not '%s'", keys[i], value);
	return ERR_USAGE;
}

static int add_amount(json_t *request, const json_t *group, const struct wish *wish)
{
	json_int_t has = wish->more ? client_number(group, wish->key) : 0;

	if (has + wish->number >= 0)
		return json_object_set_new(request, wish->key,
					   json_integer(has + wish->number)) ? err_nomem() : 0;
	err("it has %lld %s", has, wish->key);
	return -ERANGE;
}

/* Return: the group of that name, borrowed, or NULL, reported. */
static json_t *find_group(const json_t *answer, const char *name)
{
	json_t *group;
	size_t i;

	json_array_foreach(json_object_get(answer, "groups"), i, group) {
		if (!strcmp(client_text(group, "group"), name))
			return group;
	}
	err("there is no group '%s' ('tarnctl adapter group' lists them)", name);
	return NULL;
}

/* Return: the request, or NULL; *@ret says how it went. */
static json_t *make_request(const json_t *group, const struct wish *wishes, int count,
			    const struct options *opts, int *ret)
{
	json_t *request = json_pack("{s:s, s:s, s:b}", "type", "share", "group",
				    client_text(group, "group"), "dry", opts->dry_run);
	int i;

	*ret = request ? 0 : err_nomem();
	if (!*ret && opts->from)
		json_object_set_new(request, "from", json_string(opts->from));
	for (i = 0; !*ret && i < count; i++)
		*ret = add_amount(request, group, &wishes[i]);
	if (!*ret)
		return request;
	json_decref(request);
	return NULL;
}

static int grant(int sock, const char *name, const struct wish *wishes, int count,
		 const struct options *opts)
{
	json_t *now = adapter_client_ask(sock, json_pack("{s:s}", "type", "show"));
	json_t *group = now ? find_group(now, name) : NULL;
	json_t *request, *answer;
	int ret = -EIO;

	request = group ? make_request(group, wishes, count, opts, &ret) : NULL;
	json_decref(now);
	if (!request)
		return ret;
	answer = adapter_client_ask(sock, request);
	if (!answer)
		return -EREMOTEIO;
	if (!opts->dry_run)
		return print_end(answer, opts);
	ret = adapter_print_plan(answer, opts);
	json_decref(answer);
	return ret;
}

int adapter_grant_main(int argc, char **argv, const struct options *opts)
{
	struct wish wishes[AMOUNTS];
	int names = 0, count = 0, sock, ret;

	while (names < argc && !strchr(argv[names], '='))
		names++;
	if (names < 1 || names > 2 || argc - names > AMOUNTS) {
		err("tarnctl adapter grant: tarnctl adapter grant [ADAPTER] GROUP [queues=N] [interrupts=N]");
		return EXIT_USAGE;
	}
	if (names == argc && (opts->from || opts->dry_run)) {
		err("tarnctl adapter grant: how much? queues=N or interrupts=N");
		return EXIT_USAGE;
	}
	for (; names + count < argc; count++) {
		if (parse_wish(&wishes[count], argv[names + count]))
			return EXIT_USAGE;
	}
	sock = adapter_client_open(names > 1 ? argv[0] : NULL);
	if (sock < 0)
		return sock;
	ret = grant(sock, argv[names - 1], wishes, count, opts);
	close(sock);
	return ret;
}

/* ---- revoke, destroy, reset --------------------------------------------------------------- */

static int end_group(const char *type, int argc, char **argv, const struct options *opts)
{
	json_t *answer;

	answer = adapter_client_once(argc > 1 ? argv[0] : NULL,
				     json_pack("{s:s, s:s}", "type", type, "group",
					       argv[argc - 1]));
	return answer ? print_end(answer, opts) : -EREMOTEIO;
}

int adapter_revoke_main(int argc, char **argv, const struct options *opts)
{
	return end_group("revoke", argc, argv, opts);
}

int adapter_destroy_main(int argc, char **argv, const struct options *opts)
{
	return end_group("destroy", argc, argv, opts);
}

int adapter_reset_main(int argc, char **argv, const struct options *opts)
{
	json_t *answer = adapter_client_once(argv[0], json_pack("{s:s}", "type", "reset"));

	return answer ? print_end(answer, opts) : -EREMOTEIO;
}

/* ---- events -------------------------------------------------------------------------------- */

static int print_event(json_t *event, const struct options *opts)
{
	const char *bdf = client_text(event, "bdf");
	char *text = text_clean(client_text(event, "text")), when[32];
	time_t seconds = json_number_value(json_object_get(event, "time"));
	struct tm tm;

	if (opts->json) {
		free(text);
		json_object_del(event, "type");
		return json_print(event, JSON_COMPACT);
	}
	localtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%F %T", &tm);
	printf("%s  %s  %s: %s\n", when,
	       strcmp(bdf, "-") ? bdf : client_text(event, "adapter"),
	       client_text(event, "event"), text ? text : "?");
	free(text);
	json_decref(event);
	return err_stdout();
}

int adapter_events_main(int argc, char **argv, const struct options *opts)
{
	int sock = adapter_client_open(argv[0]), ret = 0;
	const struct timeval forever = { 0 };
	unsigned int shown = 0;
	json_t *message;

	if (sock < 0)
		return sock;
	message = adapter_client_ask(sock, json_pack("{s:s}", "type", "events"));
	if (!message)
		ret = -EIO;
	json_decref(message);
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
	while (!ret && (!opts->count || shown < opts->count)) {
		message = adapter_client_read(sock);
		if (!message)
			break;
		ret = print_event(message, opts);
		shown++;
	}
	close(sock);
	return ret;
}
