# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What became of one test: begin_test, then take_line for each line that it prints,
# then end_test with its status. The caller has set "where", "test" and "job_line"
# (the job, as in the list of what failed) and keeps the sums: passed, failed,
# skipped, milliseconds, the lines in failures and again.
#
# What is said about a failed result goes with it to the end of the run, three lines of
# it: those "# ..." directly before it, or, when there are none, directly behind it.
#
# shellcheck disable=SC2034,SC2154 # shared with selftests/run

begin_test()
{
	lines=()
	ok=0
	not_ok=0
	skip=0
	planned=
	bailed=
	notes=()
	behind=
}

# tell_failure TEXT: a line for the end of the run.
tell_failure()
{
	failures+=("failed: $1")
}

# Of the last result, if "behind" says how many it still takes, otherwise of the next one.
# Indented further is what only the whole log is for, as are stacks.
take_note()
{
	[[ $1 != '#  '* ]] || return
	if [ -z "$behind" ]; then
		notes+=("    ${1:0:200}")
		[ ${#notes[@]} -le 3 ] || notes=("${notes[@]:1}")
	elif [ "$behind" -gt 0 ]; then
		failures+=("    ${1:0:200}")
		behind=$((behind - 1))
	fi
}

fail_result()
{
	not_ok=$((not_ok + 1))
	tell_failure "$where $test: $1"
	failures+=("${notes[@]}")
	[ ${#notes[@]} != 0 ] || behind=3
}

take_line()
{
	lines+=("$1")
	if [[ $1 = '#'* ]]; then
		take_note "$1"
		return
	fi
	behind=
	case $1 in
	'ok '*'# SKIP'*|'ok '*'# skip'*)	skip=$((skip + 1)) ;;
	'ok '*)			ok=$((ok + 1)) ;;
	'not ok '*)		fail_result "${1#not ok }" ;;
	'1..0'*)		planned=0 ;;
	'1..'[1-9]*)		planned=${1#1..}; planned=${planned%%[!0-9]*} ;;
	'Bail out!'*)		bailed=y ;;
	esac
	notes=()
}

# end_test STATUS MILLISECONDS: the verdict is that of the results, the exit status
# and the plan.
end_test()
{
	local status=$1 took=$2 results=$((ok + not_ok + skip)) trouble='' mark=ok

	if [ "$status" = 4 ] && [ $results = 0 ]; then
		skip=1
	elif [ "$status" = 0 ] && [ $results = 0 ] && [ "${planned:-0}" = 0 ]; then
		if [ -n "$planned" ]; then skip=1; else ok=1; fi
	elif [ "$status" = 124 ] || [ "$status" = 137 ]; then
		trouble="ran out of time or was killed"
	elif [ "$status" = complaint ] || [ "$status" = 125 ] && [ -z "$stopped" ]; then
		trouble="the kernel complained"
		complained=y
	elif [ -n "$stopped" ]; then
		trouble=$stopped
	elif [ "$status" != 0 ] && [ "$not_ok" = 0 ] &&
		[ "$status $skip" != "4 $results" ]; then
		trouble="exit status $status"
	elif [ -n "$planned" ] && [ "$planned" -gt $results ]; then
		trouble="$((planned - results)) of $planned results are missing"
	elif [ -n "$bailed" ]; then
		trouble="bailed out"
	fi
	if [ -n "$trouble" ]; then
		not_ok=$((not_ok + 1))
		tell_failure "$where $test: $trouble"
		[ ${#lines[@]} = 0 ] || failures+=("    behind: ${lines[-1]:0:200}")
	fi
	passed=$((passed + ok))
	failed=$((failed + not_ok))
	skipped=$((skipped + skip))
	milliseconds=$((milliseconds + took))

	[ "$not_ok" = 0 ] || mark=FAIL
	[ "$not_ok" = 0 ] || again+=("$job_line $test")
	[ "$mark" = FAIL ] || [ "$ok" != 0 ] || mark=skip
	print_result | report
}

print_result()
{
	printf '%-4s %-17s %-34s %4d.%d s  %d passed, %d failed, %d skipped\n' "$mark" "$where" \
		"$test" $((took / 1000)) $((took % 1000 / 100)) "$ok" "$not_ok" "$skip"
	[ "$not_ok" = 0 ] || print_log
	[ "$skip" = 0 ] || printf '%s\n' "${lines[@]}" | grep -i '^ok .*# skip\|^1\.\.0 \|^# SKIP' | sed 's/^/       /'
}

print_log()
{
	local nr=${#lines[@]}

	[ "$nr" -le 200 ] || say "     | ... ($((nr - 200)) lines more)"
	printf '     | %s\n' "${lines[@]: -$((nr > 200 ? 200 : nr))}"
	[ -z "$trouble" ] || say "     | $trouble"
}

# What is said at a time comes out as a whole, whatever else runs.
report()
{
	flock "$tmp/lock" cat
}
