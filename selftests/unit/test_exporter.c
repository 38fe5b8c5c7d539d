// SPDX-License-Identifier: GPL-2.0-only
/* tarn-exporter: names of metrics, what they say, labels that are hostile, hosts. */
#include <ctype.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../tools/tarn-exporter/metrics.c"
#include "../../tools/tarn-exporter/page.h"

/* The page itself is not of interest here. */
const struct page *page_find(const char *url)
{
	return NULL;
}

#define UNSENT_MAX (1 << 20)
#include "../../tools/tarn-exporter/http.c"
#include "tap.h"

static struct history_partition parts[] = {
	{ .part = { .path = (char *)"a\"b\\c\nd\033", .info = { .id = 1,
		.hypercalls = 1, .resident_pages = 3, .page_ins = 5, .latency = { [20] = 2 } },
		.guest = (char *)"web", .name = (char *)"web/ram" },
	  .by_class = { [TARN_ACTIVITY_HOT] = 2 },
	  .nodes = (char *)"[[0,0,0,2],[1,1,4,3,11]]" },
	{ .part = { .info = { .id = 7, .saved_pages = 2, .hashed_pages = 9,
			      .match_ns = 500000000 } } },
};

static struct history_moment moment = {
	.time = 1800000000,
	.pool = { .mount = (char *)"/run/tarn/pool0", .uuid = "u-u",
		  .info = { .flags = TARN_POOL_PAGING | TARN_POOL_FULL,
			    .frames = 1024, .scan_ns = 1500000000,
			    .block_promotions = 6, .promote_permille = 250,
			    .balloons_gone = 4, .import_errors = 9, .domains = 2, .pattern_pages = 2, .shared_pages = 3, .search_ns = 2500000000,
			    .saved_pages = 4,
			    .latency = { [3] = 1, [12] = 4, [31] = 2 } } },
	.nodes = (char *)"{\"0\":{\"frames\":1000,\"hit\":17},\"1\":{\"frames\":24}}",
	.items = parts,
	.count = 2,
};

static const struct latest latest = { &moment, 1 };

static char *render(bool open)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	CHECK_EQ(metrics_write(f, &latest, open), 0);
	fclose(f);
	return text;
}

static void has(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	if (!at || (at != text && at[-1] != '\n') || at[strlen(line)] != '\n')
		printf("# there is no line: %s\n", line);
	CHECK(at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n');
}

#define PART "pool=\"pool0\",partition=\"a\\\"b\\\\c\\\\x0ad\\\\x1b\",domain=\"web\""

static void test_values(void)
{
	char *text = render(true);

	has(text, "tarn_pool_size_bytes{pool=\"pool0\"} 4194304");
	has(text, "tarn_pool_scan_seconds_total{pool=\"pool0\"} 1.5");
	has(text, "tarn_pool_huge_promotions_total{pool=\"pool0\"} 6");
	has(text, "tarn_pool_promote_ratio{pool=\"pool0\"} 0.25");
	has(text, "tarn_pool_pattern_bytes{pool=\"pool0\"} 8192");
	has(text, "tarn_pool_shared_bytes{pool=\"pool0\"} 12288");
	has(text, "tarn_pool_saved_bytes{pool=\"pool0\"} 16384");
	has(text, "tarn_pool_balloons_gone_total{pool=\"pool0\"} 4");
	has(text, "tarn_pool_import_errors_total{pool=\"pool0\"} 9");
	has(text, "tarn_pool_domains{pool=\"pool0\"} 2");
	has(text, "tarn_partition_hypercalls{" PART "} 1");
	has(text, "tarn_partition_balloons_gone_total{" PART "} 0");
	has(text, "tarn_pool_search_seconds_total{pool=\"pool0\"} 2.5");
	has(text, "tarn_pool_paging_full{pool=\"pool0\"} 1");
	has(text, "tarn_pool_served{pool=\"pool0\"} 0");
	has(text, "tarn_pool_info{pool=\"pool0\",mount=\"/run/tarn/pool0\",uuid=\"u-u\"} 1");
	has(text, "tarn_pool_node_size_bytes{pool=\"pool0\",node=\"1\"} 98304");
	has(text, "tarn_pool_node_hits_total{pool=\"pool0\",node=\"0\"} 17");
	has(text, "tarn_partition_resident_bytes{" PART "} 12288");
	has(text, "tarn_partition_page_ins_total{" PART "} 5");
	has(text, "tarn_partition_resident_bytes{pool=\"pool0\",partition=\"id:7\",domain=\"\"} 0");
	has(text, "tarn_partition_saved_bytes{pool=\"pool0\",partition=\"id:7\",domain=\"\"} 8192");
	has(text, "tarn_partition_hashed_pages_total{pool=\"pool0\",partition=\"id:7\",domain=\"\"} 9");
	has(text, "tarn_partition_match_seconds_total{pool=\"pool0\",partition=\"id:7\",domain=\"\"} 0.5");
	has(text, "tarn_partition_activity_bytes{" PART ",class=\"hot\"} 8192");
	has(text, "tarn_partition_node_home{" PART ",node=\"1\"} 1");
	has(text, "tarn_partition_node_wanted_bytes{" PART ",node=\"1\"} 16384");
	has(text, "tarn_partition_node_accesses_total{" PART ",node=\"1\"} 11");
	/* As a version before kept it. */
	has(text, "tarn_partition_node_accesses_total{" PART ",node=\"0\"} 0");
	free(text);
}

/* Whether a metric shows a field of tarnctl, but for settings that are no amounts. */
static bool is_shown(const struct metric *metric, const struct field *field,
		     size_t base)
{
	static const char *const settings[] = { "id", "huge", "placement",
						"readahead_pages", "donor" };
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (!strcmp(field->name, settings[i]))
			return true;
	}
	for (; metric->name; metric++) {
		if (metric->field.offset == base + field->offset)
			return true;
	}
	printf("# no metric has %s\n", field->name);
	return false;
}

static void test_all_counters(void)
{
	const struct field *field;

	for (field = pool_fields; field->name; field++)
		CHECK(is_shown(pool_metrics, field, 0));
	for (field = partition_fields; field->name; field++)
		CHECK(is_shown(partition_metrics, field,
			       offsetof(struct history_partition, part.info)));
}

static void test_latencies(void)
{
	char *text = render(true);
	static const char name[] = "tarn_pool_page_in_latency_seconds_bucket{pool=\"pool0\",le=\"";
	char line[160];

	snprintf(line, sizeof(line), "%s%s", name, "1.024e-06\"} 1");
	has(text, line);
	snprintf(line, sizeof(line), "%s%s", name, "4.096e-06\"} 1");
	has(text, line);
	snprintf(line, sizeof(line), "%s%s", name, "8.192e-06\"} 5");
	has(text, line);
	snprintf(line, sizeof(line), "%s%s", name, "2.14748365\"} 5");
	has(text, line);
	snprintf(line, sizeof(line), "%s%s", name, "+Inf\"} 7");
	has(text, line);
	CHECK(!strstr(text, "latency_seconds_sum"));
	free(text);
}

/* Of each family: a type, a unit that its name ends with, its own samples. */
static void check_family(const char *family, const char *type, const char *sample)
{
	size_t len = strlen(family);

	CHECK(!strncmp(sample, family, len));
	sample += len;
	if (!strcmp(type, "counter"))
		CHECK(!strncmp(sample, "_total{", 7));
	else if (!strcmp(type, "histogram"))
		CHECK(!strncmp(sample, "_bucket{", 8));
	else if (!strcmp(type, "info"))
		CHECK(!strncmp(sample, "_info{", 6));
	else
		CHECK(*sample == '{');
}

static void test_open_metrics(void)
{
	char *text = render(true), *line, *save = NULL;
	char family[128] = "", type[32] = "", unit[32];

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "# TYPE %127s %31s", family, type) == 2) {
			CHECK(!strstr(family, "_total"));
		} else if (sscanf(line, "# UNIT %*s %31s", unit) == 1) {
			CHECK(strlen(family) > strlen(unit));
			CHECK_STR(family + strlen(family) - strlen(unit), unit);
		} else if (*line != '#') {
			check_family(family, type, line);
		}
	}
	free(text);
	text = render(true);
	CHECK_STR(text + strlen(text) - 6, "# EOF\n");
	free(text);
	text = render(false);
	CHECK(!strstr(text, "# EOF"));
	CHECK(!strstr(text, "# UNIT"));
	has(text, "# TYPE tarn_pool_page_ins_total counter");
	free(text);
}

static void test_names(void)
{
	const struct metric *tables[] = { pool_metrics, partition_metrics };
	const struct metric *metric;
	size_t i, j;

	for (i = 0; i < 2; i++) {
		for (metric = tables[i]; metric->name; metric++) {
			CHECK(metric->help && metric->help[strlen(metric->help) - 1] == '.');
			CHECK(metric->scale > 0);
			CHECK(metric->field.size == 4 || metric->field.size == 8);
			for (j = 0; metric->name[j]; j++)
				CHECK(islower(metric->name[j]) || metric->name[j] == '_');
		}
	}
}

/* ---- who says nothing --------------------------------------------------- */

static int connect_to(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)addr, sizeof(*addr))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool is_answered(int fd)
{
	static const char request[] = "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n";
	const struct timeval limit = { .tv_sec = 3 };
	char buf[512];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return send(fd, request, strlen(request), MSG_NOSIGNAL) > 0 &&
	       recv(fd, buf, sizeof(buf), 0) > 12 && !memcmp(buf, "HTTP/1.1 404", 12);
}

/* ---- a history ----------------------------------------------------------- */

static char history_path[64];

/* With a moment of @time, of @count partitions. */
static void make_history(int64_t time, size_t count)
{
	struct history_moment many = moment;
	struct history *history = NULL;
	size_t i;

	snprintf(history_path, sizeof(history_path), "/tmp/test_exporter.%d.db",
		 getpid());
	many.time = time;
	many.count = count;
	many.items = calloc(count, sizeof(*many.items));
	for (i = 0; i < count; i++)
		many.items[i].part.info.id = i + 1;
	CHECK_EQ(history_create(&history, history_path, HISTORY_SIZE), 0);
	CHECK_EQ(history_begin(history, time, time), 0);
	CHECK_EQ(history_write(history, HISTORY_SECOND, &many), 0);
	CHECK_EQ(history_commit(history), 0);
	history_close(history);
	free(many.items);
}

static void remove_history(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -f %s*", history_path);
	CHECK(!system(command));
}

static size_t pools_at(int64_t now)
{
	struct history *history = NULL;
	struct latest found;
	size_t count;

	CHECK_EQ(history_open(&history, history_path), 0);
	CHECK_EQ(latest_read(&found, history, now), 0);
	count = found.count;
	latest_free(&found);
	history_close(history);
	return count;
}

/* tarn-logd may rest, and take its time: it is well until its watchdog says otherwise. */
static void test_stale(void)
{
	make_history(moment.time, 1);
	CHECK_EQ(pools_at(moment.time), 1);
	CHECK_EQ(pools_at(moment.time + 15 + 60), 1);
	CHECK_EQ(pools_at(moment.time + 120), 0);
	remove_history();
}

/* The status that /metrics is answered with; the rest is not read. */
static int ask_metrics(int fd)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
	const struct timeval limit = { .tv_sec = 20 };
	char buf[13] = "";

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) <= 0 ||
	    recv(fd, buf, 12, MSG_WAITALL) != 12)
		return -1;
	return atoi(buf + 9);
}

static void *serve_at(struct sockaddr_un *addr, const struct http_options *opts)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr->sun_path, sizeof(addr->sun_path), "/tmp/test_exporter.%d",
		 getpid());
	CHECK(!bind(listener, (struct sockaddr *)addr, sizeof(*addr)));
	CHECK(!listen(listener, 32));
	return http_start(listener, true, opts);
}

/* Who asks for much and does not read it has the memory of one answer, not of each. */
static void test_no_readers(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int first, second, status = 0, i;
	struct http_options opts = { 0 };
	void *server;

	make_history(time(NULL), 400);
	opts.history = history_path;
	server = serve_at(&addr, &opts);
	CHECK(server);
	first = connect_to(&addr);
	second = connect_to(&addr);
	CHECK_EQ(ask_metrics(first), 200);
	CHECK_EQ(ask_metrics(second), 503);
	close(first);
	close(second);
	/* What is not wanted any more is forgotten. */
	for (i = 0; i < 200 && status != 200; i++) {
		first = connect_to(&addr);
		status = ask_metrics(first);
		close(first);
		usleep(20000);
	}
	CHECK_EQ(status, 200);
	http_stop(server);
	CHECK_EQ(unsent, 0);
	unlink(addr.sun_path);
	remove_history();
}

/* However many connect and say nothing, who asks is answered, also in between. */
static void test_silent_clients(void)
{
	struct http_options opts = { .history = "/nonexistent", .page = true };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int silent[300], fd, round, i;
	void *server;

	server = serve_at(&addr, &opts);
	CHECK(server);
	for (round = 0; round < 3; round++) {
		for (i = round * 100; i < round * 100 + 100; i++) {
			silent[i] = connect_to(&addr);
			CHECK(silent[i] >= 0);
		}
		fd = connect_to(&addr);
		CHECK(fd >= 0 && is_answered(fd));
		close(fd);
	}
	for (i = 0; i < 300; i++)
		close(silent[i]);
	http_stop(server);
	unlink(addr.sun_path);
}

static void test_hosts(void)
{
	struct http_options opts = { .hosts = { "mon.example" }, .hosts_count = 1 };

	CHECK(http_host_allowed(&opts, "localhost"));
	CHECK(http_host_allowed(&opts, "LocalHost:9871"));
	CHECK(http_host_allowed(&opts, "127.0.0.1:9871"));
	CHECK(http_host_allowed(&opts, "[::1]:9871"));
	CHECK(http_host_allowed(&opts, "[::1]"));
	CHECK(http_host_allowed(&opts, "mon.example:80"));
	CHECK(!http_host_allowed(&opts, NULL));
	CHECK(!http_host_allowed(&opts, ""));
	CHECK(!http_host_allowed(&opts, "[::1"));
	CHECK(!http_host_allowed(&opts, "evil.example"));
	CHECK(!http_host_allowed(&opts, "localhost.evil.example"));
	CHECK(!http_host_allowed(&opts, "127.0.0.1.evil.example:9871"));
	CHECK(!http_host_allowed(&opts, "mon.example.evil"));
}

static const struct tap_test tests[] = {
	{ "values", test_values },
	{ "all counters", test_all_counters },
	{ "latencies", test_latencies },
	{ "OpenMetrics", test_open_metrics },
	{ "names", test_names },
	{ "hosts", test_hosts },
	{ "clients that say nothing", test_silent_clients },
	{ "clients that do not read", test_no_readers },
	{ "a pool that is gone", test_stale },
};

TAP_MAIN(tests)
