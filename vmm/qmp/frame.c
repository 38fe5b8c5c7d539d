// SPDX-License-Identifier: GPL-2.0-only
/*
 * Framing of a QMP stream. Clients send objects one behind the other, with or
 * without newlines, in any pieces, so their ends are found by counting brackets
 * outside of strings. After something that is no JSON the stream is understood
 * again from the next line on.
 */
#include "qmp/frame.h"
#include "qmp/session.h"

void qmp_frame_refuse(struct qmp_frame *f)
{
	*f = (struct qmp_frame){.skip = true};
}

static enum qmp_framing refuse(struct qmp_frame *f, u8 c)
{
	qmp_frame_refuse(f);
	f->skip = c != '\n';
	return QMP_FRAME_BAD;
}

static enum qmp_framing between(struct qmp_frame *f, u8 c)
{
	if (f->skip) {
		f->skip = c != '\n';
		return QMP_FRAME_BETWEEN;
	}
	if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
		return QMP_FRAME_BETWEEN;
	if (c != '{' && c != '[')
		return refuse(f, c);
	f->depth = 1;
	return QMP_FRAME_MORE;
}

static enum qmp_framing in_string(struct qmp_frame *f, u8 c)
{
	if (c < 0x20)
		return refuse(f, c);
	if (f->escape)
		f->escape = false;
	else if (c == '\\')
		f->escape = true;
	else if (c == '"')
		f->string = false;
	return QMP_FRAME_MORE;
}

enum qmp_framing qmp_frame_byte(struct qmp_frame *f, u8 c)
{
	if (f->string)
		return in_string(f, c);
	if (!f->depth)
		return between(f, c);
	switch (c) {
	case '"':
		f->string = true;
		return QMP_FRAME_MORE;
	case '{':
	case '[':
		if (++f->depth > QMP_DEPTH_MAX)
			return refuse(f, c);
		return QMP_FRAME_MORE;
	case '}':
	case ']':
		return --f->depth ? QMP_FRAME_MORE : QMP_FRAME_END;
	default:
		return QMP_FRAME_MORE;
	}
}
