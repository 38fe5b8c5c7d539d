// SPDX-License-Identifier: GPL-2.0-only
/* See cpus.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cpus.h"

int cpus_get(pid_t tid, struct cpus *cpus)
{
	return sched_getaffinity(tid, sizeof(*cpus), cpus->set) ? -errno : 0;
}

int cpus_set(pid_t tid, const struct cpus *cpus)
{
	return sched_setaffinity(tid, sizeof(*cpus), cpus->set) ? -errno : 0;
}

static bool parse_number(const char **text, unsigned long *n)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	*n = strtoul(*text, &end, 10);
	*text = end;
	return *n < CPUS_MAX;
}

static int parse_range(const char **text, struct cpus *cpus)
{
	unsigned long first, last;

	if (!parse_number(text, &first))
		return -EINVAL;
	last = first;
	if (**text == '-') {
		++*text;
		if (!parse_number(text, &last) || last < first)
			return -EINVAL;
	}
	for (; first <= last; first++)
		CPU_SET_S(first, sizeof(*cpus), cpus->set);
	return 0;
}

int cpus_parse(const char *text, struct cpus *cpus)
{
	memset(cpus, 0, sizeof(*cpus));
	text += strspn(text, "\n ");
	if (!*text)
		return 0;
	while (!parse_range(&text, cpus)) {
		if (!text[strspn(text, "\n ")])
			return 0;
		if (*text++ != ',')
			break;
	}
	return -EINVAL;
}

void cpus_format(const struct cpus *cpus, char *buf, size_t size)
{
	const char *comma = "";
	char range[24];
	unsigned int cpu, first;
	size_t len = 0;

	*buf = '\0';
	for (cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (!cpus_has(cpus, cpu))
			continue;
		first = cpu;
		while (cpus_has(cpus, cpu + 1))
			cpu++;
		if (cpu > first)
			snprintf(range, sizeof(range), "%s%u-%u", comma, first,
				 cpu);
		else
			snprintf(range, sizeof(range), "%s%u", comma, cpu);
		/* There is room for the dots after each that fits. */
		if (len + strlen(range) + sizeof("...") > size) {
			snprintf(buf + len, size - len, "...");
			return;
		}
		len += sprintf(buf + len, "%s", range);
		comma = ",";
	}
}
