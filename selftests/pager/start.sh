#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a pager accepts when it starts and what it refuses; granted devices;
# discard.
set -u
# shellcheck source=selftests/pager/tools/common.sh
. "$(dirname "$0")/tools/common.sh"

device_has()
{
	control '{"cmd": "devices"}' "a['devices'][$1]$2"
}

blocks_under()
{
	local blocks

	blocks=$(stat -c %b "$1")
	echo "$blocks blocks"
	[ "$blocks" -lt "$2" ]
}

# A disk of null_blk, $zoned, with zones.
zoned_disk()
{
	local dir=/sys/kernel/config/nullb/nullb0

	zoned=/dev/nullb0
	modprobe null_blk nr_devices=0 2>/dev/null
	mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
	mkdir "$dir" 2>/dev/null && echo 256 > "$dir/size" && echo 4096 > "$dir/blocksize" &&
		echo 1 > "$dir/zoned" && echo 64 > "$dir/zone_size" &&
		echo 1 > "$dir/memory_backed" && echo 1 > "$dir/power" &&
		wait_until test -b "$zoned"
}

# /dev/mapper/tarn-b has 1 MiB of bad sectors, from 32 MiB on.
bad_middle()
{
	printf '%s\n' "0 65536 linear /dev/ram1 0" "65536 2048 error" \
		"67584 63488 linear /dev/ram1 67584" > "$work/table"
	dmsetup suspend --noflush tarn-b && dmsetup load tarn-b "$work/table" && dmsetup resume tarn-b
}

need_devices
plan 67
device a 0
pool 8M
check "no such pool" refused --pool /nowhere --device "$work/x,size=8M"
check "is to be mounted" said '/nowhere does not exist; mount the pool there: mount -t tarnfs'
check "a pool that is none" refused --pool "$work" --device "$work/x,size=8M"
check "is named" said 'is not on a pool'
check "the file that was made for it is gone" test ! -e "$work/x"
check "options that make no sense have a status of their own" ends 2 --device "$work/x" --depht 5
check "a user that there is not" ends 2 --device "$work/x,size=8M" --user nobody-here
check "is named" said 'there is no user nobody-here'
check "and found before any device is touched" test ! -e "$work/x"
check "a group that there is not" ends 2 --device "$work/x,size=8M" --user root:nobody-here
check "a control socket in no directory" ends 2 --device "$work/x,size=8M" --control "$work/a/b"
check "is named" said "control $work/a/b: No such file"
check "once" test "$(recent | grep -c 'No such file')" = 1
touch "$work/socket"
check "where there is a file" ends 2 --device "$work/x,size=8M" --control "$work/socket"
check "is named" said 'is there, and no socket'
check "a path that is too long for one" ends 2 --device "$work/x,size=8M" \
	--control "$work/$(printf %0120d 0)"
check "a file that is not there and has no size" refused --device "$work/y"
check "is named" said 'y does not exist'
check "may come: the only message" test "$(recent | grep -c .)" = 1
check "a file in a directory that is not there" refused --device "$work/none/x,size=8M"
check "is named" said 'none/x: its directory does not exist'
check "a directory" ends 2 --device "$work"
check "is named" said 'neither a file nor a block device'
check "a size that is too small" ends 2 --device "$work/x,size=4M"
check "is named" said '8 MiB are the least'
check "once" test "$(recent | grep -vc 'created\|O_DIRECT')" = 1
truncate -s 8M "$work/named"
ln -s named "$work/renamed"
check "two names of one file" ends 2 --device "$work/named" --device "$work/renamed"
check "are named" said 'named and .*renamed are the same'
check "a file that is too small" ends 2 --device /bin/true
mkfs.ext4 -q /dev/mapper/tarn-a
check "a filesystem" refused --device /dev/mapper/tarn-a
check "is named" said 'holds a signature of ext4'
truncate -s 128M "$work/btrfs"
mkfs.btrfs -q -L backup "$work/btrfs" > "$work/output" 2>&1
check "a filesystem that keeps off the first page" refused --device "$work/btrfs"
check "is named" said "signature of btrfs (filesystem 'backup')"
truncate -s 8M "$work/data"
printf x | dd of="$work/data" bs=1 seek=$((8388608 - 5000)) conv=notrunc status=none
check "data at the end" refused --device "$work/data"
check "is named" said 'data without a known signature'
truncate -s 8M "$work/between"
printf x | dd of="$work/between" bs=1 seek=5000000 conv=notrunc status=none
check "data in the middle of a file" refused --device "$work/between"
check "is named" said 'data without a known signature at byte 5000000; --force destroys it'
device b 1
dd if=/dev/urandom of=/dev/mapper/tarn-b bs=1M seek=1 count=1 oflag=direct status=none
check "data of a disk behind its first MiB" refused --device /dev/mapper/tarn-b
check "is named" said 'tarn-b holds data without a known signature at byte 1048[0-9]*; --force'
dd if=/dev/zero of=/dev/mapper/tarn-b bs=1M seek=1 count=1 oflag=direct status=none
bad_middle
check "a disk that can't be read in the middle" refused --device /dev/mapper/tarn-b
check "is named" said "tarn-b holds what can't be read at byte 335[0-9]* (Input/output error)"
mend_device b 1
if zoned_disk; then
	check "a zoned device, even by force" ends 2 --device "$zoned" --force
	check "is named" said 'is a zoned device'
else
	check "a zoned device # SKIP no null_blk" true
	check "is named # SKIP no null_blk" true
fi
mkdir -p "$work/mnt"
mount /dev/mapper/tarn-a "$work/mnt"
check "a mounted device, even by force" \
	refused --device /dev/mapper/tarn-a --force --wait 0
check "is named" said 'is in use'
umount "$work/mnt"
check "by force" pager --device /dev/mapper/tarn-a --force
first=$pager
check "a pool that has a pager" refused --device "$work/z,size=8M" --wait 0
check "is named" said 'has a pager already'
check "a device of another pager" refused --device /dev/mapper/tarn-a --wait 0
check "the first one serves on" control '{"cmd": "status"}' "a['pid'] == $first"
pager=$first
dmsetup create tarn-a2 --table "0 131072 linear /dev/ram0 0"
add="\"cmd\": \"add\", \"path\""
check "a second path to a device is not added, even by force" \
	control "{$add: \"/dev/mapper/tarn-a2\", \"force\": true}" \
	'a["errno"] == "EEXIST" and "device 0 of this pool" in a["error"]' /dev/mapper/tarn-a2
mkfs.ext4 -q /dev/mapper/tarn-b
check "a file with data is not added" control "{$add: \"$work/btrfs\"}" \
	'a["errno"] == "EMEDIUMTYPE" and "btrfs" in a["error"] and "--force" in a["error"]'
check "nor is a filesystem on a block device" control "{$add: \"/dev/mapper/tarn-b\"}" \
	'a["errno"] == "EMEDIUMTYPE" and "ext4" in a["error"]' /dev/mapper/tarn-b
check "but by force" control "{$add: \"/dev/mapper/tarn-b\", \"force\": true}" \
	'a["device"] == 1' /dev/mapper/tarn-b
check "the pager that looked serves on" control '{"cmd": "status"}' "a['pid'] == $first"
check "and stores on what it took" control '{"cmd": "drain", "device": 1, "on": true}'
check "a block device is granted" device_has 0 '["granted"]'
check "pages are written" pages a write 0 4096 1
check "and read by the module" pages a check 0 4096 1
check "without the pager" control '{"cmd": "status"}' \
	'sum(q["loads"] for q in a["queues"]) == 0'
kill_pager
rm "$pool/a"
dd if=/dev/zero of=/dev/mapper/tarn-b oflag=direct bs=1M count=64 status=none
dmsetup create tarn-b2 --table "0 131072 linear /dev/ram1 0"
check "two paths to a blank device" \
	ends 2 --device /dev/mapper/tarn-b --device /dev/mapper/tarn-b2
check "are named" said 'tarn-b and .*tarn-b2 are one disk under two names'
check "and are known by then" \
	ends 2 --device /dev/mapper/tarn-b --device /dev/mapper/tarn-b2
check "with discard" pager --device "$work/d,size=64M,discard=on"
check "pages are written" pages a write 0 4096 1
rm "$pool/a"
check "slots are freed" wait_until counter_is paging_used -eq 0
check "and their blocks" wait_until blocks_under "$work/d" 2000
