#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# No room: on a device, and on the filesystem of a file. What is paged stays
# right, who needs more waits, and goes on when there is room again.
set -u
# shellcheck source=selftests/pager/tools/common.sh
. "$(dirname "$0")/tools/common.sh"

status_is()
{
	control '{"cmd": "status"}' "$1"
}

plan 18
pool 8M
truncate -s 8M "$work/a"
check "it starts" pager --device "$work/a"
# 8 MiB of frames and 8 MiB of slots, for 24 MiB of pages.
load a write 0 6144 1
check "the pager is full" wait_until status_is 'a["full"]'
check "and has used all" status_is 'a["used_pages"] == a["capacity_pages"]'
check "who needs frames waits" kill -0 $load
truncate -s 64M "$work/b"
check "a device is added" control \
	"{\"cmd\": \"add\", \"path\": \"$work/b\", \"priority\": 3}" 'a["device"] == 1'
check "who waited goes on" wait "$load"
check "no longer full" wait_until status_is 'not a["full"]'
check "no page is wrong" pages a check 0 6144 1
kill_pager
check "the next pager finds both devices by their numbers" \
	pager --device "$work/b" --device "$work/a"
check "no page is wrong then" pages a check 0 6144 1
check "what is added twice is refused" \
	control "{\"cmd\": \"add\", \"path\": \"$work/b\"}" 'a["errno"] in ("EEXIST", "EBUSY")'
kill_pager
rm "$pool/a"
mkdir "$work/small"
mount -t tmpfs -o size=6M tarn-test "$work/small"
pager --device "$work/small/c,size=64M" || exit 1
load a write 0 6144 1
check "a full filesystem is no room" wait_until said 'is full'
mount -o remount,size=64M "$work/small"
check "and room again when it grows" wait "$load"
kill_pager
rm "$pool/a"
umount "$work/small"

# One leg of a mirror has no room: both stay good, and copies of each other.
legs_are_good()
{
	control '{"cmd": "devices"}' 'all(l["state"] == "good" for l in a["devices"][0]["legs"])'
}

mount -t tmpfs -o size=6M tarn-test "$work/small"
check "a mirror" pager --mirror "$work/small/c,$work/e,size=64M" --force
load a write 0 6144 1
check "one of its legs is full" wait_until said 'is full'
check "it is not given up" legs_are_good
mount -o remount,size=64M "$work/small"
check "who waited goes on when there is room" wait "$load"
check "on both legs" legs_are_good
kill_pager
umount "$pool"
umount "$work/small"
