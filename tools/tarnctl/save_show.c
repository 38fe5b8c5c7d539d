// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl save show: what is in the file of a saved guest. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "json.h"
#include "saved.h"
#include "size.h"

/* A field of the section that says what the machine was made of, or NULL. */
static json_t *machine_field(const struct saved *saved, const char *tag)
{
	json_t *section = json_array_get(saved->machine, 0);

	return json_object_get(json_object_get(section, "fields"), tag);
}

static const char *machine_text(const struct saved *saved, const char *tag)
{
	return json_string_value(machine_field(saved, tag)) ?: "-";
}

static json_int_t machine_number(const struct saved *saved, const char *tag)
{
	return json_integer_value(machine_field(saved, tag));
}

static json_int_t memory_bytes(const struct saved *saved)
{
	json_int_t i, nr = machine_number(saved, "ram");
	uint64_t sum = 0;
	char tag[40];

	for (i = 0; i < nr && i < 64; i++) {
		snprintf(tag, sizeof(tag), "ram.%lld.size", (long long)i);
		sum += (uint64_t)machine_number(saved, tag);
	}
	return sum;
}

static json_t *heat_of(const struct saved *saved)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}",
			 "hot", saved->heat[TARN_ACTIVITY_HOT],
			 "warm", saved->heat[TARN_ACTIVITY_WARM],
			 "cool", saved->heat[TARN_ACTIVITY_COOL],
			 "cold", saved->heat[TARN_ACTIVITY_COLD],
			 "unknown", saved->heat[TARN_ACTIVITY_NONE]);
}

static int print_as_json(const struct saved *saved)
{
	json_t *memory, *object;

	memory = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
			   "bytes", memory_bytes(saved),
			   "zero_pages", saved->zero_pages,
			   "pattern_pages", saved->pattern_pages,
			   "data_pages", saved->data_pages,
			   "balloon_pages", saved->balloon_pages,
			   "shared_pages", saved->shared_pages,
			   "paged_pages", saved->paged_pages,
			   "zstd_pages", saved->zstd_pages,
			   "content_bytes", saved->content_bytes,
			   "heat", heat_of(saved));
	if (memory && saved->runs)
		json_object_set(memory, "runs", saved->runs);
	object = json_pack("{s:I, s:I, s:I, s:b, s:s, s:s, s:I, s:I, s:o, s:O, s:O}",
			   "version", saved->version, "offset", saved->offset,
			   "bytes", saved->bytes, "complete", saved->complete,
			   "name", machine_text(saved, "name"),
			   "vmm", machine_text(saved, "vmm"),
			   "saved", machine_number(saved, "saved"),
			   "cpus", machine_number(saved, "cpus"),
			   "memory", memory, "machine", saved->machine,
			   "sections", saved->devices);
	return json_print(object, JSON_INDENT(2));
}

static void print_amount(const char *what, json_int_t pages, bool bytes)
{
	char size[SIZE_TEXT_MAX];

	printf("  %-22s %10lld pages  %s\n", what, (long long)pages,
	       size_format_pages(size, pages, bytes));
}

/* How the pages with content were used, and lie in the file. */
static void print_content(const struct saved *saved, bool bytes)
{
	char size[SIZE_TEXT_MAX];

	print_amount("content", saved->data_pages, bytes);
	print_amount("hot", saved->heat[TARN_ACTIVITY_HOT], bytes);
	print_amount("warm", saved->heat[TARN_ACTIVITY_WARM], bytes);
	print_amount("cool", saved->heat[TARN_ACTIVITY_COOL], bytes);
	print_amount("cold", saved->heat[TARN_ACTIVITY_COLD], bytes);
	printf("  %-22s %s, %s\n", "in the file",
	       size_format(size, saved->content_bytes, bytes),
	       !saved->zstd_pages ? "plain" :
	       saved->zstd_pages < saved->data_pages ? "zstd and plain" : "zstd");
}

static void print_runs(const struct saved *saved)
{
	json_t *run;
	size_t i;

	printf("\n%18s %12s  %s\n", "ADDRESS", "COUNT", "CONTENT");
	json_array_foreach(saved->runs, i, run)
		printf("%#18llx %12lld  %s%s\n",
		       (unsigned long long)json_integer_value(
			       json_object_get(run, "gpa")),
		       (long long)json_integer_value(
			       json_object_get(run, "count")),
		       json_string_value(json_object_get(run, "kind")),
		       json_is_true(json_object_get(run, "paged")) ? ", paged"
								   : "");
}

static void print_sections(const struct saved *saved)
{
	json_t *section;
	size_t i;

	printf("\n%-32s %7s %7s\n", "SECTION", "VERSION", "FIELDS");
	json_array_foreach(saved->devices, i, section)
		printf("%-32s %7lld %7zu\n",
		       json_string_value(json_object_get(section, "name")),
		       (long long)json_integer_value(
			       json_object_get(section, "version")),
		       json_object_size(json_object_get(section, "fields")));
}

static int print_as_text(const struct saved *saved, const struct options *opts)
{
	time_t when = machine_number(saved, "saved");
	char size[SIZE_TEXT_MAX], date[40] = "-";
	struct tm tm;

	if (when && localtime_r(&when, &tm))
		strftime(date, sizeof(date), "%F %T", &tm);
	printf("guest       %s\n", machine_text(saved, "name"));
	printf("saved       %s by tarn-vmm %s, format %lld\n", date,
	       machine_text(saved, "vmm"), (long long)saved->version);
	printf("CPUs        %lld\n", (long long)machine_number(saved, "cpus"));
	printf("memory      %s\n",
	       size_format(size, memory_bytes(saved), opts->bytes));
	print_amount("never written",
		     memory_bytes(saved) / 4096 - saved->zero_pages -
			     saved->pattern_pages - saved->data_pages -
			     saved->balloon_pages - saved->shared_pages,
		     opts->bytes);
	print_amount("in the balloon", saved->balloon_pages, opts->bytes);
	print_amount("zeroes", saved->zero_pages, opts->bytes);
	print_amount("equal words", saved->pattern_pages, opts->bytes);
	print_amount("the same as others", saved->shared_pages, opts->bytes);
	print_amount("of these, paged", saved->paged_pages, opts->bytes);
	print_content(saved, opts->bytes);
	printf("file        %s%s%s\n",
	       size_format(size, saved->bytes, opts->bytes),
	       saved->offset ? ", behind libvirt's header" : "",
	       saved->complete ? "" : ", not complete");
	if (opts->runs)
		print_runs(saved);
	else
		print_sections(saved);
	return 0;
}

int save_show_main(int argc, char **argv, const struct options *opts)
{
	struct saved saved;
	int fd = open(argv[0], O_RDONLY | O_CLOEXEC), ret, bad;

	if (fd < 0)
		return err_errno(-errno, "cannot open '%s'", argv[0]);
	err_about(argv[0]);
	bad = saved_read(&saved, fd, opts->runs);
	err_about(NULL);
	close(fd);
	/* Without a machine there is nothing to tell. */
	if (bad && !json_array_size(saved.machine)) {
		saved_exit(&saved);
		return bad;
	}
	ret = opts->json ? print_as_json(&saved) : print_as_text(&saved, opts);
	saved_exit(&saved);
	return bad ? bad : ret;
}
