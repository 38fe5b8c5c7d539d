/* SPDX-License-Identifier: GPL-2.0-only */
/* The content of a CONTENT record: its compression and the sums of its pages. */
#ifndef TARN_SAVE_CONTENT_H
#define TARN_SAVE_CONTENT_H

#include "save/stream.h"

/* Of one record at most. */
#define CONTENT_MAX (STREAM_PAGES_MAX * STREAM_PAGE_SIZE)

struct content_codec;

/** content_codec_create() - what compresses, and what decompresses; or NULL. */
struct content_codec *content_codec_create(void);
void content_codec_destroy(struct content_codec *codec);

/**
 * content_compress() - compress @len bytes of @plain.
 * @room: for as many
 *
 * Return: the bytes of the frame in @room; 0 when it would not be smaller.
 */
u32 content_compress(struct content_codec *codec, const u8 *plain, u32 len,
		     u8 *room);

/**
 * content_decompress() - undo it for the content of a record.
 * @frame: its bytes
 * @plain: room for all its pages
 *
 * Return: 0, or -EBADMSG when it is no such frame, or one of another size.
 */
int content_decompress(struct content_codec *codec,
		       const struct stream_content *head, const u8 *frame,
		       u8 *plain);

/** content_sum() - set the sums of @count entries, whose pages are at @plain. */
void content_sum(struct stream_entry *entries, u32 count, const u8 *plain);

/** content_check() - which entry has another sum than its page, or @count. */
u32 content_check(const struct stream_entry *entries, u32 count,
		  const u8 *plain);

#endif
