/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part that stream backends (stdio, pty, file, socket) share: reading from
 * one file descriptor when the front end has room, writing to another without
 * blocking. A backend embeds struct chr_fd, attaches descriptors when its other
 * end appears and is told when that has gone.
 */
#ifndef TARN_BACKEND_CHARDEV_FD_H
#define TARN_BACKEND_CHARDEV_FD_H

#include "chardev.h"

struct loop_poll;
struct opts;
struct vm;

/**
 * struct chr_fd - a chardev over file descriptors.
 * @chr: the chardev
 * @in: to read from, -1 for none; it does not block
 * @out: to write to, -1 for none; may equal @in. A socket, or what does not
 *	 block.
 * @closed: the other end has gone; the backend drops its descriptors with
 *	    chr_fd_detach(). NULL keeps what still works.
 */
struct chr_fd {
	struct chardev chr;
	int in;
	int out;
	void (*closed)(struct chr_fd *cf);
	/* private: */
	struct loop_poll *in_poll;
	struct loop_poll *out_poll;
};

static inline struct chr_fd *to_chr_fd(struct chardev *chr)
{
	return container_of(chr, struct chr_fd, chr);
}

/**
 * chr_fd_alloc() - a zeroed structure of @size that begins with chr_fd.
 * @vm: it begins in this one's main loop
 */
void *chr_fd_alloc(struct vm *vm, const struct chardev_ops *ops, size_t size);

/**
 * struct chr_own_fd - a descriptor of others that is not to wait for.
 * @fd: to be used
 * @shared: what it was made of
 * @shared_flags: to be put back in the end, or -1
 */
struct chr_own_fd {
	int fd;
	int shared;
	int shared_flags;
};

/**
 * chr_fd_open_own() - make @own of @fd.
 * @flags: how it is used: O_RDONLY or O_WRONLY
 *
 * A terminal and a pipe may block, in a mode that all who have them open share.
 * They are opened once more, for this process alone. Return: own->fd.
 */
int chr_fd_open_own(struct chr_own_fd *own, int fd, int flags);
void chr_fd_close_own(struct chr_own_fd *own);

/** chr_fd_attach() - the other end is there: CHARDEV_OPENED. */
void chr_fd_attach(struct chr_fd *cf, int in, int out);

/** chr_fd_detach() - it has gone; does not close the descriptors. */
void chr_fd_detach(struct chr_fd *cf);

/* For struct chardev_ops. */
size_t chr_fd_write(struct chardev *chr, const void *buf, size_t len);
void chr_fd_accept_input(struct chardev *chr);
void chr_fd_leave(struct chardev *chr);
void chr_fd_enter(struct chardev *chr);

/**
 * struct chr_type - a word of -chardev.
 * @create: sets *@chr to a new chardev without id; takes its own keys of @opts
 */
struct chr_type {
	const char *name;
	int (*create)(struct vm *vm, struct opts *opts, struct chardev **chr);
};

int chr_stdio_create(struct vm *vm, struct opts *opts, struct chardev **chr);
int chr_pty_create(struct vm *vm, struct opts *opts, struct chardev **chr);
int chr_file_create(struct vm *vm, struct opts *opts, struct chardev **chr);
int chr_socket_create(struct vm *vm, struct opts *opts, struct chardev **chr);

#endif
