/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Character devices: a byte stream between a guest's port (serial, virtio
 * console, a monitor) and something on the host (stdio, pty, file, socket).
 * One front end a chardev. Backends live in backend/chardev-*.c.
 *
 * A chardev lives in one loop, and everything here is called in that loop's
 * thread, or where the main loop is it, under the VM's lock by any thread. It
 * begins in the main loop; a front end whose queues run elsewhere moves it there
 * (chardev_move()).
 *
 * Nothing here waits: what the other end does not take now is the front end's
 * to keep or to drop.
 */
#ifndef TARN_CHARDEV_H
#define TARN_CHARDEV_H

#include "lib/types.h"

struct chardev;
struct loop;
struct opts;
struct vm;

/** enum chardev_event - what happened to the other end. */
enum chardev_event {
	CHARDEV_OPENED, /* somebody is there (at once for stdio and files) */
	CHARDEV_CLOSED, /* gone; another CHARDEV_OPENED may follow */
};

/**
 * struct chardev_handler - the front end's side.
 * @can_read: how many bytes it can take now; 0 stops the backend from reading
 *	      until chardev_accept_input()
 * @read: @len bytes arrived, never more than @can_read() just said
 * @fd: a file descriptor came along with the bytes that @read gets next, and is
 *	the front end's; NULL closes them. Sockets alone have such.
 * @writable: after a short chardev_write() there is room again
 * @event: see enum chardev_event; may be NULL
 */
struct chardev_handler {
	size_t (*can_read)(void *arg);
	void (*read)(void *arg, const u8 *buf, size_t len);
	void (*fd)(void *arg, int fd);
	void (*writable)(void *arg);
	void (*event)(void *arg, enum chardev_event event);
};

/**
 * struct chardev_ops - a backend.
 * @name: first word of -chardev
 * @write: take up to @len bytes without blocking and return how many; 0 when
 *	   there is no room. With nobody on the other end everything is taken
 *	   and dropped.
 * @accept_input: the front end can take bytes again
 * @leave: listen to nothing in chr->loop any more; optional
 * @enter: listen there again; optional
 * @destroy: flush what can be flushed without waiting, release everything
 */
struct chardev_ops {
	const char *name;
	size_t (*write)(struct chardev *chr, const void *buf, size_t len);
	void (*accept_input)(struct chardev *chr);
	void (*leave)(struct chardev *chr);
	void (*enter)(struct chardev *chr);
	void (*destroy)(struct chardev *chr);
};

/**
 * struct chardev - common part of a backend.
 * @path: where it is (a pty's name, a file's path), or NULL
 * @loop: where it lives
 * @open: somebody is at the other end. Read by any thread, as the next one.
 * @unheard: nobody in the guest has the front end open
 */
struct chardev {
	const struct chardev_ops *ops;
	char *id;
	char *path;
	struct loop *loop;
	const struct chardev_handler *handler; /* NULL: no front end */
	void *arg;
	bool open;
	bool unheard;
	struct chardev *next;
};

/**
 * chardev_create() - make what a -chardev option describes, keep it by id.
 * @vm: whose main loop serves it
 * @opts: first word is the backend: stdio, pty, file, socket, null
 */
int chardev_create(struct vm *vm, struct opts *opts);

/**
 * chardev_create_str() - make one from a shorthand as in "-serial stdio".
 * @id: the id it gets
 * @str: stdio, null, none, pty, file:PATH, unix:PATH[,server=on,...]
 */
int chardev_create_str(struct vm *vm, const char *id, const char *str);

/** chardev_find() - by id, or NULL. */
struct chardev *chardev_find(const char *id);

/** chardev_for_each() - visit all. */
void chardev_for_each(void (*fn)(struct chardev *chr, void *arg), void *arg);

/**
 * chardev_attach() - become the front end of @chr.
 *
 * Return: 0, or -EBUSY when it has one. CHARDEV_OPENED comes from within when
 * the other end is there already.
 */
int chardev_attach(struct chardev *chr, const struct chardev_handler *handler,
		   void *arg);
void chardev_detach(struct chardev *chr);

/**
 * chardev_move() - let @chr live in @loop. Main thread, under the VM's lock.
 *
 * It has no front end at that moment.
 */
void chardev_move(struct vm *vm, struct chardev *chr, struct loop *loop);

/** chardev_write() - send; returns how many bytes were taken. */
size_t chardev_write(struct chardev *chr, const void *buf, size_t len);

/** chardev_accept_input() - @can_read() may say more than 0 again. */
void chardev_accept_input(struct chardev *chr);

/** chardev_destroy_all() - at the end. */
void chardev_destroy_all(void);

#endif
