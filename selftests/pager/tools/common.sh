# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests of tarn-pager share: TAP, a pool, a pager on it, devices that
# fail when told to. A test sources this, calls plan, then pool and pager, and
# check for each result.

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d /dev/shm/tarn-pager.XXXXXX)
pool=/run/tarn/pager-test
log=$work/log
pager=
nr=0
bad=0
# There is no udev in L1, so the nodes are made by dmsetup itself.
export DM_DISABLE_UDEV=1

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 4
}

plan()
{
	echo "TAP version 13"
	echo "1..$1"
	planned=$1
	trap finish EXIT
}

finish()
{
	local status=$?

	trap - EXIT
	[ -z "$pager" ] || kill -9 "$pager" 2>/dev/null
	wait
	umount "$pool" 2>/dev/null
	remove_devices
	if [ $nr != "$planned" ] || [ $bad != 0 ]; then
		sed 's/^/# log: /' "$log"
		status=1
	fi
	rm -rf "$work"
	exit "$status"
}

# check NAME COMMAND...: one result. In this shell, as commands start pagers.
check()
{
	local name=$1

	shift
	nr=$((nr + 1))
	if "$@" > "$work/output" 2>&1; then
		echo "ok $nr - $name"
	else
		echo "not ok $nr - $name"
		echo "# $*"
		sed 's/^/# /' "$work/output"
		bad=$((bad + 1))
	fi
}

# A condition that becomes true; the limit is for what never ends.
wait_until()
{
	local limit=$((SECONDS + 60 * ${TARN_SLOW:-1}))

	until "$@"; do
		[ $SECONDS -lt $limit ] || return 1
		sleep 0.1
	done
}

pool()
{
	mkdir -p "$pool"
	mount -t tarnfs -o "size=$1" tarn "$pool" || exit 1
	uuid=$(basename "$(find /sys/fs/tarn -mindepth 1 -maxdepth 1 -type d)")
}

counter()
{
	cat "/sys/fs/tarn/$uuid/$1"
}

# counter_is NAME OPERATOR NUMBER, as in test(1)
counter_is()
{
	local value

	value=$(counter "$1")
	echo "$1 is $value"
	test "$value" "$2" "$3"
}

# pager OPTION...: start one in the background and wait until it serves.
pager()
{
	launch "$@"
	wait_until serving || {
		sed 's/^/# /' "$log"
		return 1
	}
}

launch()
{
	echo "--- $*" >> "$log"
	lines=$(wc -l < "$log")
	tarn-pager --pool "$pool" "$@" > /dev/null 2>> "$log" &
	pager=$!
}

recent()
{
	tail -n "+$((lines + 1))" "$log"
}

serving()
{
	recent | grep -q 'serving '
}

said()
{
	recent | grep -q -- "$1"
}

kill_pager()
{
	kill -9 "$pager"
	wait "$pager" 2>/dev/null # and be silent
	pager=
}

# ends STATUS OPTION...: a pager that does not start.
ends()
{
	local status

	launch "${@:2}"
	wait "$pager"
	status=$?
	pager=
	echo "status $status"
	[ $status = "$1" ]
}

refused()
{
	ends 1 "$@"
}

pages()
{
	"$tools/pages" "$pool/$1" "${@:2}"
}

# load FILE ARGUMENT...: pages in the background, $load.
load()
{
	"$tools/pages" "$pool/$1" "${@:2}" > "$work/load" &
	load=$!
}

load_is_right()
{
	local status

	kill "$load"
	wait "$load"
	status=$?
	echo "status $status"
	cat "$work/load"
	return $status
}

control()
{
	"$tools/control.py" "$pool.pager" "$@"
}

# Devices: dm on a ram disk, so that they can be made to fail.
remove_devices()
{
	local name

	for name in /dev/mapper/tarn-*; do
		[ -e "$name" ] || continue
		dmsetup message "${name##*/}" 0 nothing 2>/dev/null
		dmsetup remove "${name##*/}" 2>/dev/null
	done
}

need_devices()
{
	if ! modprobe brd rd_nr=4 rd_size=65536 2>/dev/null ||
	   ! modprobe dm-mod 2>/dev/null; then
		skip_all "no ram disks or no device mapper"
	fi
}

# device NAME N: /dev/mapper/tarn-NAME on /dev/ramN, 64 MiB. What a test before left there
# is gone; ram disks of older kernels discard nothing.
device()
{
	blkdiscard "/dev/ram$2" 2>/dev/null ||
		dd if=/dev/zero of="/dev/ram$2" bs=1M count=64 oflag=direct status=none
	dmsetup create "tarn-$1" --table "0 131072 linear /dev/ram$2 0"
	test -b "/dev/mapper/tarn-$1" || exit 1
}

# Give a device another table: what it was, or one that fails.
retable()
{
	dmsetup suspend --noflush "tarn-$1" &&
		dmsetup load "tarn-$1" --table "$2" &&
		dmsetup resume "tarn-$1"
}

# A disk of scsi_debug, $disk, with these parameters.
scsi_disk()
{
	modprobe sd_mod 2>/dev/null
	modprobe scsi_debug dev_size_mb=64 delay=0 "$@" 2>/dev/null || return 1
	wait_until find_disk
}

find_disk()
{
	disk=$(echo /sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/sd*)
	disk=/dev/${disk##*/}
	[ -b "$disk" ]
}

break_device()
{
	retable "$1" "0 131072 error"
}

# Writes fail, reads don't.
break_writes()
{
	modprobe dm-flakey
	retable "$1" "0 131072 flakey /dev/ram$2 0 0 3600 1 error_writes"
}

mend_device()
{
	retable "$1" "0 131072 linear /dev/ram$2 0"
}
