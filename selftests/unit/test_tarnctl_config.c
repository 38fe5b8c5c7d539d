// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: files of pools, right ones and hostile ones, and how they are changed. */
#define CONFIG_DIR "pools.d"
#define CONFIG_OLD_DIR "."

#include <stdarg.h>

#include "../../tools/tarnctl/config.c"
#include "../../tools/tarnctl/config_edit.c"
#include "../../tools/tarnctl/config_wish.h"
#include "../../tools/tarnctl/config_words.h"
#include "tap.h"

/* ---- messages are kept -------------------------------------------------------- */

static char said[1 << 16];

static void keep(const char *fmt, va_list args)
{
	size_t len = strlen(said);

	vsnprintf(said + len, sizeof(said) - len, fmt, args);
	len = strlen(said);
	snprintf(said + len, sizeof(said) - len, "\n");
}

void err(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	keep(fmt, args);
	va_end(args);
}

int err_errno(int ret, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	keep(fmt, args);
	va_end(args);
	return ret;
}

int err_nomem(void)
{
	return -ENOMEM;
}

/* ---- reading ------------------------------------------------------------------ */

/* @len: bytes, which may have zeros among them */
static struct config read_bytes(const char *text, size_t len)
{
	struct config config = {
		.path = strdup("F"),
		.name = strdup("pool0"),
	};
	FILE *f = fmemopen((void *)text, len, "r");

	said[0] = '\0';
	CHECK_EQ(config_parse(&config, f), 0);
	fclose(f);
	config_check_whole(&config);
	return config;
}

static struct config read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

#define CHECK_SAID(text)                                                       \
	do {                                                                   \
		if (!strstr(said, text)) {                                     \
			printf("# %s:%d: not said: %s\n# but: %s\n", __FILE__, \
			       __LINE__, text, said);                          \
			tap_failed++;                                          \
		}                                                              \
	} while (0)

/* One line is wrong, in which @what is said. */
static void check_wrong(const char *text, const char *what)
{
	struct config config = read_text(text);

	if (config.wrong != 1)
		printf("# %u wrong in: %s\n# %s\n", config.wrong, text, said);
	CHECK_EQ(config.wrong, 1);
	CHECK_SAID(what);
	config_free(&config);
}

static void check_right(const char *text)
{
	struct config config = read_text(text);

	if (config.wrong)
		printf("# %s\n", said);
	CHECK_EQ(config.wrong, 0);
	CHECK_STR(said, "");
	config_free(&config);
}

static void test_all(void)
{
	struct config config = read_text(
		"\xef\xbb\xbf# a pool\n"
		"; and another comment\r\n"
		"[pool]\n"
		"\tsize = 60%\n"
		"Mode=0755\n"
		"uid=0\ngid=root\npaging=pager\nhuge=advise\n"
		"low=2%\nhigh=64M\nreadahead=128K\nscan=0.5%\npromote=3%\n"
		"placement=density\n"
		"[ pins ] # policies\n"
		"dma=always\nasync-fault=never\n"
		"[PAGER]\n"
		"user=tarn:tarn ; gives up root\nqueues=4\ndepth=256\ncpus=0-3,6\n"
		"wait=60\ngrant=off\nmlock=on\nseccomp=on\ndebug=off\n"
		"[device]\npath=/dev/disk/by-id/a b, c\npriority=-3\nsize=64G\n"
		"discard=on\n"
		"[device]\npath=/dev/sdb\n"
		"[mirror]\npath=/dev/sdc\npath=/dev/sdd\ndegraded=on\n"
		"[partition]\nname=web-*\nname=alice/db\nweight=10000\nmin=1.5G\n"
		"desired=0\nhuge=never\nhome=0=4G,1\ndispatch=soft\ndomain=web");

	CHECK_STR(said, "");
	CHECK_EQ(config.wrong, 0);
	CHECK_EQ(config.count, 7);
	CHECK_STR(config_value(&config, CONFIG_POOL, "size"), "60%");
	CHECK_STR(config_value(&config, CONFIG_POOL, "mode"), "0755");
	CHECK_STR(config_value(&config, CONFIG_POOL, "promote"), "3%");
	CHECK_EQ(config_share("3%"), 30);
	CHECK_EQ(config_share("0"), 0);
	CHECK_EQ(config.sections[0].line, 3);
	CHECK_EQ(config.sections[0].pairs[0].line, 4);
	CHECK_STR(config_value(&config, CONFIG_PAGER, "user"), "tarn:tarn");
	CHECK_STR(config_value(&config, CONFIG_DEVICE, "path"),
		  "/dev/disk/by-id/a b, c");
	CHECK_STR(config_get(&config.sections[4], "path"), "/dev/sdb");
	CHECK_STR(config_value(&config, CONFIG_PARTITION, "home"), "0=4G,1");
	CHECK(!config_value(&config, CONFIG_POOL, "nodes"));
	config_free(&config);
	check_right("");
	check_right("\n\n#\n");
	check_right("[pool]");
	check_right("[pool]\nnodes=8G:0:512M\n");
	/* Words of test_pager_options.c: the pager gets them as they are. */
	check_right("[device]\npath=/dev/sda\nsize=64GiB\n");
	check_right("[device]\npath=/dev/sda\nsize=1.5G\n");
	check_right("[device]\npath=/dev/sda\nsize=9000000B\n");
	check_right("[device]\npath=/dev/sda\nsize=4P\n");
}

static void test_values(void)
{
	static const char *const wrong[] = {
		"[pool]\nsize=8\n", "[pool]\nsize=0\n", "[pool]\nsize=0G\n",
		"[pool]\nsize=101%\n", "[pool]\nsize=1.5%\n",
		"[pool]\nsize=-1G\n", "[pool]\nsize=8GG\n",
		"[pool]\nsize=99999999999999999999G\n",
		"[pool]\nsize=18446744073709551616B\n",
		"[pool]\nsize=8G:8G\n", "[pool]\nnodes=8G:\n",
		"[pool]\nnodes=0:0\n", "[pool]\nnodes=8\n",
		"[pool]\nmode=0888\n", "[pool]\nmode=17777\n",
		"[pool]\nuid=nobody-has-this-name\n", "[pool]\nuid=-1\n",
		"[pool]\nuid=4294967295\n", "[pool]\ngid=99999999999999999999\n",
		"[pool]\npaging=on\n", "[pool]\nhuge=2M\n",
		"[pool]\nlow=4096\n", "[pool]\nlow=101%\n", "[pool]\nlow=5K\n",
		"[pool]\nreadahead=2M\n", "[pool]\nreadahead=3%\n",
		"[pool]\nscan=20\n", "[pool]\nscan=nan%\n", "[pool]\nscan=inf%\n",
		"[pool]\nscan=0x10%\n", "[pool]\nscan=101%\n", "[pool]\nscan=%\n",
		"[pool]\npromote=3\n", "[pool]\npromote=101%\n",
		"[pool]\nplacement=first\n", "[pins]\ndma=yes\n",
		"[pager]\nuser=a:\n", "[pager]\nuser=:b\n", "[pager]\nuser=a:b:c\n",
		"[pager]\nqueues=0\n", "[pager]\nqueues=65\n",
		"[pager]\ndepth=100\n", "[pager]\ndepth=8192\n",
		"[pager]\ncpus=a\n", "[pager]\nwait=-1\n", "[pager]\ngrant=yes\n",
		"[device]\npath=sda\n", "[device]\npath=/dev/\n",
		"[device]\npath=/dev/sda\npriority=1001\n",
		"[device]\npath=/dev/sda\nsize=4M\n",
		"[device]\npath=/dev/sda\nsize=64\n",
		"[device]\npath=/dev/sda\nsize=5P\n",
		"[device]\npath=/dev/sda\nsize=9000000.5B\n",
		"[partition]\nname=/a\n", "[partition]\nname=a/\n",
		"[partition]\nname=a\nweight=0\n",
		"[partition]\nname=a\nweight=10001\n",
		"[partition]\nname=a\nmin=4097B\n",
		"[partition]\nname=a\nhome=0=0\n",
		"[partition]\nname=a\nhome=\n",
		"[partition]\nname=a\nhome=1024\n",
		"[partition]\nname=a\nhome=0,,1\n",
		"[partition]\nname=a\nhome=0=4G=2\n",
		"[partition]\nname=a\ndispatch=hard\n",
		"[partition]\nname=a\ndomain=a b\n",
		"[partition]\nname=a\ndomain=01234567890123456789012345678901\n",
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_wrong(wrong[i], "F:");
}

static void test_wrong(void)
{
	check_wrong("size=8G\n", "F:1: stands before any heading");
	check_wrong("[pool]\n\nsize\n", "F:3: is no KEY=VALUE");
	check_wrong("[pool]\nsize\n[pager]\n", "F:2: is no KEY=VALUE");
	check_wrong("[pool\nsize=8X\n", "F:1: a heading is a word in brackets");
	check_wrong("[pool] size=8G\nsize=8X\n", "F:1: a heading");
	check_wrong("[pools]\nsize=8X\n", "did you mean [pool]?");
	check_wrong("[what]\n", "there is [pool], [pins]");
	check_wrong("[pool]\nsise=8G\n", "did you mean 'size'?");
	check_wrong("[pool]\nweight=1\n", "it belongs in [partition]");
	check_wrong("[pool]\nsize=8G\nsize=9G\n",
		    "F:3: size= is given twice, in line 2 too");
	check_wrong("[pool]\nsize=8G\nSIZE=9G\n", "in line 2 too");
	check_wrong("[pool]\nsize=8G\n[pager]\n[pool]\nsize=8X\n",
		    "F:4: [pool] begins in line 1 already");
	check_wrong("[pool]\nsize=8G\nnodes=8G\n", "F:1: [pool] has size= and nodes=");
	check_wrong("[device]\n", "F:1: [device] has no path=");
	check_wrong("[mirror]\npath=/dev/sda\n", "F:1: [mirror] wants path= twice");
	check_wrong("[mirror]\npath=/dev/sda\npath=/dev/sdb\npath=/dev/sdc\n",
		    "third time");
	check_wrong("[partition]\nweight=1\n", "F:1: [partition] has no name=");
	check_wrong("[device]\npath=/dev/sda\n[device]\npath=/dev/sda\n",
		    "F:4: path=/dev/sda stands in line 2 already");
	check_wrong("[mirror]\npath=/dev/sda\npath=/dev/sda\n", "F:3: path=");
	check_wrong("[pool]\npaging=none\n[device]\npath=/dev/sda\n",
		    "F:3: [device]: the pool has paging=none");
	check_wrong("[pool]\nsize=\n", "F:2: size=: it has no value");
	check_wrong("[pool]\n=8G\n", "has no key ''");
}

/* All of it is told, and what is right is there. */
static void test_each(void)
{
	struct config config = read_text("a\n[pool]\nsize=8X\nb\nmode=0700\n"
					 "c=d\n[x]\ny\n[device]\npath=x\n");

	CHECK_EQ(config.wrong, 7);
	CHECK_SAID("F:1: ");
	CHECK_SAID("F:3: ");
	CHECK_SAID("F:4: ");
	CHECK_SAID("F:6: ");
	CHECK_SAID("F:7: ");
	CHECK_SAID("F:8: ");
	CHECK_SAID("F:10: ");
	CHECK_STR(config_value(&config, CONFIG_POOL, "mode"), "0700");
	/* Three in [pool], and three in no section. */
	CHECK_EQ(config_wrong(&config, CONFIG_POOL), 6);
	CHECK_EQ(config_wrong(&config, CONFIG_DEVICE), 4);
	CHECK_EQ(config_wrong(&config, CONFIG_PINS), 3);
	config_free(&config);
}

static void test_hostile(void)
{
	static const char zeros[] = "[pool]\nsize=8G\0junk\nmode=0700\n";
	static char text[1 << 17];
	struct config config;
	size_t len, i;

	config = read_bytes(zeros, sizeof(zeros) - 1);
	CHECK_EQ(config.wrong, 1);
	CHECK_SAID("F:2: has characters that are no text");
	CHECK(!config_value(&config, CONFIG_POOL, "size"));
	CHECK_STR(config_value(&config, CONFIG_POOL, "mode"), "0700");
	config_free(&config);

	/* What reaches a terminal does nothing to it. */
	check_wrong("[pool]\nsize=\033[31m8G\n", "no text");
	config = read_text("[\xff\xfe]\n[\xc3\xa4]\n");
	CHECK_EQ(config.wrong, 2);
	CHECK(!strpbrk(said, "\xff\xfe\033"));
	config_free(&config);

	/* A line as long as can be, one byte more, and very long. */
	for (len = 150; len < 260; len++) {
		memset(text, 'x', sizeof(text));
		strcpy(text, "[device]\npath=/");
		text[strlen(text)] = 'x';
		strcpy(text + strlen("[device]\n") + len, "\npriority=1\n");
		config = read_text(text);
		if (len <= 197) {
			CHECK_EQ(config.wrong, 0);
			CHECK_EQ(strlen(config_value(&config, CONFIG_DEVICE,
						     "path")),
				 len - strlen("path="));
		} else {
			CHECK_EQ(config.wrong, 1);
			CHECK_SAID("F:2: is too long");
		}
		CHECK_STR(config_value(&config, CONFIG_DEVICE, "priority"), "1");
		config_free(&config);
	}
	memset(text, '[', sizeof(text) - 2);
	text[sizeof(text) - 2] = '\n';
	text[sizeof(text) - 1] = '\0';
	check_wrong(text, "F:1: a heading");
	memset(text, '=', sizeof(text) - 2);
	check_wrong(text, "F:1: is too long");

	/* Very many lines. */
	strcpy(text, "[partition]\n");
	for (i = 0, len = strlen(text); i < 5000; i++)
		len += sprintf(text + len, "name=n%zu*\n", i);
	check_right(text);
	for (i = 0, len = 0; i < 5000; i++)
		len += sprintf(text + len, "[device]\n");
	config = read_text(text);
	CHECK_EQ(config.wrong, 5000);
	CHECK_EQ(config.count, 5000);
	config_free(&config);

	/* A name that libinih cuts to one that there is. */
	memset(text, 'x', 300);
	strcpy(text, "[pool]\nsize");
	memset(text + 11, ' ', 60);
	strcpy(text + 71, "x=8G\n");
	check_wrong(text, "has no key");
}

/* What is right is written so that it is read as the same. */
static void check_again(struct config *config)
{
	char *text = NULL, *again = NULL;
	size_t size, size2;
	FILE *f = open_memstream(&text, &size);
	struct config copy;

	config_write(config, f);
	fclose(f);
	copy = read_text(text);
	f = open_memstream(&again, &size2);
	config_write(&copy, f);
	fclose(f);
	CHECK_EQ(copy.wrong, 0);
	CHECK_STR(again, text);
	free(text);
	free(again);
	config_free(&copy);
}

static unsigned int next_random(unsigned int *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 8;
}

/* Bytes of a file that are others, are gone or are there twice. */
static size_t mutate(char *text, size_t len, unsigned int *state)
{
	static const char bytes[] = "[]=\n;# \t\0\\,:%09GkKx/*?-\xff\x80";
	unsigned int changes = 1 + next_random(state) % 6;

	while (changes-- && len > 40) {
		size_t at = next_random(state) % len;
		size_t some = 1 + next_random(state) % 20;

		if (some > len - at)
			some = len - at;
		switch (next_random(state) % 3) {
		case 0:
			text[at] = bytes[next_random(state) %
					 (sizeof(bytes) - 1)];
			break;
		case 1:
			memmove(text + at, text + at + some, len - at - some);
			len -= some;
			break;
		case 2:
			memmove(text + at + some, text + at, len - at);
			len += some;
			break;
		}
	}
	return len;
}

static void test_mutations(void)
{
	static const char right[] =
		"[pool]\nnodes=8G:0:512M\nmode=0755\nscan=0.5%\nlow=2%\n"
		"[pins]\ndma=always\n[pager]\nuser=tarn\ncpus=0-3\n"
		"[device]\npath=/dev/a b,c\nsize=64G ; much\npriority=-3\n"
		"[mirror]\npath=/dev/sdc\npath=/dev/sdd\n"
		"[partition]\nname=web-*\nweight=3\nhome=0=4G,1\nmin=1.5G\n";
	unsigned int state = 7, i, good = 0;
	char text[1024];

	for (i = 0; i < 30000; i++) {
		struct config config;
		size_t len;

		memcpy(text, right, sizeof(right));
		len = mutate(text, sizeof(right) - 1, &state);
		config = read_bytes(text, len);
		if (!config.wrong) {
			check_again(&config);
			good++;
		}
		config_free(&config);
		if (tap_failed) {
			printf("# %.*s\n", (int)len, text);
			return;
		}
	}
	/* Neither all of them are wrong nor none. */
	CHECK(good > 300 && good < 25000);
}

/* ---- files of earlier versions --------------------------------------------------- */

static struct config read_old(const char *text)
{
	struct config config = {
		.path = strdup("O"),
		.name = strdup("pool0"),
	};
	FILE *f = fmemopen((void *)text, strlen(text), "r");

	said[0] = '\0';
	CHECK_EQ(config_parse_old(&config, f), 0);
	fclose(f);
	config_check_whole(&config);
	return config;
}

static char *written(const struct config *config)
{
	static char buf[4096];
	FILE *f = fmemopen(buf, sizeof(buf), "w");

	CHECK_EQ(config_write(config, f), 0);
	fclose(f);
	return buf;
}

static void test_old(void)
{
	struct config config = read_old(
		"# options\n"
		"TARN_POOL_OPTIONS='size=60%,mode=0755,uid=0'\n"
		"OTHER=x\n"
		"TARN_PAGER_OPTIONS=--device /dev/a,,b,priority=10 \\\n"
		"  --mirror=path=/dev/c,/dev/d,degraded=on --user tarn --no-grant \\\n"
		"  --depth 64 --debug\n");

	CHECK_STR(said, "");
	CHECK_EQ(config.wrong, 0);
	CHECK(config.old);
	CHECK_STR(strchr(written(&config), '\n'),
		  "\n\n[pool]\nsize=60%\nmode=0755\nuid=0\n"
		  "\n[device]\npath=/dev/a,b\npriority=10\n"
		  "\n[mirror]\npath=/dev/c\npath=/dev/d\ndegraded=on\n"
		  "\n[pager]\nuser=tarn\ngrant=off\ndepth=64\ndebug=on\n");
	config_free(&config);

	config = read_old("TARN_POOL_OPTIONS=size=16777216\n");
	CHECK_STR(config_value(&config, CONFIG_POOL, "size"), "16777216B");
	config_free(&config);

	config = read_old("TARN_PAGER_OPTIONS=--device /dev/a --force junk --depth\n");
	CHECK_EQ(config.wrong, 3);
	CHECK_SAID("O:1: --force would overwrite");
	CHECK_SAID("O:1: junk is no option");
	CHECK_SAID("O:1: --depth wants a value");
	config_free(&config);

	config = read_old("TARN_POOL_OPTIONS=size=8X,what=1,ro\nTARN_PAGER_OPTIONS=\\");
	CHECK_EQ(config.wrong, 3);
	config_free(&config);
}

static void test_words(void)
{
	struct config config = read_text(
		"[pager]\nuser=tarn\ngrant=off\nmlock=on\ndebug=on\ndepth=64\n"
		"[device]\npath=/dev/a,b\npriority=10\n"
		"[mirror]\npath=/dev/c\ndegraded=on\npath=/dev/d\n");
	static const char *const want[] = {
		"tarn-pager", "--pool", "/p", "--user=tarn", "--no-grant",
		"--debug", "--depth=64", "--device", "/dev/a,,b,priority=10",
		"--mirror", "/dev/c,degraded=on,/dev/d", NULL,
	};
	char **words = config_words(&config, "/p");
	size_t i;

	CHECK_STR(said, "");
	for (i = 0; words && words[i] && want[i]; i++)
		CHECK_STR(words[i], want[i]);
	CHECK(words && !words[i] && !want[i]);
	config_words_free(words);
	config_free(&config);
}

/* ---- changes ------------------------------------------------------------------- */

static struct config_edit edit_of(const char *text)
{
	return (struct config_edit){
		.path = strdup("F"),
		.name = strdup("pool0"),
		.text = strdup(text),
	};
}

static void check_edit(const char *text, enum config_kind kind, const char *key,
		       const char *value, const char *want)
{
	struct config_edit edit = edit_of(text);

	said[0] = '\0';
	CHECK_EQ(config_edit_set(&edit, kind, key, value), 0);
	CHECK_STR(edit.text, want);
	CHECK_STR(said, "");
	config_edit_free(&edit);
}

static void test_edit(void)
{
	struct config_edit edit;

	check_edit("# mine\n[pool]\n size = 8G ; so much\n# end\n", CONFIG_POOL,
		   "size", "9G", "# mine\n[pool]\nsize=9G\n# end\n");
	check_edit("[pool]\nsize=8G", CONFIG_POOL, "size", "9G",
		   "[pool]\nsize=9G\n");
	check_edit("[pool]\nsize=8G", CONFIG_POOL, "scan", "4%",
		   "[pool]\nsize=8G\nscan=4%\n");
	check_edit("[pool]\n\n[pager]\n", CONFIG_POOL, "scan", "4%",
		   "[pool]\nscan=4%\n\n[pager]\n");
	check_edit("[pool]\nsize=8G\n\n# why\n[pager]\nuser=a\n", CONFIG_POOL,
		   "mode", "0700",
		   "[pool]\nsize=8G\nmode=0700\n\n# why\n[pager]\nuser=a\n");
	check_edit("", CONFIG_POOL, "scan", "4%", "\n[pool]\nscan=4%\n");
	check_edit("[pager]\nuser=a", CONFIG_PINS, "dma", "always",
		   "[pager]\nuser=a\n\n[pins]\ndma=always\n");

	edit = edit_of("[pool]\nsize=8G\n");
	CHECK_EQ(config_edit_set(&edit, CONFIG_POOL, "scan", "4"), ERR_USAGE);
	CHECK_EQ(config_edit_set(&edit, CONFIG_POOL, "mode", "0700\nx=y"),
		 ERR_USAGE);
	CHECK_EQ(config_edit_set(&edit, CONFIG_PAGER, "user", "a ;b"), ERR_USAGE);
	CHECK_STR(edit.text, "[pool]\nsize=8G\n");
	CHECK_EQ(config_edit_set(&edit, CONFIG_POOL, "nodes", "8G"), ERR_USAGE);
	config_edit_free(&edit);

	edit = edit_of("[pool]\nmode=0755\nsize=8G\n[pager]\n");
	CHECK_EQ(config_edit_drop(&edit, CONFIG_POOL, "size"), 0);
	CHECK_STR(edit.text, "[pool]\nmode=0755\n[pager]\n");
	CHECK_EQ(config_edit_drop(&edit, CONFIG_POOL, "size"), 0);
	CHECK_EQ(config_edit_drop(&edit, CONFIG_PINS, "dma"), 0);
	CHECK_STR(edit.text, "[pool]\nmode=0755\n[pager]\n");
	config_edit_free(&edit);
}

/* ---- files --------------------------------------------------------------------- */

static void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
}

static void test_files(void)
{
	char dir[] = "/tmp/tarn-unit-config.XXXXXX";
	struct config_edit edit;
	struct config config;
	struct stat st;

	CHECK(mkdtemp(dir) && !chdir(dir));
	said[0] = '\0';
	CHECK_EQ(config_load(&config, "p", true), -ENOENT);
	CHECK_STR(said, "");
	config_free(&config);
	CHECK_EQ(config_load(&config, "p", false), -ENOENT);
	CHECK_SAID("tarnctl pool create p");
	config_free(&config);

	put_file("p.conf", "TARN_POOL_OPTIONS=size=1G\n");
	CHECK_EQ(config_load(&config, "p", false), 0);
	CHECK(config.old);
	CHECK_STR(config.name, "p");
	CHECK_SAID("tarnctl pool import p");
	CHECK_EQ(config_save(&config, "pools.d/p.conf"), 0);
	CHECK_EQ(config_save(&config, "pools.d/p.conf"), -EEXIST);
	config_free(&config);

	said[0] = '\0';
	CHECK_EQ(config_load(&config, "p", false), 0);
	CHECK(!config.old);
	CHECK_STR(said, "");
	CHECK_STR(config_value(&config, CONFIG_POOL, "size"), "1G");
	config_free(&config);

	/* A link stays one, and the mode of its file is kept. */
	CHECK(!chmod("pools.d/p.conf", 0640));
	CHECK(!symlink("p.conf", "pools.d/q.conf"));
	CHECK_EQ(config_edit_begin(&edit, "q"), 0);
	CHECK_EQ(config_edit_set(&edit, CONFIG_POOL, "size", "2G"), 0);
	CHECK_EQ(config_edit_commit(&edit), 0);
	config_edit_free(&edit);
	CHECK(!lstat("pools.d/q.conf", &st) && S_ISLNK(st.st_mode));
	CHECK(!stat("pools.d/p.conf", &st));
	CHECK_EQ(st.st_mode & 07777, 0640);
	CHECK_EQ(config_load(&config, "p", false), 0);
	CHECK_STR(config_value(&config, CONFIG_POOL, "size"), "2G");
	config_free(&config);

	/* What never ends is no file. */
	CHECK(!mkfifo("pools.d/f.conf", 0600));
	CHECK(config_load(&config, "f", false) < 0);
	config_free(&config);
	CHECK(!mkdir("pools.d/d.conf", 0700));
	CHECK(config_load(&config, "d", false) < 0);
	config_free(&config);
	CHECK(!symlink("/dev/zero", "pools.d/z.conf"));
	CHECK(config_load(&config, "z", false) < 0);
	config_free(&config);
	put_file("pools.d/b.conf", "");
	CHECK(!truncate("pools.d/b.conf", CONFIG_FILE_MAX + 1));
	CHECK_EQ(config_load(&config, "b", false), -EFBIG);
	config_free(&config);
	CHECK_EQ(config_edit_begin(&edit, "none"), -ENOENT);
	config_edit_free(&edit);
	put_file("pools.d/w.conf", "[pool]\nsize=8X\n");
	CHECK_EQ(config_edit_begin(&edit, "w"), -EINVAL);
	config_edit_free(&edit);
	CHECK(!chdir("/"));
	snprintf(said, sizeof(said), "rm -r %s", dir);
	CHECK_EQ(system(said), 0);
}

static void test_names(void)
{
	static const char *const bad[] = {
		"", ".", "..", "-x", "_x", "a/b", "a b", "a\n", "\xc3\xa4", "a%i",
	};
	char name[CONFIG_NAME_MAX + 2];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!config_name_ok(bad[i]));
	CHECK(config_name_ok("pool0"));
	CHECK(config_name_ok("0.a_b-c"));
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	CHECK(!config_name_ok(name));
	CHECK(config_name_ok(name + 1));
}

/* ---- partitions ---------------------------------------------------------------- */

/* The words of a wish, with blanks between, "-" for none. */
static uid_t wish_uid;

static const char *wish_of(const struct config *config, const char *path)
{
	static char text[256];
	struct config_wish wish;
	int i, ret = config_wish(&wish, config, path, wish_uid);

	text[0] = '\0';
	for (i = 0; i < wish.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
			 wish.words[i]);
	if (wish.home)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "home %s ", wish.home);
	config_wish_free(&wish);
	return ret ? text : "-";
}

/* Users choose names, not by that what they get. */
static void test_owners(void)
{
	struct config config = read_text(
		"[partition]\nname=db\nmin=4G\n"
		"[partition]\nname=alice/*\nowner=1000\nowner=1001\nweight=20\n"
		"[partition]\nname=*\nowner=*\nhuge=never\n"
		"[partition]\nname=d*\nowner=daemon\nhome=1\n"
		"[partition]\nname=domains/*/x\ndesired=1G\n");

	CHECK_STR(said, "");
	CHECK_STR(wish_of(&config, "db"), "min=4G huge=never ");
	wish_uid = 1000;
	CHECK_STR(wish_of(&config, "db"), "huge=never ");
	CHECK_STR(wish_of(&config, "alice/db"), "weight=20 huge=never ");
	CHECK_STR(wish_of(&config, "domains/a/x"), "desired=1G ");
	wish_uid = 1002;
	CHECK_STR(wish_of(&config, "alice/db"), "huge=never ");
	wish_uid = 1;
	CHECK_STR(wish_of(&config, "db"), "huge=never home 1 ");
	wish_uid = 0;
	CHECK_STR(wish_of(&config, "alice/x"), "huge=never ");
	config_free(&config);
	check_wrong("[partition]\nname=a\nowner=a b\n", "wants a user");
}

static void test_partitions(void)
{
	struct config config = read_text(
		"[partition]\nname=*\nweight=50\n"
		"[partition]\nname=web-?\nname=db\nweight=200\nmin=5%\nhome=0\n"
		"[partition]\nname=alice/*\nhuge=never\nhome=1\n"
		"[partition]\nname=domains/*/pc.ram\ndesired=1G\n");

	CHECK_STR(said, "");
	CHECK_STR(wish_of(&config, "x"), "weight=50 ");
	CHECK_STR(wish_of(&config, "web-1"), "weight=200 min=5% home 0 ");
	CHECK_STR(wish_of(&config, "web-12"), "weight=50 ");
	CHECK_STR(wish_of(&config, "bob/db"), "weight=200 min=5% home 0 ");
	CHECK_STR(wish_of(&config, "alice/db"),
		  "weight=200 min=5% huge=never home 1 ");
	/* A slash is no letter. */
	CHECK_STR(wish_of(&config, "alice/x/y"), "weight=50 ");
	/* Those of libvirt have their own. */
	CHECK_STR(wish_of(&config, "domains/1-web-1/pc.ram"), "desired=1G ");
	CHECK_STR(wish_of(&config, "domains/web-1"), "-");
	CHECK_STR(wish_of(&config, "domains"), "weight=50 ");
	config_free(&config);
	config = read_text("[pool]\nsize=8G\n");
	CHECK_STR(wish_of(&config, "x"), "-");
	config_free(&config);
}

static const struct tap_test tests[] = {
	{ "all that a file can have", test_all },
	{ "values that are wrong are refused, each by itself", test_values },
	{ "what is wrong is said with its line and what to do", test_wrong },
	{ "each line that is wrong is told, and the others count", test_each },
	{ "hostile files", test_hostile },
	{ "files of earlier versions", test_old },
	{ "files that were changed at random", test_mutations },
	{ "the command line of a pager", test_words },
	{ "a change leaves the rest as it was", test_edit },
	{ "files are found, replaced as a whole, and have an end", test_files },
	{ "names of pools", test_names },
	{ "partitions by pattern, the last one counts", test_partitions },
	{ "owners of partitions", test_owners },
};

TAP_MAIN(tests)
