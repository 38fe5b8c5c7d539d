/* SPDX-License-Identifier: GPL-2.0-only */
/* The subcommands of 'tarnctl config', and those of 'tarnctl pool' about files. */
#ifndef TARNCTL_CONFIG_COMMANDS_H
#define TARNCTL_CONFIG_COMMANDS_H

#include "command.h"

extern const struct command config_commands[];

/** config_name_arg() - Report that a word cannot be the name of a pool. Return: 0 or -EINVAL. */
int config_name_arg(const char *cmd, const char *name);

/** config_is_mounted() - Whether a file system of its own is at @dir, below /run/tarn. */
bool config_is_mounted(const char *dir);

int config_check_main(int argc, char **argv, const struct options *opts);
int config_show_main(int argc, char **argv, const struct options *opts);
int config_mount_main(int argc, char **argv, const struct options *opts);
int config_apply_main(int argc, char **argv, const struct options *opts);
int config_pager_main(int argc, char **argv, const struct options *opts);
int config_reload_pager_main(int argc, char **argv, const struct options *opts);
int config_has_partitions_main(int argc, char **argv,
			       const struct options *opts);
int config_follow_main(int argc, char **argv, const struct options *opts);
int pool_create_main(int argc, char **argv, const struct options *opts);
int pool_destroy_main(int argc, char **argv, const struct options *opts);
int pool_import_main(int argc, char **argv, const struct options *opts);

#endif
