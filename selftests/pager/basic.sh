#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A pool four times too small pages to a file: content, counters, drops, an
# orderly end, and what the pager does about itself.
set -u
# shellcheck source=selftests/pager/tools/common.sh
. "$(dirname "$0")/tools/common.sh"

status_has()
{
	grep -q "$1" "/proc/$pager/status"
}

threads_without_capabilities()
{
	local thread

	for thread in /proc/"$pager"/task/*; do
		[ "${thread##*/}" = "$pager" ] && continue
		grep -q '^CapEff:.*0000000000000000$' "$thread/status" || return 1
	done
}

locked_little()
{
	local kib

	kib=$(awk '/^VmLck/ { print $2 }' "/proc/$pager/status")
	echo "locked: $kib KiB"
	[ "$kib" -gt 1000 ] && [ "$kib" -lt 16000 ]
}

# The pool's 16 MiB and a service manager's socket.
notified()
{
	grep -q READY=1 "$work/notify"
}

plan 17
pool 16M
python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
open(sys.argv[2], "w").write(s.recv(1000).decode())
' "$work/socket" "$work/notify" &
wait_until test -S "$work/socket"
export NOTIFY_SOCKET=$work/socket
check "it starts" pager --device "$work/file,size=256M" --user nobody
unset NOTIFY_SOCKET
check "the service manager hears of it" wait_until notified
check "it runs as the user" status_has '^Uid:.65534.65534.65534.65534'
check "only its main thread has a capability" threads_without_capabilities
check "system calls are confined" status_has '^Seccomp:.2'
check "no new privileges" status_has '^NoNewPrivs:.1'
check "the OOM killer leaves it" grep -qx -- -1000 "/proc/$pager/oom_score_adj"
check "it locks itself and not the frames" locked_little
check "pages are written" pages a write 0 16384 1
check "they are read back" pages a check 0 16384 1
check "the module knows the capacity, without what holds no pages" \
	counter_is paging_capacity -eq $((65536 - 7 * 256))
check "random reads and writes" pages a churn 0 16384 5000
rm "$pool/a"
check "dropped pages free their slots" wait_until counter_is paging_used -eq 0
check "nothing went wrong" counter_is checksum_errors -eq 0
check "status by the control socket" control '{"cmd": "status"}' \
	'(a["ok"] and a["used_pages"] == 0 and not a["full"] and
	 sum(q["loads"] for q in a["queues"]) > 16384)'
python3 -c '
import signal, socket, sys
clients = [socket.socket(socket.AF_UNIX) for i in range(40)]
for client in clients:
    client.connect(sys.argv[1])
print("idle", flush=True)
signal.pause()
' "$pool.pager" > "$work/idle" &
idle=$!
wait_until grep -q idle "$work/idle"
check "clients that say nothing block nobody" timeout 60 "$tools/control.py" "$pool.pager" \
	'{"cmd": "status"}'
kill $idle
kill "$pager"
wait "$pager"
check "SIGTERM ends it well" test $? = 0
pager=
