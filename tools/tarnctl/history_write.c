// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing the history. What is written in a second is one transaction, which is synced
 * only when the log is folded into the file: power that fails costs the last seconds,
 * and a disk is not kept busy.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "error.h"
#include "field.h"
#include "history_db.h"
#include "latency_pack.h"

#define PAGE_BYTES 4096
/* Nobody but who writes has the locks that it takes; whoever takes them is not waited for. */
#define BUSY_MS 100
/* Events that are kept at most, whatever there is room for. */
#define EVENTS_KEPT "100000"
/* Seconds between two looks for names that nothing is known of any more. */
#define PRUNE_SECONDS 60
/* Pages of the log from which on nothing is added, as somebody keeps it from being folded. */
#ifndef LOG_PAGES_MAX
#define LOG_PAGES_MAX 16384
#endif

/* ---- values ------------------------------------------------------------- */

static int bind_fields(sqlite3_stmt *stmt, int column, const struct field *field,
		       const void *base)
{
	for (; field->name; field++)
		sqlite3_bind_int64(stmt, column++, field_get(field, base));
	return column;
}

static void bind_latency(sqlite3_stmt *stmt, int column, const __u64 *buckets)
{
	unsigned char buf[LATENCY_PACK_MAX];
	size_t len = latency_pack(buf, buckets);

	sqlite3_bind_blob(stmt, column, buf, len, SQLITE_TRANSIENT);
}

static void bind_text(sqlite3_stmt *stmt, int column, const char *text)
{
	sqlite3_bind_text(stmt, column, text, -1, SQLITE_STATIC);
}

static int run(struct history *history, sqlite3_stmt *stmt)
{
	int code = sqlite3_step(stmt), ret = 0;

	if (code != SQLITE_DONE)
		ret = history_write_fail(history, code);
	sqlite3_reset(stmt);
	return ret;
}

/* A statement that returns the id of its row. */
static int run_id(struct history *history, sqlite3_stmt *stmt, sqlite3_int64 *id)
{
	int code = sqlite3_step(stmt), ret = 0;

	if (code == SQLITE_ROW)
		*id = sqlite3_column_int64(stmt, 0);
	else
		ret = history_write_fail(history, code);
	sqlite3_reset(stmt);
	return ret;
}

/* ---- rows --------------------------------------------------------------- */

static int put_pool(struct history *history, const char *uuid, const char *mount,
		    sqlite3_int64 *id)
{
	sqlite3_stmt *stmt = history_statement(history, HISTORY_PUT_POOL);

	if (!stmt)
		return -EIO;
	bind_text(stmt, 1, uuid);
	bind_text(stmt, 2, mount);
	sqlite3_bind_int64(stmt, 3, history->now);
	return run_id(history, stmt, id);
}

static int put_file(struct history *history, sqlite3_int64 pool,
		    const struct history_partition *item, sqlite3_int64 *id)
{
	sqlite3_stmt *stmt = history_statement(history, HISTORY_PUT_FILE);

	if (!stmt)
		return -EIO;
	sqlite3_bind_int64(stmt, 1, pool);
	sqlite3_bind_int64(stmt, 2, item->part.info.id);
	bind_text(stmt, 3, item->part.path ? item->part.path : "");
	bind_text(stmt, 4, item->part.guest);
	bind_text(stmt, 5, item->part.name);
	sqlite3_bind_int64(stmt, 6, history->now);
	return run_id(history, stmt, id);
}

static int put_partition_sample(struct history *history, unsigned int period,
				int64_t time, sqlite3_int64 pool,
				const struct history_partition *item)
{
	const struct tarn_partition_info *info = &item->part.info;
	sqlite3_int64 file = 0;
	sqlite3_stmt *stmt;
	int i, ret;

	ret = put_file(history, pool, item, &file);
	if (ret)
		return ret;
	stmt = history_statement(history, HISTORY_PUT_PARTITION_SAMPLE);
	if (!stmt)
		return -EIO;
	sqlite3_bind_int64(stmt, 1, period);
	sqlite3_bind_int64(stmt, 2, time);
	sqlite3_bind_int64(stmt, 3, file);
	bind_latency(stmt, 4, info->latency);
	bind_text(stmt, 5, item->nodes);
	bind_text(stmt, 6, item->homes);
	sqlite3_bind_int64(stmt, 7, item->misplaced);
	sqlite3_bind_int64(stmt, 8, item->moved);
	for (i = 0; i < TARN_ACTIVITY_CLASSES; i++)
		sqlite3_bind_int64(stmt, 9 + i, item->by_class[i]);
	bind_fields(stmt, 14, partition_fields, info);
	return run(history, stmt);
}

static bool has_sample(struct history *history, unsigned int period,
		       int64_t time, sqlite3_int64 pool)
{
	sqlite3_stmt *stmt = history_statement(history, HISTORY_HAS_SAMPLE);
	bool has;

	if (!stmt)
		return false;
	sqlite3_bind_int64(stmt, 1, period);
	sqlite3_bind_int64(stmt, 2, time);
	sqlite3_bind_int64(stmt, 3, pool);
	has = sqlite3_step(stmt) == SQLITE_ROW;
	sqlite3_reset(stmt);
	return has;
}

static int put_pool_sample(struct history *history, unsigned int period,
			   int64_t time, sqlite3_int64 pool,
			   const struct history_moment *moment)
{
	sqlite3_stmt *stmt = history_statement(history, HISTORY_PUT_POOL_SAMPLE);

	if (!stmt)
		return -EIO;
	sqlite3_bind_int64(stmt, 1, period);
	sqlite3_bind_int64(stmt, 2, time);
	sqlite3_bind_int64(stmt, 3, pool);
	sqlite3_bind_int64(stmt, 4, moment->pool.info.flags);
	bind_latency(stmt, 5, moment->pool.info.latency);
	bind_text(stmt, 6, moment->nodes);
	bind_fields(stmt, 7, pool_fields, &moment->pool.info);
	return run(history, stmt);
}

/* A reader that never ends must not fill the disk. */
static bool log_is_held(struct history *history)
{
	int pages = 0, folded = 0;

	sqlite3_wal_checkpoint_v2(history->db, NULL, SQLITE_CHECKPOINT_PASSIVE,
				  &pages, &folded);
	return pages - folded > LOG_PAGES_MAX;
}

int history_write(struct history *history, unsigned int period,
		  const struct history_moment *moment)
{
	int64_t time = moment->time + history->shift;
	sqlite3_int64 pool = 0;
	size_t i;
	int ret;

	time -= time % period;
	ret = put_pool(history, moment->pool.uuid, moment->pool.mount, &pool);
	/* While the clock is waited for some would take the place of others. */
	if (!ret && history->behind && has_sample(history, period, time, pool))
		return 0;
	if (!ret)
		ret = put_pool_sample(history, period, time, pool, moment);
	for (i = 0; !ret && i < moment->count; i++)
		ret = put_partition_sample(history, period, time, pool,
					   &moment->items[i]);
	return ret;
}

int history_write_event(struct history *history,
			const struct history_event *event)
{
	sqlite3_int64 pool = 0;
	sqlite3_stmt *stmt;
	int ret;

	ret = put_pool(history, event->uuid, event->mount, &pool);
	if (ret)
		return ret;
	stmt = history_statement(history, HISTORY_PUT_EVENT);
	if (!stmt)
		return -EIO;
	/* In the order of samples, too. */
	sqlite3_bind_int64(stmt, 1, history->behind ?
			   history->now * 1000000000 :
			   (int64_t)event->time_ns);
	sqlite3_bind_int64(stmt, 2, pool);
	bind_text(stmt, 3, event->event);
	bind_text(stmt, 4, event->state);
	sqlite3_bind_int64(stmt, 5, event->priority);
	bind_text(stmt, 6, event->path);
	bind_text(stmt, 7, event->domain);
	sqlite3_bind_int64(stmt, 8, event->page);
	sqlite3_bind_int64(stmt, 9, event->value);
	bind_text(stmt, 10, event->message);
	return run(history, stmt);
}

/* ---- what goes ---------------------------------------------------------- */

static int drop_before(struct history *history, unsigned int period, int64_t time)
{
	static const enum history_statement which[] = {
		HISTORY_DROP_POOL_SAMPLES, HISTORY_DROP_PARTITION_SAMPLES,
	};
	int i, ret = 0;

	for (i = 0; !ret && i < 2; i++) {
		sqlite3_stmt *stmt = history_statement(history, which[i]);

		if (!stmt)
			return -EIO;
		sqlite3_bind_int64(stmt, 1, period);
		sqlite3_bind_int64(stmt, 2, time);
		ret = run(history, stmt);
	}
	return ret;
}

/* Names that no sample or event can have any more, and those that are too many. */
static int drop_names(struct history *history)
{
	long long cutoff = history_cutoff(history, HISTORY_MINUTES_KEPT);
	char sql[700];

	if (history->now < history->pruned + PRUNE_SECONDS &&
	    history->now >= history->pruned)
		return 0;
	history->pruned = history->now;
	snprintf(sql, sizeof(sql),
		 "DELETE FROM event WHERE time_ns / 1000000000 < %1$lld OR rowid <="
		 " (SELECT max(rowid) FROM event) - " EVENTS_KEPT ";"
		 "DELETE FROM file WHERE seen < %2$lld;"
		 "DELETE FROM file WHERE id IN (SELECT id FROM file"
		 " ORDER BY seen DESC, id LIMIT -1 OFFSET %3$d);"
		 "DELETE FROM pool WHERE seen < %2$lld;"
		 "DELETE FROM jump WHERE before < %2$lld;",
		 cutoff, cutoff - 60, HISTORY_FILES_KEPT);
	return history_run(history, sql);
}

/* An eighth of what there is of a period. */
static int drop_eighth(struct history *history, unsigned int period)
{
	return drop_before(history, period, history_eighth(history, period));
}

static int get_number(void *arg, int columns, char **values, char **names)
{
	*(int64_t *)arg = values[0] ? atoll(values[0]) : 0;
	return 0;
}

/* Whether more than half of the file is names. */
static bool names_fill(struct history *history)
{
	int64_t fills = 0;

	/* A path is in the index as well. */
	sqlite3_exec(history->db,
		     "SELECT 4 * sum(length(CAST(path AS BLOB))) +"
		     " 2 * sum(ifnull(length(CAST(name AS BLOB)), 0) +"
		     " ifnull(length(CAST(domain AS BLOB)), 0)) >"
		     " (SELECT page_count * page_size FROM pragma_page_count,"
		     " pragma_page_size) FROM file", get_number, &fills, NULL);
	return fills;
}

/*
 * Names that no sample has any more. If names are what fills the file, an eighth of
 * them as well, those that have been gone the longest: their samples are nobody's then.
 * The last number stays, so that no other name gets one that was given.
 */
static int drop_old_names(struct history *history)
{
	int ret = history_run(history,
		"DELETE FROM file WHERE id < (SELECT max(id) FROM file) AND"
		" seen < (SELECT min(time) - 60 FROM pool_sample)");

	if (ret || !names_fill(history))
		return ret;
	return history_run(history,
		"DELETE FROM file WHERE id IN (SELECT id FROM file WHERE"
		" seen < (SELECT max(seen) FROM file) AND"
		" id < (SELECT max(id) FROM file) ORDER BY seen, id"
		" LIMIT (SELECT (count(*) + 7) / 8 FROM file))");
}

static int make_room(struct history *history)
{
	int ret = drop_eighth(history, HISTORY_SECOND);

	if (!ret)
		ret = drop_eighth(history, HISTORY_MINUTE);
	if (!ret)
		ret = history_run(history,
			"DELETE FROM event WHERE rowid <= (SELECT min(rowid) + "
			"(max(rowid) - min(rowid)) / 8 FROM event)");
	return ret ? ret : drop_old_names(history);
}

/* ---- transactions ------------------------------------------------------- */

static int run_plain(struct history *history, enum history_statement which)
{
	sqlite3_stmt *stmt = history_statement(history, which);

	return stmt ? run(history, stmt) : -EIO;
}

static void roll_back(struct history *history)
{
	if (!sqlite3_get_autocommit(history->db))
		run_plain(history, HISTORY_ROLLBACK);
}

/* It is full: what was to be written is lost, and what is oldest goes. */
static int begin_room(struct history *history)
{
	int before = sqlite3_total_changes(history->db), ret;

	history->full = false;
	roll_back(history);
	ret = run_plain(history, HISTORY_BEGIN);
	if (!ret)
		ret = make_room(history);
	if (!ret)
		ret = run_plain(history, HISTORY_COMMIT);
	if (ret)
		roll_back(history);
	if (!ret && sqlite3_total_changes(history->db) == before) {
		err("%s: its limit is reached, and there is nothing to drop: what is there now needs more",
		    history->path);
		ret = -ENOSPC;
	}
	if (history->full)
		err("%s: its limit is reached, and dropping what is oldest makes no room",
		    history->path);
	return ret;
}

int history_begin(struct history *history, int64_t clock, int64_t mono)
{
	int ret;

	/* What was begun and not ended failed. */
	roll_back(history);
	history->full = false;
	if (history->skipped || clock % HISTORY_MINUTE == 0) {
		if (log_is_held(history)) {
			if (!history->skipped++)
				err("%s: a program reads it and does not end; nothing is written to it until it does",
				    history->path);
			return -EAGAIN;
		}
		history->skipped = 0;
	}
	ret = run_plain(history, HISTORY_BEGIN);
	if (!ret)
		ret = history_tick(history, clock, mono);
	/* For the next time. */
	if (ret && history->full)
		ret = begin_room(history) ? -ENOSPC : -EAGAIN;
	return ret;
}

static int drop_old(struct history *history)
{
	int ret = drop_before(history, HISTORY_SECOND,
			      history_cutoff(history, HISTORY_SECONDS_KEPT));

	if (!ret)
		ret = drop_before(history, HISTORY_MINUTE,
				  history_cutoff(history, HISTORY_MINUTES_KEPT));
	return ret ? ret : drop_names(history);
}

int history_commit(struct history *history)
{
	int ret;

	if (history->full)
		return begin_room(history);
	/* A failure before has ended it already, and was reported. */
	if (sqlite3_get_autocommit(history->db))
		return -EIO;
	ret = drop_old(history);
	if (!ret)
		ret = run_plain(history, HISTORY_COMMIT);
	if (history->full)
		return begin_room(history);
	if (ret)
		roll_back(history);
	return ret;
}

/* ---- opening ------------------------------------------------------------ */

static int take_lock(struct history *history, const char *path)
{
	char *name;

	if (asprintf(&name, "%s.lock", path) < 0)
		return err_nomem();
	history->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			     0640);
	if (history->lock < 0) {
		int ret = err_errno(-errno, "write to %s", name);

		free(name);
		return ret;
	}
	free(name);
	if (!flock(history->lock, LOCK_EX | LOCK_NB))
		return 0;
	err("%s: another tarn-logd writes to it", path);
	return -EBUSY;
}

static int is_whole(void *arg, int columns, char **values, char **names)
{
	*(bool *)arg = values[0] && !strcmp(values[0], "ok");
	return 0;
}

static int check_whole(struct history *history)
{
	bool whole = false;
	int ret = sqlite3_exec(history->db, "PRAGMA quick_check(1)", is_whole,
			       &whole, NULL);

	return !ret && !whole ? SQLITE_CORRUPT : ret;
}

static int open_once(struct history *history, uint64_t limit)
{
	int persist = 1;
	char sql[200];
	int ret;

	ret = sqlite3_open_v2(history->path, &history->db,
			      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (ret)
		return ret;
	sqlite3_extended_result_codes(history->db, 1);
	sqlite3_busy_timeout(history->db, BUSY_MS);
	sqlite3_db_config(history->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* Readers that may not write to the directory want the log to be there. */
	sqlite3_file_control(history->db, NULL, SQLITE_FCNTL_PERSIST_WAL,
			     &persist);
	snprintf(sql, sizeof(sql),
		 "PRAGMA page_size = %d; PRAGMA journal_mode = WAL;"
		 "PRAGMA synchronous = NORMAL; PRAGMA max_page_count = %llu;"
		 "PRAGMA journal_size_limit = 8388608;",
		 PAGE_BYTES, (unsigned long long)(limit / PAGE_BYTES));
	ret = sqlite3_exec(history->db, sql, NULL, NULL, NULL);
	if (!ret)
		ret = check_whole(history);
	if (!ret)
		ret = history_make_tables(history->db);
	return ret ? ret : sqlite3_exec(history->db,
					"SELECT max(time) FROM pool_sample",
					get_number, &history->last, NULL);
}

static void move_aside(const char *path, const char *suffix)
{
	char *from = NULL, *to = NULL;

	if (asprintf(&from, "%s%s", path, suffix) >= 0 &&
	    asprintf(&to, "%s.damaged%s", path, suffix) >= 0)
		rename(from, to);
	free(from);
	free(to);
}

/* Of three files that are one. */
static void put_aside(struct history *history)
{
	sqlite3_close(history->db);
	history->db = NULL;
	err("%s: it is damaged; it is put aside as %s.damaged, and a new one begun",
	    history->path, history->path);
	move_aside(history->path, "");
	move_aside(history->path, "-wal");
	move_aside(history->path, "-shm");
}

int history_create(struct history **result, const char *path, uint64_t limit)
{
	struct history *history = calloc(1, sizeof(*history));
	int ret, code;

	*result = NULL;
	if (!history)
		return err_nomem();
	history->lock = -1;
	history->path = strdup(path);
	ret = history->path ? take_lock(history, path) : err_nomem();
	if (ret)
		goto err_close;
	code = open_once(history, limit) & 0xff;
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
		put_aside(history);
		code = open_once(history, limit);
	}
	if (code) {
		ret = history->db ? history_fail(history, "open") : err_nomem();
		goto err_close;
	}
	*result = history;
	return 0;

err_close:
	history_close(history);
	return ret;
}
