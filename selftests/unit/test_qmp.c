// SPDX-License-Identifier: GPL-2.0-only
/* QMP sessions: framing, envelopes, arguments, late answers, slow clients. */
#include "../../vmm/lib/buffer.c"
#include "../../vmm/qmp/commands.c"
#include "../../vmm/qmp/dispatch.c"
#include "../../vmm/qmp/frame.c"
#include "../../vmm/qmp/later.c"
#include "../../vmm/qmp/limit.c"
#include "../../vmm/qmp/session.c"
#include "fake_error.h"
#include "tap.h"

static struct vm_config config;
static struct vm vm = {.config = &config};
static struct qmp_session *session;
static char output[1 << 20];
static size_t output_len, accept_max = SIZE_MAX;
static struct qmp_call *late;
static unsigned int wakes, runs;

/* What the worker has, does, and waits for. */
static struct vm_job *job;
static bool job_begun;
static enum wait_for job_waits;

void worker_post(struct vm *v, struct vm_job *j)
{
	job = j;
	job_begun = false;
}

bool worker_cancel(struct vm *v, struct vm_job *j)
{
	bool was = job == j && !job_begun;

	if (was)
		job = NULL;
	return was;
}

enum wait_for worker_waits(const struct vm *v)
{
	return job_waits;
}

static void job_carry_out(void)
{
	job_begun = true;
	job->run(&vm, job);
}

static void job_over(void)
{
	job->done(&vm, job);
	job = NULL;
}

void error_capture(char *buf, size_t size)
{
}

json_t *qmp_greeting(void)
{
	return json_pack("{s{}}", "QMP");
}

/* Commands of the test */

static void run_echo(struct vm *v, struct qmp_call *call, json_t *args)
{
	runs++;
	qmp_reply(call, json_incref(json_object_get(args, "text")));
}

static void run_late(struct vm *v, struct qmp_call *call, json_t *args)
{
	runs++;
	late = call;
	qmp_defer(call);
}

static void run_silent(struct vm *v, struct qmp_call *call, json_t *args)
{
}

static void run_event(struct vm *v, struct qmp_call *call, json_t *args)
{
	qmp_event("HAPPENED", json_pack("{si}", "n", 1));
	qmp_reply(call, NULL);
}

static void run_fd(struct vm *v, struct qmp_call *call, json_t *args)
{
	int fd = qmp_call_fd(call);

	if (fd >= 0)
		close(fd);
	qmp_reply(call, json_boolean(fd >= 0));
}

static void run_prompt(struct vm *v, struct qmp_call *call, json_t *args)
{
	qmp_defer(call);
	qmp_reply(call, json_integer(7));
}

static const char *const colours[] = {"red", "green", NULL};
static const struct qmp_member echo_args[] = {
	{"text", QMP_STR, false, NULL},
	{"n", QMP_INT, QMP_OPTIONAL, NULL},
	{"colour", QMP_STR, QMP_OPTIONAL, colours},
	{0},
};

static const struct qmp_command test_commands[] = {
	{.name = "echo", .run = run_echo, .args = echo_args},
	{.name = "late", .run = run_late},
	{.name = "silent", .run = run_silent},
	{.name = "event", .run = run_event},
	{.name = "fd", .run = run_fd},
	{.name = "prompt", .run = run_prompt, .no_machine = true},
	{.name = "wait", .run = run_echo, .args = echo_args, .waits = true,
	 .late = "it is being done"},
	{.name = "begin", .run = run_echo, .args = echo_args, .waits = true},
	{.name = "lazy", .run = run_silent, .waits = true},
	{0},
};

const struct qmp_table qmp_about_table = {.commands = test_commands};

/* The other tables of the list have nothing here. */
static const struct qmp_command no_commands[] = {{0}};

#define EMPTY(name) const struct qmp_table name = {.commands = no_commands}
EMPTY(qmp_schema_table);
EMPTY(qmp_types_table);
EMPTY(qmp_run_table);
EMPTY(qmp_threads_table);
EMPTY(qmp_qom_table);
EMPTY(qmp_balloon_table);
EMPTY(qmp_block_table);
EMPTY(qmp_adjunct_table);
EMPTY(qmp_fds_table);
EMPTY(qmp_capabilities_table);
EMPTY(qmp_migrate_table);
EMPTY(qmp_device_table);

/* The client */

static size_t take_output(void *arg, const void *buf, size_t len)
{
	len = min_t(size_t, len, min_t(size_t, accept_max,
				       sizeof(output) - 1 - output_len));
	memcpy(output + output_len, buf, len);
	output_len += len;
	output[output_len] = '\0';
	return len;
}

static void wake(void *arg)
{
	wakes++;
}

static void clear(void)
{
	output_len = 0;
	output[0] = '\0';
}

static void feed(const char *text)
{
	qmp_session_input(session, (const u8 *)text, strlen(text));
}

static void begin(bool negotiate)
{
	if (session)
		qmp_session_destroy(session);
	accept_max = SIZE_MAX;
	late = NULL;
	runs = wakes = 0;
	session = qmp_session_create(&vm, take_output, wake, NULL);
	clear();
	qmp_session_open(session);
	if (negotiate) {
		feed("{\"execute\":\"qmp_capabilities\"}");
		clear();
	}
}

static bool sent(const char *text)
{
	if (strstr(output, text))
		return true;
	printf("# no %s in %s\n", text, output);
	return false;
}

/* Tests */

static void test_negotiation(void)
{
	begin(false);
	CHECK(sent("{\"QMP\":{}}\r\n"));
	feed("{\"execute\":\"echo\",\"arguments\":{\"text\":\"x\"}}");
	CHECK(sent("CommandNotFound"));
	CHECK_EQ(runs, 0);
	feed("{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}");
	CHECK(sent("no capability"));
	clear();
	feed("{\"execute\":\"qmp_capabilities\",\"id\":[1]}");
	CHECK(sent("{\"return\":{},\"id\":[1]}\r\n"));
	clear();
	feed("{\"execute\":\"qmp_capabilities\"}");
	CHECK(sent("already complete"));
}

static void test_framing(void)
{
	const char *text = " {\"execute\" : \"echo\", \"arguments\":\n{\"text\":\"}{\\\"\"}}";

	begin(true);
	for (; *text; text++)
		qmp_session_input(session, (const u8 *)text, 1);
	CHECK(sent("{\"return\":\"}{\\\"\"}"));
	clear();
	feed("{\"execute\":\"prompt\",\"id\":1}{\"execute\":\"prompt\",\"id\":2}\n\n");
	CHECK(sent("{\"return\":7,\"id\":1}\r\n{\"return\":7,\"id\":2}\r\n"));
}

static void test_malformed(void)
{
	static const char *const bad[] = {
		"x\n", "]\n", "\"execute\"\n", "[]", "[1}", "{]", "{\"a\":\"\n",
		"{\"a\":tru}", "{\"a\":1,\"a\":2}", "{\"execute\":1}",
		"{\"execute\":\"echo\",\"arguments\":[]}", "{}",
		"{\"execute\":\"echo\",\"extra\":1}",
		"{\"exec-oob\":\"echo\"}", "{\"a\":\"\\u0000\"}",
		"{\"a\":1e999999}", "{\"a\":99999999999999999999}",
		"{\"a\":\"\xff\"}", "{\"execute\":\"nosuch\"}",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		begin(true);
		feed(bad[i]);
		CHECK(sent("{\"error\":{\"class\":"));
		clear();
		feed("\n{\"execute\":\"prompt\"}");
		CHECK(sent("{\"return\":7}"));
	}
	CHECK_EQ(runs, 0);
}

static void test_depth_and_length(void)
{
	char *text = malloc(QMP_COMMAND_MAX + 64);
	unsigned int i;

	begin(true);
	for (i = 0; i < QMP_DEPTH_MAX + 10; i++)
		feed("[");
	CHECK(sent("no JSON object"));
	feed("\n");
	clear();
	memset(text, 'a', QMP_COMMAND_MAX + 63);
	text[QMP_COMMAND_MAX + 63] = '\0';
	memcpy(text, "{\"execute\":\"", 12);
	feed(text);
	CHECK(sent("too long"));
	clear();
	feed("\"}\n{\"execute\":\"prompt\"}");
	CHECK(sent("{\"return\":7}"));
	free(text);
}

static void test_arguments(void)
{
	static const struct {
		const char *args;
		const char *answer;
	} cases[] = {
		{"{}", "'text' is missing"},
		{"{\"text\":1}", "'text', expected: string"},
		{"{\"text\":\"x\",\"n\":1.5}", "'n', expected: integer"},
		{"{\"text\":\"x\",\"n\":null}", "'n', expected: integer"},
		{"{\"text\":\"x\",\"m\":1}", "'m' is unexpected"},
		{"{\"text\":\"x\",\"colour\":\"blue\"}", "value 'blue'"},
		{"{\"text\":\"x\",\"colour\":\"red\",\"n\":3}", "return"},
	};
	char text[200];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(true);
		snprintf(text, sizeof(text),
			 "{\"execute\":\"echo\",\"arguments\":%s}",
			 cases[i].args);
		feed(text);
		CHECK(sent(cases[i].answer));
		CHECK_EQ(runs, !strcmp(cases[i].answer, "return"));
	}
}

static void test_late(void)
{
	begin(true);
	feed("{\"execute\":\"late\",\"id\":1}{\"execute\":\"prompt\",\"id\":2}");
	CHECK_EQ(output_len, 0);
	CHECK_EQ(qmp_session_room(session), 0);
	qmp_error(late, QMP_DEVICE_NOT_FOUND, "%s", "gone");
	CHECK(sent("{\"error\":{\"class\":\"DeviceNotFound\",\"desc\":\"gone\"},\"id\":1}\r\n{\"return\":7,\"id\":2}"));
	CHECK_EQ(wakes, 1);
	/* The client leaves meanwhile, another comes. */
	clear();
	feed("{\"execute\":\"late\",\"id\":3}");
	qmp_session_close(session);
	qmp_session_open(session);
	clear();
	qmp_reply(late, NULL);
	CHECK_EQ(output_len, 0);
	feed("{\"execute\":\"qmp_capabilities\"}{\"execute\":\"silent\"}");
	CHECK(sent("gave no answer"));
}

static void test_events(void)
{
	const char *event, *answer;

	begin(false);
	qmp_event("EARLY", NULL);
	CHECK(!strstr(output, "EARLY"));
	begin(true);
	feed("{\"execute\":\"event\"}");
	event = strstr(output, "\"event\":\"HAPPENED\",\"data\":{\"n\":1}");
	answer = strstr(output, "return");
	CHECK(event && answer && event < answer);
}

static void test_slow_client(void)
{
	unsigned int i;

	begin(true);
	accept_max = 0;
	for (i = 0; i < 200000; i++)
		qmp_event("HAPPENED", NULL);
	CHECK(session->events_lost);
	CHECK(session->out.len < QMP_OUTPUT_MAX + 1000);
	/* It is not listened to until it has read. */
	CHECK_EQ(qmp_session_room(session), 0);
	feed("{\"execute\":\"prompt\"}");
	CHECK(!strstr(output, "return"));
	accept_max = SIZE_MAX;
	for (i = 0; i < 20 && session->out.len; i++) {
		clear();
		qmp_session_writable(session);
	}
	CHECK(sent("{\"return\":7}"));
	CHECK(qmp_session_room(session) > 0);
}

static void test_fds(void)
{
	int i, fd;

	begin(true);
	qmp_session_fd(session, dup(0));
	feed("{\"execute\":\"fd\"}");
	CHECK(sent("{\"return\":true}"));
	/* One that no command wants does not wait for the next. */
	clear();
	fd = dup(0);
	qmp_session_fd(session, fd);
	feed("{\"execute\":\"prompt\"}");
	CHECK(close(fd) < 0);
	feed("{\"execute\":\"fd\"}");
	CHECK(sent("{\"return\":false}"));
	for (i = 0; i < 1000; i++)
		qmp_session_fd(session, dup(0));
	CHECK_EQ(session->nr_fds, QMP_FDS_MAX);
	qmp_session_close(session);
	CHECK(close(fd) < 0);
}

static void test_no_machine(void)
{
	config.no_machine = true;
	begin(true);
	feed("{\"execute\":\"event\"}");
	CHECK(sent("no machine"));
	feed("{\"execute\":\"prompt\"}");
	CHECK(sent("{\"return\":7}"));
	config.no_machine = false;
	qmp_session_destroy(session);
	session = NULL;
}

/* What the loop does: one timer, and time as the test sets it. */

struct loop_timer {
	void (*fn)(void *arg);
	void *arg;
	u64 at;
};

static u64 now_ns = 1000 * PERIOD_NS;
static struct loop_timer *timers[4];
static size_t nr_timers;

u64 loop_now(void)
{
	return now_ns;
}

struct loop_timer *loop_timer_add(struct loop *l, void (*fn)(void *arg),
				  void *arg)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	*t = (struct loop_timer){fn, arg, 0};
	timers[nr_timers++] = t;
	return t;
}

void loop_timer_set(struct loop_timer *t, u64 ns)
{
	t->at = ns;
}

void loop_timer_del(struct loop_timer *t)
{
	size_t i;

	for (i = 0; i < nr_timers; i++)
		if (timers[i] == t)
			timers[i] = timers[--nr_timers];
	free(t);
}

static void pass(u64 ns)
{
	size_t i;

	now_ns += ns;
	for (i = 0; i < nr_timers; i++) {
		if (!timers[i]->at || timers[i]->at > now_ns)
			continue;
		timers[i]->at = 0;
		timers[i]->fn(timers[i]->arg);
	}
}

/* Commands that wait are the worker's */

#define SECOND 1000000000ULL
#define WAIT "{\"execute\":\"wait\",\"arguments\":{\"text\":\"W\"},\"id\":1}"
#define PROMPT "{\"execute\":\"prompt\"}"

static bool answered(const char *text)
{
	output[output_len] = '\0';
	return strstr(output, text);
}

/* A client that has sent a command that waits, and one more. */
static void begin_wait(const char *command)
{
	begin(true);
	job_waits = WAIT_NOTHING;
	clear();
	feed(command);
	feed(PROMPT);
	CHECK(job);
	CHECK_EQ(output_len, 0);
}

static void test_wait(void)
{
	begin_wait(WAIT);
	CHECK_EQ(qmp_session_room(session), 0);
	job_carry_out();
	CHECK(answered("{\"return\":\"W\",\"id\":1}"));
	/* The next one is the main loop's to begin. */
	CHECK(!answered("7"));
	/* Too late to be late. */
	pass(2 * SECOND);
	CHECK(!answered("error"));
	job_over();
	CHECK(answered("{\"return\":7}"));
	/* Arguments are looked at before. */
	clear();
	feed("{\"execute\":\"wait\"}");
	CHECK(answered("error"));
	CHECK(!job);
	feed("{\"execute\":\"lazy\"}");
	job_carry_out();
	job_over();
	CHECK(answered("gave no answer"));
}

/* It is under way, and waits: who asked hears that, and goes on. */
static void test_wait_late(void)
{
	begin_wait(WAIT);
	job_begun = true;
	job_waits = WAIT_PAGES;
	pass(SECOND - 1);
	CHECK_EQ(output_len, 0);
	pass(1);
	CHECK(answered("it is being done, which waits for pages"));
	CHECK(answered("{\"return\":7}"));
	clear();
	/* What it answers in the end nobody wants any more. */
	job_carry_out();
	job_over();
	CHECK_EQ(output_len, 0);
	feed(PROMPT);
	CHECK(answered("{\"return\":7}"));

	/* One whose client is told by events need not know. */
	begin_wait("{\"execute\":\"begin\",\"arguments\":{\"text\":\"B\"}}");
	job_begun = true;
	pass(SECOND);
	CHECK(answered("{\"return\":{}}"));
	job_carry_out();
	job_over();
}

static void test_wait_disk(void)
{
	begin_wait(WAIT);
	job_begun = true;
	job_waits = WAIT_DISKS;
	pass(SECOND);
	pass(8 * SECOND);
	CHECK_EQ(output_len, 0);
	pass(SECOND);
	CHECK(answered("it is being done, which waits for disks"));
	job_carry_out();
	job_over();
}

/* Behind another one: it never was. */
static void test_wait_behind(void)
{
	runs = 0;
	begin_wait(WAIT);
	job_waits = WAIT_PAGES;
	pass(SECOND);
	CHECK(answered("wait cannot be done now"));
	CHECK(answered("{\"return\":7}"));
	CHECK(!job);
	CHECK_EQ(runs, 0);
}

static void test_wait_gone(void)
{
	begin_wait(WAIT);
	qmp_session_close(session);
	job_carry_out();
	job_over();
	CHECK_EQ(output_len, 0);
	begin_wait(WAIT);
	job_begun = true;
	qmp_session_close(session);
	pass(SECOND);
	job_carry_out();
	job_over();
	CHECK_EQ(output_len, 0);
	qmp_session_destroy(session);
	session = NULL;
}

static unsigned int heard(const char *text)
{
	unsigned int n = 0;
	const char *p = output;

	output[output_len] = '\0';
	while ((p = strstr(p, text))) {
		p++;
		n++;
	}
	return n;
}

static void raise_limited(const char *key, int value)
{
	qmp_event_limited("OFTEN", key, json_pack("{sssi}", "key", key, "n",
						  value));
}

static void test_limits(void)
{
	int i;

	begin(true);
	qmp_limit_init((struct loop *)&vm);
	output_len = 0;
	for (i = 0; i < 100000; i++)
		raise_limited("a", i);
	CHECK_EQ(heard("OFTEN"), 1);
	CHECK_EQ(heard("\"n\":0}"), 1);
	/* Each key has its own. */
	raise_limited("b", 7);
	CHECK_EQ(heard("OFTEN"), 2);
	pass(PERIOD_NS - 1);
	CHECK_EQ(heard("OFTEN"), 2);
	/* In the end the last value, once. */
	pass(1);
	CHECK_EQ(heard("OFTEN"), 3);
	CHECK_EQ(heard("\"n\":99999}"), 1);
	pass(10 * PERIOD_NS);
	CHECK_EQ(heard("OFTEN"), 3);
	raise_limited("a", 1);
	CHECK_EQ(heard("OFTEN"), 4);
	/* What waits is dropped with the monitors. */
	raise_limited("a", 2);
	qmp_limit_exit();
	raise_limited("a", 3);
	CHECK_EQ(heard("OFTEN"), 4);
	qmp_session_destroy(session);
	session = NULL;
}

static const struct tap_test tests[] = {
	{"negotiation", test_negotiation},
	{"commands in pieces and in rows", test_framing},
	{"malformed input is answered and forgotten", test_malformed},
	{"too deep, too long", test_depth_and_length},
	{"arguments against the table", test_arguments},
	{"late answers", test_late},
	{"events", test_events},
	{"a client that does not read", test_slow_client},
	{"file descriptors", test_fds},
	{"without a machine", test_no_machine},
	{"events that a guest raises", test_limits},
	{"a command that waits is the worker's", test_wait},
	{"it is told of when that takes long", test_wait_late},
	{"for a disk, when that takes longer", test_wait_disk},
	{"and taken back when it has not begun", test_wait_behind},
	{"its client goes", test_wait_gone},
};

TAP_MAIN(tests)
