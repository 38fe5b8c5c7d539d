// SPDX-License-Identifier: GPL-2.0-only
/* Secrets by their id; see secret.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/secret.h"
#include "error.h"
#include "lib/opts.h"

#define SECRET_MAX 4096

struct secret {
	char *id;
	size_t len;
	u8 data[SECRET_MAX];
	LIST_ENTRY(secret) link;
};

static LIST_HEAD(, secret) secrets = LIST_HEAD_INITIALIZER(secrets);

static struct secret *find(const char *id)
{
	struct secret *s;

	LIST_FOREACH(s, &secrets, link)
		if (!strcmp(s->id, id))
			return s;
	return NULL;
}

static void secret_free(struct secret *s)
{
	explicit_bzero(s->data, sizeof(s->data));
	free(s->id);
	free(s);
}

static int read_file(struct secret *s, const char *path)
{
	/* Opening a pipe would wait for its other end. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret = 0;
	struct stat st;
	ssize_t n = 1;
	u8 more;

	if (fd < 0)
		return err_errno(-errno, "cannot open the secret '%s'", path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_errno(-EINVAL, "the secret '%s' is no plain file",
				 path);
	}
	while (n > 0 && s->len < sizeof(s->data)) {
		n = read(fd, s->data + s->len, sizeof(s->data) - s->len);
		if (n > 0)
			s->len += n;
	}
	if (n < 0)
		ret = err_errno(-errno, "cannot read the secret '%s'", path);
	else if (n > 0 && read(fd, &more, 1) == 1)
		ret = err_errno(-EFBIG, "the secret '%s' is longer than %d bytes",
				path, SECRET_MAX);
	close(fd);
	return ret;
}

static int fill(struct secret *s, struct opts *opts)
{
	static const char *const formats[] = {"raw", NULL};
	const char *file = NULL, *data = NULL;
	int format, ret;

	if ((ret = opts_get_str(opts, "file", &file)) ||
	    (ret = opts_get_str(opts, "data", &data)) ||
	    (ret = opts_get_enum(opts, "format", formats, &format)))
		return ret;
	if (!file == !data)
		return opts_fail(opts, "give either file= or data=");
	if (file)
		return read_file(s, file);
	s->len = strlen(data);
	if (s->len > sizeof(s->data))
		return opts_fail(opts, "the secret is longer than %d bytes",
				 SECRET_MAX);
	memcpy(s->data, data, s->len);
	return 0;
}

int secret_create(struct opts *opts)
{
	struct secret *s;
	const char *id;
	int ret;

	opts_ignore(opts, "qom-type");
	ret = opts_need_str(opts, "id", &id);
	if (ret)
		return ret;
	if (find(id))
		return opts_fail(opts, "duplicate object id '%s'", id);
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->id = strdup(id);
	ret = s->id ? fill(s, opts) : -ENOMEM;
	if (ret) {
		secret_free(s);
		return ret;
	}
	LIST_INSERT_HEAD(&secrets, s, link);
	return 0;
}

const u8 *secret_find(const char *id, size_t *len)
{
	struct secret *s = find(id);

	if (!s)
		return NULL;
	*len = s->len;
	return s->data;
}

int secret_destroy(const char *id)
{
	struct secret *s = find(id);

	if (!s)
		return -ENOENT;
	LIST_REMOVE(s, link);
	secret_free(s);
	return 0;
}

void secret_destroy_all(void)
{
	struct secret *s;

	while ((s = LIST_FIRST(&secrets))) {
		LIST_REMOVE(s, link);
		secret_free(s);
	}
}
