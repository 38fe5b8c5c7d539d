#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Completion for bash, of all commands that tarnctl says there are: it offers all of their
# subcommands and options, and nothing else; partitions where a partition is wanted; and
# the columns of their tables.
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
top=${TARN_TOP:-$(cd "$(dirname "$0")/../.." && pwd -P)}
PATH=$top/build/bin:$PATH
need tarnctl
# shellcheck source=tools/tarnctl/tarnctl.bash
. "$top/tools/tarnctl/tarnctl.bash"

# Names of the commands below these words.
below()
{
	tarnctl "$@" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'
}

# options WORDS...: the long ones.
options()
{
	tarnctl "$@" --help | sed -n 's/^  \(-.,\|   \) \(--[a-z-]*\).*/\2/p'
}

# same OFFERED WANTED: the same words, in any order.
same()
{
	diff <(tr -s ' \t\n' '\n' <<< "$1" | grep . | sort) <(tr -s ' \t\n' '\n' <<< "$2" | grep . | sort)
}

# has WORD COMP_WORD...: it is offered for the last one.
has()
{
	local COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2)) COMPREPLY=()

	_tarnctl 2> /dev/null
	[[ " ${COMPREPLY[*]} " == *" $1 "* ]]
}

lacks()
{
	! has "$@"
}

# In place of tarnctl, where it is asked for partitions.
with_one()
{
	echo g1
}

# columns WORDS...: each that is offered is taken, and there are some.
columns()
{
	local COMP_WORDS=(tarnctl "$@" -o "") COMP_CWORD=$(($# + 2)) COMPREPLY=() word

	_tarnctl 2> /dev/null
	[ ${#COMPREPLY[@]} -gt 4 ] || return 1
	for word in "${COMPREPLY[@]}"; do
		tarnctl "$@" -o "$word" 2>&1 | grep "no column" && return 1
	done
	return 0
}

leaf()
{
	local usage

	check "options of $*" same "$(_tarnctl_words "$*")" "$(options "$@")"
	usage=$(tarnctl "$@" --help | head -n 1)
	if [[ $usage == *"[OPTION]... PARTITION"* ]]; then
		check "a partition for $*" has g1 with_one "$@" g
	fi
	# Nodes are columns of numa's, which wants a pool for that.
	if [[ $* != numa ]] && options "$@" | grep -qx -- --columns; then
		check "columns of $*" columns "$@"
	fi
}

check "all commands" same "$(_tarnctl_words "")" "$(below) help --help --version"
for command in $(below); do
	# What libvirt runs is not for people.
	subs=$(below "$command" | grep -vx hook)
	if [ -z "$subs" ]; then
		leaf "$command"
		continue
	fi
	check "those of $command" same "$(_tarnctl_words "$command")" "$subs --help"
	for sub in $subs; do
		leaf "$command" "$sub"
	done
done
check "columns of a partition's history" has wss tarnctl history --partition web -o w
check "which that of a pool has not" lacks wss tarnctl history -o w
check "columns of top" has fair tarnctl top -s f
check "which others have not" lacks fair tarnctl history -s f
check "nor has what is not sorted" lacks fair tarnctl iostat -s f

end
