/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is said on the socket of an adapter, /run/tarn/adapter/BDF.sock: SOCK_SEQPACKET, a
 * message a packet, each a flat JSON object in UTF-8 with a "type". Any user may connect;
 * who it is, the kernel tells (SO_PEERCRED).
 *
 * A guest's VMM says hello first, and has a lease as long as the connection lasts:
 *
 * > {"type":"hello", "guest":G, "name":N, "generation":N, "group":G, "holding":BDF}
 *	All but "guest" may be left out. "name" is for people: which of the guest's. "group"
 *	and "holding" are of a lease that it had from a manager that has ended, and
 *	"generation" the last that it has heard of.
 * < {"type":"hello", "adapter":BDF, "generation":N}
 *	and "granted", too, if what it holds is its own again.
 * > {"type":"grant", "group":G, "open":BOOL}
 * < {"type":"granted", "group":G, "bdf":BDF, "namespaces":[N], "queues":N,
 *    "interrupts":N, "generation":N}
 *	The virtual function is online. With "open" the descriptor of its VFIO group comes
 *	along (SCM_RIGHTS), so that its path need not be the VMM's to open.
 * < {"type":"quiesce", "gen":N, "why":TEXT, "deadline_ms":N}
 *	Finish or park what is in flight, start nothing, then say:
 * > {"type":"ack", "gen":N}
 *	Who has not by the deadline is fenced: the function is taken offline. It may say so
 *	later, and has it back then.
 * < {"type":"recover", "gen":N, "queues":N, "interrupts":N}
 *	The function is online again, reset, perhaps with other numbers. Set it up, and say:
 * > {"type":"done", "gen":N}
 * < {"type":"destroy", "why":TEXT}
 *	The function is offline, and the lease has ended. The connection may ask anew.
 * < {"type":"dma_blocked", "iova":N, "write":BOOL, "reason":TEXT}
 *	The IOMMU has blocked what the function did there.
 * < {"type":"error", "errno":NAME, "text":TEXT}
 *	In place of an answer. A message that makes no sense ends the connection.
 *
 * When the manager ends, functions stay as they are: a VMM connects again as soon as it can,
 * within "rejoin" seconds of the start of the next one, and says what it is holding.
 *
 * Root may ask as well, without hello: {"type":"show"}, {"type":"plan"}, {"type":"share",
 * "group":G, "queues":N, "interrupts":N, "from":G, "dry":BOOL}, {"type":"revoke", "group":G},
 * {"type":"destroy", "group":G}, {"type":"reset"}, {"type":"events"}. Each is answered by
 * {"type":"ok", ...} or "error"; behind the answer to "events" there is a packet an event.
 */
#ifndef TARN_ADAPTER_WIRE_H
#define TARN_ADAPTER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Where sockets are. */
#define WIRE_DIR "/run/tarn/adapter"
#define WIRE_SUFFIX ".sock"
/** Longest message to the manager, in bytes. */
#define WIRE_MAX 2048
/**
 * Longest message from it: of an adapter with as many functions as there can be, and within
 * what a socket takes by default.
 */
#define WIRE_ANSWER_MAX (192 * 1024)
/** Longest name of anything, with its zero. */
#define WIRE_NAME_MAX 65

/** enum wire_type - what comes from others */
enum wire_type {
	WIRE_HELLO,
	WIRE_GRANT,
	WIRE_ACK,
	WIRE_DONE,
	WIRE_SHOW,
	WIRE_PLAN,
	WIRE_SHARE,
	WIRE_REVOKE,
	WIRE_DESTROY,
	WIRE_RESET,
	WIRE_EVENTS,
	WIRE_TYPES,
};

/**
 * struct wire_message - a message to the manager
 * @type: what it is
 * @guest, @name, @group, @from, @holding: text, "" if it is left out
 * @generation, @gen, @queues, @interrupts: numbers, -1 if they are left out
 * @open, @dry: whether it is
 */
struct wire_message {
	enum wire_type type;
	char guest[WIRE_NAME_MAX];
	char name[WIRE_NAME_MAX];
	char group[WIRE_NAME_MAX];
	char from[WIRE_NAME_MAX];
	char holding[WIRE_NAME_MAX];
	int64_t generation;
	int64_t gen;
	int64_t queues;
	int64_t interrupts;
	bool open;
	bool dry;
};

/**
 * wire_parse() - Read a message, of anybody.
 * @why: set if it is none: a sentence that is static
 * Return: 0; -EPROTO: it makes no sense; -ENOMEM.
 */
int wire_parse(const char *text, size_t len, struct wire_message *message, const char **why);

/** wire_type_name() - As in "type". */
const char *wire_type_name(enum wire_type type);

#endif
