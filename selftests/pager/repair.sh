#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Bad sectors of a mirror: a page that one leg can't read, or has wrong, comes from
# the other and is written anew; a leg that was re-silvered from one with bad
# sectors is not good for what it lacks.
set -u
# shellcheck source=selftests/pager/tools/common.sh
. "$(dirname "$0")/tools/common.sh"

device_has()
{
	control '{"cmd": "devices"}' "(lambda d, l: $1)(a['devices'][0], a['devices'][0]['legs'])"
}

# Where leg 0 was made wrong, it is as the other one again.
slots_are_equal()
{
	cmp <(dd if=/dev/mapper/tarn-a iflag=direct bs=4096 skip=1576 count=8 status=none) \
		<(dd if="$disk" iflag=direct bs=4096 skip=1576 count=8 status=none)
}

need_devices
# Of the slots that leg 0 is asked for first, 1556 and 1557 can be written, but not read.
scsi_disk opts=2 medium_error_start=12448 medium_error_count=16 || skip_all "no scsi_debug"
plan 17
device a 0
device b 1
pool 8M
check "it starts" pager --mirror "$disk,/dev/mapper/tarn-a"
check "pages are written" pages a write 0 6144 1
check "those that a leg can't read come from the other" pages a check 0 6144 1
# Those beside them do not count, though the block layer makes one read of many.
check "they are written anew there" device_has \
	"2 <= l[0]['read_errors'] <= 8 and 2 <= l[0]['repaired'] <= 8"
check "and both legs stay good" device_has "all(x['state'] == 'good' for x in l)"
# All of them are clean: none is written again, and each is read.
check "all pages leave memory" tarnctl partition page-out "$pool/a"
dd if=/dev/zero of="$disk" oflag=direct bs=4096 seek=1576 count=8 conv=notrunc status=none
check "wrong content comes from the other leg, too" pages a check 0 6144 1
check "it is counted" device_has "l[0]['mismatches'] > 0"
check "and written anew" wait_until slots_are_equal
check "nothing is wrong for the module" counter_is checksum_errors -eq 0
check "both legs are good still" device_has "all(x['state'] == 'good' for x in l)"
break_device a
pages b write 0 4096 1
check "a leg that can't be written fails" wait_until device_has "l[1]['state'] == 'failed'"
check "another one takes its place" control \
	'{"cmd": "resilver", "device": 0, "path": "/dev/mapper/tarn-b"}' \
	'a["started"] == 1' /dev/mapper/tarn-b
check "it is good but for what could not be read" wait_until device_has \
	"l[1]['state'] == 'good' and d['lost'] == 2"
check "the pager is degraded for that" wait_until control '{"cmd": "status"}' 'a["degraded"]'
kill_pager
check "the next pager does not take it for whole" pager --mirror "$disk,/dev/mapper/tarn-b"
check "but as failed" device_has "l[1]['state'] == 'failed'"
kill_pager
umount "$pool"
