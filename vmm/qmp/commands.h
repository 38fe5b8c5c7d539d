/* SPDX-License-Identifier: GPL-2.0-only */
/* All tables of commands and events, for the parts of QMP that look at them. */
#ifndef TARN_QMP_COMMANDS_H
#define TARN_QMP_COMMANDS_H

#include "qmp/command.h"

/* In the order of qmp_tables[]. */
extern const struct qmp_table qmp_session_table;
extern const struct qmp_table qmp_about_table;
extern const struct qmp_table qmp_schema_table;
extern const struct qmp_table qmp_types_table;
extern const struct qmp_table qmp_run_table;
extern const struct qmp_table qmp_threads_table;
extern const struct qmp_table qmp_qom_table;
extern const struct qmp_table qmp_balloon_table;
extern const struct qmp_table qmp_block_table;
extern const struct qmp_table qmp_adjunct_table;
extern const struct qmp_table qmp_fds_table;
extern const struct qmp_table qmp_capabilities_table;
extern const struct qmp_table qmp_migrate_table;
extern const struct qmp_table qmp_device_table;

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
