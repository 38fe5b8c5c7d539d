#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tarn-logd with a real pool: pools that come and go, events, alerts and their scripts,
# the history, and what tarnctl history and top --replay make of it.
#
# shellcheck disable=SC2317 # functions are called by check
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
need jq setpriv socat

logd=
history=$work/history.db
alerts=$work/alert.d
told=$work/told
chmod 755 "$work"
mkdir -m 755 "$alerts"
mkdir -m 777 "$told"

# Until it says that it follows what there is: of what comes then it tells that it came.
start_logd()
{
	local hearing

	rm -f "$work/notify" "$work/ready"
	socat -u "UNIX-RECV:$work/notify" "CREATE:$work/ready" &
	hearing=$!
	await test -S "$work/notify"
	NOTIFY_SOCKET=$work/notify tarn-logd --history "$history" --alerts "$alerts" \
		--alert-user nobody --alert-seconds 3 --alert-repeat 4 2>> "$work/logd.log" &
	logd=$!
	await grep -qa READY=1 "$work/ready"
	kill $hearing
	wait $hearing 2>/dev/null
}

stop_logd()
{
	[ -n "$logd" ] || return 0
	kill "$1" "$logd"
	wait "$logd"
	local status=$?

	logd=
	return $status
}

quit()
{
	stop_logd -KILL
	finish
}
trap quit EXIT

# said TEXT: tarn-logd has told that; there is no journal here, so on stderr.
said()
{
	grep -qF -- "$1" "$work/logd.log"
}

# hears NAME TEXT: it does so, sooner or later.
hears()
{
	await said "$2"
	result $? "$1"
}

# any FILTER COMMAND...: of the objects that it prints, the filter is true for one.
any()
{
	local filter=$1

	shift
	json_lines "$@" && jq -se "any(.[]; $filter)" "$work/lines"
}

json_lines()
{
	"$@" > "$work/lines" || return 1
	head -n 40 "$work/lines"
}

past()
{
	tarnctl history --history "$history" "$@"
}

samples()
{
	[ "$(past --json --by second --pool "$pool" 2>/dev/null | wc -l)" -ge "$1" ]
}

# script NAME MODE <CONTENT
script()
{
	cat > "$alerts/$1"
	chmod "$2" "$alerts/$1"
}

script record 755 <<'SCRIPT'
#!/bin/sh
{
	env | sort
	id -u
	grep CapEff /proc/self/status
	ls /proc/self/fd | wc -l
} > "${0%/alert.d/*}/told/$TARN_EVENT.$TARN_STATE.$$.new"
mv "${0%/alert.d/*}/told/$TARN_EVENT.$TARN_STATE.$$.new" \
	"${0%/alert.d/*}/told/$TARN_EVENT.$TARN_STATE.$$"
SCRIPT
script writable 757 <<'SCRIPT'
#!/bin/sh
touch "${0%/alert.d/*}/told/writable"
SCRIPT
script record.dpkg-old 755 <<'SCRIPT'
#!/bin/sh
touch "${0%/alert.d/*}/told/old"
SCRIPT
script slow 755 <<'SCRIPT'
#!/bin/sh
trap '' TERM
sleep 1000 &
echo $! > "${0%/alert.d/*}/told/slow.$$"
wait; wait; wait
SCRIPT

# was_told PATTERN: a script has recorded such an alert.
was_told()
{
	compgen -G "$told/$1.*" > /dev/null
}

# has TEXT PATTERN: and it has that in its environment.
has()
{
	cat "$told/$2".* > "$work/out"
	grep -qxF -- "$1" "$told/$2".*
}

refuse 2 "wants an amount" "a limit has to make sense" tarn-logd --history-size 1M
refuse 2 "wants seconds" "and times" tarn-logd --alert-seconds 0
refuse 2 "is too much" "and all of the command line" tarn-logd now
refuse 1 "there is no user" "scripts want a user" tarn-logd --no-history --alert-user no-such
refuse 1 "not run as root" "who is not root" tarn-logd --no-history --alert-user root
refuse 1 "there is no history" "without a history" past

start_logd
await test -s "$history"
refuse 1 "another tarn-logd" "there is one at a time" \
	tarn-logd --history "$history" --alert-user nobody
refuse 1 "seen no pool" "the history is empty at first" past

mount_pool $pool size=32M
hears "a pool that is mounted later is followed" "$pool: the pool is mounted"
make_disk nullb0 && make_disk nullb1
tarn-pager --pool $pool --device /dev/nullb0 2> "$work/pager.log" &
pager=$!
hears "its pager comes" "a pager serves the pool"
mkdir -p $pool/libvirt/qemu/3-web
head -c 24M /dev/urandom > $pool/libvirt/qemu/3-web/ram
hears "partitions have names" "$pool: libvirt/qemu/3-web/ram: created"
head -c 24M /dev/urandom > $pool/db
cat $pool/libvirt/qemu/3-web/ram > /dev/null
check "no alert so far" bash -c "! compgen -G '$told/*'"

kill_pager
hears "its loss is told" "[pager-lost raised]"
check "scripts know" await was_told pager-lost.raised
check "which pool it is" has TARN_POOL=$pool pager-lost.raised
check "in words" has "TARN_MESSAGE=$pool: the pager is gone, page-ins wait for another one" \
	pager-lost.raised
check "as nobody" has "$(id -u nobody)" pager-lost.raised
check "who may nothing" has "CapEff:	0000000000000000" pager-lost.raised
check "and has no files" has 4 pager-lost.raised
check "nothing else is in its environment" \
	bash -c "! grep -E '^(HOME|TARN_L1|PWD_OLD)=' $told/pager-lost.raised.*"
check "a script that others could have written is not run" said "others than root may write"
check "nor files of packages" bash -c "! [ -e $told/writable ] && ! [ -e $told/old ]"
hears "one that takes too long is ended" "slow took more than 3 seconds"
slow=$(cat "$told"/slow.*)
gone()
{
	! kill -0 "$slow" 2>/dev/null
}
check "with all that it began" await gone

start_pager nullb0
hears "the end of trouble is told" "[pager-attached cleared]"
check "to scripts as well" await was_told pager-attached.cleared
stop_pager
start_pager nullb0
stop_pager
start_pager nullb0
await was_told pager-attached.cleared
# Three were lost, and what came within four seconds is told once.
sleep 8
count=$(compgen -G "$told/pager-*" | wc -l)
echo "$count alerts" > "$work/out"
[ "$count" -ge 2 ] && [ "$count" -le 6 ]
result $? "many of a kind are told as few"

check "an event has its fields in the history" \
	any '.event == "pager-lost" and .pool == "'$pool'" and .priority == 2' \
	past --events --json
check "and words" says "created" past --events
check "a domain is named" any '.event == "partition-created" and .domain == "web" and
	.path == "libvirt/qemu/3-web/ram"' past --events --json

await samples 6
check "a second has one sample" json '[inputs.time] | . == unique' \
	past --json --by second -p $pool
page_outs()
{
	past --json --by second | tail -n 1 | jq .page_outs
}
now_outs()
{
	[ "$(page_outs)" = "$(tarnctl pool show --json "$pool" | jq .page_outs)" ]
}
check "counters are those of the pool" await now_outs
check "partitions are found by domain" \
	json '.path == "libvirt/qemu/3-web/ram" and .logical_pages == 6144' \
	past --json --by second --partition web
check "or by pattern" bash -c "[ \$(tarnctl history --history $history --by second \
	--partition '*' --json | jq -r .path | sort -u | wc -l) = 2 ]"
check "CSV has a head" bash -c "tarnctl history --history $history --by second --csv |
	awk -F, 'NR == 1 { n = NF; ok = /^time,pool,uuid,flags,frames,/ } NF != n { ok = 0 }
		END { exit !ok }'"
check "and quotes" bash -c "touch '$pool/a,\"b' && sleep 2.5 && tarnctl history --csv --by second \
	--history $history --partition 'a*' | grep -F '\"a,\"\"b\"'"
check "a table for people" says RESIDENT past --by second
refuse 2 "is no time" "times are checked" past --since yesterday-ish
refuse 2 "is not before" "their order, too" past --since 1m --until 2m
refuse 2 "wants second or minute" "and periods" past --by hour
refuse 2 "exclude each other" "one form at a time" past --json --csv
refuse 1 "no pool of the history" "pools are checked" past --pool nope
check "top plays it" says "libvirt/qemu/3-web/ram" tarnctl top --replay --history "$history" \
	--by second --plain --count 40
refuse 1 "nothing of" "not what is not there" tarnctl top --replay --history "$history" \
	--since 3d --until 2d
refuse 2 "go with --replay" "a history alone is not enough" tarnctl top --history "$history"

stop_logd -KILL
start_logd
before=$(past --json --by second | wc -l)
check "after it was killed it goes on" await samples $((before + 2))
check "what was kept before is there" any '.event == "pager-lost"' past --events --json
check "it ends well" stop_logd -TERM
# Of the group alone, which may not write to the directory.
install -t "$work" "$(command -v tarnctl)"
chgrp nogroup "$history"*
chmod 640 "$history"*
as_nobody()
{
	setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}
check "who may only read it does" any '.event == "pager-lost"' as_nobody \
	"$work/tarnctl" history --history "$history" --events --json
chmod 600 "$history"
refuse 1 "not permitted" "who may not read it does not" as_nobody "$work/tarnctl" history --history "$history"
head -c 8192 /dev/urandom | dd of="$history" conv=notrunc status=none
rm -f "$history-wal" "$history-shm"
refuse 1 "is damaged" "one that is damaged is no history" past
: > "$work/logd.log"
start_logd
hears "it is put aside" "put aside as $history.damaged"
await samples 2
check "and a new one begun" samples 2
rm -rf $pool/libvirt $pool/db $pool/a*
stop_pager
umount $pool
hears "a pool that goes is told" "the pool is unmounted"
check "it does not keep it" bash -c "! mountpoint -q $pool"
check "and ends well" stop_logd -TERM
end
