# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests with a guest in a pool add to lib.sh: the pool, a pager, and
# questions about areas.

pool=/run/tarn/test-attach
pager=

command -v jq >/dev/null || skip_all "there is no jq"
command -v tarnctl >/dev/null || skip_all "tarnctl is not built"
hold=$top/build/selftests/kmod/pager_hold
[ -x "$hold" ] || skip_all "the test pager is not built"

# shellcheck disable=SC2317 # called by the trap
pool_exit()
{
	[ -z "${pid-}" ] || kill -9 "$pid" 2>/dev/null
	[ -z "$pager" ] || kill "$pager" 2>/dev/null
	wait
	umount "$pool" 2>/dev/null
	rm -rf "$tmp"
}

# pool_init SIZE: a pool at $pool that pages.
pool_init()
{
	mkdir -p "$pool"
	mount -t tarnfs -o "size=$1" tarn "$pool" || skip_all "no tarnfs"
	trap pool_exit EXIT
	"$hold" "$pool" >"$tmp/pager" &
	pager=$!
	until grep -q serving "$tmp/pager"; do
		kill -0 "$pager" 2>/dev/null || exit 1
		sleep 0.1
	done
}

# pins FILE FILTER: whether jq finds it true of the partition's areas.
pins()
{
	tarnctl partition pins --json "$pool/$1" >"$tmp/pins" &&
		jq -e "$2" "$tmp/pins" >/dev/null
}

# await_pins FILE FILTER: the same, for what comes in a moment.
await_pins()
{
	local end=$((SECONDS + 40))

	while [ $SECONDS -lt $end ]; do
		pins "$1" "$2" && return
		sleep 0.5
	done
	jq -c . "$tmp/pins" | sed 's/^/# /'
	return 1
}

# areas BY: the handles of what BY has registered.
areas()
{
	jq -r ".areas[] | select(.by == \"$1\").handle" "$tmp/pins"
}

# Every page of the areas of a type, one a line.
area_pages()
{
	jq -r --arg type "$2" '.areas[] | select($type == "all" or .type == $type) |
		range(.offset / 4096 | floor;
		(.offset + .bytes - 1) / 4096 + 1 | floor)' "$tmp/pins" | sort -nu
}

# not_resident FILE TYPE: how many pages of areas of that type have no frame. Both the
# pages and the runs of pages of one state are in ascending order.
not_resident()
{
	pins "$1" .areas || return
	tarnctl partition pages --json --runs "$pool/$1" >"$tmp/pages" || return
	{
		jq -r '.runs[] | "\(.start) \(.start + .count) \(.state)"' "$tmp/pages"
		area_pages "$1" "$2"
	} | awk 'NF > 1 { end[runs] = $2; state[runs++] = $3; next }
		{ while (at < runs && end[at] <= $1) at++ }
		at == runs || state[at] !~ /^(resident|clean)$/ { n++ }
		END { print n + 0 }'
}
