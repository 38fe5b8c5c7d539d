/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds where one JSON value of a stream ends. */
#ifndef TARN_QMP_FRAME_H
#define TARN_QMP_FRAME_H

#include "lib/types.h"

/** struct qmp_frame - state between two bytes; zeroed at the start. */
struct qmp_frame {
	unsigned int depth;
	bool string;
	bool escape;
	bool skip; /* what follows up to the next line is refused already */
};

/** enum qmp_framing - what a byte did. */
enum qmp_framing {
	QMP_FRAME_BETWEEN, /* belongs to no value: drop it */
	QMP_FRAME_MORE, /* keep it, the value goes on */
	QMP_FRAME_END, /* keep it, the value is complete */
	QMP_FRAME_BAD, /* what was kept is no JSON: drop all */
};

/** qmp_frame_byte() - look at the next byte. */
enum qmp_framing qmp_frame_byte(struct qmp_frame *f, u8 c);

/** qmp_frame_refuse() - give the value up; go on behind the next newline. */
void qmp_frame_refuse(struct qmp_frame *f);

#endif
