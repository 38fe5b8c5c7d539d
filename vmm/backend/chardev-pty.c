// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chardev "pty": a new pseudo terminal that somebody may open.
 *
 * The kernel tells the master at once when the last user of the terminal goes
 * away (EIO), but says nothing when the first one comes, so while nobody is
 * there a slow timer looks.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "backend/chardev-fd.h"
#include "error.h"
#include "loop.h"
#include "vm.h"

#define LOOK_NS 250000000ULL

struct chr_pty {
	struct chr_fd cf;
	int fd;
	struct loop_timer *timer;
};

static struct chr_pty *to_pty(struct chr_fd *cf)
{
	return container_of(cf, struct chr_pty, cf);
}

static void look_later(struct chr_pty *pty)
{
	if (pty->timer)
		loop_timer_set(pty->timer, loop_now() + LOOK_NS);
}

static void look(void *arg)
{
	struct chr_pty *pty = arg;
	struct pollfd p = {.fd = pty->fd, .events = POLLIN};

	poll(&p, 1, 0);
	if (p.revents & POLLHUP)
		look_later(pty);
	else
		chr_fd_attach(&pty->cf, pty->fd, pty->fd);
}

static void pty_leave(struct chardev *chr)
{
	struct chr_pty *pty = to_pty(to_chr_fd(chr));

	chr_fd_leave(chr);
	loop_timer_del(pty->timer);
	pty->timer = NULL;
}

static void pty_enter(struct chardev *chr)
{
	struct chr_pty *pty = to_pty(to_chr_fd(chr));

	pty->timer = loop_timer_add(chr->loop, look, pty);
	chr_fd_enter(chr);
	if (!chr->open)
		look_later(pty);
}

static void pty_closed(struct chr_fd *cf)
{
	chr_fd_detach(cf);
	look_later(to_pty(cf));
}

static void pty_destroy(struct chardev *chr)
{
	struct chr_pty *pty = to_pty(to_chr_fd(chr));

	loop_timer_del(pty->timer);
	chr_fd_detach(&pty->cf);
	close(pty->fd);
	free(pty);
}

static const struct chardev_ops pty_ops = {
	.name = "pty",
	.write = chr_fd_write,
	.accept_input = chr_fd_accept_input,
	.leave = pty_leave,
	.enter = pty_enter,
	.destroy = pty_destroy,
};

/* Open the terminal once: makes it raw, and its master see "nobody there". */
static int slave_prepare(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios t;

	if (fd < 0)
		return -errno;
	if (!tcgetattr(fd, &t)) {
		cfmakeraw(&t);
		tcsetattr(fd, TCSANOW, &t);
	}
	close(fd);
	return 0;
}

int chr_pty_create(struct vm *vm, struct opts *opts, struct chardev **out)
{
	struct chr_pty *pty = chr_fd_alloc(vm, &pty_ops, sizeof(*pty));
	char path[64];
	int ret;

	if (!pty)
		return -ENOMEM;
	pty->cf.closed = pty_closed;
	pty->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (pty->fd < 0) {
		ret = -errno;
		goto err_free;
	}
	ret = -EIO;
	if (grantpt(pty->fd) || unlockpt(pty->fd) ||
	    ptsname_r(pty->fd, path, sizeof(path)))
		goto err_close;
	ret = slave_prepare(path);
	if (ret)
		goto err_close;
	ret = -ENOMEM;
	pty->timer = loop_timer_add(vm->loop, look, pty);
	pty->cf.chr.path = strdup(path);
	if (!pty->timer || !pty->cf.chr.path)
		goto err_path;
	look_later(pty);
	*out = &pty->cf.chr;
	return 0;

err_path:
	loop_timer_del(pty->timer);
	free(pty->cf.chr.path);
err_close:
	close(pty->fd);
err_free:
	free(pty);
	return err_errno(ret, "cannot make a pseudo terminal");
}
