/* SPDX-License-Identifier: GPL-2.0-only */
/* All tables of commands and events, for the parts of QMP that look at them. */
#ifndef TARN_QMP_COMMANDS_H
#define TARN_QMP_COMMANDS_H

#include "qmp/command.h"

/** qmp_tables - all of them, NULL at the end. */
extern const struct qmp_table *const qmp_tables[];

/** qmp_command_find() - by name, or NULL. */
const struct qmp_command *qmp_command_find(const char *name);

/**
 * qmp_args_check() - see whether @args fit the command's table.
 * @msg: gets what is wrong
 *
 * Return: 0 or -EINVAL.
 */
int qmp_args_check(const struct qmp_command *command, json_t *args, char *msg,
		   size_t size);

#endif
