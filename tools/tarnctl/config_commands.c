// SPDX-License-Identifier: GPL-2.0-only
/* The tree below 'tarnctl config'. */
#include <errno.h>

#include "config.h"
#include "config_commands.h"
#include "error.h"

int config_name_arg(const char *cmd, const char *name)
{
	if (config_name_ok(name))
		return 0;
	err("%s: '%s' is no name of a pool: it has 1 to %d letters, digits, '.', '_' and '-', and begins with a letter or digit",
	    cmd, name, CONFIG_NAME_MAX);
	return -EINVAL;
}

const struct command config_commands[] = {
	{ .name = "check", .args = "[NAME|FILE...]",
	  .help = "check files of pools, line by line",
	  .more = "Without an argument all of /etc/tarn/pools.d. Each line that is wrong is told with\n"
		  "what to write instead. Nothing is changed; tarn-pool.conf(5) says what there is.",
	  .fn = config_check_main, .max_args = -1 },
	{ .name = "show", .args = "NAME",
	  .help = "print the file of a pool as it is understood",
	  .fn = config_show_main, .min_args = 1, .max_args = 1 },
	{ .name = "mount", .args = "NAME",
	  .help = "mount a pool as its file says (tarn-pool@NAME does)",
	  .fn = config_mount_main, .min_args = 1, .max_args = 1 },
	{ .name = "apply", .args = "NAME",
	  .help = "set what its file says of a mounted pool",
	  .more = "What 'systemctl reload tarn-pool@NAME' does: size, settings and pins of the pool,\n"
		  "and those of the partitions that there are. What cannot change while it is\n"
		  "mounted is told, and nothing else is left out for that.",
	  .fn = config_apply_main, .options = OPTION_DRY_RUN, .min_args = 1, .max_args = 1 },
	{ .name = "pager", .args = "NAME",
	  .help = "run the pager of a pool (tarn-pager@NAME does)",
	  .fn = config_pager_main, .min_args = 1, .max_args = 1 },
	{ .name = "reload-pager", .args = "NAME",
	  .help = "give a running pager devices that were added to the file",
	  .more = "What 'systemctl reload tarn-pager@NAME' does. Mirrors with a failed half are made\n"
		  "whole again. What takes effect when the pager is started again is told.",
	  .fn = config_reload_pager_main, .min_args = 1, .max_args = 1 },
	{ .name = "has-partitions", .args = "NAME",
	  .help = "whether its file says something of partitions",
	  .more = "Exit status: 0 if it does, else 1.",
	  .fn = config_has_partitions_main, .min_args = 1, .max_args = 1 },
	{ .name = "follow", .args = "NAME",
	  .help = "set up partitions as they appear (tarn-partitions@NAME does)",
	  .more = "Partitions whose names fit a [partition] of the file get what stands there, once.\n"
		  "Those in domains/ are libvirt's, whose domains have settings of their own: they\n"
		  "are left alone unless the pattern begins with domains/.",
	  .fn = config_follow_main, .min_args = 1, .max_args = 1 },
	{ 0 },
};
