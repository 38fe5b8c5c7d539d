#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every change of a page's state passes the tracepoint tarn_page_state. Run
# tests with it on and hold what is seen against the table of legal changes, as
# in Documentation/design/state-machine.rst: none beyond it, and all but a few
# rare ones of it.
set -u

here=$(cd "$(dirname "$0")" && pwd)
tracing=/sys/kernel/tracing
# What comes true only when two things meet closely: need not be seen.
rare="empty/fill>empty/none resident/rescued>empty/none resident/rescued>resident/none
resident/out>resident/rescued"
legal="empty/none>empty/fill
empty/fill>empty/none
empty/fill>resident/none
resident/none>resident/out
resident/none>resident/move
resident/none>empty/none
resident/out>resident/none
resident/out>resident/rescued
resident/out>paged/none
resident/out>empty/none
resident/rescued>resident/none
resident/rescued>empty/none
resident/move>resident/none
paged/none>paged/in
paged/none>empty/none
paged/in>resident/none
paged/in>paged/none
paged/in>empty/none"
test_no=0
failed=0

result()
{
	test_no=$((test_no + 1))
	if [ "$1" = 0 ]; then
		echo "ok $test_no $2"
	else
		echo "not ok $test_no $2"
		failed=1
	fi
}

skip()
{
	echo "1..0 # SKIP $*"
	exit 4
}

finish()
{
	echo 0 > $tracing/events/tarn/enable
	echo > $tracing/trace
	echo 1408 > $tracing/buffer_size_kb
	rm -rf "$work"
}

# Names of the tracepoints that have to be there, with the fields of a page.
check_formats()
{
	local bad=0 name

	for name in tarn_page_state tarn_load tarn_store tarn_io_done \
			tarn_event tarn_reclaim; do
		if [ ! -e $tracing/events/tarn/$name/format ]; then
			echo "# no tracepoint $name"
			bad=1
		fi
	done
	return $bad
}

# "partition index from>to" of each change, in order of time.
changes()
{
	sed -nE 's/.*tarn_page_state: partition=([0-9]+) index=([0-9]+) ([a-z]+\/[a-z]+) -> ([a-z]+\/[a-z]+) .*/\1 \2 \3>\4/p'
}

run_traced()
{
	echo > $tracing/trace
	echo 1 > $tracing/events/tarn/enable
	cat $tracing/trace_pipe > "$work/pipe" &
	local reader=$! status=0

	"$here/paging" > "$work/out" || status=1
	"$here/paging_races" >> "$work/out" || status=1
	"$here/fs_remount" >> "$work/out" || status=1
	"$here/no_pager" >> "$work/out" || status=1
	echo 0 > $tracing/events/tarn/enable
	sleep 1
	kill $reader
	wait $reader 2>/dev/null
	if [ $status != 0 ]; then
		grep -E '^(not ok|#)' "$work/out" | sed 's/^/# /'
	fi
	return $status
}

only_legal()
{
	local bad=0 change

	# A change of flag or hint alone is none of the state.
	while read -r change; do
		[ "${change%>*}" = "${change#*>}" ] && continue
		if ! grep -qxF "$change" <<< "$legal"; then
			echo "# not in the table: $change"
			bad=1
		fi
	done < <(cut -d' ' -f3 "$work/changes" | sort -u)
	return $bad
}

all_seen()
{
	local bad=0 change

	while read -r change; do
		grep -q " $change\$" "$work/changes" && continue
		[[ " ${rare//$'\n'/ } " == *" $change "* ]] && continue
		echo "# never seen: $change"
		bad=1
	done <<< "$legal"
	return $bad
}

# Each change of a page begins where its last one ended: none is untraced.
# Events of two CPUs in the same microsecond may come out of order, so only
# pages of which no two changes are as close are looked at.
no_gaps()
{
	awk '
		{ split($3, s, ">"); key = $1 " " $2 }
		(key in last) && last[key] != s[1] { gaps++ }
		{ last[key] = s[2]; n++ }
		END {
			printf "# %d changes, %d out of sequence\n", n, gaps
			exit n < 1000 || gaps > n / 1000
		}' "$work/changes"
}

[ "$(id -u)" = 0 ] || skip "needs root"
[ -d $tracing/events ] || mount -t tracefs tracefs $tracing 2>/dev/null
[ -d $tracing/events/tarn ] || skip "no tracepoints of tarn in this kernel"
work=$(mktemp -d)
trap finish EXIT
echo 16384 > $tracing/buffer_size_kb

echo "KTAP version 1"
echo "1..5"
check_formats
result $? "tracepoints"
run_traced
result $? "tests_while_traced"
changes < "$work/pipe" > "$work/changes"
only_legal
result $? "only_changes_of_the_table"
all_seen
result $? "all_changes_of_the_table"
no_gaps
result $? "no_change_is_untraced"
exit $failed
