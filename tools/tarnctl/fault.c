// SPDX-License-Identifier: GPL-2.0-only
/* See fault.h. */
#include "fault.h"

/* Indexed by enum tarn_fault_state. */
static const struct {
	const char *text;
	const char *name;
} states[] = {
	[TARN_FAULT_FRAME] = { "a free frame", "frame" },
	[TARN_FAULT_NO_PAGER] = { "a pager", "no-pager" },
	[TARN_FAULT_READ] = { "the read", "read" },
	[TARN_FAULT_MOVE] = { "a move", "move" },
	[TARN_FAULT_DONE] = { "nothing", "done" },
};

static int is_known(__u32 state)
{
	return state && state < sizeof(states) / sizeof(states[0]);
}

const char *fault_state_text(__u32 state)
{
	return is_known(state) ? states[state].text : "?";
}

const char *fault_state_name(__u32 state)
{
	return is_known(state) ? states[state].name : "?";
}
