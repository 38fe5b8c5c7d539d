# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A QMP client for tests: one connection at a time, by socat. What comes is kept
# in $tmp/qmp.log, a message a line.

command -v socat >/dev/null || skip_all "there is no socat"
command -v jq >/dev/null || skip_all "there is no jq"

qmp_pid=

# qmp_open SOCKET
# The VMM may be a while until its socket is there.
qmp_open()
{
	rm -f "$tmp/qmp.in"
	mkfifo "$tmp/qmp.in"
	: >"$tmp/qmp.log"
	exec 7<>"$tmp/qmp.in"
	socat -t 1000 - "UNIX-CONNECT:$1,retry=600,interval=0.1" <&7 >>"$tmp/qmp.log" 7>&- &
	qmp_pid=$!
	qmp qmp_capabilities '{}' >/dev/null
}

qmp_close()
{
	exec 7>&-
	kill "$qmp_pid" 2>/dev/null
	wait "$qmp_pid" 2>/dev/null
}

# Without a VMM there is nobody to wait for.
qmp_connected()
{
	kill -0 "$qmp_pid" 2>/dev/null
}

# qmp_wait FILTER: the first message that fits; fails after two minutes.
qmp_wait()
{
	local answer last=

	for _ in {1..400}; do
		qmp_connected || last=y
		answer=$(jq -c "select($1)" "$tmp/qmp.log" 2>/dev/null | head -n 1)
		[ -z "$answer$last" ] || break
		pause 0.3
	done
	if [ -z "$answer" ]; then
		tail -n 5 "$tmp/qmp.log" | sed 's/^/# /'
		return 1
	fi
	printf '%s\n' "$answer"
}

# qmp COMMAND ARGUMENTS: send it and print the answer, which has its id and is a line.
qmp()
{
	# Unique also when this runs in a subshell of a pipe.
	local id=$BASHPID.${EPOCHREALTIME/./} answer last=

	printf '{"execute":"%s","arguments":%s,"id":"%s"}\n' "$1" "$2" "$id" >&7
	for _ in {1..1200}; do
		qmp_connected || last=y
		answer=$(grep -F -m 1 "\"$id\"" "$tmp/qmp.log")
		answer=${answer%$'\r'}
		[ "${answer: -1}" != "}" ] && [ -z "$last" ] || break
		pause 0.1
	done
	printf '%s\n' "$answer"
	[ -n "$answer" ]
}

# qmp_event FILTER
qmp_event()
{
	qmp_wait "$1" >/dev/null
}
