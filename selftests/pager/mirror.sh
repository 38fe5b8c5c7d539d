#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A mirror loses a leg, goes on, remembers it across pagers, and is re-silvered
# under load; then the other leg is lost. A leg that may be the stale one starts alone
# when it is told to.
set -u
# shellcheck source=selftests/pager/tools/common.sh
. "$(dirname "$0")/tools/common.sh"

legs=/dev/mapper/tarn-a,/dev/mapper/tarn-b

leg_state_is()
{
	control '{"cmd": "devices"}' \
		"a['devices'][0]['legs'][$1]['state'] == '$2'"
}

degraded_is()
{
	control '{"cmd": "status"}' "a['degraded'] == $1"
}

need_devices
plan 28
device a 0
device b 1
pool 8M
check "it starts" pager --mirror "$legs"
check "pages are written" pages a write 0 6144 1
check "both legs are written and read" control '{"cmd": "devices"}' \
	'all(l["state"] == "good" for l in a["devices"][0]["legs"])'
break_device a
check "a leg fails, no page does" pages a check 0 6144 1
check "the leg is known as failed" wait_until leg_state_is 0 failed
check "the pager is degraded" degraded_is True
check "pages are written to the other one" pages a write 0 6144 2
check "and read" pages a check 0 6144 2
kill_pager
mend_device a 0
check "another pager starts" pager --mirror "$legs"
check "it knows which leg is out of date" leg_state_is 0 failed
check "and reads the other" pages a check 0 6144 2
load b churn 0 4096 0
wait_until counter_is page_outs -gt 8192 > /dev/null
check "re-silvering begins" control '{"cmd": "resilver"}'
check "it ends well" wait_until leg_state_is 0 good
check "the pager is whole" degraded_is False
check "the load meanwhile was right" load_is_right
break_device b
check "the other leg fails, no page does" pages a check 0 6144 2
check "it is known as failed" wait_until leg_state_is 1 failed
check "re-silvering to a device that fails" control '{"cmd": "resilver"}' 'a["errno"] == "EROFS"'
check "leaves it failed" wait_until leg_state_is 1 failed
kill -HUP "$pager"
mend_device b 1
device c 2
check "another device takes its place" control \
	'{"cmd": "resilver", "device": 0, "path": "/dev/mapper/tarn-c"}' \
	'a["started"] == 1' /dev/mapper/tarn-c
check "and becomes good" wait_until leg_state_is 1 good
kill_pager
check "one of two good legs is not started alone" ends 1 --mirror /dev/mapper/tarn-a,/dev/mapper/tarn-x
check "is named" said '/dev/mapper/tarn-a may lack what was stored lately'
check "but when that is asked for" pager --mirror /dev/mapper/tarn-a,/dev/mapper/tarn-x,degraded=on
check "it has all" pages a check 0 6144 2
kill_pager
check "it is the newer one then" pager --mirror /dev/mapper/tarn-a,/dev/mapper/tarn-c
check "the other one is out of date" leg_state_is 1 failed
check "all is there still" pages a check 0 6144 2
