# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests of tarnctl share: TAP, pools, a pager on null_blk. In L1 the start of any
# program takes long, so the shell does by itself what it can.

test_no=0
failed=0
work=$(mktemp -d)
pool=/run/tarn/test-tools
pool2=/run/tarn/test-tools2
pager=

# result STATUS NAME: one line of TAP; what went wrong is in $work/out.
result()
{
	test_no=$((test_no + 1))
	if [ "$1" = 0 ]; then
		echo "ok $test_no - $2"
	else
		echo "not ok $test_no - $2"
		sed 's/^/# /' "$work/out" 2>/dev/null | head -n 40
		failed=1
	fi
}

# check NAME COMMAND...: the command succeeds.
check()
{
	local name=$1

	shift
	"$@" > "$work/out" 2>&1 < /dev/null
	result $? "$name"
}

# refuse STATUS TEXT NAME COMMAND...: the command fails so and says TEXT.
refuse()
{
	local want=$1 text=$2 name=$3 got said

	shift 3
	"$@" > "$work/out" 2>&1 < /dev/null
	got=$?
	said=$(< "$work/out")
	echo "status $got, not $want; wanted: $text" >> "$work/out"
	[ $got = "$want" ] && [[ $said == *"$text"* ]]
	result $? "$name"
}

# says TEXT COMMAND...: the command succeeds and prints TEXT.
says()
{
	local text=$1 said status

	shift
	"$@" > "$work/said" 2>&1
	status=$?
	said=$(< "$work/said")
	printf '%s\n' "$said"
	[ $status = 0 ] && [[ $said == *"$text"* ]]
}

# json FILTER COMMAND...: the command prints JSON for which the filter is true.
json()
{
	local filter=$1

	shift
	"$@" > "$work/json" || return 1
	printf '%s\n' "$(< "$work/json")"
	jq -e "$filter" "$work/json"
}

# Wait for what must come, however slow the machine is. What has not come in three
# minutes never does.
await()
{
	local deadline=$((SECONDS + 180))

	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.1
	done
}

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 4
}

need()
{
	local program

	for program in "$@"; do
		command -v "$program" > /dev/null || skip_all "there is no $program"
	done
}

mount_pool()
{
	mkdir -p "$1"
	mount -t tarnfs -o "$2" tarn "$1" || {
		echo "Bail out! can't mount a pool"
		exit 1
	}
}

make_disk()
{
	local dir=/sys/kernel/config/nullb/$1

	modprobe null_blk nr_devices=0 2>/dev/null
	mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
	mkdir "$dir" || return 1
	echo 256 > "$dir/size"
	echo 4096 > "$dir/blocksize"
	echo 1 > "$dir/memory_backed"
	echo 1 > "$dir/power"
	await test -b "/dev/$1"
}

remove_disk()
{
	local dir=/sys/kernel/config/nullb/$1

	[ -d "$dir" ] || return
	echo 0 > "$dir/power"
	rmdir "$dir"
}

is_served()
{
	tarnctl pool list --json | jq -e ".[] | select(.mount == \"$pool\").served"
}

# start_pager DISK...
start_pager()
{
	local disk devices=()

	for disk; do
		devices+=(--device "/dev/$disk")
	done
	tarn-pager --pool $pool "${devices[@]}" 2> "$work/pager.log" &
	pager=$!
	until is_served > /dev/null; do
		kill -0 $pager 2>/dev/null || {
			sed 's/^/# /' "$work/pager.log"
			echo "Bail out! the pager does not start"
			exit 1
		}
		sleep 0.1
	done
}

end_pager()
{
	[ -n "$pager" ] || return
	kill "$1" "$pager" 2>/dev/null
	wait "$pager" 2>/dev/null
	pager=
}

stop_pager()
{
	end_pager -TERM
}

kill_pager()
{
	end_pager -KILL
}

finish()
{
	cd /
	stop_pager
	umount $pool $pool2 2>/dev/null
	remove_disk nullb0
	remove_disk nullb1
	rm -rf "$work"
}

end()
{
	echo "1..$test_no"
	exit $failed
}

trap finish EXIT
