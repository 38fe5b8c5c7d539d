// SPDX-License-Identifier: GPL-2.0-only
/* A buffered descriptor; see channel.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "save/channel.h"

/* How often somebody who waits looks whether it is still wanted, ms. */
#define LOOK 200

#define BUFFER CHANNEL_FAR

static bool is_file(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

int channel_begin(struct channel *ch, bool writing)
{
	int flags = fcntl(ch->fd, F_GETFL);
	off_t pos = -1;

	if (flags < 0)
		return -errno;
	ch->buf = aligned_alloc(CHANNEL_BLOCK, BUFFER);
	if (!ch->buf)
		return -ENOMEM;
	if (is_file(ch->fd))
		pos = lseek(ch->fd, 0,
			    writing && flags & O_APPEND ? SEEK_END : SEEK_CUR);
	ch->file = pos >= 0;
	ch->pos = ch->file ? pos : 0;
	ch->start = ch->end = 0;
	ch->writing = writing;
	ch->direct = ch->file && flags & O_DIRECT;
	ch->no_direct = !ch->file;
	/* What is not there yet nobody waits for. */
	ch->ahead = ch->file ? CHANNEL_NEAR : CHANNEL_FAR;
	return 0;
}

void channel_end(struct channel *ch)
{
	free(ch->buf);
	ch->buf = NULL;
}

u64 channel_tell(const struct channel *ch)
{
	return ch->pos + (ch->writing ? ch->end : ch->start);
}

static int wait_for(const struct channel *ch, short events)
{
	struct pollfd pfd = {.fd = ch->fd, .events = events};
	int ret;

	do {
		if (ch->cancel && READ_ONCE(*ch->cancel))
			return -ECANCELED;
		ret = poll(&pfd, 1, LOOK);
	} while (!ret || (ret < 0 && errno == EINTR));
	return ret < 0 ? -errno : 0;
}

static void set_direct(struct channel *ch, bool on)
{
	int flags;

	if (ch->direct == on || (on && ch->no_direct))
		return;
	flags = fcntl(ch->fd, F_GETFL);
	flags = on ? flags | O_DIRECT : flags & ~O_DIRECT;
	if (!fcntl(ch->fd, F_SETFL, flags))
		ch->direct = on;
	else
		ch->no_direct = true;
}

/* Some filesystems take the flag and then no such request. */
static bool refused_direct(struct channel *ch)
{
	if (errno != EINVAL || !ch->direct)
		return false;
	ch->no_direct = true;
	set_direct(ch, false);
	return !ch->direct;
}

/* Writing */

/* The first @len bytes of the buffer. */
static int write_out(struct channel *ch, size_t len)
{
	size_t done = 0;
	ssize_t n;
	int ret;

	while (done < len) {
		ret = wait_for(ch, POLLOUT);
		if (ret)
			return ret;
		/* One that was cut short may have ended anywhere. */
		if (!IS_ALIGNED(done, (size_t)CHANNEL_BLOCK))
			set_direct(ch, false);
		n = write(ch->fd, ch->buf + done, len - done);
		if (n < 0 && !refused_direct(ch) && errno != EAGAIN &&
		    errno != EINTR)
			return -errno;
		if (n > 0)
			done += n;
	}
	ch->end -= len;
	ch->pos += len;
	memmove(ch->buf, ch->buf + len, ch->end);
	return 0;
}

/* There is a block at least: all whole ones go, past the page cache. */
static int write_blocks(struct channel *ch)
{
	size_t lead = -ch->pos % CHANNEL_BLOCK;
	int ret = 0;

	if (!ch->file)
		return write_out(ch, ch->end);
	if (lead) {
		set_direct(ch, false);
		ret = write_out(ch, lead);
	}
	if (ret)
		return ret;
	set_direct(ch, true);
	return write_out(ch, ALIGN_DOWN(ch->end, (size_t)CHANNEL_BLOCK));
}

int channel_write(struct channel *ch, const void *data, size_t len)
{
	size_t n;
	int ret;

	for (; len; len -= n, data = (const u8 *)data + n) {
		n = min_t(size_t, len, BUFFER - ch->end);
		memcpy(ch->buf + ch->end, data, n);
		ch->end += n;
		ch->bytes += n;
		ret = ch->end < BUFFER ? 0 : write_blocks(ch);
		if (ret)
			return ret;
	}
	return 0;
}

int channel_flush(struct channel *ch)
{
	int ret = ch->end < CHANNEL_BLOCK ? 0 : write_blocks(ch);

	if (ret)
		return ret;
	/* A tail is no block. */
	if (ch->end)
		set_direct(ch, false);
	return write_out(ch, ch->end);
}

/* Reading */

static ssize_t read_some(struct channel *ch, void *data, size_t len, u64 pos)
{
	ssize_t n;
	int ret;

	for (;;) {
		ret = wait_for(ch, POLLIN);
		if (ret)
			return ret;
		n = ch->file ? pread(ch->fd, data, len, pos)
			     : read(ch->fd, data, len);
		if (n >= 0)
			return n;
		if (!refused_direct(ch) && errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

/* The buffer is empty. What was there at least, 0 at the end, or -errno. */
static ssize_t fill(struct channel *ch)
{
	u64 next = ch->pos + ch->end;
	size_t lead = ch->file ? next % CHANNEL_BLOCK : 0;
	ssize_t n;

	set_direct(ch, true);
	n = read_some(ch, ch->buf, ch->ahead, next - lead);
	if (n > (ssize_t)lead) {
		ch->pos = next - lead;
		ch->start = lead;
		ch->end = n;
		return n - lead;
	}
	ch->pos = next;
	ch->start = ch->end = 0;
	return min_t(ssize_t, n, 0);
}

ssize_t channel_read(struct channel *ch, void *data, size_t len)
{
	size_t done = 0, n;
	ssize_t ret;

	while (done < len) {
		ret = ch->start < ch->end ? 1 : fill(ch);
		if (ret < 0)
			return ret;
		if (!ret)
			break;
		n = min_t(size_t, len - done, ch->end - ch->start);
		memcpy((u8 *)data + done, ch->buf + ch->start, n);
		ch->start += n;
		ch->bytes += n;
		done += n;
	}
	return done;
}

ssize_t channel_skip(struct channel *ch, size_t len)
{
	size_t done = 0, n;
	ssize_t ret;

	while (done < len) {
		n = min_t(size_t, len - done, ch->end - ch->start);
		/* Beyond the buffer of a file there is nothing to be read. */
		if (ch->file && n < len - done) {
			ch->pos += ch->start + (len - done);
			ch->start = ch->end = 0;
			n = len - done;
		} else {
			ch->start += n;
		}
		ch->bytes += n;
		done += n;
		if (done == len)
			break;
		ret = fill(ch);
		if (ret <= 0)
			return ret ?: (ssize_t)done;
	}
	return done;
}

ssize_t channel_read_at(struct channel *ch, void *data, size_t len, u64 pos)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = read_some(ch, (u8 *)data + done, len - done, pos + done);
		if (n < 0)
			return n;
		if (!n)
			break;
		done += n;
	}
	return done;
}
