// SPDX-License-Identifier: GPL-2.0-only
/*
 * See kmsg.h. A process can write lines only if it may write to /dev/kmsg, but the kernel
 * quotes what anybody may have chosen, as a path: so how a line begins is what counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "kmsg.h"

/* The kernel's longest record. */
#define RECORD_MAX 8192

/* Facility 0 is the kernel's own; others come from processes. */
#define FACILITY_SHIFT 3

static bool begins(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

/* Read the number behind @key in @line. Return: whether it is there. */
static bool number_behind(const char *line, const char *key, int base, uint64_t *number)
{
	const char *at = strstr(line, key);
	char *end;

	if (!at)
		return false;
	at += strlen(key);
	errno = 0;
	*number = strtoull(at, &end, base);
	return end != at && !errno;
}

static bool take_bdf_of(const char *at, size_t len, struct bdf *bdf)
{
	char text[BDF_TEXT_MAX];

	if (len >= sizeof(text))
		return false;
	memcpy(text, at, len);
	text[len] = '\0';
	return !bdf_parse(text, bdf);
}

/* Read the address that begins at @at and ends before one of @ends. */
static bool take_bdf(const char *at, const char *ends, struct bdf *bdf)
{
	return take_bdf_of(at, strcspn(at, ends), bdf);
}

/*
 * DMAR: [DMA Write NO_PASID] Request device [02:00.1] fault addr 0x7000 [fault reason 0x05] ...
 * DMAR: [INTR-REMAP] Request device [02:00.1] fault index 0x1 [fault reason 0x26] ...
 * Before 5.13 the address had no 0x, and was behind PASID.
 */
static bool parse_intel(const char *line, struct kmsg_fault *fault)
{
	static const char device[] = "Request device [";
	const char *at = strstr(line, device);
	uint64_t reason;

	if (!begins(line, "DMAR: [") && !begins(line, "DMAR:["))
		return false;
	if (!at || !take_bdf(at + strlen(device), "]", &fault->bdf))
		return false;
	fault->any_domain = true;
	fault->kind = strstr(line, "[INTR-REMAP]") ? KMSG_INTERRUPT : KMSG_DMA;
	fault->write = strstr(line, "[DMA Write");
	if (!number_behind(at, fault->kind == KMSG_DMA ? "fault addr " : "fault index ", 16,
			   &fault->address))
		return false;
	if (number_behind(at, "fault reason ", 0, &reason))
		fault->reason = reason;
	return true;
}

/* "DRIVER BDF: ", as dev_err() has it, from the beginning to @end, and nothing else. */
static bool take_prefix(const char *line, const char *end, struct bdf *bdf)
{
	const size_t len = strlen("0000:00:00.0");
	const char *at = strchr(line, ' ');

	if (!at || at == line || at >= end || end - at != (ssize_t)len + 3 ||
	    !begins(end - 2, ": ") || memchr(line, ':', at - line))
		return false;
	return strcspn(at + 1, ": ") == strlen("0000") && take_bdf_of(at + 1, len, bdf);
}

/*
 * vfio-pci 0000:02:00.1: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0010 address=0x7000 flags=0x0020]
 * AMD-Vi: Event logged [IO_PAGE_FAULT device=02:00.1 domain=0x0010 address=0x7000 flags=0x0020]
 */
static bool parse_amd(const char *line, struct kmsg_fault *fault)
{
	static const char event[] = "AMD-Vi: Event logged [IO_PAGE_FAULT";
	const char *at = strstr(line, event), *device;
	uint64_t flags = 0;

	if (!at || !number_behind(at, "address=", 0, &fault->address))
		return false;
	device = at == line ? strstr(at, "device=") : NULL;
	if (device) {
		device += strlen("device=");
		fault->any_domain = strcspn(device, " ") < strlen("0000:00:00.0");
		if (!take_bdf(device, " ", &fault->bdf))
			return false;
	} else if (!take_prefix(line, at, &fault->bdf)) {
		return false;
	}
	number_behind(at, "flags=", 0, &flags);
	/* EVENT_FLAG_RW, and EVENT_FLAG_I. */
	fault->write = flags & 0x20;
	fault->kind = flags & 0x08 ? KMSG_INTERRUPT : KMSG_DMA;
	fault->reason = flags;
	return true;
}

/* dmar_fault: 42 callbacks suppressed */
static bool parse_suppressed(const char *line, struct kmsg_fault *fault)
{
	const char *colon = strchr(line, ':');
	char *end;

	if (!colon || (!begins(line, "dmar_fault:") && !begins(line, "amd_iommu_")))
		return false;
	fault->count = strtoull(colon + 1, &end, 10);
	if (strcmp(end, " callbacks suppressed"))
		return false;
	fault->kind = KMSG_SUPPRESSED;
	return fault->count;
}

void kmsg_parse(const char *line, struct kmsg_fault *fault)
{
	*fault = (struct kmsg_fault){ 0 };
	if (parse_intel(line, fault))
		return;
	*fault = (struct kmsg_fault){ 0 };
	if (parse_amd(line, fault))
		return;
	*fault = (struct kmsg_fault){ 0 };
	if (!parse_suppressed(line, fault))
		*fault = (struct kmsg_fault){ 0 };
}

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_errno(-errno, "/dev/kmsg");
	if (lseek(fd, 0, SEEK_END) < 0) {
		int ret = err_errno(-errno, "/dev/kmsg");

		close(fd);
		return ret;
	}
	return fd;
}

int kmsg_read(int fd, struct kmsg_fault *fault)
{
	char record[RECORD_MAX + 1], *text;
	ssize_t len = read(fd, record, RECORD_MAX);

	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	record[len] = '\0';
	*fault = (struct kmsg_fault){ 0 };
	text = strchr(record, ';');
	/* "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT\n": only what the kernel says itself counts. */
	if (!text || strtoul(record, NULL, 10) >> FACILITY_SHIFT)
		return 1;
	text++;
	text[strcspn(text, "\n")] = '\0';
	kmsg_parse(text, fault);
	return 1;
}
