/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The descriptor that a saved guest goes to or comes from, with a buffer. Of a regular
 * file or a block device whole blocks go past the page cache (O_DIRECT) where it takes
 * that: what is saved is read once, much later, and must not drive out what is in use.
 */
#ifndef TARN_SAVE_CHANNEL_H
#define TARN_SAVE_CHANNEL_H

#include "lib/types.h"

/* What lies at a multiple of it can be read and written past the page cache. */
#define CHANNEL_BLOCK 4096

/* How far is read ahead: of records alone, and of all. */
#define CHANNEL_NEAR KIB(16)
#define CHANNEL_FAR MIB(1)

/**
 * struct channel - one descriptor, in one direction.
 * @fd: not owned; may be non-blocking. Its O_DIRECT comes and goes
 * @cancel: looked at while there is nothing to do; when set, -ECANCELED
 * @bytes: written, or read and passed over, so far
 * @ahead: how far is read ahead
 * @file: a regular file or a block device, in which one can go to any place
 */
struct channel {
	int fd;
	const bool *cancel;
	u64 bytes;
	size_t ahead;
	bool file;
	/* private: */
	u8 *buf;
	u64 pos; /* where its first byte lies: in the file, or in the stream */
	size_t start; /* reading: what was taken */
	size_t end;
	bool writing;
	bool direct; /* O_DIRECT is set */
	bool no_direct; /* it was refused */
};

/** channel_begin() - from where the descriptor is. 0 or -errno. */
int channel_begin(struct channel *ch, bool writing);

/** channel_end() - free the buffer, and forget what is in it. */
void channel_end(struct channel *ch);

/** channel_tell() - where the next byte lies: in the file, or else in the stream. */
u64 channel_tell(const struct channel *ch);

/** channel_write() - 0 or -errno; it may come to the descriptor later. */
int channel_write(struct channel *ch, const void *data, size_t len);

/** channel_flush() - have all of it come there. */
int channel_flush(struct channel *ch);

/** channel_read() - the bytes read, fewer than @len at the end only, or -errno. */
ssize_t channel_read(struct channel *ch, void *data, size_t len);

/** channel_skip() - pass over @len bytes; likewise, but a file may end before. */
ssize_t channel_skip(struct channel *ch, size_t len);

/**
 * channel_read_at() - read from byte @pos of a file, without the buffer.
 * @data, @len, @pos: of blocks, or it may be refused
 */
ssize_t channel_read_at(struct channel *ch, void *data, size_t len, u64 pos);

#endif
