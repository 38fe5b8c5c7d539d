/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket of a pager: a unix stream socket, mode 0600, by default
 * at the pool's path with ".pager" appended (/run/tarn/pool0.pager).
 *
 * A client writes requests and reads answers, one JSON object a line each, at
 * most CONTROL_LINE bytes; answers come in order. A request whose client has closed
 * its socket before it is the request's turn is dropped. Every request has "cmd".
 * Every answer has "ok"; where it is false, "error" says why in words and
 * "errno" by name. Members that a request does not know are an error.
 *
 * {"cmd": "status"}
 *	-> {"ok": true, "pid": 812, "pool": "/run/tarn/pool0", "uuid": "...",
 *	"full": false, "degraded": false, "capacity_pages": 262143,
 *	"used_pages": 1200, "queues": [{"queue": 0, "loads": 5, "stores": 9,
 *	"drops": 1, "load_errors": 0, "store_errors": 0, "ios": 3,
 *	"in_flight": 0}]}
 *	"ios" counts reads and writes, each of one page or several.
 *
 * {"cmd": "devices"}
 *	-> {"ok": true, "devices": [{"device": 0, "priority": 10, "slots": 262143,
 *	"used": 1200, "bad": 0, "lost": 0, "discard": false, "granted": true,
 *	"draining": false, "no_space": false, "write_failed": false,
 *	"resilvered": 0, "legs": [{"path": "/dev/nvme0n1", "type": "block",
 *	"state": "good", "no_space": false, "read_errors": 0,
 *	"write_errors": 0, "mismatches": 0, "repaired": 0}]}]}
 *	A plain device has one leg, a mirror two; "state" is "good",
 *	"rebuilding" or "failed". "resilvered" counts the slots that the
 *	re-silvering under way, or the last one, has passed; "lost" those that
 *	one leg lacks, as they could not be read for it. "repaired" counts pages
 *	that were written anew from the other leg.
 *
 * {"cmd": "add", "path": P, "priority": N, "size": BYTES, "discard": BOOL,
 *  "force": BOOL}
 *	-> {"ok": true, "device": 1}
 *	Adds a plain device; all but "path" may be left out. EBUSY: in use;
 *	EEXIST: already a device of this pager, by this name or another one, or
 *	it was and holds pages still; EMEDIUMTYPE: it holds something
 *	that no pager wrote, which "force" destroys; EACCES, ENOENT, ESTALE: see
 *	below.
 *
 * {"cmd": "drain", "device": N, "on": BOOL}
 *	-> {"ok": true}
 *	Stores nothing new on a device; its pages leave it as they are read
 *	and dropped. "on": false ends that. The next pager goes on with either.
 *
 * {"cmd": "resilver", "device": N, "path": P, "force": BOOL}
 *	-> {"ok": true, "started": 1}
 *	Starts to copy the good leg of a mirror to the failed one and returns;
 *	watch it by "devices". Without "device": all that have a failed leg.
 *	"path", with "device" only, replaces the failed leg; "force" as above. ENOENT: there is
 *	no such device or no failed leg; EBUSY: it runs already; EFBIG: the leg
 *	is too small; EROFS: it can't be written. SIGHUP does the same as this
 *	command without arguments.
 *
 * With a request that has "path" the client may pass one file descriptor
 * (SCM_RIGHTS), open for reading and writing and better with O_DIRECT. It is
 * used in place of opening the path, which a pager that has dropped its
 * privileges can seldom do. ESTALE: it is a file, and at the path is another one,
 * or none: the next pager would not find it.
 */
#ifndef TARN_PAGER_CONTROL_H
#define TARN_PAGER_CONTROL_H

#include <poll.h>

/** Longest line, with its newline. */
#define CONTROL_LINE 4096

/** Connections at a time; one more takes the place of the most silent. */
#define CONTROL_CLIENTS 16
/** Descriptors that the main loop waits for. */
#define CONTROL_FDS (1 + CONTROL_CLIENTS)

/** What follows the pool's path in the default path of the socket. */
#define CONTROL_SUFFIX ".pager"

struct pager;

int control_init(struct pager *pager);
void control_watch(struct pollfd *fds);
void control_serve(const struct pollfd *fds);

#endif
