/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scripts of the administrator: executable files of a directory, run one after the
 * other as a user who may nothing, with a limit of time.
 */
#ifndef TARN_LOGD_SCRIPT_H
#define TARN_LOGD_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct script_rules - how they are run
 * @dir: where they are
 * @user: who runs them, where tarn-logd is root
 * @uid: of that user
 * @gid: likewise
 * @seconds: that each may take
 */
struct script_rules {
	const char *dir;
	const char *user;
	uid_t uid;
	gid_t gid;
	unsigned int seconds;
};

/** script_rules_check() - Look the user up. Return: 0 or an errno, reported. */
int script_rules_check(struct script_rules *rules);

/**
 * struct script_list - the scripts that there are, by name
 * @names: of the files
 * @count: of them
 */
struct script_list {
	char **names;
	size_t count;
};

/**
 * script_list_read() - Find them. One that somebody else than root could have written
 * is left out, and reported.
 */
void script_list_read(struct script_list *list, const struct script_rules *rules);
void script_list_free(struct script_list *list);

/**
 * struct script - one that runs
 * @name: of its file
 * @pid: its process, and its group; 0: none runs
 * @pidfd: becomes readable when it has ended
 * @deadline: when it is ended, CLOCK_MONOTONIC, ns
 * @asked: it was asked to end, and is killed next
 */
struct script {
	const char *name;
	pid_t pid;
	int pidfd;
	uint64_t deadline;
	bool asked;
};

/**
 * script_start() - Run one.
 * @env: "NAME=value", NULL ends it; nothing else is in its environment
 * Return: 0 or an errno, reported.
 */
int script_start(struct script *script, const struct script_rules *rules,
		 const char *name, char *const *env);

/**
 * script_look() - Whether it has ended; if it takes too long it is made to.
 * Return: true if none runs any more.
 */
bool script_look(struct script *script, const struct script_rules *rules);

/** script_end() - Kill it, with all that it began. */
void script_end(struct script *script);

#endif
