// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time of the history. Rows are in the order in which they were written, and are as old
 * as the time that has passed since, whatever is done to the clock.
 *
 * A clock that was set back: rows go on behind the last one, at half the speed, until the
 * clock is there. One that is not there after ten minutes had been wrong before, as with
 * a date that was mistyped: what was written then is moved to where it belongs, if that
 * is free. Not at once, as a host may be without its clock until it is in a network.
 *
 * A clock that was set forth, and a time in which nobody wrote: rows before are not
 * older for that. Such jumps are kept, and taken out of ages.
 */
#include <stdio.h>

#include "error.h"
#include "history_db.h"

/* A clock that goes astray by so much was not set. */
#define SLACK 60
/* So long rows go on behind the last one before they are moved. */
#define WAIT 600
/* Jumps that are remembered. */
#define JUMPS_KEPT "100"

/* The first number of a query with @a and @b; false: there is none. */
static bool get(struct history *history, const char *sql, int64_t a, int64_t b,
		int64_t *val)
{
	sqlite3_stmt *stmt;
	bool found;

	if (sqlite3_prepare_v2(history->db, sql, -1, &stmt, NULL))
		return false;
	sqlite3_bind_int64(stmt, 1, a);
	sqlite3_bind_int64(stmt, 2, b);
	found = sqlite3_step(stmt) == SQLITE_ROW &&
		sqlite3_column_type(stmt, 0) != SQLITE_NULL;
	if (found)
		*val = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return found;
}

/* ---- set back ----------------------------------------------------------- */

/* What is later than the clock, by @by. Whole minutes stay such. */
static int move(struct history *history, int64_t clock, int64_t by)
{
	char sql[1000];

	snprintf(sql, sizeof(sql),
		 "UPDATE pool_sample SET time = time - %2$lld WHERE time > %1$lld;"
		 "UPDATE partition_sample SET time = time - %2$lld"
		 " WHERE time > %1$lld;"
		 "UPDATE event SET time_ns = time_ns - %2$lld000000000"
		 " WHERE time_ns > %1$lld999999999;"
		 "UPDATE pool SET seen = seen - %2$lld WHERE seen > %1$lld;"
		 "UPDATE file SET seen = seen - %2$lld WHERE seen > %1$lld;"
		 "UPDATE jump SET size = size - %2$lld WHERE before <= %1$lld"
		 " AND before + size > %1$lld;"
		 "UPDATE jump SET before = before - %2$lld WHERE before > %1$lld;"
		 "DELETE FROM jump WHERE size <= %3$d;",
		 (long long)clock, (long long)by, SLACK);
	return history_run(history, sql);
}

/* Where others are in the way, all stays as it is. */
static int move_if_free(struct history *history, int64_t clock)
{
	int64_t by = history->last - clock + 1, first, before;
	int ret;

	by += HISTORY_MINUTE - 1;
	by -= by % HISTORY_MINUTE;
	if (get(history, "SELECT min(time) FROM pool_sample WHERE time > ?1",
		clock, 0, &first) &&
	    get(history, "SELECT max(time) FROM pool_sample WHERE time <= ?1",
		clock, 0, &before) &&
	    first - by <= before)
		return 0;
	ret = move(history, clock, by);
	if (ret)
		return ret;
	history->last -= by;
	err("%s: what was written while the clock was %lld s ahead was moved back by that",
	    history->path, (long long)by);
	return 0;
}

/* Return: 0 or an errno; @history->now is set. */
static int go_on_behind(struct history *history, int64_t clock, int64_t mono)
{
	int ret = 0;

	if (!history->behind) {
		history->behind = true;
		history->behind_mono = history->tried_mono = mono;
		history->behind_last = history->last;
		err("%s: the clock was set back by %lld s: samples go on behind the last one",
		    history->path, (long long)(history->last - clock));
	}
	if (mono - history->tried_mono >= WAIT) {
		history->tried_mono = mono;
		ret = move_if_free(history, clock);
	}
	if (clock >= history->last) {
		history->behind = false;
		history->now = clock;
		return ret;
	}
	history->now = history->behind_last + (mono - history->behind_mono) / 2;
	if (history->now < history->last)
		history->now = history->last;
	return ret;
}

/* ---- set forth ---------------------------------------------------------- */

static int note_jump(struct history *history, int64_t passed)
{
	int64_t size = history->now - history->last - passed;
	char sql[300];

	if (!history->last || size <= SLACK)
		return 0;
	snprintf(sql, sizeof(sql),
		 "INSERT INTO jump VALUES(%lld, %lld);"
		 "DELETE FROM jump WHERE rowid <="
		 " (SELECT max(rowid) FROM jump) - " JUMPS_KEPT ";",
		 (long long)history->last, (long long)size);
	return history_run(history, sql);
}

int64_t history_cutoff(struct history *history, int64_t kept)
{
	int64_t cutoff = history->now - kept, before, size;
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(history->db,
			       "SELECT before, size FROM jump ORDER BY before DESC",
			       -1, &stmt, NULL))
		return INT64_MIN;
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		before = sqlite3_column_int64(stmt, 0);
		size = sqlite3_column_int64(stmt, 1);
		if (cutoff >= before + size)
			break;
		cutoff -= size;
	}
	sqlite3_finalize(stmt);
	return cutoff;
}

int64_t history_eighth(struct history *history, unsigned int period)
{
	int64_t time;

	if (get(history, "SELECT DISTINCT time FROM pool_sample WHERE period = ?1"
			 " ORDER BY time LIMIT 1 OFFSET"
			 " (SELECT count(DISTINCT time) FROM pool_sample"
			 "  WHERE period = ?1) / 8",
		period, 0, &time))
		return time + 1;
	return INT64_MIN;
}

int history_tick(struct history *history, int64_t clock, int64_t mono)
{
	/* Nobody knows how long it was before this program began. */
	int64_t passed = history->ticked ? mono - history->last_mono : 0;
	int ret;

	if (clock < history->last) {
		ret = go_on_behind(history, clock, mono);
	} else {
		history->behind = false;
		history->now = clock;
		ret = note_jump(history, passed);
	}
	if (ret)
		return ret;
	history->shift = history->now - clock;
	history->last = history->now;
	history->last_mono = mono;
	history->ticked = true;
	return 0;
}
