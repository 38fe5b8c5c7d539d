// SPDX-License-Identifier: GPL-2.0-only
/* Reading the history. Nothing that the file says is trusted more than other files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "field.h"
#include "history_db.h"
#include "latency_pack.h"

/* Where columns of statements begin that are not counters. */
#define POOL_COLUMNS 7
#define PARTITION_COLUMNS 14

#define BUSY_MS 2000

void history_moment_free(struct history_moment *moment)
{
	size_t i;

	for (i = 0; i < moment->count; i++) {
		free(moment->items[i].part.path);
		free(moment->items[i].part.name);
		free(moment->items[i].part.guest);
		free(moment->items[i].nodes);
	}
	free(moment->items);
	free(moment->nodes);
	pool_put(&moment->pool);
	memset(moment, 0, sizeof(*moment));
}

const struct history_partition *
history_moment_find(const struct history_moment *moment, __u32 id)
{
	size_t i;

	for (i = 0; i < moment->count; i++) {
		if (moment->items[i].part.info.id == id)
			return &moment->items[i];
	}
	return NULL;
}

/* ---- columns ------------------------------------------------------------ */

static const char *column_text_of(sqlite3_stmt *stmt, int column)
{
	return (const char *)sqlite3_column_text(stmt, column);
}

/* NULL stays NULL. */
static int copy_text(char **to, sqlite3_stmt *stmt, int column)
{
	const char *text = column_text_of(stmt, column);

	*to = text ? strdup(text) : NULL;
	return text && !*to ? -ENOMEM : 0;
}

static void get_fields(sqlite3_stmt *stmt, int column, const struct field *field,
		       void *base)
{
	for (; field->name; field++)
		field_set(field, base, sqlite3_column_int64(stmt, column++));
}

static void get_latency(sqlite3_stmt *stmt, int column, __u64 *buckets)
{
	const void *data = sqlite3_column_blob(stmt, column);

	latency_unpack(buckets, data, sqlite3_column_bytes(stmt, column));
}

static int read_pool(struct history_moment *moment, sqlite3_stmt *stmt)
{
	const char *uuid = column_text_of(stmt, 1);
	struct tarn_pool_info *info = &moment->pool.info;
	int ret;

	memset(moment, 0, sizeof(*moment));
	if (uuid)
		strncpy(moment->pool.uuid, uuid, POOL_UUID_TEXT - 1);
	moment->time = sqlite3_column_int64(stmt, 3);
	get_fields(stmt, POOL_COLUMNS, pool_fields, info);
	info->flags = sqlite3_column_int64(stmt, 4);
	get_latency(stmt, 5, info->latency);
	ret = copy_text(&moment->pool.mount, stmt, 2);
	return ret ? ret : copy_text(&moment->nodes, stmt, 6);
}

static int read_partition(struct history_partition *item, sqlite3_stmt *stmt)
{
	const char *homes = column_text_of(stmt, 5);
	int i, ret;

	memset(item, 0, sizeof(*item));
	get_fields(stmt, PARTITION_COLUMNS, partition_fields, &item->part.info);
	item->part.info.id = sqlite3_column_int64(stmt, 0);
	get_latency(stmt, 3, item->part.info.latency);
	strncpy(item->homes, homes ? homes : "-", SAMPLE_HOMES_MAX - 1);
	item->misplaced = sqlite3_column_int64(stmt, 6);
	item->moved = sqlite3_column_int64(stmt, 7);
	for (i = 0; i < TARN_ACTIVITY_CLASSES; i++)
		item->by_class[i] = sqlite3_column_int64(stmt, 8 + i);
	ret = copy_text(&item->part.path, stmt, 1);
	/* One without a name is kept with an empty one. */
	if (!ret && item->part.path && !*item->part.path) {
		free(item->part.path);
		item->part.path = NULL;
	}
	if (!ret)
		ret = copy_text(&item->part.guest, stmt, 2);
	if (!ret)
		ret = copy_text(&item->part.name, stmt, 13);
	return ret ? ret : copy_text(&item->nodes, stmt, 4);
}

/* ---- moments ------------------------------------------------------------ */

static int add_partition(struct history_moment *moment, sqlite3_stmt *stmt)
{
	struct history_partition *items;

	items = reallocarray(moment->items, moment->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	moment->items = items;
	return read_partition(&items[moment->count++], stmt);
}

static int read_partitions(struct history *history, unsigned int period,
			   sqlite3_int64 pool, struct history_moment *moment)
{
	sqlite3_stmt *stmt = history_statement(history, HISTORY_PARTITIONS);
	int code, ret = 0;

	if (!stmt)
		return -EIO;
	sqlite3_bind_int64(stmt, 1, period);
	sqlite3_bind_int64(stmt, 2, moment->time);
	sqlite3_bind_int64(stmt, 3, pool);
	while (!ret && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		ret = add_partition(moment, stmt);
	if (ret)
		ret = err_nomem();
	else if (code != SQLITE_DONE)
		ret = history_fail(history, "read");
	sqlite3_reset(stmt);
	return ret;
}

static int read_moment(struct history *history, unsigned int period,
		       sqlite3_stmt *stmt, struct history_moment *moment)
{
	sqlite3_int64 pool;
	int ret;

	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		break;
	case SQLITE_DONE:
		sqlite3_reset(stmt);
		return 0;
	default:
		ret = history_fail(history, "read");
		sqlite3_reset(stmt);
		return ret;
	}
	pool = sqlite3_column_int64(stmt, 0);
	ret = read_pool(moment, stmt) ? err_nomem() : 0;
	/* It stays open, so that its partitions are read as of the same state. */
	if (!ret)
		ret = read_partitions(history, period, pool, moment);
	sqlite3_reset(stmt);
	if (ret)
		history_moment_free(moment);
	return ret ? ret : 1;
}

int history_next(struct history *history, unsigned int period, const char *mount,
		 int64_t after, struct history_moment *moment)
{
	sqlite3_stmt *stmt = history_statement(history, HISTORY_NEXT_POOL);

	if (!stmt)
		return -EIO;
	sqlite3_bind_int64(stmt, 1, period);
	sqlite3_bind_text(stmt, 2, mount, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, after);
	return read_moment(history, period, stmt, moment);
}

int history_last(struct history *history, const char *mount,
		 struct history_moment *moment)
{
	sqlite3_stmt *stmt = history_statement(history, HISTORY_LAST_POOL);

	if (!stmt)
		return -EIO;
	sqlite3_bind_int64(stmt, 1, HISTORY_SECOND);
	sqlite3_bind_text(stmt, 2, mount, -1, SQLITE_STATIC);
	return read_moment(history, HISTORY_SECOND, stmt, moment);
}

int64_t history_first_second(struct history *history, const char *mount)
{
	int64_t first = INT64_MAX;
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(history->db,
			       "SELECT min(s.time) FROM pool_sample s JOIN pool p"
			       " ON p.id = s.pool WHERE s.period = 1 AND"
			       " p.mount = ?", -1, &stmt, NULL))
		return first;
	sqlite3_bind_text(stmt, 1, mount, -1, SQLITE_STATIC);
	if (sqlite3_step(stmt) == SQLITE_ROW &&
	    sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		first = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return first;
}

/* ---- lists -------------------------------------------------------------- */

int history_pools(struct history *history,
		  int (*fn)(const char *uuid, const char *mount, void *arg), void *arg)
{
	sqlite3_stmt *stmt;
	int code, ret = 0;

	if (sqlite3_prepare_v2(history->db,
			       "SELECT uuid, mount FROM pool ORDER BY mount, uuid",
			       -1, &stmt, NULL))
		return history_fail(history, "read");
	while (!ret && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		ret = fn(column_text_of(stmt, 0), column_text_of(stmt, 1), arg);
	if (!ret && code != SQLITE_DONE)
		ret = history_fail(history, "read");
	sqlite3_finalize(stmt);
	return ret;
}

int history_mounts(struct history *history,
		   int (*fn)(const char *mount, void *arg), void *arg)
{
	sqlite3_stmt *stmt;
	int code, ret = 0;

	if (sqlite3_prepare_v2(history->db,
			       "SELECT DISTINCT mount FROM pool ORDER BY mount",
			       -1, &stmt, NULL))
		return history_fail(history, "read");
	while (!ret && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		ret = fn(column_text_of(stmt, 0), arg);
	if (!ret && code != SQLITE_DONE)
		ret = history_fail(history, "read");
	sqlite3_finalize(stmt);
	return ret;
}

static struct history_event get_event(sqlite3_stmt *stmt)
{
	const char *state = column_text_of(stmt, 4);
	const char *event = column_text_of(stmt, 3);
	const char *message = column_text_of(stmt, 10);

	return (struct history_event){
		.time_ns = sqlite3_column_int64(stmt, 0),
		.uuid = column_text_of(stmt, 1),
		.mount = column_text_of(stmt, 2),
		.event = event ? event : "",
		.state = state ? state : "",
		.priority = sqlite3_column_int(stmt, 5),
		.path = column_text_of(stmt, 6),
		.domain = column_text_of(stmt, 7),
		.page = sqlite3_column_int64(stmt, 8),
		.value = sqlite3_column_int64(stmt, 9),
		.message = message ? message : "",
	};
}

int history_events(struct history *history, const char *mount, int64_t since,
		   int64_t until, unsigned int most,
		   int (*fn)(const struct history_event *event, void *arg),
		   void *arg)
{
	struct history_event event;
	sqlite3_stmt *stmt;
	int code, ret = 0;

	if (sqlite3_prepare_v2(history->db,
			       "SELECT * FROM (SELECT e.time_ns, p.uuid, p.mount,"
			       " e.event, e.state, e.priority, e.path, e.domain,"
			       " e.page, e.value, e.message, e.rowid AS row"
			       " FROM event e JOIN pool p ON p.id = e.pool"
			       " WHERE (?1 IS NULL OR p.mount = ?1) AND"
			       " e.time_ns >= ?2 AND e.time_ns < ?3"
			       " ORDER BY e.time_ns DESC, e.rowid DESC LIMIT ?4)"
			       " ORDER BY time_ns, row", -1, &stmt, NULL))
		return history_fail(history, "read");
	sqlite3_bind_text(stmt, 1, mount, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, since * 1000000000);
	sqlite3_bind_int64(stmt, 3, until * 1000000000);
	sqlite3_bind_int64(stmt, 4, most);
	while (!ret && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		event = get_event(stmt);
		ret = fn(&event, arg);
	}
	if (!ret && code != SQLITE_DONE)
		ret = history_fail(history, "read");
	sqlite3_finalize(stmt);
	return ret;
}

/* ---- opening ------------------------------------------------------------ */

static int explain(const char *path)
{
	int ret = -errno;

	if (ret == -ENOENT)
		err("%s: there is no history; tarn-logd keeps it: systemctl enable --now tarn-logd",
		    path);
	else if (ret == -EACCES)
		err("%s: not permitted, run it as root or in the group tarn-monitor",
		    path);
	else
		err_errno(ret, "%s", path);
	return ret;
}

int history_open(struct history **result, const char *path)
{
	struct history *history;
	int ret;

	*result = NULL;
	if (access(path, R_OK))
		return explain(path);
	history = calloc(1, sizeof(*history));
	if (!history)
		return err_nomem();
	history->lock = -1;
	history->path = strdup(path);
	if (!history->path) {
		ret = err_nomem();
		goto err_close;
	}
	if (sqlite3_open_v2(path, &history->db, SQLITE_OPEN_READONLY, NULL) ||
	    sqlite3_busy_timeout(history->db, BUSY_MS)) {
		ret = history->db ? history_fail(history, "open") : err_nomem();
		goto err_close;
	}
	sqlite3_extended_result_codes(history->db, 1);
	/* The file is not trusted: no functions with effects in its schema. */
	sqlite3_db_config(history->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	*result = history;
	return 0;

err_close:
	history_close(history);
	return ret;
}

void history_close(struct history *history)
{
	int i;

	if (!history)
		return;
	for (i = 0; i < HISTORY_STATEMENTS; i++)
		sqlite3_finalize(history->statements[i]);
	sqlite3_close(history->db);
	if (history->lock >= 0)
		close(history->lock);
	free(history->path);
	free(history);
}
