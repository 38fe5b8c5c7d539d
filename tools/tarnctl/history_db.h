/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the history share. Others want history.h. */
#ifndef TARNCTL_HISTORY_DB_H
#define TARNCTL_HISTORY_DB_H

#include <sqlite3.h>

#include "history.h"

enum history_statement {
	HISTORY_BEGIN,
	HISTORY_COMMIT,
	HISTORY_ROLLBACK,
	HISTORY_PUT_POOL,
	HISTORY_PUT_FILE,
	HISTORY_PUT_POOL_SAMPLE,
	HISTORY_PUT_PARTITION_SAMPLE,
	HISTORY_PUT_EVENT,
	HISTORY_HAS_SAMPLE,
	HISTORY_DROP_POOL_SAMPLES,
	HISTORY_DROP_PARTITION_SAMPLES,
	HISTORY_NEXT_POOL,
	HISTORY_LAST_POOL,
	HISTORY_PARTITIONS,
	HISTORY_STATEMENTS,
};

/**
 * struct history - an open history
 * @db: the database
 * @path: of its file
 * @lock: descriptor of the lock of who writes, -1: it is only read
 * @statements: prepared when they are needed first
 * @now: of what was begun, in seconds; see history_clock.c
 * @last: of what was begun before
 * @shift: @now less the clock
 * @last_mono: of what was begun before, by the clock that nobody sets
 * @ticked: that is known
 * @behind: the clock is before @last
 * @behind_last: the last one then, @behind_mono and when that was
 * @tried_mono: when rows were moved, or could not be
 * @pruned: when the names of pools and files were looked through
 * @full: its limit was reached
 * @skipped: seconds that were not written, as a reader holds the log
 */
struct history {
	sqlite3 *db;
	char *path;
	int lock;
	struct sqlite3_stmt *statements[HISTORY_STATEMENTS];
	int64_t now;
	int64_t last;
	int64_t shift;
	int64_t last_mono;
	bool ticked;
	bool behind;
	int64_t behind_last;
	int64_t behind_mono;
	int64_t tried_mono;
	int64_t pruned;
	bool full;
	unsigned int skipped;
};

/** history_tick() - Set @history->now; in a transaction. Return: 0 or an errno, reported. */
int history_tick(struct history *history, int64_t clock, int64_t mono);

/** history_cutoff() - The time before which rows are older than @kept seconds. */
int64_t history_cutoff(struct history *history, int64_t kept);

/** history_eighth() - The time before which an eighth of the samples of a period is. */
int64_t history_eighth(struct history *history, unsigned int period);

/** history_make_tables() - Make what is missing. Return: a code of SQLite. */
int history_make_tables(sqlite3 *db);

/** history_statement() - Take a statement, prepared and without values; NULL: reported. */
sqlite3_stmt *history_statement(struct history *history,
				enum history_statement which);

/** history_fail() - Report a failure of SQLite. Return: an errno. */
int history_fail(const struct history *history, const char *what);

/** history_write_fail() - Likewise, of writing; a limit that is reached is none. */
int history_write_fail(struct history *history, int code);

/** history_run() - Run SQL without a result. Return: 0 or an errno, reported. */
int history_run(struct history *history, const char *sql);

#endif
