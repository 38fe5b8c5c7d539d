// SPDX-License-Identifier: GPL-2.0-only
/* tarn-logd: kinds of events, conditions that last, scripts for alerts. */
#include <fcntl.h>
#include <syslog.h>

#include "../../tools/tarnctl/sample.c"
#include "../../tools/tarn-logd/script.c"
#undef SECOND_NS
#include "../../tools/tarn-logd/alert.c"
#undef SECOND_NS
#include "../../tools/tarn-logd/source.c"
#undef SECOND_NS
#include "../../tools/tarn-logd/keeper.c"
#include "tap.h"

static char dir[] = "/tmp/test_logd.XXXXXX";

static const struct pool pool = {
	.mount = (char *)"/run/tarn/p\033x",
	.uuid = "00112233-4455-6677-8899-aabbccddeeff",
};

/* ---- kinds -------------------------------------------------------------- */

static void test_kinds(void)
{
	__u32 a, b;

	for (a = TARN_EVENT_PAGER_ATTACHED; a <= TARN_EVENT_IMPORT_ERROR; a++) {
		const struct kind *kind = kind_find(a);

		CHECK_EQ(kind->type, a);
		CHECK_EQ(strlen(kind->message_id), 32);
		CHECK_EQ(strspn(kind->message_id, "0123456789abcdef"), 32);
		for (b = TARN_EVENT_PAGER_ATTACHED; b < a; b++)
			CHECK(strcmp(kind->message_id, kind_find(b)->message_id));
	}
	CHECK_STR(kind_find(99)->name, "unknown");
	CHECK(kind_find(99)->priority > KIND_ALERT_PRIORITY);
}

static void test_conditions(void)
{
	unsigned int bit;

	CHECK_EQ(kind_conditions(0), 0);
	CHECK_EQ(kind_conditions(TARN_POOL_PAGING), KIND_UNSERVED);
	CHECK_EQ(kind_conditions(TARN_POOL_PAGING | TARN_POOL_SERVED |
				 TARN_POOL_FULL | TARN_POOL_DEGRADED),
		 KIND_FULL | KIND_DEGRADED);
	for (bit = KIND_UNSERVED; bit <= KIND_DEGRADED; bit <<= 1) {
		struct tarn_event on = kind_event(bit, true);
		struct tarn_event off = kind_event(bit, false);

		CHECK(kind_begins(&on));
		CHECK(!kind_begins(&off));
		CHECK_EQ(kind_find(on.type)->condition, bit);
		CHECK_EQ(kind_find(off.type)->condition, bit);
	}
}

/* ---- sources ------------------------------------------------------------ */

static char told[256];

static void tell(const struct source *source, const struct tarn_event *event,
		 const struct partition *part, bool changes, void *arg)
{
	size_t len = strlen(told);

	snprintf(told + len, sizeof(told) - len, "%s%s%s ",
		 kind_find(event->type)->name, kind_begins(event) ? "+" : "-",
		 changes ? "!" : "");
}

/* ---- the history that pauses ----------------------------------------------- */

static struct {
	int create;
	int begin;
	int commit;
	unsigned int tries;
} disk;

int history_create(struct history **history, const char *path, uint64_t limit)
{
	disk.tries++;
	*history = disk.create ? NULL : (struct history *)&disk;
	return disk.create;
}

int history_begin(struct history *history, int64_t clock, int64_t mono)
{
	CHECK(history);
	disk.tries++;
	return disk.begin;
}

int history_commit(struct history *history)
{
	return disk.commit;
}

void history_close(struct history *history)
{
}

static void test_history_pauses(void)
{
	struct keeper keeper = { .path = "/h", .limit = 1 };
	unsigned int wait;

	/* From the start: all else begins. */
	disk.create = -ENOSPC;
	CHECK_EQ(keeper_open(&keeper), 0);
	CHECK(!keeper.history && !keeper_ready(&keeper));
	/* It is not tried each time that something happens. */
	disk.tries = 0;
	CHECK(!keeper_ready(&keeper) && !keeper_ready(&keeper));
	CHECK_EQ(disk.tries, 0);
	wait = keeper.wait;
	keeper.again = 1;
	CHECK(!keeper_ready(&keeper));
	CHECK_EQ(disk.tries, 1);
	CHECK_EQ(keeper.wait, 2 * wait);
	/* There is room. */
	disk.create = 0;
	keeper.again = 1;
	CHECK(keeper_ready(&keeper) && keeper.begun);
	keeper_end(&keeper);
	CHECK(!keeper.begun && !keeper.wait && keeper_ready(&keeper));
	/* There is none, as what was written is to be ended. */
	disk.commit = -ENOSPC;
	keeper_end(&keeper);
	CHECK(keeper.wait && !keeper_ready(&keeper));
	disk.commit = 0;
	keeper.again = 1;
	CHECK(keeper_ready(&keeper));
	keeper_end(&keeper);
	/* A reader that does not end is no reason to pause. */
	disk.begin = -EAGAIN;
	CHECK(!keeper_ready(&keeper) && !keeper.wait);
	disk.begin = -EBUSY;
	CHECK(!keeper_ready(&keeper) && keeper.wait);
	/* What was said wrongly is. */
	disk.create = -ENOENT;
	keeper = (struct keeper){ .path = "/h" };
	CHECK_EQ(keeper_open(&keeper), -ENOENT);
	keeper = (struct keeper){ 0 };
	CHECK(!keeper_open(&keeper) && !keeper_ready(&keeper));
	keeper_close(&keeper);
}

static char many[4096];

static void tell_many(const struct source *source,
		      const struct tarn_event *event,
		      const struct partition *part, bool changes, void *arg)
{
	size_t len = strlen(many);

	snprintf(many + len, sizeof(many) - len, "%s=%lld ",
		 kind_find(event->type)->name, (long long)event->value);
}

static void seconds(struct source *source, __u32 flags, unsigned int count)
{
	while (count--)
		source_compare(source, flags, 0, tell, NULL);
}

static int count_text(const char *text, const char *what)
{
	int count = 0;

	for (; (text = strstr(text, what)); text++)
		count++;
	return count;
}

/*
 * Whoever causes many events, users by files and guests by their balloons: few of
 * @events are told, and how many more there were. What is important is told all the same.
 */
static void check_many(const struct tarn_event events[2], const char *name,
		       const char *more, const char *again)
{
	const struct tarn_event full = { .type = TARN_EVENT_PAGING_FULL,
					 .value = 1 };
	const size_t len = 2 * sizeof(*events);
	struct source source = { .pool = pool };
	int pipes[2], i, count;

	CHECK(!pipe2(pipes, O_NONBLOCK));
	source.fd = pipes[0];
	for (i = 0; i < 200; i++)
		CHECK(write(pipes[1], events, len) == (ssize_t)len);
	CHECK(write(pipes[1], &full, sizeof(full)) == sizeof(full));
	many[0] = '\0';
	source_read(&source, tell_many, NULL);
	count = count_text(many, name);
	/* A second may have ended meanwhile. */
	CHECK(count == SOURCE_TOLD || count == 2 * SOURCE_TOLD);
	CHECK(strstr(many, "paging-full"));
	many[0] = '\0';
	source_tell_more(&source, 1, tell_many, NULL);
	snprintf(told, sizeof(told), "%s=%d ", more, 400 - count);
	CHECK_STR(many, told);
	many[0] = '\0';
	source_tell_more(&source, 1, tell_many, NULL);
	CHECK_STR(many, "");
	/* Then they are told again. */
	source.files.time = source.balloons.time = source.imports.time = 0;
	CHECK(write(pipes[1], events, len) == (ssize_t)len);
	source_read(&source, tell_many, NULL);
	CHECK_STR(many, again);
	partition_list_free(&source.known);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_many_files(void)
{
	const struct tarn_event events[2] = {
		{ .type = TARN_EVENT_PARTITION_CREATED, .partition = 7 },
		{ .type = TARN_EVENT_PARTITION_DESTROYED, .partition = 7 },
	};

	check_many(events, "partition-", "partitions-more",
		   "partition-created=0 partition-destroyed=0 ");
}

static void test_many_balloons(void)
{
	const struct tarn_event events[2] = {
		{ .type = TARN_EVENT_BALLOON_GONE, .partition = 7, .value = 5 },
		{ .type = TARN_EVENT_BALLOON_GONE, .partition = 7, .value = 6 },
	};

	check_many(events, "balloon-gone", "balloons-more",
		   "balloon-gone=5 balloon-gone=6 ");
}

static void test_many_imports(void)
{
	const struct tarn_event events[2] = {
		{ .type = TARN_EVENT_IMPORT_ERROR, .partition = 7, .value = -5 },
		{ .type = TARN_EVENT_IMPORT_ERROR, .partition = 7, .value = -84 },
	};

	check_many(events, "import-error", "imports-more",
		   "import-error=-5 import-error=-84 ");
}

/* Files of users do not hide that a balloon is gone. */
static void test_limits_apart(void)
{
	const struct tarn_event file = { .type = TARN_EVENT_PARTITION_CREATED };
	const struct tarn_event gone = { .type = TARN_EVENT_BALLOON_GONE };
	struct source source = { .pool = pool };
	int i;

	for (i = 0; i < 3 * SOURCE_TOLD; i++)
		is_told(&source, &file);
	CHECK(source.files.more);
	CHECK(is_told(&source, &gone));
	CHECK(!source.balloons.more);
}

static void test_what_was_missed(void)
{
	__u32 good = TARN_POOL_PAGING | TARN_POOL_SERVED;
	struct source source = { .pool = pool };

	told[0] = '\0';
	seconds(&source, good, 100);
	CHECK_STR(told, "");
	/* A pager that comes a moment after the mount is no news. */
	seconds(&source, TARN_POOL_PAGING, SOURCE_GRACE);
	seconds(&source, good, 1);
	seconds(&source, TARN_POOL_PAGING, SOURCE_GRACE);
	CHECK_STR(told, "");
	seconds(&source, TARN_POOL_PAGING, 1);
	CHECK_STR(told, "pager-lost+! ");
	told[0] = '\0';
	seconds(&source, TARN_POOL_PAGING, 100);
	CHECK_STR(told, "");
	seconds(&source, good | TARN_POOL_FULL | TARN_POOL_DEGRADED, 11);
	CHECK_STR(told, "pager-attached-! paging-full+! degraded+! ");
	told[0] = '\0';
	seconds(&source, good, 30);
	CHECK_STR(told, "paging-full-! degraded-! ");
}

static void test_events_are_read(void)
{
	struct tarn_event events[] = {
		{ .type = TARN_EVENT_PAGING_FULL, .value = 1 },
		{ .type = TARN_EVENT_PAGING_FULL, .value = 1 },
		{ .type = TARN_EVENT_PAGING_FULL, .value = 0 },
		{ .type = TARN_EVENT_PAGER_ATTACHED },
		{ .type = 4711, .value = 1 },
	};
	struct source source = { .pool = pool };
	int fds[2];

	CHECK(!pipe2(fds, O_NONBLOCK));
	source.fd = fds[0];
	told[0] = '\0';
	CHECK_EQ(write(fds[1], events, sizeof(events)), sizeof(events));
	source_read(&source, tell, NULL);
	CHECK_STR(told, "paging-full+! paging-full+ paging-full-! pager-attached- unknown- ");
	CHECK(source.fd >= 0);
	close(fds[1]);
	source_read(&source, tell, NULL);
	CHECK_EQ(source.fd, -1);
}

static void test_names_are_kept(void)
{
	struct partition known = { .path = strdup("libvirt/qemu/1-w/ram"),
				   .info.id = 4 };
	struct history_partition item = {
		.part = { .name = (char *)"web", .guest = (char *)"web", .info.id = 5 },
	};
	struct history_moment moment = { .items = &item, .count = 1 };
	struct source source = { .pool = pool };

	source.known.items = malloc(sizeof(known));
	source.known.items[0] = known;
	source.known.count = 1;
	source_name(&source, &moment);
	CHECK(!source.known.items[0].name);
	item.part.info.id = 4;
	source_name(&source, &moment);
	item.part.name = item.part.guest = NULL;
	source_name(&source, &moment);
	CHECK_STR(source.known.items[0].name, "web");
	CHECK_STR(source.known.items[0].guest, "web");
	partition_list_free(&source.known);
}

/* ---- notices ------------------------------------------------------------ */

static void test_notices(void)
{
	struct tarn_event event = { .type = TARN_EVENT_LOAD_ERROR, .partition = 4,
				    .index = 12, .value = -EIO };
	struct partition part = { .path = (char *)"libvirt/qemu/1-w\n/ram",
				  .name = (char *)"w\n/ram", .guest = (char *)"w\n" };
	struct notice notice;

	CHECK_EQ(notice_init(&notice, &pool, &event, &part, false), 0);
	/* Nothing that a terminal or a script could take for something else. */
	CHECK_STR(notice.path, "libvirt/qemu/1-w\\x0a/ram");
	CHECK_STR(notice.domain, "w\\x0a");
	CHECK_STR(notice.mount, "/run/tarn/p\\x1bx");
	CHECK(!strpbrk(notice.message, "\n\033"));
	CHECK(strstr(notice.message, "page 12 could not be read"));
	CHECK(notice_is_alert(&notice));
	CHECK_STR(notice.event.state, "");
	notice_exit(&notice);
	/* It is known only some while later what its guest is called in full. */
	part.path = (char *)"libvirt/qemu/1-cut/ram";
	part.guest = NULL;
	CHECK_EQ(notice_init(&notice, &pool, &event, &part, false), 0);
	CHECK_STR(notice.domain, "cut");
	notice_exit(&notice);

	event = kind_event(KIND_UNSERVED, false);
	CHECK_EQ(notice_init(&notice, &pool, &event, NULL, false), 0);
	CHECK(!notice_is_alert(&notice));
	notice_exit(&notice);
	CHECK_EQ(notice_init(&notice, &pool, &event, NULL, true), 0);
	CHECK(notice_is_alert(&notice));
	CHECK_STR(notice.event.state, "cleared");
	notice_exit(&notice);
	event = kind_event(KIND_FULL, false);
	CHECK_EQ(notice_init(&notice, &pool, &event, NULL, true), 0);
	CHECK_EQ(notice.event.priority, LOG_NOTICE);
	notice_exit(&notice);
}

/* ---- scripts ------------------------------------------------------------ */

static void put_script(const char *name, mode_t mode, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	fprintf(f, "#!/bin/sh\n%s\n", text);
	fclose(f);
	chmod(path, mode);
}

static void remove_scripts(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -f %s/*", dir);
	CHECK_EQ(system(command), 0);
}

static struct alerts new_alerts(unsigned int repeat)
{
	return (struct alerts){
		.rules = { .dir = dir, .uid = geteuid() ? geteuid() : 65534,
			   .gid = getegid() ? getegid() : 65534, .seconds = 1 },
		.repeat = repeat,
		.script.pidfd = -1,
	};
}

static void add_alert(struct alerts *alerts, __u32 type, __u32 partition,
		      int value)
{
	struct tarn_event event = { .type = type, .partition = partition,
				    .value = value };
	struct notice notice;

	CHECK_EQ(notice_init(&notice, &pool, &event, NULL, true), 0);
	alerts_add(alerts, &notice);
	notice_exit(&notice);
}

static void run_alerts(struct alerts *alerts, double most)
{
	uint64_t until = sample_clock() + most * 1e9;

	do {
		alerts_look(alerts);
		usleep(2000);
	} while (alerts_busy(alerts) && sample_clock() < until);
	CHECK(!alerts_busy(alerts));
}

static unsigned int count_lines(const char *name)
{
	char path[128], line[512];
	unsigned int count = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		count++;
	if (f)
		fclose(f);
	return count;
}

/* Scripts write to a file that is there, as the user that runs them may not make one. */
static void put_log(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/out.log", dir);
	fd = open(path, O_CREAT | O_WRONLY, 0666);
	fchmod(fd, 0666);
	close(fd);
}

static void test_which_scripts(void)
{
	struct script_rules rules = { .dir = dir };
	struct script_list list;

	put_script("b", 0755, "");
	put_script("a-1_X", 0700, "");
	put_script("not-executable", 0644, "");
	put_script("group-writable", 0775, "");
	put_script("a.dpkg-old", 0755, "");
	put_script("a~", 0755, "");
	script_list_read(&list, &rules);
	CHECK_EQ(list.count, 2);
	if (list.count == 2) {
		CHECK_STR(list.names[0], "a-1_X");
		CHECK_STR(list.names[1], "b");
	}
	script_list_free(&list);
	chmod(dir, 0777);
	script_list_read(&list, &rules);
	CHECK_EQ(list.count, 0);
	script_list_free(&list);
	chmod(dir, 0755);
	rules.dir = "/nonexistent";
	script_list_read(&list, &rules);
	CHECK_EQ(list.count, 0);
	script_list_free(&list);
	remove_scripts();
}

static void test_alerts_run(void)
{
	struct alerts alerts = new_alerts(60);

	put_log();
	put_script("a", 0755, "echo $TARN_EVENT $TARN_STATE $TARN_DROPPED >> ${0%/*}/out.log");
	put_script("b", 0755, "exit 3");
	put_script("c", 0755, "echo c >> ${0%/*}/out.log");
	add_alert(&alerts, TARN_EVENT_PAGER_LOST, 0, 0);
	add_alert(&alerts, TARN_EVENT_LOAD_ERROR, 1, 0);
	add_alert(&alerts, TARN_EVENT_LOAD_ERROR, 2, 0);
	run_alerts(&alerts, 10);
	CHECK_EQ(count_lines("out.log"), 6);
	/* The same again: not now. */
	add_alert(&alerts, TARN_EVENT_PAGER_ATTACHED, 0, 0);
	add_alert(&alerts, TARN_EVENT_LOAD_ERROR, 2, 0);
	CHECK(!alerts_busy(&alerts));
	CHECK(alerts_timeout(&alerts) > 10000);
	alerts_end(&alerts);
	remove_scripts();
}

static void test_last_one_is_told(void)
{
	struct alerts alerts = new_alerts(1);
	char line[128] = "";
	FILE *f;
	int i;

	put_log();
	put_script("a", 0755, "echo $TARN_EVENT $TARN_STATE $TARN_SUPPRESSED >> ${0%/*}/out.log");
	for (i = 0; i < 4; i++) {
		add_alert(&alerts, TARN_EVENT_PAGING_FULL, 0, 1);
		add_alert(&alerts, TARN_EVENT_PAGING_FULL, 0, 0);
	}
	run_alerts(&alerts, 5);
	CHECK_EQ(count_lines("out.log"), 1);
	usleep(1000000);
	run_alerts(&alerts, 5);
	CHECK_EQ(count_lines("out.log"), 2);
	snprintf(line, sizeof(line), "%s/out.log", dir);
	f = fopen(line, "r");
	CHECK(f && fgets(line, sizeof(line), f));
	CHECK_STR(line, "paging-full raised\n");
	CHECK(f && fgets(line, sizeof(line), f));
	CHECK_STR(line, "paging-full cleared 6\n");
	fclose(f);
	alerts_end(&alerts);
	remove_scripts();
}

static bool has_env(char **env, const char *text)
{
	while (*env && strcmp(*env, text))
		env++;
	return *env;
}

/* However long it would be until it were told: it ends before. */
static void test_flush(void)
{
	struct alerts alerts = new_alerts(60);

	add_alert(&alerts, TARN_EVENT_PAGING_FULL, 0, 1);
	run_alerts(&alerts, 5);
	add_alert(&alerts, TARN_EVENT_PAGING_FULL, 0, 0);
	CHECK(!alerts_busy(&alerts));
	alerts_flush(&alerts);
	CHECK_EQ(alerts.queued, 1);
	CHECK(has_env(alerts.queue[0], "TARN_STATE=cleared"));
	CHECK(has_env(alerts.queue[0], "TARN_SUPPRESSED=0"));
	run_alerts(&alerts, 5);
	alerts_flush(&alerts);
	CHECK(!alerts_busy(&alerts));
	alerts_end(&alerts);
}

static void test_slow_script(void)
{
	struct alerts alerts = new_alerts(0);
	uint64_t began = sample_clock();

	put_script("a", 0755, "trap '' TERM; sleep 100 & wait; wait; wait");
	add_alert(&alerts, TARN_EVENT_PAGER_LOST, 0, 0);
	run_alerts(&alerts, 20);
	CHECK(sample_clock() - began > 2500000000ULL);
	CHECK(sample_clock() - began < 15000000000ULL);
	CHECK_EQ(alerts.script.pid, 0);
	alerts_end(&alerts);
	remove_scripts();
}

/* What is too much is dropped, and said so to the next one. */
static void test_too_many(void)
{
	struct alerts alerts = new_alerts(60);
	__u32 i;

	put_log();
	put_script("a", 0755, "[ -z \"$TARN_DROPPED\" ] || echo $TARN_DROPPED >> ${0%/*}/out.log");
	for (i = 1; i <= 1000; i++)
		add_alert(&alerts, TARN_EVENT_LOAD_ERROR, i, 0);
	CHECK_EQ(alerts.queued, ALERT_QUEUE_MAX);
	CHECK_EQ(alerts.dropped, 1000 - ALERT_QUEUE_MAX);
	run_alerts(&alerts, 60);
	CHECK_EQ(count_lines("out.log"), 0);
	add_alert(&alerts, TARN_EVENT_LOAD_ERROR, 1, 0);
	run_alerts(&alerts, 10);
	CHECK_EQ(count_lines("out.log"), 1);
	alerts_end(&alerts);
	remove_scripts();
}

static void test_end_kills(void)
{
	struct alerts alerts = new_alerts(60);
	pid_t pid;

	put_script("a", 0755, "sleep 100");
	add_alert(&alerts, TARN_EVENT_LOAD_ERROR, 1, 0);
	alerts_look(&alerts);
	pid = alerts.script.pid;
	CHECK(pid > 0);
	alerts_end(&alerts);
	CHECK(kill(pid, 0) && errno == ESRCH);
	remove_scripts();
}

static const struct tap_test tests[] = {
	{ "kinds", test_kinds },
	{ "conditions", test_conditions },
	{ "what was missed is told", test_what_was_missed },
	{ "many files", test_many_files },
	{ "many balloons", test_many_balloons },
	{ "many imports", test_many_imports },
	{ "limits of their own", test_limits_apart },
	{ "a history that pauses", test_history_pauses },
	{ "events are read", test_events_are_read },
	{ "names of guests are kept", test_names_are_kept },
	{ "notices", test_notices },
	{ "which scripts are run", test_which_scripts },
	{ "alerts run scripts", test_alerts_run },
	{ "of many the last one is told", test_last_one_is_told },
	{ "what is held back is told at the end", test_flush },
	{ "a script that is too slow", test_slow_script },
	{ "too many alerts", test_too_many },
	{ "the end ends scripts", test_end_kills },
};

int main(void)
{
	int ret;

	if (!mkdtemp(dir) || chmod(dir, 0755))
		return 1;
	ret = tap_run(tests, sizeof(tests) / sizeof(tests[0]));
	return rmdir(dir) ? 1 : ret;
}
