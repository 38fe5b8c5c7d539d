// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: the command line: options, subcommands, settings and ranges. */
#include "../../tools/tarnctl/command.c"
#include "../../tools/tarnctl/error.c"
#include "../../tools/tarnctl/option.c"
#include "../../tools/tarnctl/placement.c"
#include "../../tools/tarnctl/range.c"
#include "../../tools/tarnctl/setting.c"
#undef PAGE_BYTES
#include "../../tools/tarnctl/size.c"
#include "../../tools/tarnctl/suggest.c"
#include "tap.h"

#define ARGV_MAX 16

struct line {
	char text[256];
	char *argv[ARGV_MAX];
	int argc;
};

/* Split at blanks into a writable argv. */
static struct line *split(const char *text)
{
	static struct line line;
	char *word;

	snprintf(line.text, sizeof(line.text), "%s", text);
	line.argc = 0;
	for (word = strtok(line.text, " "); word; word = strtok(NULL, " "))
		line.argv[line.argc++] = word;
	line.argv[line.argc] = NULL;
	return &line;
}

/* The message of what @expr reports. */
#define MESSAGE(expr)                                                          \
	({                                                                     \
		err_defer(true);                                               \
		(void)(expr);                                                  \
		deferred;                                                      \
	})

static int parse(struct options *opts, unsigned long long accepted, struct line *line)
{
	return options_parse(opts, accepted, "tarnctl x", &line->argc,
			     line->argv);
}

static void test_options(void)
{
	struct line *line = split("a --json -n3 b -d 0.5 --sort=name -b c");
	struct options opts;

	CHECK_EQ(parse(&opts, OPTION_ALL, line), 0);
	CHECK(opts.json);
	CHECK(opts.bytes);
	CHECK(!opts.help);
	CHECK_EQ(opts.count, 3);
	CHECK(opts.delay == 0.5);
	CHECK_STR(opts.sort, "name");
	CHECK_EQ(line->argc, 3);
	CHECK_STR(line->argv[0], "a");
	CHECK_STR(line->argv[1], "b");
	CHECK_STR(line->argv[2], "c");
	CHECK(!line->argv[3]);
}

static void test_letters(void)
{
	struct line *line = split("-bjn 7 -- -j --json");
	struct options opts;

	CHECK_EQ(parse(&opts, OPTION_ALL, line), 0);
	CHECK(opts.bytes && opts.json);
	CHECK_EQ(opts.count, 7);
	CHECK_EQ(line->argc, 2);
	CHECK_STR(line->argv[0], "-j");
	CHECK_STR(line->argv[1], "--json");
	/* A lone dash is a word; a value may begin with one. */
	line = split("- --pool --json");
	CHECK_EQ(parse(&opts, OPTION_ALL, line), 0);
	CHECK_EQ(line->argc, 1);
	CHECK_STR(opts.pool, "--json");
	CHECK(!opts.json);
	line = split("--sort=");
	CHECK_EQ(parse(&opts, OPTION_ALL, line), 0);
	CHECK_STR(opts.sort, "");
}

static void test_bad_options(void)
{
	static const char *const bad[] = {
		"--nosuch", "-z", "-bz", "--json=yes", "--pool", "-p", "-n",
		"-n 0", "-n -1", "-n x", "-n 3x", "-n 4294967296",
		"-n 99999999999999999999", "-d 0", "-d -1", "-d nan", "-d inf",
		"-d 1e9", "-d 1x", "-d ", "--jso", "--jsonn", "---",
	};
	struct options opts;
	size_t i;

	err_defer(true);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int ret = parse(&opts, OPTION_ALL, split(bad[i]));

		if (ret != -EINVAL)
			printf("# %s: %d\n", bad[i], ret);
		CHECK_EQ(ret, -EINVAL);
	}
	/* What others take is unknown here. */
	CHECK_EQ(parse(&opts, OPTION_BYTES, split("--json")), -EINVAL);
	CHECK_EQ(parse(&opts, OPTION_BYTES, split("-j")), -EINVAL);
	CHECK_EQ(parse(&opts, 0, split("--help")), 0);
	CHECK(opts.help);
}

static void test_hints(void)
{
	struct options opts;

	CHECK_STR(MESSAGE(parse(&opts, OPTION_ALL, split("--jsno"))),
		  "tarnctl x: unknown option '--jsno', did you mean '--json'?\n");
	CHECK_STR(MESSAGE(parse(&opts, OPTION_BYTES, split("--jsno"))),
		  "tarnctl x: unknown option '--jsno', 'tarnctl x --help' lists all\n");
	CHECK_STR(MESSAGE(parse(&opts, OPTION_ALL, split("--delay"))),
		  "tarnctl x: --delay wants a value: --delay SECONDS\n");
}

static const char *nearest(const char *word)
{
	static const char *const words[] = { "list", "show", "set", "resize",
					     "events", "top" };
	struct suggest s;
	size_t i;

	suggest_begin(&s, word);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		suggest_offer(&s, words[i]);
	return suggest_end(&s);
}

static void test_distance(void)
{
	CHECK_EQ(suggest_distance("", ""), 0);
	CHECK_EQ(suggest_distance("", "abc"), 3);
	CHECK_EQ(suggest_distance("list", "list"), 0);
	CHECK_EQ(suggest_distance("lsit", "list"), 1);
	CHECK_EQ(suggest_distance("kitten", "sitting"), 3);
	CHECK_EQ(suggest_distance("0123456789012345678901234567890123", "a"),
		 UINT_MAX);
	CHECK_STR(nearest("lsit"), "list");
	CHECK_STR(nearest("sho"), "show");
	CHECK_STR(nearest("event"), "events");
	CHECK_STR(nearest("res"), "resize");
	CHECK_STR(nearest("tpo"), "top");
	CHECK(!nearest("delete"));
	CHECK(!nearest("xyz"));
	CHECK(!nearest(""));
}

static int seen_argc;
static bool seen_json;

static int leaf(int argc, char **argv, const struct options *opts)
{
	seen_argc = argc;
	seen_json = opts->json;
	return argc && !strcmp(argv[0], "fail") ? -EIO : 0;
}

static const struct command subs[] = {
	{ .name = "list", .help = "lists", .fn = leaf, .options = OPTION_JSON,
	  .max_args = 1 },
	{ .name = "show", .help = "shows", .args = "A B", .fn = leaf,
	  .min_args = 2, .max_args = -1 },
	{ 0 },
};

static const struct command tops[] = {
	{ .name = "pool", .help = "pools", .subs = subs },
	{ 0 },
};

static const struct command top = { .name = "tarnctl", .help = "does",
				    .subs = tops };

static int run(const char *text)
{
	struct line *line = split(text);

	seen_argc = -1;
	return command_run(&top, line->argc, line->argv);
}

static void test_commands(void)
{
	err_defer(true);
	CHECK_EQ(run("t pool list"), EXIT_SUCCESS);
	CHECK_EQ(seen_argc, 0);
	CHECK_EQ(run("t pool list a --json"), EXIT_SUCCESS);
	CHECK_EQ(seen_argc, 1);
	CHECK(seen_json);
	CHECK_EQ(run("t pool list fail"), EXIT_FAILURE);
	CHECK_EQ(run("t pool show 1 2 3 4 5"), EXIT_SUCCESS);
	CHECK_EQ(seen_argc, 5);
}

static void check_bad(const char *text, const char *want)
{
	err_defer(true);
	CHECK_EQ(run(text), EXIT_USAGE);
	CHECK_EQ(seen_argc, -1);
	CHECK_STR(deferred, want);
}

static void test_bad_commands(void)
{
	check_bad("t pol",
		  "tarnctl: unknown command 'pol', did you mean 'pool'?\n");
	check_bad("t pool lst", "tarnctl pool: unknown command 'lst', did you mean 'list'?\n");
	check_bad("t pool --hlep", "tarnctl pool: unknown option '--hlep', did you mean '--help'?\n");
	check_bad("t pool frob", "tarnctl pool: unknown command 'frob', 'tarnctl pool --help' lists all\n");
	check_bad("t pool list a b", "tarnctl pool list: 'b' is too much: tarnctl pool list\n");
	check_bad("t pool show 1", "tarnctl pool show: something is missing: tarnctl pool show A B\n");
}

static int settings(struct setting *table, const char *text)
{
	struct line *line = split(text);

	err_defer(true);
	return settings_parse(table, "tarnctl pool set", line->argc,
			      line->argv);
}

#define KEYS { { .key = "low" }, { .key = "high" },                            \
	       { .key = "frame", .instead = "the option --frame" }, { 0 } }

static void test_settings(void)
{
	struct setting table[] = KEYS, twice[] = KEYS, other[] = KEYS;
	uint64_t val;

	CHECK(setting_is("low=1"));
	CHECK(setting_is("nosuch="));
	CHECK(!setting_is("/run/a=b"));
	CHECK(!setting_is("=1"));
	CHECK(!setting_is("low"));
	CHECK_EQ(settings(table, "high=2=3 low=1"), 0);
	CHECK_STR(table[0].value, "1");
	CHECK_STR(table[1].value, "2=3");
	CHECK_EQ(settings(twice, "low=1 low=2"), -EINVAL);
	CHECK_EQ(settings(other, "low="), -EINVAL);
	CHECK_EQ(settings(other, "lo=1"), -EINVAL);
	CHECK_STR(deferred, "tarnctl pool set: unknown setting 'lo', did you mean 'low'?\n");
	CHECK_EQ(settings(other, "frob=1"), -EINVAL);
	CHECK_STR(deferred, "tarnctl pool set: unknown setting 'frob', there is low, high\n");
	CHECK_EQ(settings(other, "frob"), -EINVAL);
	/* What is no setting is not suggested as one. */
	CHECK_EQ(settings(other, "fram=1"), -EINVAL);
	CHECK_STR(deferred, "tarnctl pool set: unknown setting 'fram', there is low, high\n");
	CHECK_EQ(settings(other, "frame=1"), -EINVAL);
	CHECK_STR(deferred, "tarnctl pool set: 'frame' is not set so, but by the option --frame\n");
	table[0].value = "10000";
	CHECK_EQ(setting_number(&table[0], 1, 10000, &val), 0);
	CHECK_EQ(val, 10000);
	table[0].value = "10001";
	CHECK_EQ(setting_number(&table[0], 1, 10000, &val), -EINVAL);
	table[0].value = "0";
	CHECK_EQ(setting_number(&table[0], 1, 10000, &val), -EINVAL);
	table[0].value = "-1";
	CHECK_EQ(setting_number(&table[0], 1, 10000, &val), -EINVAL);
	table[0].value = " 5";
	CHECK_EQ(setting_number(&table[0], 1, 10000, &val), -EINVAL);
	table[0].value = "5x";
	CHECK_EQ(setting_number(&table[0], 1, 10000, &val), -EINVAL);
	table[0].value = "2%";
	CHECK_EQ(setting_pages(&table[0], 1000, &val), 0);
	CHECK_EQ(val, 20);
}

static int range(struct range *r, const char *text, uint64_t whole)
{
	struct line *line = split(text);

	err_defer(true);
	return range_parse(r, "tarnctl x", line->argc, line->argv, whole);
}

static void test_range(void)
{
	struct range r;

	CHECK_EQ(range(&r, "", 1000), 0);
	CHECK_EQ(r.start, 0);
	CHECK_EQ(r.count, 1000);
	CHECK_EQ(range(&r, "", 0), 0);
	CHECK_EQ(r.count, 0);
	CHECK_EQ(range(&r, "16M 2M", 100000), 0);
	CHECK_EQ(r.start, 4096);
	CHECK_EQ(r.count, 512);
	/* The end of the partition cuts it. */
	CHECK_EQ(range(&r, "990 18446744073709551615", 1000), 0);
	CHECK_EQ(r.count, 10);
	CHECK_EQ(range(&r, "50% 100%", 1000), 0);
	CHECK_EQ(r.start, 500);
	CHECK_EQ(r.count, 500);
	CHECK_EQ(range(&r, "1000 1", 1000), -EINVAL);
	CHECK_EQ(range(&r, "0 1", 0), -EINVAL);
	CHECK_EQ(range(&r, "5", 1000), -EINVAL);
	CHECK_EQ(range(&r, "x 5", 1000), -EINVAL);
	CHECK_EQ(range(&r, "5 1B", 1000), -EINVAL);
}

static void test_placement(void)
{
	__u32 placement = 9;

	CHECK_EQ(placement_parse("--placement", "density", &placement), 0);
	CHECK_EQ(placement, TARN_PLACE_DENSITY);
	CHECK_STR(placement_name(placement), "density");
	CHECK_EQ(placement_parse("--placement", "dense", &placement), -EINVAL);
	CHECK_EQ(placement_parse("--placement", "", &placement), -EINVAL);
	CHECK_EQ(placement, TARN_PLACE_DENSITY);
	CHECK_STR(placement_name(TARN_PLACEMENTS), "?");
}

static const struct tap_test tests[] = {
	{ "options of all kinds, anywhere", test_options },
	{ "letters, values and the end of options", test_letters },
	{ "bad options", test_bad_options },
	{ "hints", test_hints },
	{ "near matches", test_distance },
	{ "subcommands are found", test_commands },
	{ "bad subcommands", test_bad_commands },
	{ "settings", test_settings },
	{ "ranges", test_range },
	{ "which pages first", test_placement },
};

TAP_MAIN(tests)
