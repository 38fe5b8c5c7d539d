// SPDX-License-Identifier: GPL-2.0-only
/* The history: what is written is read back; limits, clocks, kills, damage. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "../../tools/tarnctl/history_clock.c"
#include "../../tools/tarnctl/history_schema.c"
#include "../../tools/tarnctl/history_read.c"
#undef BUSY_MS
#define LOG_PAGES_MAX 1024
#include "../../tools/tarnctl/history_write.c"
#include "tap.h"

#define NOW 1800000000LL
#define MOUNT "/run/tarn/p"

static char dir[] = "/tmp/test_history.XXXXXX";
static char path[64];

static struct history *begin_new(uint64_t limit)
{
	struct history *history = NULL;

	snprintf(path, sizeof(path), "%s/db", dir);
	unlink("db");
	unlink("db-wal");
	unlink("db-shm");
	CHECK_EQ(history_create(&history, path, limit), 0);
	return history;
}

/* A moment whose counters are all different, made from @seed. */
static void make_moment(struct history_moment *moment, int64_t time, size_t count,
			unsigned int seed)
{
	const struct field *field;
	size_t i;

	memset(moment, 0, sizeof(*moment));
	moment->time = time;
	moment->pool.mount = strdup(MOUNT);
	strcpy(moment->pool.uuid, "00112233-4455-6677-8899-aabbccddeeff");
	moment->nodes = strdup("{\"0\":{\"frames\":7}}");
	for (field = pool_fields; field->name; field++)
		field_set(field, &moment->pool.info, seed++);
	moment->pool.info.flags = TARN_POOL_PAGING;
	moment->pool.info.latency[5] = seed++;
	moment->items = calloc(count, sizeof(*moment->items));
	moment->count = count;
	for (i = 0; i < count; i++) {
		struct history_partition *item = &moment->items[i];
		char name[32];

		snprintf(name, sizeof(name), "guest%02zu", i);
		for (field = partition_fields; field->name; field++)
			field_set(field, &item->part.info, seed++);
		item->part.info.id = i + 1;
		item->part.info.latency[7] = seed++;
		item->part.path = i ? strdup(name) : NULL;
		item->part.guest = i == 1 ? strdup("web") : NULL;
		item->part.name = i == 1 ? strdup("web/ram") : NULL;
		item->by_class[TARN_ACTIVITY_HOT] = seed++;
		item->misplaced = seed++;
		strcpy(item->homes, "auto:0,1");
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_partition(const struct history_partition *a,
			   const struct history_partition *b)
{
	return same_text(a->part.path, b->part.path) &&
	       same_text(a->part.guest, b->part.guest) &&
	       same_text(a->part.name, b->part.name) && same_text(a->nodes, b->nodes) &&
	       !strcmp(a->homes, b->homes) && a->misplaced == b->misplaced &&
	       !memcmp(&a->part.info, &b->part.info, sizeof(a->part.info)) &&
	       !memcmp(a->by_class, b->by_class, sizeof(a->by_class));
}

static void check_same(const struct history_moment *a,
		       const struct history_moment *b)
{
	struct tarn_pool_info x = a->pool.info, y = b->pool.info;
	size_t i;

	CHECK_EQ(a->time, b->time);
	CHECK_STR(a->pool.mount, b->pool.mount);
	CHECK_STR(a->pool.uuid, b->pool.uuid);
	CHECK_STR(a->nodes, b->nodes);
	CHECK(!memcmp(&x, &y, sizeof(x)));
	CHECK_EQ(a->count, b->count);
	for (i = 0; i < a->count && a->count == b->count; i++)
		CHECK(same_partition(&a->items[i], &b->items[i]));
}

static void put(struct history *history, unsigned int period, int64_t time,
		size_t count)
{
	struct history_moment moment;

	make_moment(&moment, time, count, time % 1000);
	CHECK_EQ(history_begin(history, time, time), 0);
	history_write(history, period, &moment);
	CHECK_EQ(history_commit(history), 0);
	history_moment_free(&moment);
}

static unsigned int count_moments(unsigned int period)
{
	struct history_moment moment;
	struct history *history;
	unsigned int count = 0;
	int64_t after = 0;

	CHECK_EQ(history_open(&history, path), 0);
	while (history && history_next(history, period, MOUNT, after,
				       &moment) > 0) {
		after = moment.time;
		count++;
		history_moment_free(&moment);
	}
	history_close(history);
	return count;
}

static int64_t oldest_second(void)
{
	struct history_moment moment;
	struct history *history;
	int64_t time = 0;

	CHECK_EQ(history_open(&history, path), 0);
	if (history_next(history, HISTORY_SECOND, MOUNT, 0, &moment) > 0) {
		time = moment.time;
		history_moment_free(&moment);
	}
	history_close(history);
	return time;
}

static void test_round_trip(void)
{
	struct history *history = begin_new(HISTORY_SIZE), *reader;
	struct history_moment moment, got;

	make_moment(&moment, NOW, 3, 1);
	/* As the kernel's numbers may be. */
	moment.pool.info.page_ins = UINT64_MAX;
	CHECK_EQ(history_begin(history, NOW, NOW), 0);
	CHECK_EQ(history_write(history, HISTORY_SECOND, &moment), 0);
	CHECK_EQ(history_commit(history), 0);
	/* While it is open for writing. */
	CHECK_EQ(history_open(&reader, path), 0);
	CHECK_EQ(history_next(reader, HISTORY_SECOND, MOUNT, NOW - 1, &got), 1);
	check_same(&moment, &got);
	history_moment_free(&got);
	CHECK_EQ(history_next(reader, HISTORY_SECOND, MOUNT, NOW, &got), 0);
	CHECK_EQ(history_next(reader, HISTORY_MINUTE, MOUNT, 0, &got), 0);
	CHECK_EQ(history_next(reader, HISTORY_SECOND, "/other", 0, &got), 0);
	CHECK_EQ(history_last(reader, MOUNT, &got), 1);
	check_same(&moment, &got);
	history_moment_free(&got);
	history_moment_free(&moment);
	history_close(reader);
	history_close(history);
}

static void test_old_ones_go(void)
{
	struct history *history = begin_new(HISTORY_SIZE);
	int64_t time;

	for (time = NOW; time < NOW + HISTORY_SECONDS_KEPT + 500; time += 10)
		put(history, HISTORY_SECOND, time, 1);
	CHECK_EQ(count_moments(HISTORY_SECOND), HISTORY_SECONDS_KEPT / 10 + 1);
	put(history, HISTORY_MINUTE, NOW + 60, 1);
	put(history, HISTORY_MINUTE, NOW + 60 + HISTORY_MINUTES_KEPT, 1);
	CHECK_EQ(count_moments(HISTORY_MINUTE), 2);
	put(history, HISTORY_MINUTE, NOW + 61 + HISTORY_MINUTES_KEPT, 1);
	CHECK_EQ(count_moments(HISTORY_MINUTE), 2);
	CHECK_EQ(count_moments(HISTORY_SECOND), 0);
	history_close(history);
}

/* The file stays below its limit, and what is newest is in it. */
static void test_limit(void)
{
	struct history *history = begin_new(HISTORY_SIZE_MIN);
	struct history_moment last;
	struct stat st;
	int i;

	for (i = 0; i < 1500; i++)
		put(history, HISTORY_SECOND, NOW + i, 40);
	history_close(history);
	CHECK(!stat(path, &st));
	CHECK(st.st_size <= (off_t)HISTORY_SIZE_MIN);
	CHECK(st.st_size > (off_t)HISTORY_SIZE_MIN / 2);
	CHECK_EQ(history_open(&history, path), 0);
	CHECK_EQ(history_last(history, MOUNT, &last), 1);
	/* At most the one for which there was no room is missing. */
	CHECK(last.time >= NOW + 1498);
	CHECK_EQ(last.count, 40);
	history_moment_free(&last);
	history_close(history);
	CHECK(count_moments(HISTORY_SECOND) > 100);
}

/* With a clock that is wrong: @mono goes on as it should. */
static void put_at(struct history *history, unsigned int period, int64_t clock,
		   int64_t mono)
{
	struct history_moment moment;

	make_moment(&moment, clock, 1, clock % 1000);
	CHECK_EQ(history_begin(history, clock, mono), 0);
	CHECK_EQ(history_write(history, period, &moment), 0);
	CHECK_EQ(history_commit(history), 0);
	history_moment_free(&moment);
}

static int64_t last_time(void)
{
	struct history_moment last;
	struct history *history;
	int64_t time;

	CHECK_EQ(history_open(&history, path), 0);
	CHECK_EQ(history_last(history, MOUNT, &last), 1);
	time = last.time;
	history_moment_free(&last);
	history_close(history);
	return time;
}

/* Seconds that are put: those of a minute, from @clock and @mono on. */
static void put_minute(struct history *history, int64_t clock, int64_t mono)
{
	int i;

	for (i = 0; i < 60; i++)
		put_at(history, HISTORY_SECOND, clock + i, mono + i);
}

/* A little: rows go on behind, more slowly, until the clock is there; none is lost. */
static void test_clock_set_back(void)
{
	struct history *history = begin_new(HISTORY_SIZE);
	int i;

	put_minute(history, NOW, 1000);
	for (i = 0; i < 100; i++)
		put_at(history, HISTORY_SECOND, NOW + 20 + i, 1060 + i);
	/* 40 s behind, which take 80. */
	CHECK_EQ(last_time(), NOW + 119);
	CHECK_EQ(count_moments(HISTORY_SECOND), 60 + 40 + 20);
	history_close(history);
	/* Also while nothing was written. */
	CHECK_EQ(history_create(&history, path, HISTORY_SIZE), 0);
	put_at(history, HISTORY_SECOND, NOW + 50, 5);
	put_at(history, HISTORY_SECOND, NOW + 52, 7);
	CHECK_EQ(last_time(), NOW + 120);
	CHECK_EQ(count_moments(HISTORY_SECOND), 121);
	history_close(history);
}

#define YEAR (365 * 86400LL)

/* Someone mistypes the year, and mends it an hour later. */
static void test_clock_jumps(void)
{
	struct history *history = begin_new(HISTORY_SIZE);
	unsigned int before, minutes;
	int i;

	for (i = 0; i < 100; i++)
		put_at(history, HISTORY_MINUTE, NOW + i * 60, i * 60);
	put_minute(history, NOW + 6000, 6000);
	before = count_moments(HISTORY_SECOND);
	CHECK_EQ(before, 60);
	put_minute(history, NOW + 6060 + YEAR, 6060);
	CHECK_EQ(count_moments(HISTORY_SECOND), before + 60);
	CHECK_EQ(count_moments(HISTORY_MINUTE), 100);
	/* An hour takes what is as old, and no more: by time that has passed. */
	for (i = 120; i < 3660; i += 60)
		put_at(history, HISTORY_SECOND, NOW + 6000 + YEAR + i, 6000 + i);
	CHECK_EQ(count_moments(HISTORY_SECOND), 60 + 60 + 59);
	put_at(history, HISTORY_SECOND, NOW + 6000 + YEAR + 3610, 6000 + 3610);
	CHECK_EQ(count_moments(HISTORY_SECOND), 50 + 60 + 60);
	/* It is right again. */
	for (i = 0; i < 700; i++)
		put_at(history, HISTORY_SECOND, NOW + 10000 + i, 10000 + i);
	CHECK(last_time() == NOW + 10699);
	minutes = count_moments(HISTORY_MINUTE);
	CHECK_EQ(minutes, 100);
	/* What was written meanwhile is where it belongs, and in its order. */
	CHECK(count_moments(HISTORY_SECOND) > 300 + 100);
	CHECK(oldest_second() >= NOW + 6000 && oldest_second() < NOW + 7200);
	/* And ages from there on. */
	for (i = 700; i < 700 + 3600 + 120; i += 10)
		put_at(history, HISTORY_SECOND, NOW + 10000 + i, 10000 + i);
	CHECK(oldest_second() >= NOW + 10700);
	history_close(history);
}

/* A host without a clock until it is in a network, and one that was off for long. */
static void test_clock_at_start(void)
{
	struct history *history = begin_new(HISTORY_SIZE);

	put_minute(history, NOW, 1000);
	put_at(history, HISTORY_MINUTE, NOW, 1060);
	history_close(history);
	CHECK_EQ(history_create(&history, path, HISTORY_SIZE), 0);
	put_minute(history, 86400, 10);
	put_minute(history, NOW + 30 * YEAR, 70);
	CHECK_EQ(count_moments(HISTORY_MINUTE), 1);
	CHECK_EQ(count_moments(HISTORY_SECOND), 60 + 29 + 60);
	history_close(history);
}

/* Names are somebody else's to choose, and as many as he likes. */
static void test_names_are_bounded(void)
{
	struct history *history = begin_new(HISTORY_SIZE);
	struct history_moment moment;
	sqlite3_int64 count = 0;
	size_t i;
	int round;

	for (round = 0; round < 3; round++) {
		make_moment(&moment, NOW + round * 60, 5000, 1);
		for (i = 0; i < moment.count; i++)
			moment.items[i].part.info.id = 1 + i + round * 5000;
		CHECK_EQ(history_begin(history, NOW + round * 60,
				       round * 60), 0);
		CHECK_EQ(history_write(history, HISTORY_SECOND, &moment), 0);
		CHECK_EQ(history_commit(history), 0);
		history_moment_free(&moment);
	}
	CHECK(get(history, "SELECT count(*) FROM file", 0, 0, (int64_t *)&count));
	CHECK_EQ(count, HISTORY_FILES_KEPT);
	/* Those that are there now have theirs. */
	CHECK(get(history, "SELECT count(*) FROM file WHERE number > 10000", 0, 0,
		  (int64_t *)&count));
	CHECK_EQ(count, 5000);
	history_close(history);
}

#define LONG_NAME (16 << 10)

/* A moment of a partition that nobody has seen before, with a long name. */
static void put_long_name(struct history *history, int64_t time, unsigned int id)
{
	struct history_moment moment;
	char *name = malloc(LONG_NAME + 1);

	make_moment(&moment, time, 1, 1);
	memset(name, 'a', LONG_NAME);
	name[LONG_NAME] = '\0';
	moment.items[0].part.path = name;
	moment.items[0].part.info.id = id;
	CHECK_EQ(history_begin(history, time, time), 0);
	history_write(history, HISTORY_SECOND, &moment);
	CHECK_EQ(history_commit(history), 0);
	history_moment_free(&moment);
}

static unsigned int count_after(int64_t after, size_t partitions)
{
	struct history_moment moment;
	struct history *history;
	unsigned int count = 0;

	CHECK_EQ(history_open(&history, path), 0);
	while (history_next(history, HISTORY_SECOND, MOUNT, after, &moment) > 0) {
		after = moment.time;
		count += moment.count == partitions;
		history_moment_free(&moment);
	}
	history_close(history);
	return count;
}

/* They are what fills the file: those that are gone make room, the others stay. */
static void test_long_names(void)
{
	struct history *history = begin_new(HISTORY_SIZE_MIN);
	int64_t count = 0;
	int i;

	for (i = 0; i < 20; i++)
		put(history, HISTORY_SECOND, NOW + i, 40);
	for (; i < 220; i++)
		put_long_name(history, NOW + i, 100 + i);
	for (; i < 240; i++)
		put(history, HISTORY_SECOND, NOW + i, 40);
	/* At most the one for which there was no room is missing. */
	CHECK(count_after(NOW + 219, 40) >= 19);
	/* No number is given to another one while a sample may have it. */
	CHECK(get(history, "SELECT count(*) FROM partition_sample s JOIN file f"
		  " ON f.id = s.file WHERE f.number <= 40 AND s.time BETWEEN ?1 AND ?2",
		  NOW + 20, NOW + 219, &count));
	CHECK_EQ(count, 0);
	history_close(history);
}

static int keep_event(const struct history_event *event, void *arg)
{
	unsigned int *count = arg;

	CHECK_STR(event->event, "pager-lost");
	CHECK_STR(event->state, "raised");
	CHECK_STR(event->mount, MOUNT);
	CHECK_STR(event->path, "guest");
	CHECK(!event->domain);
	CHECK_EQ(event->time_ns, (NOW + *count) * 1000000000 + 5);
	CHECK_EQ(event->value, -5);
	++*count;
	return 0;
}

static void test_events(void)
{
	struct history *history = begin_new(HISTORY_SIZE);
	struct history_event event = {
		.uuid = "u", .mount = MOUNT, .event = "pager-lost",
		.state = "raised", .priority = 2, .path = "guest",
		.value = -5, .message = "gone",
	};
	unsigned int count = 0;
	int i;

	CHECK_EQ(history_begin(history, NOW, NOW), 0);
	for (i = 0; i < 20; i++) {
		event.time_ns = (NOW + i) * 1000000000 + 5;
		CHECK_EQ(history_write_event(history, &event), 0);
	}
	CHECK_EQ(history_commit(history), 0);
	CHECK_EQ(history_events(history, NULL, NOW, NOW + 20, 100, keep_event,
				&count), 0);
	CHECK_EQ(count, 20);
	/* The newest ones. */
	count = 15;
	CHECK_EQ(history_events(history, MOUNT, 0, NOW + 20, 5, keep_event,
				&count), 0);
	CHECK_EQ(count, 20);
	count = 5;
	CHECK_EQ(history_events(history, MOUNT, NOW + 5, NOW + 7, 100,
				keep_event, &count), 0);
	CHECK_EQ(count, 7);
	CHECK_EQ(history_events(history, "/other", 0, NOW + 20, 100, keep_event,
				&count), 0);
	CHECK_EQ(count, 7);
	history_close(history);
}

static void write_until_killed(void)
{
	struct history *history = NULL;
	int64_t time;

	if (history_create(&history, path, HISTORY_SIZE))
		_exit(1);
	for (time = NOW; ; time++)
		put(history, HISTORY_SECOND, time, 20);
}

/* Whenever that is, all moments are whole, and it can be gone on with. */
static void test_killed(void)
{
	struct history_moment moment;
	struct history *history;
	int round;

	history_close(begin_new(HISTORY_SIZE));
	for (round = 0; round < 8; round++) {
		pid_t pid = fork();

		if (!pid)
			write_until_killed();
		usleep(20000 + round * 17000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		CHECK_EQ(history_create(&history, path, HISTORY_SIZE), 0);
		if (history_last(history, MOUNT, &moment) > 0) {
			CHECK_EQ(moment.count, 20);
			history_moment_free(&moment);
		}
		history_close(history);
	}
	CHECK(count_moments(HISTORY_SECOND) > 0);
	CHECK(access("db.damaged", F_OK));
}

static void damage(off_t at, size_t len)
{
	int fd = open(path, O_WRONLY);
	char junk[512];

	memset(junk, 0xa5, sizeof(junk));
	while (len) {
		size_t part = len < sizeof(junk) ? len : sizeof(junk);

		CHECK_EQ(pwrite(fd, junk, part, at), part);
		at += part;
		len -= part;
	}
	close(fd);
}

static void test_damaged(void)
{
	struct history *history = begin_new(HISTORY_SIZE), *reader;
	struct history_moment moment;
	char aside[80];
	struct stat st;
	int i;

	for (i = 0; i < 200; i++)
		put(history, HISTORY_SECOND, NOW + i, 20);
	history_close(history);
	CHECK(!stat(path, &st));
	damage(0, 100);
	CHECK_EQ(history_open(&reader, path), 0);
	CHECK_EQ(history_last(reader, MOUNT, &moment), -EIO);
	history_close(reader);
	/* The middle of it, which is found by looking at all. */
	CHECK_EQ(history_create(&history, path, HISTORY_SIZE), 0);
	for (i = 0; i < 200; i++)
		put(history, HISTORY_SECOND, NOW + i, 20);
	history_close(history);
	damage(st.st_size / 4, st.st_size / 2);
	snprintf(aside, sizeof(aside), "%s.damaged", path);
	unlink(aside);
	CHECK_EQ(history_create(&history, path, HISTORY_SIZE), 0);
	CHECK(!access(aside, F_OK));
	CHECK_EQ(history_last(history, MOUNT, &moment), 0);
	put(history, HISTORY_SECOND, NOW, 1);
	history_close(history);
	CHECK_EQ(count_moments(HISTORY_SECOND), 1);
}

static void test_one_writer(void)
{
	struct history *history = begin_new(HISTORY_SIZE), *second;

	CHECK_EQ(history_create(&second, path, HISTORY_SIZE), -EBUSY);
	CHECK(!second);
	history_close(history);
	CHECK_EQ(history_create(&second, path, HISTORY_SIZE), 0);
	history_close(second);
}

/* Columns that a file of an older version lacks are made, and 0 in what it has. */
static void test_older_file(void)
{
	struct history *history = begin_new(HISTORY_SIZE);
	struct history_moment moment;

	put(history, HISTORY_SECOND, NOW, 2);
	CHECK_EQ(history_run(history, "ALTER TABLE partition_sample DROP COLUMN"
			     " huge; ALTER TABLE pool_sample DROP COLUMN"
			     " refaults"), 0);
	history_close(history);
	CHECK_EQ(history_create(&history, path, HISTORY_SIZE), 0);
	put(history, HISTORY_SECOND, NOW + 1, 2);
	CHECK_EQ(history_next(history, HISTORY_SECOND, MOUNT, NOW - 1,
			      &moment), 1);
	CHECK_EQ(moment.pool.info.refaults, 0);
	CHECK_EQ(moment.count, 2);
	history_moment_free(&moment);
	CHECK_EQ(history_next(history, HISTORY_SECOND, MOUNT, NOW, &moment), 1);
	CHECK(moment.pool.info.refaults);
	history_moment_free(&moment);
	history_close(history);
}

/* A reader that does not end keeps the log from being folded: it must not fill the disk. */
static void test_reader_that_stays(void)
{
	struct history *history = begin_new(HISTORY_SIZE), *reader;
	char log[80];
	struct stat st;
	int i, refused = 0;

	put(history, HISTORY_SECOND, NOW, 40);
	CHECK_EQ(history_open(&reader, path), 0);
	CHECK_EQ(sqlite3_exec(reader->db, "BEGIN; SELECT count(*) FROM pool", NULL,
			      NULL, NULL), 0);
	snprintf(log, sizeof(log), "%s-wal", path);
	for (i = 1; i < 20000 && !refused; i++) {
		struct history_moment moment;

		make_moment(&moment, NOW + i * 60, 200, i);
		if (history_begin(history, NOW + i * 60, NOW + i * 60))
			refused++;
		else if (history_write(history, HISTORY_MINUTE, &moment) ||
			 history_commit(history))
			break;
		history_moment_free(&moment);
	}
	CHECK_EQ(refused, 1);
	CHECK(!stat(log, &st));
	CHECK(st.st_size < 16 << 20);
	CHECK_EQ(history_begin(history, NOW + 2000000, NOW + 2000000), -EAGAIN);
	history_close(reader);
	CHECK_EQ(history_begin(history, NOW + 2000001, NOW + 2000001), 0);
	CHECK_EQ(history_commit(history), 0);
	history_close(history);
}

/* A small disk of its own. */
static bool mount_small(const char *at)
{
	mkdir(at, 0700);
	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS))
		return false;
	mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	return !mount("tmpfs", at, "tmpfs", 0, "size=6M");
}

static void fill_disk(const char *name)
{
	static char buf[65536];
	int fd = open(name, O_WRONLY | O_CREAT, 0600);
	ssize_t n;

	while ((n = write(fd, buf, sizeof(buf))) > 0)
		;
	while (write(fd, buf, 512) > 0)
		;
	close(fd);
}

static void test_full_disk(void)
{
	struct history_moment moment;
	struct history *history;
	unsigned int before;
	char at[48], filler[64];
	int i, ret = 0;

	snprintf(at, sizeof(at), "%s/small", dir);
	snprintf(filler, sizeof(filler), "%s/filler", at);
	snprintf(path, sizeof(path), "%s/db", at);
	if (!mount_small(at)) {
		TAP_SKIP("nothing can be mounted");
		return;
	}
	CHECK_EQ(history_create(&history, path, HISTORY_SIZE_MIN), 0);
	for (i = 0; i < 60; i++)
		put(history, HISTORY_SECOND, NOW + i, 10);
	before = count_moments(HISTORY_SECOND);
	CHECK_EQ(before, 60);
	fill_disk(filler);
	for (i = 60; i < 2000 && !ret; i++) {
		make_moment(&moment, NOW + i, 40, i);
		ret = history_begin(history, NOW + i, NOW + i);
		if (!ret)
			history_write(history, HISTORY_SECOND, &moment);
		if (!ret)
			ret = history_commit(history);
		history_moment_free(&moment);
	}
	CHECK_EQ(ret, -ENOSPC);
	/* Again and again: nothing goes for that. */
	for (; i < 2020; i++) {
		if (!history_begin(history, NOW + i, NOW + i))
			history_commit(history);
	}
	CHECK(count_moments(HISTORY_SECOND) >= before);
	CHECK(!unlink(filler));
	before = count_moments(HISTORY_SECOND);
	put(history, HISTORY_SECOND, NOW + 2030, 10);
	CHECK_EQ(count_moments(HISTORY_SECOND), before + 1);
	history_close(history);
	umount(at);
}

static uint64_t mono_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Who may read it can hold a lock of who writes. */
static void test_lock_held(void)
{
	struct flock lock = { .l_type = F_RDLCK, .l_start = 120, .l_len = 1 };
	struct history *history = begin_new(HISTORY_SIZE);
	char shm[80];
	uint64_t start = mono_ns();
	int status;
	pid_t pid;
	int fd;

	put(history, HISTORY_SECOND, NOW, 1);
	snprintf(shm, sizeof(shm), "%s-shm", path);
	pid = fork();
	if (!pid) {
		fd = open(shm, O_RDONLY);
		if (fd < 0 || fcntl(fd, F_SETLK, &lock))
			_exit(1);
		pause();
	}
	while (sqlite3_exec(history->db, "BEGIN IMMEDIATE; ROLLBACK", NULL, NULL,
			    NULL) == SQLITE_OK)
		usleep(10000);
	start = mono_ns();
	CHECK_EQ(history_begin(history, NOW + 1, NOW + 1), -EBUSY);
	CHECK(mono_ns() - start < 500000000);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	put(history, HISTORY_SECOND, NOW + 2, 1);
	history_close(history);
}

static const struct tap_test tests[] = {
	{ "what is written is read", test_round_trip },
	{ "what is old goes", test_old_ones_go },
	{ "the file has a limit", test_limit },
	{ "the clock is set back", test_clock_set_back },
	{ "the clock jumps", test_clock_jumps },
	{ "the clock when it begins", test_clock_at_start },
	{ "names are bounded", test_names_are_bounded },
	{ "names that fill it", test_long_names },
	{ "events", test_events },
	{ "who writes is killed", test_killed },
	{ "a file that is damaged", test_damaged },
	{ "one writes at a time", test_one_writer },
	{ "a file of an older version", test_older_file },
	{ "a reader that stays", test_reader_that_stays },
	{ "a reader that holds a lock", test_lock_held },
	{ "a disk that is full", test_full_disk },
};

int main(void)
{
	char command[80];
	int ret;

	if (!mkdtemp(dir) || chdir(dir))
		return 1;
	ret = tap_run(tests, sizeof(tests) / sizeof(tests[0]));
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) ? 1 : ret;
}
