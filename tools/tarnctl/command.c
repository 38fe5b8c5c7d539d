// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks the tree of subcommands along the command line. Help goes to stdout
 * when it was asked for, and errors name what was probably meant.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "error.h"
#include "suggest.h"

/* Set by the makefile. */
#ifndef TARN_VERSION
#define TARN_VERSION "unknown"
#endif

static void print_help(FILE *f, const struct command *cmd, const char *path)
{
	const struct command *sub;

	if (cmd->subs)
		fprintf(f, "Usage: %s COMMAND ...\n", path);
	else
		fprintf(f, "Usage: %s [OPTION]...%s%s\n", path,
			cmd->args ? " " : "", cmd->args ? cmd->args : "");
	fprintf(f, "\n%c%s.\n", toupper(cmd->help[0]), cmd->help + 1);
	if (cmd->more)
		fprintf(f, "\n%s\n", cmd->more);
	if (!cmd->subs) {
		options_help(f, cmd->options);
		return;
	}
	fputs("\nCommands:\n", f);
	for (sub = cmd->subs; sub->name; sub++)
		fprintf(f, "  %-14s %s\n", sub->name, sub->help);
	fprintf(f, "\n'%s COMMAND --help' says more about one.\n", path);
}

static const struct command *find_sub(const struct command *cmd,
				      const char *word)
{
	const struct command *sub;

	for (sub = cmd->subs; sub->name; sub++) {
		if (!strcmp(sub->name, word))
			return sub;
	}
	return NULL;
}

static int unknown_sub(const struct command *cmd, const char *path,
		       const char *word)
{
	const struct command *sub;
	struct suggest s;
	const char *near;

	suggest_begin(&s, word);
	for (sub = cmd->subs; sub->name; sub++)
		suggest_offer(&s, sub->name);
	suggest_offer(&s, "--help");
	if (!strchr(path, ' '))
		suggest_offer(&s, "--version");
	near = suggest_end(&s);
	if (near)
		err("%s: unknown %s '%s', did you mean '%s'?", path,
		    word[0] == '-' ? "option" : "command", word, near);
	else
		err("%s: unknown %s '%s', '%s --help' lists all", path,
		    word[0] == '-' ? "option" : "command", word, path);
	return EXIT_USAGE;
}

static int run_leaf(const struct command *cmd, const char *path, int argc,
		    char **argv)
{
	struct options opts;

	if (cmd->raw)
		return err_finish(cmd->fn(argc, argv, NULL));
	if (options_parse(&opts, cmd->options, path, &argc, argv))
		return EXIT_USAGE;
	if (opts.help) {
		print_help(stdout, cmd, path);
		return err_finish(EXIT_SUCCESS);
	}
	if (argc < cmd->min_args ||
	    (cmd->max_args >= 0 && argc > cmd->max_args)) {
		if (argc < cmd->min_args)
			err("%s: something is missing: %s %s", path, path,
			    cmd->args);
		else
			err("%s: '%s' is too much: %s%s%s", path,
			    argv[cmd->max_args], path, cmd->args ? " " : "",
			    cmd->args ? cmd->args : "");
		return EXIT_USAGE;
	}
	return err_finish(cmd->fn(argc, argv, &opts));
}

static bool wants_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h") ||
	       !strcmp(word, "help");
}

int command_run(const struct command *root, int argc, char **argv)
{
	const struct command *cmd = root;
	bool help = false;
	char path[128];
	int i = 1;

	if (argc > 1 && !strcmp(argv[1], "--version")) {
		printf("%s %s\n", root->name, TARN_VERSION);
		return err_finish(EXIT_SUCCESS);
	}
	snprintf(path, sizeof(path), "%s", root->name);
	while (cmd->subs) {
		const struct command *sub;
		size_t len = strlen(path);

		if (i >= argc) {
			print_help(help ? stdout : stderr, cmd, path);
			return help ? err_finish(EXIT_SUCCESS) : EXIT_USAGE;
		}
		/* The words behind it say of what: 'tarnctl help pool list'. */
		if (wants_help(argv[i])) {
			if (i + 1 == argc) {
				print_help(stdout, cmd, path);
				return err_finish(EXIT_SUCCESS);
			}
			help = true;
			i++;
			continue;
		}
		sub = find_sub(cmd, argv[i]);
		if (!sub)
			return unknown_sub(cmd, path, argv[i]);
		snprintf(path + len, sizeof(path) - len, " %s", sub->name);
		cmd = sub;
		i++;
	}
	if (help) {
		print_help(stdout, cmd, path);
		return err_finish(EXIT_SUCCESS);
	}
	return run_leaf(cmd, path, argc - i, argv + i);
}
