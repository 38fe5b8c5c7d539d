// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl pager add, drain and resilver. A device is opened here and its
 * descriptor passed on, as a pager has given up the right to open one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/tarn_pager.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "command.h"
#include "commands.h"
#include "error.h"
#include "json.h"
#include "pager.h"
#include "size.h"
#include "text.h"

/* As a pager takes it on its command line. */
#define PRIORITY_MAX 1000

/* A number on the command line, or report that @what is none. */
static int parse_int(const char *what, const char *text, long min, long max,
		     long *val)
{
	char *end;

	errno = 0;
	*val = strtol(text, &end, 10);
	if (!errno && end != text && !*end && *val >= min && *val <= max)
		return 0;
	err("%s: wants a number from %ld to %ld, not '%s'", what, min, max,
	    text);
	return -EINVAL;
}

/*
 * Open a device to pass on. A file is created only when a size is given, so
 * that a misspelt device does not become a file in /dev.
 */
static int open_device(const char *path, bool create, bool *created)
{
	int flags = O_RDWR | O_CLOEXEC;
	struct stat st;
	int fd;

	/* A block device is claimed: one that is mounted can't be. */
	if (!stat(path, &st) && S_ISBLK(st.st_mode))
		flags |= O_EXCL;
	fd = open(path, flags);
	*created = fd < 0 && errno == ENOENT && create;
	if (*created)
		fd = open(path, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0600);
	if (fd < 0) {
		*created = false;
		if (errno == EBUSY) {
			err("%s is in use by a mount, a pager or a program",
			    path);
			return -EBUSY;
		}
		if (errno != ENOENT || create)
			return err_errno(-errno, "open %s", path);
		err("%s: there is no such device; a file is made when --size is given",
		    path);
		return -ENOENT;
	}
	/* Where there is no direct I/O, the pager says so and goes on. */
	fcntl(fd, F_SETFL, O_DIRECT);
	return fd;
}

/* The pager names a device by its path, which a relative one is not to it. */
static char *absolute_path(const char *path)
{
	char *full = realpath(path, NULL);

	if (!full)
		err_errno(-errno, "%s", path);
	return full;
}

static int add_options(json_t *request, const struct options *opts)
{
	uint64_t size;
	long priority;

	if (opts->priority) {
		if (parse_int("--priority", opts->priority, -PRIORITY_MAX, PRIORITY_MAX,
			      &priority))
			return EXIT_USAGE;
		json_object_set_new(request, "priority",
				    json_integer(priority));
	}
	if (opts->size) {
		if (size_parse_bytes(opts->size, &size)) {
			err("--size: '%s' is no size, give it a unit as in 8G",
			    opts->size);
			return EXIT_USAGE;
		}
		json_object_set_new(request, "size", json_integer(size));
	}
	if (opts->discard)
		json_object_set_new(request, "discard", json_true());
	return 0;
}

/*
 * What was created for a pager that has not said yes. Only one that says no has not
 * got it: another may be using the file already, or once it gets to the request.
 */
static void drop_created(const char *path, int ret)
{
	if (ret == -EREMOTEIO)
		unlink(path);
	else
		err("%s was created and is left there, as the pager may have taken it: see 'tarnctl pager show'",
		    path);
}

/* Send @request with the device at @path; both @request and @sock are used up. */
static int call_with_device(int sock, json_t *request, const char *path,
			    bool create, json_t **answer)
{
	bool created;
	char *full;
	int fd, ret;

	fd = open_device(path, create, &created);
	if (fd < 0) {
		ret = fd;
		goto out_request;
	}
	full = absolute_path(path);
	if (!full) {
		if (created)
			unlink(path);
		ret = -ENOENT;
		goto out_fd;
	}
	json_object_set_new(request, "path", json_text(full));
	free(full);
	ret = client_call(sock, json_incref(request), fd, answer);
	if (ret && created)
		drop_created(path, ret);
out_fd:
	close(fd);
out_request:
	json_decref(request);
	close(sock);
	return ret;
}

/* What the pager has to be given when it starts again. */
static void print_section(const char *path, const struct options *opts)
{
	char *full = absolute_path(path);

	if (!full)
		return;
	printf("For its next start add to the file of the pool, /etc/tarn/pools.d/NAME.conf:\n\n[device]\npath=%s\n", full);
	if (opts->priority)
		printf("priority=%s\n", opts->priority);
	if (opts->size)
		printf("size=%s\n", opts->size);
	if (opts->discard)
		puts("discard=on");
	free(full);
}

/* ---- dry runs --------------------------------------------------------------- */

/* Look at a device as the real thing would, and let it be. */
static int say_device(const char *path, const struct options *opts)
{
	struct stat st;
	int fd;

	if (stat(path, &st)) {
		if (errno != ENOENT || !opts->size) {
			err_errno(-errno, "%s", path);
			return -ENOENT;
		}
		printf("%s would be made and given to the pager\n", path);
		return 0;
	}
	fd = open(path, O_RDWR | O_CLOEXEC | (S_ISBLK(st.st_mode) ? O_EXCL : 0));
	if (fd < 0)
		return err_errno(-errno, "open %s", path);
	close(fd);
	printf("%s would be given to the pager; what is on it would be destroyed%s\n",
	       path, opts->force ? "" : ", which the pager refuses where it finds something");
	return 0;
}

/* A device of the pager by its number, NULL: it has none, reported. */
static json_t *find_device(const json_t *answer, long number)
{
	json_t *device;
	size_t i;

	json_array_foreach(json_object_get(answer, "devices"), i, device) {
		if (client_number(device, "device") == number)
			return device;
	}
	err("the pager has no device %ld, 'tarnctl pager show' numbers them",
	    number);
	return NULL;
}

static void print_drain(const json_t *device, const struct options *opts)
{
	json_t *leg = json_array_get(json_object_get(device, "legs"), 0);
	char used[SIZE_TEXT_MAX];
	char *path = text_clean(client_text(leg, "path"));

	printf("device %lld (%s): %s, %s is on it\n",
	       client_number(device, "device"), path ? path : "?",
	       opts->off ? "new pages would be stored again" :
			   "nothing new would be stored",
	       size_format_pages(used, client_number(device, "used"), false));
	free(path);
}

static int say_drain(int sock, long number, const struct options *opts)
{
	json_t *answer, *device;
	int ret = client_call(sock, json_pack("{s:s}", "cmd", "devices"), -1,
			      &answer);

	if (ret)
		return ret;
	device = find_device(answer, number);
	if (device)
		print_drain(device, opts);
	json_decref(answer);
	return device ? 0 : -ENOENT;
}

/* Legs that are not good would be made whole. */
static int say_resilver(int sock, long number, const struct options *opts)
{
	json_t *answer, *device, *leg;
	unsigned int count = 0;
	size_t i, j;
	int ret = client_call(sock, json_pack("{s:s}", "cmd", "devices"), -1,
			      &answer);

	if (ret)
		return ret;
	json_array_foreach(json_object_get(answer, "devices"), i, device) {
		if (opts->device && client_number(device, "device") != number)
			continue;
		json_array_foreach(json_object_get(device, "legs"), j, leg)
			count += !!strcmp(client_text(leg, "state"), "good");
	}
	json_decref(answer);
	printf("%u half%s of mirrors would be made whole%s%s\n", count,
	       count == 1 ? "" : "s", opts->replace ? " on " : "",
	       opts->replace ? opts->replace : "");
	return opts->replace ? say_device(opts->replace, opts) : 0;
}

/* ---- subcommands ------------------------------------------------------------ */

int pager_add_device(int argc, char **argv, const struct options *opts)
{
	const char *path = argv[argc - 1];
	json_t *request, *answer;
	int sock, ret;

	request = json_pack("{s:s, s:b}", "cmd", "add", "force",
			    opts->force);
	if (!request)
		return err_nomem();
	ret = add_options(request, opts);
	if (ret) {
		json_decref(request);
		return ret;
	}
	sock = pager_open(argc > 1 ? argv[0] : NULL, opts);
	if (sock < 0) {
		json_decref(request);
		return sock;
	}
	if (opts->dry_run) {
		json_decref(request);
		close(sock);
		return say_device(path, opts);
	}
	ret = call_with_device(sock, request, path, opts->size, &answer);
	if (ret)
		return ret;
	printf("%s is device %lld\n", path, client_number(answer, "device"));
	json_decref(answer);
	return 0;
}

int pager_add_main(int argc, char **argv, const struct options *opts)
{
	int ret = pager_add_device(argc, argv, opts);

	if (!ret && !opts->dry_run)
		print_section(argv[argc - 1], opts);
	return ret;
}

int pager_drain_main(int argc, char **argv, const struct options *opts)
{
	json_t *answer;
	long device;
	int sock, ret;

	if (parse_int("tarnctl pager drain", argv[argc - 1], 0,
		      TARN_GRANT_MAX_DEVICES - 1, &device))
		return EXIT_USAGE;
	sock = pager_open(argc > 1 ? argv[0] : NULL, opts);
	if (sock < 0)
		return sock;
	if (opts->dry_run) {
		ret = say_drain(sock, device, opts);
		close(sock);
		return ret;
	}
	ret = client_call(sock,
			  json_pack("{s:s, s:I, s:b}", "cmd", "drain",
				    "device", (json_int_t)device, "on",
				    !opts->off),
			  -1, &answer);
	close(sock);
	if (!ret)
		json_decref(answer);
	return ret;
}

int pager_resilver_main(int argc, char **argv, const struct options *opts)
{
	json_t *request, *answer;
	long device = -1;
	int sock, ret;

	if (opts->replace && !opts->device) {
		err("tarnctl pager resilver: --replace wants --device, too");
		return EXIT_USAGE;
	}
	if (opts->device && parse_int("--device", opts->device, 0, TARN_GRANT_MAX_DEVICES - 1,
				      &device))
		return EXIT_USAGE;
	request = json_pack("{s:s}", "cmd", "resilver");
	if (!request)
		return err_nomem();
	if (opts->device)
		json_object_set_new(request, "device", json_integer(device));
	sock = pager_open(argv[0], opts);
	if (sock < 0) {
		json_decref(request);
		return sock;
	}
	if (opts->dry_run) {
		ret = say_resilver(sock, device, opts);
		json_decref(request);
		close(sock);
		return ret;
	}
	if (opts->replace) {
		json_object_set_new(request, "force",
				    json_boolean(opts->force));
		ret = call_with_device(sock, request, opts->replace, false,
				       &answer);
	} else {
		ret = client_call(sock, request, -1, &answer);
		close(sock);
	}
	if (ret)
		return ret;
	printf("re-silvering of %lld started, 'tarnctl pager show' shows how far it is\n", client_number(answer, "started"));
	if (opts->replace)
		printf("In the file of the pool, /etc/tarn/pools.d/NAME.conf, put %s in the place of the old device\n",
		       opts->replace);
	json_decref(answer);
	return 0;
}
