/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What IOMMUs say of transactions that they have blocked. Intel's driver only prints it,
 * ten lines in five seconds, AMD's prints it, too: so the kernel's log is read. How many
 * lines it has left out is known, and of whom not.
 */
#ifndef TARN_ADAPTER_KMSG_H
#define TARN_ADAPTER_KMSG_H

#include "bdf.h"

/** enum kmsg_kind - what a line is about */
enum kmsg_kind {
	KMSG_OTHER,
	/** a read or write of memory */
	KMSG_DMA,
	/** an interrupt that was not the function's to raise */
	KMSG_INTERRUPT,
	/** lines were left out */
	KMSG_SUPPRESSED,
};

/**
 * struct kmsg_fault - a line
 * @kind: what it is about; nothing else is set for KMSG_OTHER
 * @bdf: who did it; of Intel's lines the domain is not known, and 0
 * @any_domain: so it is
 * @address: where, of KMSG_DMA; of KMSG_INTERRUPT the index of the entry
 * @write: it was a write
 * @reason: the IOMMU's number for why
 * @count: of KMSG_SUPPRESSED, how many
 */
struct kmsg_fault {
	enum kmsg_kind kind;
	struct bdf bdf;
	bool any_domain;
	uint64_t address;
	bool write;
	unsigned int reason;
	uint64_t count;
};

/** kmsg_parse() - Read a line of the log, without what /dev/kmsg has before it. */
void kmsg_parse(const char *line, struct kmsg_fault *fault);

/** kmsg_open() - Return: a descriptor, at the end of the log, or an errno, reported. */
int kmsg_open(void);

/**
 * kmsg_read() - Read the next record.
 * @fault: set when 1 is returned
 * Return: 1; 0: there is none; -EPIPE: some were overwritten before they were read, and
 * reading goes on; another errno.
 */
int kmsg_read(int fd, struct kmsg_fault *fault);

#endif
