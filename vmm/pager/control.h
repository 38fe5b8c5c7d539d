/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket of a pager: a unix stream socket, mode 0600, by default
 * at the pool's path with ".pager" appended (/run/tarn/pool0.pager).
 *
 * A client writes requests and reads answers, one JSON object a line each, at
 * most CONTROL_LINE bytes; answers come in order. Every request has "cmd".
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
 *	"used": 1200, "bad": 0, "discard": false, "granted": true,
 *	"draining": false, "no_space": false, "write_failed": false,
 *	"resilvered": 0, "legs": [{"path": "/dev/nvme0n1", "type": "block",
 *	"state": "good", "read_errors": 0, "write_errors": 0,
 *	"mismatches": 0}]}]}
 *	A plain device has one leg, a mirror two; "state" is "good",
 *	"rebuilding" or "failed". "resilvered" counts the slots that the
 *	re-silvering under way, or the last one, has passed.
 *
 * {"cmd": "add", "path": P, "priority": N, "size": BYTES, "discard": BOOL}
 *	-> {"ok": true, "device": 1}
 *	Adds a plain device; all but "path" may be left out. EBUSY: in use;
 *	EEXIST: already a device of this pager; EACCES, ENOENT: see below.
 *
 * {"cmd": "drain", "device": N, "on": BOOL}
 *	-> {"ok": true}
 *	Stores nothing new on a device; its pages leave it as they are read
 *	and dropped. "on": false ends that.
 *
 * {"cmd": "resilver", "device": N, "path": P}
 *	-> {"ok": true, "started": 1}
 *	Starts to copy the good leg of a mirror to the failed one and returns;
 *	watch it by "devices". Without "device": all that have a failed leg.
 *	"path", with "device" only, replaces the failed leg. ENOENT: there is
 *	no such device or no failed leg; EBUSY: it runs already. SIGHUP does the
 *	same as this command without arguments.
 *
 * With a request that has "path" the client may pass one file descriptor
 * (SCM_RIGHTS), open for reading and writing and better with O_DIRECT. It is
 * used in place of opening the path, which a pager that has dropped its
 * privileges can seldom do.
 */
#ifndef TARN_PAGER_CONTROL_H
#define TARN_PAGER_CONTROL_H

/** Longest line, with its newline. */
#define CONTROL_LINE 4096

/** What follows the pool's path in the default path of the socket. */
#define CONTROL_SUFFIX ".pager"

struct pager;

int control_init(struct pager *pager);
int control_listen_fd(void);
int control_client_fd(void);
void control_accept(void);
void control_serve(void);
unsigned int control_resilver_all(struct pager *pager);

#endif
