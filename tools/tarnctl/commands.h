/* SPDX-License-Identifier: GPL-2.0-only */
/* The subcommands, one file each; main.c has their tree. */
#ifndef TARNCTL_COMMANDS_H
#define TARNCTL_COMMANDS_H

#include "option.h"

int pool_list_main(int argc, char **argv, const struct options *opts);
int pool_show_main(int argc, char **argv, const struct options *opts);
int pool_set_main(int argc, char **argv, const struct options *opts);
int pool_pins_main(int argc, char **argv, const struct options *opts);
int pool_faults_main(int argc, char **argv, const struct options *opts);
int pool_sharing_main(int argc, char **argv, const struct options *opts);
int pool_drain_node_main(int argc, char **argv, const struct options *opts);
int pool_resize_main(int argc, char **argv, const struct options *opts);
int partition_list_main(int argc, char **argv, const struct options *opts);
int partition_show_main(int argc, char **argv, const struct options *opts);
int partition_set_main(int argc, char **argv, const struct options *opts);
int partition_pages_main(int argc, char **argv, const struct options *opts);
int partition_heat_main(int argc, char **argv, const struct options *opts);
int partition_page_in_main(int argc, char **argv, const struct options *opts);
int partition_find_patterns_main(int argc, char **argv,
				 const struct options *opts);
int partition_share_main(int argc, char **argv, const struct options *opts);
int partition_page_out_main(int argc, char **argv, const struct options *opts);
int partition_relocate_main(int argc, char **argv, const struct options *opts);
int partition_metrics_main(int argc, char **argv, const struct options *opts);
int partition_pins_main(int argc, char **argv, const struct options *opts);
int partition_attach_main(int argc, char **argv, const struct options *opts);
int partition_detach_main(int argc, char **argv, const struct options *opts);
int adapter_list_main(int argc, char **argv, const struct options *opts);
int adapter_show_main(int argc, char **argv, const struct options *opts);
int adapter_group_main(int argc, char **argv, const struct options *opts);
int adapter_plan_main(int argc, char **argv, const struct options *opts);
int adapter_grant_main(int argc, char **argv, const struct options *opts);
int adapter_revoke_main(int argc, char **argv, const struct options *opts);
int adapter_destroy_main(int argc, char **argv, const struct options *opts);
int adapter_reset_main(int argc, char **argv, const struct options *opts);
int adapter_events_main(int argc, char **argv, const struct options *opts);
int domain_check_main(int argc, char **argv, const struct options *opts);
int domain_hook_main(int argc, char **argv, const struct options *opts);
int pager_list_main(int argc, char **argv, const struct options *opts);
int pager_show_main(int argc, char **argv, const struct options *opts);
int pager_add_main(int argc, char **argv, const struct options *opts);
int pager_drain_main(int argc, char **argv, const struct options *opts);
int pager_resilver_main(int argc, char **argv, const struct options *opts);
int pager_detach_main(int argc, char **argv, const struct options *opts);
int save_show_main(int argc, char **argv, const struct options *opts);
int doctor_main(int argc, char **argv, const struct options *opts);
int numa_main(int argc, char **argv, const struct options *opts);
int status_main(int argc, char **argv, const struct options *opts);
int iostat_main(int argc, char **argv, const struct options *opts);
int events_main(int argc, char **argv, const struct options *opts);
int history_main(int argc, char **argv, const struct options *opts);
int run_main(int argc, char **argv, const struct options *opts);
int top_main(int argc, char **argv, const struct options *opts);
int web_main(int argc, char **argv, const struct options *opts);

#endif
