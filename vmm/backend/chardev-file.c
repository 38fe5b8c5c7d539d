// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chardevs on files: "stdio", the VMM's own terminal, and "file", which only
 * takes output.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "backend/chardev-fd.h"
#include "error.h"
#include "lib/opts.h"
#include "qmp/fds.h"

/* ^], as in telnet and virsh. */
#define ESCAPE 0x1d

struct chr_stdio {
	struct chr_fd cf;
	struct chr_own_fd in;
	struct chr_own_fd out;
	bool raw;
	struct termios saved;
};

static bool stdio_taken;

/*
 * Every key goes to the guest; those that raise signals only without @sig. With @escape
 * there is one that does, and that nothing else is usually made by.
 */
static void terminal_raw(struct chr_stdio *cs, bool sig, bool escape)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &cs->saved))
		return;
	t = cs->saved;
	cfmakeraw(&t);
	/* Messages of the VMM itself still end their lines properly. */
	t.c_oflag |= OPOST;
	if (sig || escape)
		t.c_lflag |= ISIG;
	if (escape) {
		t.c_cc[VINTR] = ESCAPE;
		t.c_cc[VQUIT] = t.c_cc[VSUSP] = _POSIX_VDISABLE;
	}
	cs->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static void stdio_destroy(struct chardev *chr)
{
	struct chr_stdio *cs = container_of(to_chr_fd(chr), struct chr_stdio,
					    cf);

	chr_fd_detach(&cs->cf);
	chr_fd_close_own(&cs->out);
	chr_fd_close_own(&cs->in);
	if (cs->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &cs->saved);
	stdio_taken = false;
	free(cs);
}

static const struct chardev_ops stdio_ops = {
	.name = "stdio",
	.write = chr_fd_write,
	.accept_input = chr_fd_accept_input,
	.leave = chr_fd_leave,
	.enter = chr_fd_enter,
	.destroy = stdio_destroy,
};

int chr_stdio_create(struct vm *vm, struct opts *opts, struct chardev **out)
{
	struct chr_stdio *cs;
	int ret, in, out_fd;
	bool sig = true, escape = false;

	if (stdio_taken)
		return opts_fail(opts, "stdio is in use already");
	if ((ret = opts_get_bool(opts, "signal", &sig)) ||
	    (ret = opts_get_bool(opts, "escape", &escape)))
		return ret;
	cs = chr_fd_alloc(vm, &stdio_ops, sizeof(*cs));
	if (!cs)
		return -ENOMEM;
	stdio_taken = true;
	terminal_raw(cs, sig, escape);
	in = chr_fd_open_own(&cs->in, STDIN_FILENO, O_RDONLY);
	out_fd = chr_fd_open_own(&cs->out, STDOUT_FILENO, O_WRONLY);
	chr_fd_attach(&cs->cf, in, out_fd);
	*out = &cs->cf.chr;
	return 0;
}

static void file_destroy(struct chardev *chr)
{
	struct chr_fd *cf = to_chr_fd(chr);
	int fd = cf->out;

	chr_fd_detach(cf);
	close(fd);
	free(cf);
}

static const struct chardev_ops file_ops = {
	.name = "file",
	.write = chr_fd_write,
	.accept_input = chr_fd_accept_input,
	.leave = chr_fd_leave,
	.enter = chr_fd_enter,
	.destroy = file_destroy,
};

int chr_file_create(struct vm *vm, struct opts *opts, struct chardev **out)
{
	struct chr_fd *cf;
	bool append = false;
	const char *path;
	int ret, fd;

	if ((ret = opts_need_str(opts, "path", &path)) ||
	    (ret = opts_get_bool(opts, "append", &append)))
		return ret;
	fd = qmp_open(path, O_WRONLY | O_CREAT | O_NOCTTY |
			    (append ? O_APPEND : O_TRUNC), 0666);
	if (fd < 0)
		return err_errno(fd, "cannot open '%s'", path);
	cf = chr_fd_alloc(vm, &file_ops, sizeof(*cf));
	if (!cf) {
		close(fd);
		return -ENOMEM;
	}
	/* It may name a terminal or a pipe. */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	cf->chr.path = strdup(path);
	chr_fd_attach(cf, -1, fd);
	*out = &cf->chr;
	return 0;
}
