# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The jobs of a run. A job is a group on a kernel, or on this machine: "GROUP KERNEL"
# or "GROUP here". Which there are and in which order (plan_jobs), how many of them
# run at a time (start_jobs), what became of them all (add_counts, say_times), and which
# tests get a second try (try_again). Each job runs in a shell of its own and leaves
# files in $tmp/GROUP-KERNEL:
#
#   counts	passed, failed, skipped
#   times	milliseconds of all and of the tests alone; what its machines took of
#		processors, as "times" says it: user and system, "1m2.345s"
#   failures	what failed and what was said about it, for people
#   again	what failed, for run --failed: "GROUP KERNEL TEST", or "*" for all tests
#
# shellcheck disable=SC2034,SC2154 # shared with selftests/run

# Lines "LANES SECONDS GROUP KERNEL": what needs more than one lane comes first, so
# that no lane waits for another to become free beside it; then what takes longest,
# so that all lanes come to their end at about the same time.
plan_jobs()
{
	local plan

	if [ -n "$only_failed" ]; then
		plan=$(plan_failed)
	else
		plan=$(plan_groups)
	fi || exit
	mapfile -t jobs < <(sort -k1,1nr -k2,2nr <<< "$plan" | cut -d' ' -f3-)
	[ -n "${jobs[*]}" ] || jobs=()
}

plan_groups()
{
	local group kernel

	for group in $groups; do
		[ -e "$here/groups/$group" ] || die "no group $group; TESTS=help lists them"
		read_group "$here/groups/$group"
		if [ -n "$host" ]; then
			plan_job here
			continue
		fi
		for kernel in $(kernels_of_group); do
			if [ "$group_on" = host ]; then
				plan_job here
				break
			fi
			plan_job "$kernel"
		done
	done
}

# Those of the run that the group is for.
kernels_of_group()
{
	local kernel

	for kernel in $group_kernels; do
		[[ " ${kernels[*]} " != *" $kernel "* ]] || echo "$kernel"
	done
}

# A machine of four processors fills two lanes; one of two goes beside another one.
set_width()
{
	width=$(((group_cpus + 1) / 2))
	[ "$width" -le "$lanes" ] || width=$lanes
}

# set_place GROUP: where it can run now. Those that mostly wait go to places of their own
# beside the lanes, which their machines would leave idle, as many as there are lanes; in a
# lane only when no others are left. Where one thing is to run at a time there are none.
set_place()
{
	read_group "$here/groups/$1"
	set_width
	place=none
	if [ "$group_waits" = yes ] && [ "$lanes" -gt 1 ] && [ "$aside" -gt 0 ]; then
		place=aside
	elif { [ "$group_waits" = no ] || [ "$busy_left" = 0 ]; } && [ "$width" -le "$free" ]; then
		place=lane
	fi
}

plan_job()
{
	local width

	choose_tests "$1"
	set_width
	[ ${#todo[@]} = 0 ] || echo "$width $group_takes $group_name $1"
}

plan_failed()
{
	local group kernel

	cut -d' ' -f1,2 "$failed_list" | sort -u | while read -r group kernel; do
		[ -e "$here/groups/$group" ] || die "no group $group any more"
		read_group "$here/groups/$group"
		choose_tests "$kernel"
		[ ${#todo[@]} != 0 ] || die "what failed of $group is no test any more"
		plan_job "$kernel"
	done
}

# choose_tests KERNEL: numbers of the group's tests that are to run, into "todo".
choose_tests()
{
	local i last

	last=$(kernels_of_group | tail -n 1)
	todo=()
	for i in "${!group_tests[@]}"; do
		if [ -n "$only_failed" ]; then
			has_failed "$1" "${group_names[i]}" || continue
		else
			is_for "$1" "${group_when[i]}" || continue
		fi
		todo+=("$i")
	done
}

# is_for KERNEL WHEN
is_for()
{
	case $2 in
	test)	;;
	heavy)	[ "$1" != debug ] && is_for "$1" once ;;
	once)	[ -n "$full" ] || [ "$1" = here ] || [ "$1" = "$last" ] ;;
	full)	[ -n "$full" ] ;;
	*)	[ "$1" = "$2" ] ;;
	esac
}

has_failed()
{
	grep -qxF -e "$group_name $1 $2" -e "$group_name $1 *" "$failed_list"
}

# Jobs in their order, as many as there are lanes; the next one is the first that
# fits into those that are free.
start_jobs()
{
	local free=$lanes aside=$lanes busy_left=0 pid
	local -A width_of=()
	local waiting=("${jobs[@]}")

	count_busy
	while [ ${#waiting[@]} != 0 ]; do
		while start_one; do :; done
		wait -n -p pid
		if [ "${width_of[$pid]}" = aside ]; then
			aside=$((aside + 1))
		else
			free=$((free + width_of[$pid]))
		fi
	done
	wait
}

# Of those that do not start yet, how many do not mostly wait.
count_busy()
{
	local name

	for name in "${waiting[@]}"; do
		read_group "$here/groups/${name% *}"
		[ "$group_waits" = yes ] || busy_left=$((busy_left + 1))
	done
}

start_one()
{
	local i group kernel width place

	for i in "${!waiting[@]}"; do
		read -r group kernel <<< "${waiting[i]}"
		set_place "$group"
		[ "$place" != none ] || continue
		run_job "$group" "$kernel" &
		if [ "$place" = aside ]; then
			width_of[$!]=aside
			aside=$((aside - 1))
		else
			width_of[$!]=$width
			free=$((free - width))
		fi
		[ "$group_waits" = yes ] || busy_left=$((busy_left - 1))
		unset "waiting[i]"
		return 0
	done
	return 1
}

# Their machines end with them.
# shellcheck disable=SC2317 # called by the trap
stop_jobs()
{
	trap '' TERM INT
	# shellcheck disable=SC2046 # several words
	kill $(jobs -p)
	wait
	add_counts
	exit 143
}

# A job without counts did not come to its end.
add_counts()
{
	local name dir p f s

	for name in "${jobs[@]}"; do
		dir=$tmp/${name// /-}
		p=0 f=1 s=0
		if [ -e "$dir/counts" ]; then
			read -r p f s < "$dir/counts"
		else
			tell_failure "$name: was not run to its end"
			again+=("$name *")
		fi
		passed=$((passed + p))
		failed=$((failed + f))
		skipped=$((skipped + s))
		[ ! -e "$dir/failures" ] || mapfile -t -O ${#failures[@]} failures < "$dir/failures"
		[ ! -e "$dir/again" ] || mapfile -t -O ${#again[@]} again < "$dir/again"
	done
	mkdir -p "${failed_list%/*}"
	{ [ ${#again[@]} = 0 ] || printf '%s\n' "${again[@]}"; } > "$failed_list"
}

# Where the minutes went: booting is all that is not a test, ends of machines too. A job
# that took much less of processors than of time mostly waits.
say_times()
{
	local name

	say "== seconds: booting, testing, of processors; $lanes at a time"
	printf '   %-20s %5s %5d\n' "(building)" "" "$built"
	for name in "${jobs[@]}"; do
		echo "$name $(cat "$tmp/${name// /-}/times")"
	done | sort -k4,4nr | awk '
		function seconds(t) { split(t, part, /[ms]/); return 60 * part[1] + part[2] }
		{ cpu = seconds($5) + seconds($6) }
		{ booting = $3 > $4 ? ($3 - $4) / 1000 : 0 }
		{ printf "   %-14s %-5s %5d %5d %5d\n", $1, $2, booting, $4 / 1000, cpu }
		{ all_booting += booting; testing += $4 / 1000; processors += cpu }
		END { printf "   %-20s %5d %5d %5d\n", "(all)", all_booting, testing, processors }'
}

# Few enough to be chance, and tests that have a name.
may_try_again()
{
	[ ${#again[@]} -gt 0 ] && [ ${#again[@]} -le 2 ] && [[ "${again[*]}" != *'*'* ]] &&
		! out_of_time
}

# What failed runs once more, one test at a time. Results that are good then count as
# passed; what was said of them the first time is still said, as of unsteady ones.
try_again()
{
	local before=("${failures[@]}") had_passed=$passed had_failed=$failed had_skipped=$skipped
	local mended

	say "== again: $(printf '%s; ' "${again[@]}")"
	only_failed=y
	lanes=1
	failures=()
	again=()
	passed=0 failed=0 skipped=0 milliseconds=0
	plan_jobs
	start_jobs
	add_counts
	failures=("${before[@]/#failed:/unsteady:}" "${failures[@]}")
	# What is skipped now has not passed.
	mended=$((had_failed - failed))
	[ $mended -ge 0 ] || mended=0
	[ $mended -le $passed ] || mended=$passed
	passed=$((had_passed + mended))
	[ $failed -ge $((had_failed - mended)) ] || failed=$((had_failed - mended))
	skipped=$had_skipped
}
