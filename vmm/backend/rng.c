// SPDX-License-Identifier: GPL-2.0-only
/* Sources of random numbers by their id; see rng.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "backend/rng.h"
#include "error.h"
#include "lib/opts.h"

struct rng {
	char *id;
	int fd; /* -1: getrandom() */
	struct rng *next;
};

static struct rng *rngs;
static struct rng builtin = {.fd = -1};

struct rng *rng_find(const char *id)
{
	struct rng *rng;

	if (!id)
		return &builtin;
	for (rng = rngs; rng; rng = rng->next)
		if (!strcmp(rng->id, id))
			return rng;
	return NULL;
}

static int open_file(struct rng *rng, struct opts *opts)
{
	const char *path = "/dev/urandom";
	int ret = opts_get_str(opts, "filename", &path);

	if (ret)
		return ret;
	rng->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return rng->fd < 0 ? err_errno(-errno, "cannot open '%s'", path) : 0;
}

int rng_create(struct opts *opts)
{
	static const char *const types[] = {"rng-builtin", "rng-random", NULL};
	struct rng *rng;
	const char *id;
	int type = 0, ret;

	if ((ret = opts_get_enum(opts, "qom-type", types, &type)) ||
	    (ret = opts_need_str(opts, "id", &id)))
		return ret;
	if (rng_find(id))
		return opts_fail(opts, "duplicate id '%s'", id);
	rng = calloc(1, sizeof(*rng));
	if (!rng)
		return -ENOMEM;
	rng->fd = -1;
	ret = -ENOMEM;
	rng->id = strdup(id);
	if (!rng->id)
		goto err_free;
	ret = type ? open_file(rng, opts) : 0;
	if (ret)
		goto err_free;
	rng->next = rngs;
	rngs = rng;
	return 0;

err_free:
	free(rng->id);
	free(rng);
	return ret;
}

ssize_t rng_read(struct rng *rng, void *buf, size_t len)
{
	ssize_t n;

	do
		n = rng->fd < 0 ? getrandom(buf, len, GRND_NONBLOCK) :
				  read(rng->fd, buf, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int rng_fd(const struct rng *rng)
{
	return rng->fd;
}

void rng_destroy_all(void)
{
	struct rng *rng;

	while ((rng = rngs)) {
		rngs = rng->next;
		if (rng->fd >= 0)
			close(rng->fd);
		free(rng->id);
		free(rng);
	}
}
