// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns the samples of a run into the table and bench.json. A sample is a line
 * "SERIES VALUE"; a figure divides the median of our series by the peer's. The
 * exit status is 1 if one misses its bound, after all of them were printed.
 *
 * This file owns the list of figures: their names, what they compare, and the
 * bound that each must keep. `report --list` prints it for ./run.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SAMPLES 64
/* Stands beside another figure, or compares what has no right answer. */
#define NO_BOUND 0.0

enum better {
	LOWER,
	HIGHER,
};

/**
 * struct figure - one comparison
 * @name: of the figure
 * @group: series that are measured together, in turn
 * @cpus: of the machine that it is measured in
 * @nodes: likewise, NUMA nodes
 * @ours: series
 * @peer: series
 * @peer_name: the peer in words
 * @unit: of both sides
 * @better: which way is good, of the ratio and of both sides
 * @bound: of the ratio (of ours alone, where @absolute), or NO_BOUND
 * @absolute: the bound is for ours; where there is no peer it stands for one
 */
struct figure {
	const char *name;
	const char *group;
	unsigned int cpus;
	unsigned int nodes;
	const char *ours;
	const char *peer;
	const char *peer_name;
	const char *unit;
	enum better better;
	double bound;
	bool absolute;
};

static const struct figure figures[] = {
	{ "pagein_p50_vs_raw_read", "latency", 2, 1, "tarn_latency",
	  "raw_latency", "O_DIRECT 4 KiB pread", "us", LOWER, 1.15, false },
	{ "pagein_rate_8_threads_vs_swap", "rate", 2, 1, "tarn_rate", "swap_rate",
	  "Linux swap", "page-ins/s", HIGHER, 1.0, false },
	{ "pagein_rate_8_threads_vs_uffd", "rate", 2, 1, "tarn_rate", "uffd_rate",
	  "userfaultfd pager", "page-ins/s", HIGHER, 1.5, false },
	{ "pageout_mbps_vs_raw_write", "store_ssd", 2, 1, "tarn_store_ssd",
	  "raw_store_ssd", "O_DIRECT 4 KiB writes, depth 32", "MB/s", HIGHER,
	  0.8, false },
	{ "pageout_mbps_vs_swap", "store", 2, 1, "tarn_store", "swap_store",
	  "Linux swap", "MB/s", HIGHER, 1.0, false },
	{ "zipf_2x_ops_vs_swap", "zipf", 2, 1, "tarn_zipf", "swap_zipf",
	  "Linux swap", "ops/s", HIGHER, 1.5, false },
	{ "zipf_2x_ops_vs_uffd", "zipf", 2, 1, "tarn_zipf", "uffd_zipf",
	  "userfaultfd pager", "ops/s", HIGHER, 2.0, false },
	{ "guest_zipf_2x_ops_vs_qemu_on_swap", "guest_zipf", 1, 1,
	  "tarn_guest_zipf", "qemu_guest_zipf", "QEMU on Linux swap", "ops/s",
	  HIGHER, 1.2, false },
	{ "hotset_hits_after_sweep", "sweep", 2, 1, "tarn_sweep", "swap_sweep",
	  "Linux swap", "%", HIGHER, 90.0, true },
	{ "scan_ns_per_page", "scan", 2, 1, "tarn_scan", "damon_scan",
	  "DAMON, a page a region", "ns", LOWER, 1.0, false },
	{ "compute_beside_page_waits", "overlap", 1, 1, "tarn_overlap",
	  "without_overlap", "a guest without async page faults", "%", HIGHER,
	  80.0, true },
	{ "hypercall_vs_kvm_native", "hypercall", 1, 1, "tarn_hypercall",
	  "kvm_hypercall", "KVM's cheapest call", "ns", LOWER, 1.3, false },
	{ "first_touch_vs_memfd", "touch", 2, 1, "tarn_touch", "memfd_touch",
	  "memfd", "ns/page", LOWER, 1.3, false },
	{ "first_touch_2_cpus_vs_memfd", "touch_2", 2, 1, "tarn_touch_2",
	  "memfd_touch_2", "memfd", "ns/page", LOWER, 1.3, false },
	{ "first_touch_4_cpus_vs_memfd", "touch_4", 4, 1, "tarn_touch_4",
	  "memfd_touch_4", "memfd", "ns/page", LOWER, 1.3, false },
	{ "first_touch_2m_vs_thp_memfd", "touch2m", 2, 1, "tarn_touch2m",
	  "memfd_touch2m", "memfd with huge pages", "ns/page", LOWER, 1.0, false },
	{ "pageout_2m_mbps_vs_4k", "store2m", 2, 1, "tarn_store2m", "tarn_store",
	  "Tarn with 4 KiB frames", "MB/s", HIGHER, 2.0, false },
	{ "guest_fill_vs_thp", "guest_fill", 1, 1, "tarn_fill", "thp_fill",
	  "QEMU on tmpfs, huge pages", "ns/page", LOWER, 1.0, false },
	{ "guest_tlb_bound_vs_4k", "guest_walk", 1, 1, "tarn_walk",
	  "tarn_walk_4k", "Tarn with 4 KiB frames", "ns", LOWER, 1.0, false },
	{ "guest_tlb_bound_vs_thp", "guest_walk", 1, 1, "tarn_walk", "thp_walk",
	  "QEMU on tmpfs, huge pages", "ns", LOWER, 1.05, false },
	{ "guest_boot_vs_qemu_microvm", "boot", 1, 1, "tarn_boot", "qemu_boot",
	  "QEMU microvm", "ms", LOWER, 0.8, false },
	{ "relocate_gbps_vs_move_pages", "relocate", 2, 2, "tarn_relocate",
	  "linux_relocate", "move_pages(2)", "MB/s", HIGHER, 1.5, false },
	{ "relocate_and_touch_vs_move_pages", "relocate_touched", 2, 2,
	  "tarn_relocate_touched", "linux_relocate_touched", "move_pages(2)",
	  "MB/s", HIGHER, NO_BOUND, false },
	{ "local_after_20pct_moved_by_class", "local", 2, 2, "tarn_local_class",
	  "linux_local", "Linux NUMA balancing", "%", HIGHER, 90.0, true },
	{ "local_after_20pct_moved_by_density", "local", 2, 2,
	  "tarn_local_density", "linux_local", "Linux NUMA balancing", "%",
	  HIGHER, 90.0, true },
	{ "local_after_20pct_moved_by_refault", "local", 2, 2,
	  "tarn_local_refault", "linux_local", "Linux NUMA balancing", "%",
	  HIGHER, 90.0, true },
	{ "local_accesses_after_20pct_moved", "local_steep", 2, 2,
	  "tarn_local_steep", "linux_local_steep", "Linux NUMA balancing", "%",
	  HIGHER, 90.0, true },
	{ "local_blocks_by_density_vs_class", "local_blocks", 2, 2,
	  "tarn_blocks_density", "tarn_blocks_class", "Tarn by class", "%",
	  HIGHER, NO_BOUND, false },
	{ "local_blocks_by_refault_vs_class", "local_blocks", 2, 2,
	  "tarn_blocks_refault", "tarn_blocks_class", "Tarn by class", "%",
	  HIGHER, NO_BOUND, false },
	{ "local_refaults_by_density_vs_class", "local_refaults", 2, 2,
	  "tarn_refaults_density", "tarn_refaults_class", "Tarn by class", "%",
	  HIGHER, NO_BOUND, false },
	{ "local_refaults_by_refault_vs_class", "local_refaults", 2, 2,
	  "tarn_refaults_refault", "tarn_refaults_class", "Tarn by class", "%",
	  HIGHER, 2.0, false },
	{ "share_scan_gbps", "search", 2, 1, "tarn_search", "words_search",
	  "reading by 64-bit words", "MB/s", HIGHER, 0.8, false },
	{ "zero_scan_vs_qemu_buffer_is_zero", "search_zero", 2, 1,
	  "tarn_search_zero", "vectors_search_zero",
	  "looking for zeroes by vectors", "MB/s", HIGHER, 1.0, false },
	{ "break_ns_vs_memfd_cow", "breaks", 2, 1, "tarn_breaks", "memfd_breaks",
	  "memfd, mapped privately", "ns/page", LOWER, 1.2, false },
	{ "merge_rate_vs_ksm", "merges", 2, 1, "tarn_merges", "ksm_merges",
	  "KSM", "pages/s", HIGHER, 4.0, false },
	/* The calls of the two devices, from numbers of pages to free frames; no guest. */
	{ "balloon_reclaim_gibps_vs_qemu", "inflate", 2, 1, "tarn_inflate",
	  "memfd_inflate", "a hole in a memfd for each page", "MiB/s", HIGHER,
	  2.0, false },
	/*
	 * The QEMU of Debian 12 is 7.2, and mapped-ram came with 9.0: the peer is its
	 * stream, into a file that it has open.
	 */
	{ "save_bytes_vs_mapped_ram", "save", 1, 1, "tarn_saved_mib",
	  "qemu_saved_mib", "QEMU 7.2, a stream", "MiB", LOWER, 0.5, false },
	{ "save_s_vs_mapped_ram", "save", 1, 1, "tarn_save_ms", "qemu_save_ms",
	  "QEMU 7.2, a stream", "ms", LOWER, 0.5, false },
	{ "restore_90pct_s_vs_mapped_ram", "save", 1, 1, "tarn_restore_ms",
	  "qemu_restore_ms", "QEMU 7.2, a stream", "ms", LOWER, 0.33, false },
	{ "vmm_private_mib", "private", 1, 1, "tarn_private", "", "bound", "MiB",
	  LOWER, 8.0, true },
};

#define NR_FIGURES (sizeof(figures) / sizeof(*figures))

struct series {
	double value[MAX_SAMPLES];
	unsigned int count;
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int series_read(struct series *series, FILE *in, const char *name)
{
	char word[64];
	double value;

	memset(series, 0, sizeof(*series));
	rewind(in);
	while (fscanf(in, "%63s %lf", word, &value) == 2) {
		if (strcmp(word, name) || series->count == MAX_SAMPLES)
			continue;
		series->value[series->count++] = value;
	}
	if (!series->count)
		return -ENOENT;
	qsort(series->value, series->count, sizeof(double), by_value);
	return 0;
}

static double series_median(const struct series *series)
{
	unsigned int n = series->count;

	if (n % 2)
		return series->value[n / 2];
	return (series->value[n / 2 - 1] + series->value[n / 2]) / 2;
}

static double series_max(const struct series *series)
{
	return series->value[series->count - 1];
}

struct result {
	const struct figure *figure;
	struct series ours;
	struct series peer;
	double ratio;
	bool kept;
};

static bool has_bound(const struct figure *figure)
{
	return figure->bound != NO_BOUND;
}

static int result_make(struct result *result, const struct figure *figure,
		       FILE *in)
{
	double checked;
	int ret;

	result->figure = figure;
	ret = series_read(&result->ours, in, figure->ours);
	if (ret)
		return ret;
	if (!*figure->peer) {
		result->peer.count = 1;
		result->peer.value[0] = figure->bound;
	} else {
		ret = series_read(&result->peer, in, figure->peer);
		if (ret)
			return ret;
	}
	result->ratio = series_median(&result->ours) /
			series_median(&result->peer);
	checked = figure->absolute ? series_median(&result->ours) :
				     result->ratio;
	result->kept = !has_bound(figure) ||
		       (figure->better == LOWER ? checked <= figure->bound :
						  checked >= figure->bound);
	return 0;
}

static void bound_text(const struct figure *figure, char *text, size_t size)
{
	if (has_bound(figure))
		snprintf(text, size, "%s %-5.2f",
			 figure->better == LOWER ? "<=" : ">=", figure->bound);
	else
		snprintf(text, size, "none");
}

static void result_row(const struct result *result)
{
	const struct figure *figure = result->figure;
	char bound[32];

	bound_text(figure, bound, sizeof(bound));
	printf("%-34s %10.1f %10.1f %-10s %6.2f  %-8s %-6s "
	       "[%.1f-%.1f | %.1f-%.1f]\n",
	       figure->name, series_median(&result->ours),
	       series_median(&result->peer), figure->unit, result->ratio, bound,
	       result->kept ? "ok" : "MISSED", result->ours.value[0],
	       series_max(&result->ours), result->peer.value[0],
	       series_max(&result->peer));
}

static void result_json(const struct result *result, FILE *out)
{
	const struct figure *figure = result->figure;
	char bound[32] = "null";

	if (has_bound(figure))
		snprintf(bound, sizeof(bound), "%.2f", figure->bound);
	fprintf(out,
		"  {\"name\": \"%s\", \"ours\": %.3f, \"peer\": %.3f, "
		"\"peer_name\": \"%s\", \"unit\": \"%s\", \"ratio\": %.4f, "
		"\"better\": \"%s\", \"runs\": %u, \"ours_min\": %.3f, "
		"\"ours_max\": %.3f, \"peer_min\": %.3f, \"peer_max\": %.3f, "
		"\"bound\": %s, \"kept\": %s}",
		figure->name, series_median(&result->ours),
		series_median(&result->peer), figure->peer_name, figure->unit,
		result->ratio, figure->better == LOWER ? "lower" : "higher",
		result->ours.count, result->ours.value[0],
		series_max(&result->ours), result->peer.value[0],
		series_max(&result->peer), bound,
		result->kept ? "true" : "false");
}

static int report(const char *samples, const char *json, unsigned int *missed)
{
	FILE *in = fopen(samples, "re"), *out = NULL;
	struct result result;
	unsigned int rows = 0;
	size_t i;

	if (!in)
		return -errno;
	if (json) {
		out = fopen(json, "we");
		if (!out) {
			fclose(in);
			return -errno;
		}
		fprintf(out, "[\n");
	}
	printf("%-34s %10s %10s %-10s %6s  %-8s %-6s %s\n", "figure", "ours",
	       "peer", "unit", "ratio", "bound", "",
	       "[min-max of ours | of the peer]");
	for (i = 0; i < NR_FIGURES; i++) {
		if (result_make(&result, &figures[i], in))
			continue;
		result_row(&result);
		if (out) {
			fprintf(out, "%s", rows ? ",\n" : "");
			result_json(&result, out);
		}
		rows++;
		*missed += !result.kept;
	}
	if (out) {
		fprintf(out, "\n]\n");
		fclose(out);
	}
	fclose(in);
	return rows ? 0 : -ENODATA;
}

static void list(void)
{
	size_t i;

	for (i = 0; i < NR_FIGURES; i++)
		printf("%s %s %u %u\n", figures[i].name, figures[i].group,
		       figures[i].cpus, figures[i].nodes);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "list", no_argument, NULL, 'l' },
		{ "json", required_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	const char *json = NULL;
	unsigned int missed = 0;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'l':
			list();
			return 0;
		case 'j':
			json = optarg;
			break;
		default:
			return 2;
		}
	}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: report [--json FILE] SAMPLES\n"
				"       report --list\n");
		return 2;
	}
	ret = report(argv[optind], json, &missed);
	if (ret)
		fprintf(stderr, "report: %s\n", strerror(-ret));
	if (missed)
		fprintf(stderr, "report: %u of the figures missed the bound\n",
			missed);
	return ret || missed ? 1 : 0;
}
