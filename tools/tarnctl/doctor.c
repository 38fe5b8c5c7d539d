// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl doctor: what a host lacks, and how to repair it. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "doctor.h"
#include "json.h"

static const char *const state_names[] = {
	[DOCTOR_GOOD] = "good",
	[DOCTOR_POOR] = "poor",
	[DOCTOR_BAD] = "BAD",
};

static const char *const json_names[] = {
	[DOCTOR_GOOD] = "good",
	[DOCTOR_POOR] = "poor",
	[DOCTOR_BAD] = "bad",
};

void found(struct finding *finding, enum doctor_state state, const char *remedy,
	   const char *fmt, ...)
{
	va_list ap;

	finding->state = state;
	va_start(ap, fmt);
	vsnprintf(finding->text, sizeof(finding->text), fmt, ap);
	va_end(ap);
	snprintf(finding->remedy, sizeof(finding->remedy), "%s",
		 remedy ? remedy : "");
}

void doctor_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

static void print_finding(const char *name, const struct finding *finding)
{
	printf("%-4s  %-14s %s\n", state_names[finding->state], name,
	       finding->text);
	if (*finding->remedy)
		printf("      %-14s -> %s\n", "", finding->remedy);
}

/* Return: whether nothing is bad. */
static bool run_checks(const struct doctor_check *checks, json_t *array)
{
	struct finding finding;
	bool good = true;

	for (; checks->name; checks++) {
		memset(&finding, 0, sizeof(finding));
		finding.state = DOCTOR_NONE;
		checks->run(&finding);
		if (finding.state == DOCTOR_NONE)
			continue;
		good = good && finding.state != DOCTOR_BAD;
		if (!array)
			print_finding(checks->name, &finding);
		else
			json_array_append_new(array, json_pack(
				"{s:s, s:s, s:o, s:o}", "check", checks->name,
				"state", json_names[finding.state],
				"text", json_text(finding.text),
				"remedy", json_text(finding.remedy)));
	}
	return good;
}

int doctor_main(int argc, char **argv, const struct options *opts)
{
	json_t *array = opts->json ? json_array() : NULL;
	bool good;
	int ret = 0;

	good = run_checks(doctor_host_checks, array);
	good = run_checks(doctor_adapter_checks, array) && good;
	good = run_checks(doctor_libvirt_checks, array) && good;
	if (array)
		ret = json_print(array, JSON_INDENT(2));
	if (!ret && !good)
		ret = -ENODEV;
	return ret;
}
