# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Reads the description of a group of tests, a file of selftests/groups: a line a
# setting, its name first.
#
#   about TEXT            one line for TESTS=help
#   on l1|host            where its tests run (l1)
#   kernels NAME...       which L1s to run them in, of 6.1, 6.12, 7.3 and debug (all but
#                         7.3), if the run is for them; on the host, for which kernels
#                         they are of interest
#   cpus, memory, nodes, distances, spare, nvme
#                         what L1 gets, as options of selftests/qemu/l1 (2, 4096, 1, all
#                         20, none, none)
#   waits yes             its tests mostly wait, for rounds of a thread, say: it runs beside
#                         the others, not in place of one
#   takes SECONDS         on an idle machine, for each kernel; the longest start first
#   default no            runs only when it is named
#   module no             do not load tarn.ko
#   makes TARGET          a target of make that its tests want beside the build
#   disk SIZE             an empty scratch disk; the first one is /dev/vda
#   test SECONDS COMMAND  a test and its time limit, run at the top of the tree; a
#                         program given by a pattern stands for one test a match
#   once SECONDS COMMAND  a test for which one kernel does, the last one of the run,
#                         unless it is a full one
#   heavy SECONDS COMMAND the same, and not with "debug": there it would take an hour
#   full SECONDS COMMAND  a test for full runs only: what another one does in less time,
#                         at greater length
#   only NAME SECONDS COMMAND
#                         a test for the L1 of that kernel alone
#
# Result: the variables group_*.

# shellcheck disable=SC2034 # used by those who source this
read_group()
{
	local key value kernel limit command

	group_file=$1
	group_name=${1##*/}
	group_about=
	group_on=l1
	group_kernels="6.1 6.12 debug"
	group_cpus=2
	group_takes=30
	group_waits=no
	group_default=yes
	group_makes=
	group_options=()
	group_disks=()
	group_names=()
	group_limits=()
	group_when=()
	group_tests=()
	while read -r key value; do
		case $key in
		''|'#'*)		;;
		about)			group_about=$value ;;
		on)			group_on=$value ;;
		kernels)		group_kernels=$value ;;
		cpus)			group_cpus=$value ;;
		takes)			group_takes=$value ;;
		waits)			group_waits=$value ;;
		default)		group_default=$value ;;
		makes)			group_makes=$value ;;
		memory|nodes|distances|spare|nvme)	group_options+=("--$key" "$value") ;;
		module)			[ "$value" != no ] || group_options+=(--no-module) ;;
		disk)			group_disks+=("$value") ;;
		test|once|heavy|full)	add_tests "$key" "${value%% *}" "${value#* }" ;;
		only)			read -r kernel limit command <<< "$value"
					add_tests "$kernel" "$limit" "$command" ;;
		*)	echo "$1: unknown setting $key" >&2
			exit 2 ;;
		esac
	done < "$1"
	group_options+=(--cpus "$group_cpus")
}

# add_tests WHEN SECONDS COMMAND: WHEN is "test", "once", "heavy", "full" or the only kernel. The pattern is
# matched at the top of the tree; without a match it stays, and so is a test that fails.
add_tests()
{
	local program=${3%% *} arguments='' match name

	[ "$program" = "$3" ] || arguments=${3#* }
	for match in $program; do
		case $match in
		*.o|*.d)	continue ;;
		*/*)		[ ! -d "$match" ] || continue ;;
		esac
		name=${match##*/}
		if [ "${match#*/}" = "$match" ] || [ "$program" = "$match" ] && [ -n "$arguments" ]; then
			name="$name ${arguments//\// }"
		fi
		group_names+=("${name// /-}")
		group_limits+=("$2")
		group_when+=("$1")
		group_tests+=("$match${arguments:+ $arguments}")
	done
}
