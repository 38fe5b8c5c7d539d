// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: counters read from a directory shaped like sysfs. */
#include <sys/stat.h>

#include "../../tools/tarnctl/error.c"
#include "../../tools/tarnctl/field.c"
#include "../../tools/tarnctl/huge.c"
#include "../../tools/tarnctl/placement.c"
#include "../../tools/tarnctl/size.c"
#include "../../tools/tarnctl/sysfs.c"
#include "tap.h"

static char root[32];

static void put(int dirfd, const char *name, const char *text)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int make_partition(void)
{
	const struct field *field;
	char text[32];
	int fd, n = 100;

	mkdirat(AT_FDCWD, root, 0700);
	fd = open(root, O_RDONLY | O_DIRECTORY);
	mkdirat(fd, "uuid", 0700);
	mkdirat(fd, "uuid/partitions", 0700);
	mkdirat(fd, "uuid/partitions/5", 0700);
	close(fd);
	fd = sysfs_open(root, "uuid", "partitions/5");
	CHECK(fd >= 0);
	for (field = partition_fields; field->name; field++) {
		snprintf(text, sizeof(text), "%d\n", n++);
		put(fd, field->name, text);
	}
	return fd;
}

/* Padded to one width, numbers stand below each other. */
static void test_labels(void)
{
	const struct field *const tables[] = { pool_fields, partition_fields,
					       metrics_fields };
	const struct field *field;
	char text[64];
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (field = tables[i]; field->name; field++)
			CHECK_EQ(snprintf(text, sizeof(text), FIELD_LABEL,
					  field->label), FIELD_LABEL_MAX);
	}
}

static void test_fields(void)
{
	struct tarn_partition_info info = { 0 };
	int fd = make_partition();

	CHECK_EQ(sysfs_read_fields(fd, partition_fields, &info), 0);
	CHECK_EQ(info.id, 100);
	CHECK_EQ(info.weight, 101);
	CHECK_EQ(info.fair_frames, 102);
	CHECK_EQ(info.logical_pages, 106);
	CHECK_EQ(info.block_pages, 108);
	CHECK_EQ(info.errors, 134);
	/* A file of another kind is an error, a missing one leaves its field. */
	put(fd, "page_ins", "many\n");
	CHECK_EQ(sysfs_read_fields(fd, partition_fields, &info), -EINVAL);
	unlinkat(fd, "page_ins", 0);
	info.page_ins = 7;
	CHECK_EQ(sysfs_read_fields(fd, partition_fields, &info), 0);
	CHECK_EQ(info.page_ins, 7);
	close(fd);
	/* None of them means that the directory is another's. */
	fd = sysfs_open(root, "uuid", NULL);
	CHECK_EQ(sysfs_read_fields(fd, partition_fields, &info), -ENOENT);
	close(fd);
	CHECK_EQ(sysfs_open(root, "uuid", "partitions/6"), -ENOENT);
}

static void test_number(void)
{
	int fd = make_partition();
	uint64_t val = 1;

	put(fd, "x", "18446744073709551615\n");
	CHECK_EQ(sysfs_read(fd, "x", &val), 0);
	CHECK(val == UINT64_MAX);
	put(fd, "x", "18446744073709551616\n");
	CHECK_EQ(sysfs_read(fd, "x", &val), -ERANGE);
	put(fd, "x", "");
	CHECK_EQ(sysfs_read(fd, "x", &val), -EINVAL);
	put(fd, "x", "5 6\n");
	CHECK_EQ(sysfs_read(fd, "x", &val), -EINVAL);
	close(fd);
}

static void test_latency(void)
{
	__u64 buckets[TARN_LATENCY_BUCKETS] = { 0 };
	char text[1024] = "";
	int fd = make_partition(), i;

	for (i = 0; i < TARN_LATENCY_BUCKETS; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%d%s", i * i, i < TARN_LATENCY_BUCKETS - 1 ? " " : "\n");
	put(fd, "latency", text);
	CHECK_EQ(sysfs_read_latency(fd, buckets), 0);
	for (i = 0; i < TARN_LATENCY_BUCKETS; i++)
		CHECK_EQ(buckets[i], i * i);
	put(fd, "latency", "1 2 3\n");
	CHECK_EQ(sysfs_read_latency(fd, buckets), -EINVAL);
	unlinkat(fd, "latency", 0);
	CHECK_EQ(sysfs_read_latency(fd, buckets), -ENOENT);
	close(fd);
}

/* Each number of the structures stands in its table, once. */
static void check_table(const struct field *table, size_t begin, size_t end)
{
	char seen[sizeof(struct tarn_pool_info)] = { 0 };
	size_t i;

	for (; table->name; table++) {
		CHECK(table->size == 4 || table->size == 8);
		for (i = 0; i < table->size; i++) {
			CHECK(!seen[table->offset + i]);
			seen[table->offset + i] = 1;
		}
	}
	for (i = begin; i < end; i++) {
		if (!seen[i])
			printf("# byte %zu is in no field\n", i);
		CHECK(seen[i]);
	}
}

static void test_tables(void)
{
	check_table(pool_fields, offsetof(struct tarn_pool_info, frames),
		    offsetof(struct tarn_pool_info, latency));
	check_table(partition_fields, offsetof(struct tarn_partition_info, id),
		    offsetof(struct tarn_partition_info, latency));
}

static void test_format(void)
{
	struct tarn_pool_info info = { .frames = 131072, .page_ins = 5000000,
				       .metadata_bytes = 1536,
				       .partitions = 3 };
	const struct field *field;
	char buf[SIZE_TEXT_MAX];
	const char *text;

	for (field = pool_fields; field->name; field++) {
		text = field_format(field, &info, buf, false);
		if (!strcmp(field->name, "frames"))
			CHECK_STR(text, "512M");
		else if (!strcmp(field->name, "page_ins"))
			CHECK_STR(text, "5000000");
		else if (!strcmp(field->name, "metadata_bytes"))
			CHECK_STR(text, "1.5K");
		else if (!strcmp(field->name, "partitions"))
			CHECK_STR(text, "3");
		else if (!strcmp(field->name, "scan_permille") ||
			 !strcmp(field->name, "promote_permille"))
			CHECK_STR(text, "0.0%");
		else if (!strcmp(field->name, "scan_ns") ||
			 !strcmp(field->name, "search_ns") ||
			 !strcmp(field->name, "match_ns") ||
			 !strcmp(field->name, "promote_ns"))
			CHECK_STR(text, "0ns");
		else if (!strcmp(field->name, "placement"))
			CHECK_STR(text, "class");
		else if (!strcmp(field->name, "huge"))
			CHECK_STR(text, "auto");
		else
			CHECK_STR(text, "0");
	}
}

static void test_cleanup(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", root);
	CHECK_EQ(system(command), 0);
}

static const struct tap_test tests[] = {
	{"labels leave numbers below each other", test_labels},
	{ "a structure from a directory", test_fields },
	{ "numbers", test_number },
	{ "latencies", test_latency },
	{ "the tables cover the structures", test_tables },
	{ "fields for people", test_format },
	{ "clean up", test_cleanup },
};

int main(void)
{
	strcpy(root, "/tmp/tarnctl-sysfs-XXXXXX");
	if (!mkdtemp(root))
		return EXIT_FAILURE;
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
