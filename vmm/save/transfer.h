/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Saving a guest to a file descriptor and restoring it from one. Memory is moved
 * by a thread of its own, so that a slow reader, a full disk or a pool that waits
 * keeps nobody from talking to the VMM, and by workers of that; all else is done by the
 * main thread. Meanwhile the machine is held: it does not run and is not reset.
 *
 * Everything is called in the main thread under the VM's lock. What waits on the
 * way is done by the worker.
 */
#ifndef TARN_SAVE_TRANSFER_H
#define TARN_SAVE_TRANSFER_H

#include "lib/types.h"
#include "save/memory.h"

struct stat;
struct transfer;
struct vm;

/** enum transfer_status - of the last transfer. */
enum transfer_status {
	TRANSFER_NONE,
	TRANSFER_SETUP, /* asked for, not begun */
	TRANSFER_WAITING, /* stopped, until transfer_continue() */
	TRANSFER_ACTIVE,
	TRANSFER_COMPLETED,
	TRANSFER_FAILED,
	TRANSFER_CANCELLED,
};

/**
 * struct transfer_info - how it is.
 * @incoming: a guest is restored
 * @memory: how far memory is
 * @bytes: written or read so far
 * @setup_ns: from the request to the first byte
 * @total_ns: from the request to now or to the end
 * @down_ns: how long the guest stood still for it, so far
 * @error: why it failed
 */
struct transfer_info {
	enum transfer_status status;
	bool incoming;
	struct memory_progress memory;
	u64 bytes;
	u64 setup_ns;
	u64 total_ns;
	u64 down_ns;
	char error[512];
};

/** transfer_create() - for a machine that is just being made. */
int transfer_create(struct vm *vm);

/** transfer_destroy() - end what is under way, before the machine goes. */
void transfer_destroy(struct vm *vm);

/** transfer_listen() - have @fn called at each change of the status. */
void transfer_listen(struct vm *vm, void (*fn)(struct vm *vm));

/** transfer_can_save() - -errno, reported, when transfer_save() would fail. */
int transfer_can_save(struct vm *vm);

/**
 * transfer_can_save_to() - -EBUSY, reported, when the guest has pages in that file.
 * @st: of the file, before anything of it is changed
 */
int transfer_can_save_to(struct vm *vm, const struct stat *st);

/** Stop the guest, then wait for transfer_continue(). */
#define TRANSFER_WAIT 0x1U
/** Compress what its memory holds. */
#define TRANSFER_COMPRESS 0x2U

/**
 * transfer_save() - save the guest to @fd, soon.
 * @fd: a file, a pipe or a socket; taken over, whatever is returned
 * @dir: the directory of a file that was made for it, or -1; likewise
 * @flags: TRANSFER_WAIT, TRANSFER_COMPRESS
 *
 * A guest that runs is stopped; it goes on when this fails or is cancelled, unless
 * somebody has asked for a stop meanwhile.
 * Saved, it is left as it is (VM_POSTMIGRATE), and what was saved is durable.
 *
 * Return: 0 when it has begun, or -errno, reported.
 */
int transfer_save(struct vm *vm, int fd, int dir, unsigned int flags);

/** transfer_continue() - -EINVAL when none waits. */
int transfer_continue(struct vm *vm);

/**
 * transfer_restore() - restore a guest from @fd into a machine that was started
 * for it (VM_INMIGRATE). It is paused then, or runs if -S is not given and nobody
 * has asked for a stop meanwhile.
 * @fd: as above
 */
int transfer_restore(struct vm *vm, int fd);

/**
 * transfer_restore_from() - the same by a text.
 * @uri: "fd:N" of a descriptor that the program was started with, or
 *	 "file:PATH"
 */
int transfer_restore_from(struct vm *vm, const char *uri);

/** transfer_cancel() - end it soon, if one is under way. */
void transfer_cancel(struct vm *vm);

/** transfer_reset() - the machine is reset: what its memory held it needs no more. */
void transfer_reset(struct vm *vm);

/** transfer_info() - fill in how it is. */
void transfer_info(struct vm *vm, struct transfer_info *info);

/** transfer_fds_init() - note with which descriptors the program was started. */
void transfer_fds_init(void);

/** transfer_fd() - take over descriptor @text of those; -errno, reported. */
int transfer_fd(const char *text);

#endif
