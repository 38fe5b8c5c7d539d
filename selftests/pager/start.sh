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

need_devices
plan 24
device a 0
pool 8M
check "no such pool" refused --pool /nowhere --device "$work/x,size=8M"
check "a pool that is none" refused --pool "$work" --device "$work/x,size=8M"
check "is named" said 'is not on a pool'
check "a file that is not there and has no size" refused --device "$work/y"
check "is named" said 'y does not exist'
check "a directory" refused --device "$work"
check "foreign data" refused --device /bin/true
mkfs.ext4 -q /dev/mapper/tarn-a
check "a filesystem" refused --device /dev/mapper/tarn-a
check "is named" said "holds something that is not a pager's"
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
check "a block device is granted" device_has 0 '["granted"]'
check "pages are written" pages a write 0 4096 1
check "and read by the module" pages a check 0 4096 1
check "without the pager" control '{"cmd": "status"}' \
	'sum(q["loads"] for q in a["queues"]) == 0'
kill_pager
rm "$pool/a"
check "with discard" pager --device "$work/d,size=64M,discard=on"
check "pages are written" pages a write 0 4096 1
rm "$pool/a"
check "slots are freed" wait_until counter_is paging_used -eq 0
check "and their blocks" wait_until blocks_under "$work/d" 2000
