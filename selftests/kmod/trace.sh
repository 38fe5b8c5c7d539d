#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every change of a page's state passes the tracepoint tarn_page_state. Run
# tests with it on and hold what is seen against the table of legal changes, as
# in Documentation/design/state-machine.rst: none beyond it, and all but a few
# rare ones of it. The same for the numbers of page-ins.
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
resident/out>pattern/none
resident/rescued>resident/none
resident/rescued>empty/none
resident/move>resident/none
paged/none>paged/in
paged/none>empty/none
paged/in>resident/none
paged/in>paged/none
paged/in>empty/none
paged/in>pattern/fill
pattern/none>pattern/fill
pattern/none>empty/none
pattern/fill>pattern/none
pattern/fill>resident/none
pattern/fill>empty/none"
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

# shellcheck disable=SC2317 # called by the trap
finish()
{
	echo 0 > "$tracing/events/tarn/enable"
	echo > "$tracing/trace"
	echo 1408 > "$tracing/buffer_size_kb"
	rm -rf "$work"
}

# Names of the tracepoints that have to be there, with the fields of a page.
check_formats()
{
	local bad=0 name

	for name in tarn_page_state tarn_load tarn_store tarn_io_done \
			tarn_event tarn_reclaim tarn_fault_begin tarn_fault_state \
			tarn_fault_end tarn_search; do
		if [ ! -e "$tracing/events/tarn/$name/format" ]; then
			echo "# no tracepoint $name"
			bad=1
		fi
	done
	return $bad
}

# One pass over what was traced: a line for each kind of change, and how many
# changes did not begin where the last one of that page ended. Events of two CPUs
# in the same microsecond may come out of order, so a few of them mean nothing.
digest()
{
	awk '
		match($0, / tarn_fault_(begin|state|end): number=[0-9]+ partition=[0-9]+ index=[0-9]+/) {
			split(substr($0, RSTART + 1, RLENGTH - 1), f, " ")
			key = f[2] f[3] f[4]
			faults++
			if (f[1] == "tarn_fault_begin:")
				bad += open[key]++ > 0
			else
				bad += !open[key]
			if (f[1] == "tarn_fault_end:")
				open[key]--
			next
		}
		{ at = index($0, " tarn_page_state: ") }
		!at { next }
		{
			split(substr($0, at + 18), f, " ")
			key = f[1] f[2]
			if ((key in last) && last[key] != f[3])
				gaps++
			last[key] = f[5]
			n++
			if (f[3] != f[5])
				seen[f[3] ">" f[5]]++
		}
		END {
			for (change in seen)
				print "change", change, seen[change]
			print "gaps", gaps + 0, n + 0
			for (key in open)
				left += open[key]
			print "faults", bad + 0, left + 0, faults + 0
		}'
}

run_traced()
{
	echo > "$tracing/trace"
	echo 1 > "$tracing/events/tarn/enable"
	cat "$tracing/trace_pipe" > "$work/pipe" &
	local reader=$! status=0

	"$here/paging" > "$work/out" || status=1
	"$here/paging_races" >> "$work/out" || status=1
	"$here/fs_remount" >> "$work/out" || status=1
	"$here/no_pager" >> "$work/out" || status=1
	"$here/errors" load_error checksums >> "$work/out" || status=1
	"$here/pattern" patterns_are_never_stored a_stored_page_turns_out_one \
		a_write_gives_a_frame holes_and_the_end_of_the_file \
		frames_are_bounded >> "$work/out" || status=1
	echo 0 > "$tracing/events/tarn/enable"
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

	while read -r change; do
		if ! grep -qxF "$change" <<< "$legal"; then
			echo "# not in the table: $change"
			bad=1
		fi
	done < <(awk '$1 == "change" { print $2 }' "$work/digest")
	return $bad
}

all_seen()
{
	local bad=0 change

	while read -r change; do
		grep -q "^change $change " "$work/digest" && continue
		[[ " ${rare//$'\n'/ } " == *" $change "* ]] && continue
		echo "# never seen: $change"
		bad=1
	done <<< "$legal"
	return $bad
}

# Each change begins where the last one of its page ended: none is untraced.
no_gaps()
{
	local gaps changes

	read -r gaps changes < <(sed -n 's/^gaps //p' "$work/digest")
	echo "# $changes changes, $gaps out of sequence"
	[ "$changes" -gt 1000 ] && [ "$gaps" -le $((changes / 1000)) ]
}

# Each number begins once and ends once, and nothing is heard of it otherwise.
numbers()
{
	local bad left faults

	read -r bad left faults < <(sed -n 's/^faults //p' "$work/digest")
	echo "# $faults steps of page-ins, $bad out of place, $left without an end"
	[ "$faults" -gt 1000 ] && [ "$bad" -le $((faults / 1000)) ] &&
		[ "$left" = 0 ]
}

[ "$(id -u)" = 0 ] || skip "needs root"
[ -d "$tracing/events" ] || mount -t tracefs tracefs $tracing 2>/dev/null
[ -d "$tracing/events/tarn" ] || skip "no tracepoints of tarn in this kernel"
work=$(mktemp -d)
trap finish EXIT
echo 16384 > "$tracing/buffer_size_kb"

echo "KTAP version 1"
echo "1..6"
check_formats
result $? "tracepoints"
run_traced
result $? "tests_while_traced"
digest < "$work/pipe" > "$work/digest"
only_legal
result $? "only_changes_of_the_table"
all_seen
result $? "all_changes_of_the_table"
no_gaps
result $? "no_change_is_untraced"
numbers
result $? "each_number_begins_and_ends"
exit $failed
