#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Pagers are killed under load and others take over: no page is ever wrong, and
# what is stored stays where it is.
set -u
# shellcheck source=selftests/pager/tools/common.sh
. "$(dirname "$0")/tools/common.sh"

rounds=${TEST_KILLS:-10}
options=(--device "$work/a,size=64M" --device "$work/b,size=64M" --queues 2)

# Kill, start another, and let that do some work.
round()
{
	local before

	kill_pager
	pager "${options[@]}" || return 1
	before=$(counter page_ins)
	wait_until counter_is page_ins -gt $((before + 50))
}

rounds_go_on()
{
	local i

	for ((i = 0; i < rounds; i++)); do
		round || return 1
	done
}

plan 8
pool 12M
check "it starts" pager "${options[@]}"
check "some pages are stored" pages still write 0 4096 7
load a churn 0 6144 0
wait_until counter_is page_ins -gt 100 > /dev/null
check "pagers are killed and replaced" rounds_go_on
check "no page was wrong" load_is_right
check "the module saw no wrong content" counter_is checksum_errors -eq 0
check "what was stored first is still right" pages still check 0 4096 7
kill_pager
check "a pager without one of the devices is refused" \
	refused --device "$work/a" --wait 2
check "and says which" said 'device 1 holds .* missing'
