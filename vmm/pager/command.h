/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of the control socket; control.h says what they are. */
#ifndef TARN_PAGER_COMMAND_H
#define TARN_PAGER_COMMAND_H

struct pager;

char *command_run(struct pager *pager, const char *line, int *fd);

#endif
