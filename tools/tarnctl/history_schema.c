// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of the history, and the statements on them. Columns of counters are those of
 * field.h, in that order, in all of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "error.h"
#include "field.h"
#include "history_db.h"

#define TABLES                                                                 \
	"CREATE TABLE IF NOT EXISTS pool(id INTEGER PRIMARY KEY,"              \
	" uuid TEXT NOT NULL UNIQUE, mount TEXT NOT NULL, seen INTEGER);"      \
	"CREATE TABLE IF NOT EXISTS file(id INTEGER PRIMARY KEY,"              \
	" pool INTEGER NOT NULL, number INTEGER NOT NULL, path TEXT NOT NULL," \
	" domain TEXT, name TEXT, seen INTEGER, UNIQUE(pool, number, path));"  \
	"CREATE TABLE IF NOT EXISTS pool_sample(period INTEGER, time INTEGER," \
	" pool INTEGER, flags INTEGER, latency BLOB, nodes TEXT,"              \
	" PRIMARY KEY(period, time, pool)) WITHOUT ROWID;"                     \
	"CREATE TABLE IF NOT EXISTS partition_sample(period INTEGER,"          \
	" time INTEGER, file INTEGER, latency BLOB, nodes TEXT, homes TEXT,"   \
	" misplaced INTEGER, moved INTEGER, none INTEGER, cold INTEGER,"       \
	" cool INTEGER, warm INTEGER, hot INTEGER,"                            \
	" PRIMARY KEY(period, time, file)) WITHOUT ROWID;"                     \
	"CREATE TABLE IF NOT EXISTS event(time_ns INTEGER, pool INTEGER,"      \
	" event TEXT, state TEXT, priority INTEGER, path TEXT, domain TEXT,"   \
	" page INTEGER, value INTEGER, message TEXT);"                         \
	"CREATE INDEX IF NOT EXISTS event_time ON event(time_ns);"             \
	"CREATE TABLE IF NOT EXISTS jump(before INTEGER, size INTEGER);"

/* ---- tables ------------------------------------------------------------- */

static bool has_column(sqlite3 *db, const char *table, const char *column)
{
	return !sqlite3_table_column_metadata(db, NULL, table, column, NULL,
					      NULL, NULL, NULL, NULL);
}

/* A counter that is new since the file was made. */
static int add_columns(sqlite3 *db, const char *table, const struct field *field)
{
	char sql[160];
	int ret = SQLITE_OK;

	for (; !ret && field->name; field++) {
		if (has_column(db, table, field->name))
			continue;
		snprintf(sql, sizeof(sql), "ALTER TABLE %s ADD COLUMN %s INTEGER",
			 table, field->name);
		ret = sqlite3_exec(db, sql, NULL, NULL, NULL);
	}
	return ret;
}

int history_make_tables(sqlite3 *db)
{
	int ret = sqlite3_exec(db, TABLES, NULL, NULL, NULL);

	if (!ret)
		ret = add_columns(db, "pool_sample", pool_fields);
	if (!ret)
		ret = add_columns(db, "partition_sample", partition_fields);
	return ret;
}

/* ---- statements --------------------------------------------------------- */

static void list_fields(FILE *f, const char *prefix, const struct field *field)
{
	for (; field->name; field++)
		fprintf(f, ", %s%s", prefix, field->name);
}

static void write_insert(FILE *f, const char *into, unsigned int columns,
			 const struct field *field)
{
	unsigned int i;

	fprintf(f, "INSERT OR REPLACE INTO %s", into);
	list_fields(f, "", field);
	for (; field->name; field++)
		columns++;
	fputs(") VALUES(", f);
	for (i = 0; i < columns; i++)
		fputs(i ? ", ?" : "?", f);
	fputc(')', f);
}

static void write_pool_select(FILE *f, const char *where)
{
	fputs("SELECT p.id, p.uuid, p.mount, s.time, s.flags, s.latency, s.nodes",
	      f);
	list_fields(f, "s.", pool_fields);
	fprintf(f, " FROM pool_sample s JOIN pool p ON p.id = s.pool %s", where);
}

static void write_partition_select(FILE *f)
{
	fputs("SELECT f.number, f.path, f.domain, s.latency, s.nodes, s.homes,"
	      " s.misplaced, s.moved, s.none, s.cold, s.cool, s.warm, s.hot,"
	      " f.name", f);
	list_fields(f, "s.", partition_fields);
	fputs(" FROM partition_sample s JOIN file f ON f.id = s.file"
	      " WHERE s.period = ?1 AND s.time = ?2 AND f.pool = ?3"
	      " ORDER BY f.path, f.number", f);
}

static void write_statement(FILE *f, enum history_statement which)
{
	switch (which) {
	case HISTORY_BEGIN:
		fputs("BEGIN IMMEDIATE", f);
		break;
	case HISTORY_COMMIT:
		fputs("COMMIT", f);
		break;
	case HISTORY_ROLLBACK:
		fputs("ROLLBACK", f);
		break;
	case HISTORY_PUT_POOL:
		fputs("INSERT INTO pool(uuid, mount, seen) VALUES(?1, ?2, ?3)"
		      " ON CONFLICT(uuid) DO UPDATE SET mount = ?2, seen = ?3"
		      " RETURNING id", f);
		break;
	case HISTORY_PUT_FILE:
		fputs("INSERT INTO file(pool, number, path, domain, name, seen)"
		      " VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
		      " ON CONFLICT(pool, number, path) DO UPDATE SET"
		      " domain = ?4, name = ?5, seen = ?6 RETURNING id", f);
		break;
	case HISTORY_PUT_POOL_SAMPLE:
		write_insert(f, "pool_sample(period, time, pool, flags, latency,"
			     " nodes", 6, pool_fields);
		break;
	case HISTORY_PUT_PARTITION_SAMPLE:
		write_insert(f, "partition_sample(period, time, file, latency,"
			     " nodes, homes, misplaced, moved, none, cold, cool,"
			     " warm, hot", 13, partition_fields);
		break;
	case HISTORY_PUT_EVENT:
		fputs("INSERT INTO event VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		      f);
		break;
	case HISTORY_HAS_SAMPLE:
		fputs("SELECT 1 FROM pool_sample WHERE period = ? AND time = ?"
		      " AND pool = ?", f);
		break;
	case HISTORY_DROP_POOL_SAMPLES:
		fputs("DELETE FROM pool_sample WHERE period = ? AND time < ?", f);
		break;
	case HISTORY_DROP_PARTITION_SAMPLES:
		fputs("DELETE FROM partition_sample WHERE period = ? AND time < ?",
		      f);
		break;
	case HISTORY_NEXT_POOL:
		write_pool_select(f, "WHERE s.period = ? AND p.mount = ? AND"
				  " s.time > ? ORDER BY s.time LIMIT 1");
		break;
	case HISTORY_LAST_POOL:
		write_pool_select(f, "WHERE s.period = ? AND p.mount = ?"
				  " ORDER BY s.time DESC LIMIT 1");
		break;
	case HISTORY_PARTITIONS:
		write_partition_select(f);
		break;
	case HISTORY_STATEMENTS:
		break;
	}
}

static int prepare(struct history *history, enum history_statement which)
{
	char *sql = NULL;
	size_t len;
	FILE *f = open_memstream(&sql, &len);
	int ret;

	if (!f)
		return err_nomem();
	write_statement(f, which);
	if (fclose(f)) {
		free(sql);
		return err_nomem();
	}
	ret = sqlite3_prepare_v3(history->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
				 &history->statements[which], NULL);
	free(sql);
	return ret ? history_fail(history, "use") : 0;
}

sqlite3_stmt *history_statement(struct history *history,
				enum history_statement which)
{
	sqlite3_stmt *stmt = history->statements[which];

	if (!stmt)
		return prepare(history, which) ? NULL :
						 history->statements[which];
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return stmt;
}

int history_fail(const struct history *history, const char *what)
{
	int code = sqlite3_extended_errcode(history->db) & 0xff;
	int error = sqlite3_system_errno(history->db);

	if ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) &&
	    (error == ENOSPC || error == EDQUOT))
		code = SQLITE_FULL;
	switch (code) {
	case SQLITE_NOMEM:
		return err_nomem();
	case SQLITE_FULL:
		err("%s %s: there is no room for it on its disk", what,
		    history->path);
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		err("%s %s: it is damaged; tarn-logd puts it aside and begins a new one when it starts",
		    what, history->path);
		return -EUCLEAN;
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		err("%s %s: its log is not there, and this user may not make it: run it as root, or start tarn-logd",
		    what, history->path);
		return -EACCES;
	case SQLITE_BUSY:
		err("%s %s: somebody else holds it", what, history->path);
		return -EBUSY;
	}
	err("%s %s: %s", what, history->path, sqlite3_errmsg(history->db));
	return -EIO;
}

/* What a transaction may need, with its log. */
#define ROOM_BYTES (1 << 20)

/* SQLite says the same of a disk that is full and of a limit that is reached. */
static bool disk_is_full(const struct history *history)
{
	struct statvfs st;

	if (statvfs(history->path, &st))
		return false;
	return (geteuid() ? st.f_bavail : st.f_bfree) * st.f_frsize < ROOM_BYTES;
}

/* That the limit is reached is as it should be: history_commit() makes room. */
int history_write_fail(struct history *history, int code)
{
	if ((code & 0xff) != SQLITE_FULL || disk_is_full(history))
		return history_fail(history, "write to");
	history->full = true;
	return -ENOSPC;
}

int history_run(struct history *history, const char *sql)
{
	int code = sqlite3_exec(history->db, sql, NULL, NULL, NULL);

	return code ? history_write_fail(history, code) : 0;
}
