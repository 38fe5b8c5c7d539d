/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tree of subcommands: how one is found, given its options and helped with.
 */
#ifndef TARNCTL_COMMAND_H
#define TARNCTL_COMMAND_H

#include "error.h"
#include "option.h"

/**
 * struct command - a node of the tree
 * @name: the word on the command line; NULL ends an array
 * @args: what it wants besides options, for the help
 * @help: what it does, in a line
 * @more: further paragraphs of the help, or NULL
 * @subs: the nodes below; such a node has nothing of what follows
 * @fn: does the work; its arguments begin at argv[0]
 * @raw: @fn takes options and help apart itself, and gets none
 * @options: OPTION_* that it takes
 * @min_args: fewest arguments
 * @max_args: most arguments, -1 for any number
 *
 * @fn returns 0, a negative errno or ERR_USAGE, which it has reported, or EXIT_USAGE,
 * likewise.
 */
struct command {
	const char *name;
	const char *args;
	const char *help;
	const char *more;
	const struct command *subs;
	int (*fn)(int argc, char **argv, const struct options *opts);
	bool raw;
	uint64_t options;
	int min_args;
	int max_args;
};

/**
 * command_run() - Find the node that @argv means and run it.
 * @root: the program itself, whose name is argv[0] in messages
 *
 * Return: an exit status.
 */
int command_run(const struct command *root, int argc, char **argv);

#endif
