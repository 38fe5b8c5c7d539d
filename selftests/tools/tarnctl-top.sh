#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The live view of tarnctl in a terminal (tmux): what it shows, its keys, any
# size of the terminal, and that it leaves the terminal as it was.
#
# shellcheck disable=SC2317 # functions are called by check
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
need jq tmux

export LC_ALL=C.UTF-8 TERM=screen-256color TMUX_TMPDIR=$work
mount_pool $pool size=32M,paging=none
truncate -s 16M $pool/alpha
head -c 4M /dev/urandom > $pool/beta
head -c 2M /dev/urandom > $pool/gamma
exec 7< $pool/gamma
rm $pool/gamma

# The server must not inherit the file that is held open.
terminal()
{
	tmux -f /dev/null "$@" 7<&-
}

screen()
{
	terminal capture-pane -p -t top | tee "$work/screen"
}

shows()
{
	screen | grep -qF -- "$1"
}

hides()
{
	! shows "$1"
}

# seen NAME TEXT: the text appears on the screen, sooner or later.
seen()
{
	await shows "$2"
	result $? "$1"
}

gone()
{
	await hides "$2"
	result $? "$1"
}

# seen_order NAME WORD...: at last, the first column below the titles is this.
in_order()
{
	[ "$(screen | sed -n '/^PARTITION/,$p' | sed 1d |
		awk -v n=$# 'NR <= n { printf "%s ", $1 }')" = "$* " ]
}

seen_order()
{
	local name=$1

	shift
	await in_order "$@"
	result $? "$name"
}

keys()
{
	terminal send-keys -t top "$@"
}

finish_top()
{
	terminal kill-server 2>/dev/null
	finish
}
trap finish_top EXIT

# The shell stays when tarnctl has ended, and shows how.
terminal new-session -d -x 120 -y 24 -s top \
	"stty -a > $work/before; tarnctl top -d 0.5; echo status \$?; stty -a > $work/after; sleep 1000"

seen "the pool" "tarn $pool"
seen "its state" "no paging"
seen "its size" "of 32M"
seen "the size of all partitions" "logical 22M (0.69x)"
has_titles()
{
	[ "$(screen | grep '^PARTITION' | tr -s ' ')" = "$*" ]
}
await has_titles "PARTITION LOGICAL RESIDENT PAGED WSS FAIR HOMES MISPL IN/s OUT/s REFLT/s WAIT/s P50 P99"
result $? "all columns"
seen_order "partitions by name" alpha beta id:3
keys r
seen_order "r sorts by resident" beta id:3 alpha
seen "and says so" "sorted by resident"
keys R
seen_order "R turns it round" alpha id:3 beta
keys R l
seen_order "l sorts by size" alpha beta id:3
keys b
seen "b shows bytes" 16777216
terminal resize-window -t top -x 80 -y 24
exact_titles()
{
	screen | grep -q '^PARTITION *LOGICAL *RESIDENT *PAGED .*IN/s' && ! shows REFLT
}
await exact_titles
result $? "bytes on 80 columns drop others, and keep their gaps"
uncut()
{
	screen | grep -qE '^alpha +16777216 +0 +0 '
}
check "no digit is cut" uncut
terminal resize-window -t top -x 80 -y 24
check "waits for frames at 80 columns" shows "for frames/s 0"
check "and latencies" shows "for page-ins p50 -  p99 -"
terminal resize-window -t top -x 120 -y 24
keys b
gone "and b hides them again" 16777216
keys h
seen "h explains the keys" "space      pause"
keys h
gone "another key leaves that" "space      pause"
keys Space
seen "space holds" "held"
truncate -s 1M $pool/late
keys n
seen "keys work while it is held" "sorted by name"
hides late
result $? "but nothing new comes"
keys Space
seen "space goes on" "late"
rm $pool/late
gone "a partition that goes" late

# ---- sizes

terminal resize-window -t top -x 60 -y 12
gone "a narrow screen drops columns" REFLT
await has_titles "PARTITION LOGICAL RESIDENT PAGED IN/s OUT/s"
result $? "but not the first ones"
fits()
{
	screen | awk '{ if (length > w) w = length } END { exit w > '"$1"' || NR > '"$2"' }'
}
check "and writes nothing beyond" fits 60 12
terminal resize-window -t top -x 20 -y 4
gone "a tiny screen" PARTITION
seen "has the head" "tarn"
terminal resize-window -t top -x 1 -y 1
await fits 1 1
terminal resize-window -t top -x 200 -y 50
seen "a large screen again has all" "REFLT/s"
seen_order "with all rows" alpha beta id:3
for n in $(seq 60); do
	truncate -s 4K "$pool/p$n"
done
terminal resize-window -t top -x 100 -y 16
seen "more rows than lines" "1-8 of 63"
keys End
seen "end" "56-63 of 63"
keys Home Down Down
seen "what is chosen stays on the screen" "1-8 of 63"
keys NPage
seen "page down" "4-11 of 63"
keys PPage PPage PPage Up
seen "page up stops at the top" "1-8 of 63"
keys / p 6
seen "what is typed filters" "name has: p6_"
await in_order p6 p60
result $? "by what names have in them"
keys Enter
seen "enter keeps that" "[p6]"
keys / Escape
gone "escape ends it" "[p6]"
keys Home
seen "and all are there again" "1-8 of 63"
rm $pool/p*
seen_order "rows that go while it is scrolled" alpha beta id:3
esc=$'a\e[31mb'
truncate -s 4K "$pool/$esc"
seen "an escape sequence in a name is spelled" 'a\x1b[31mb'
rm "$pool/$esc"
gone "and goes with it" 'a\x1b[31mb'

# ---- one partition

terminal resize-window -t top -x 80 -y 24
keys Home Enter
seen "enter shows one" "alpha  of ${pool##*/}"
seen "that nobody has it mapped" "no process that may be looked at has it mapped"
seen "its size" "0 of 16M"
seen "its pins" "0 areas, 0 pinned"
seen "its page-ins" "none under way"
await fits 80 24
result $? "and writes nothing beyond"
keys Down
seen "down shows the next one" "beta  of ${pool##*/}"
seen "how warm it is" "cold "
keys Down
seen "and one without a file" "removed, number 3"
keys Enter
seen "enter goes back" "sorted by"

# ---- the end

keys q
seen "q quits with success" "status 0"
# But for its size, in the first line.
cmp <(sed 1d "$work/before") <(sed 1d "$work/after") > "$work/out" 2>&1
result $? "the terminal is as it was"
gone "the shell's screen is back" PARTITION

# ---- several pools

mount_pool $pool2 size=8M,paging=none
truncate -s 1M $pool2/other
terminal respawn-pane -k -t top "tarnctl top -d 0.5; echo status \$?; sleep 1000"
seen "all pools" "tarn 2 pools  4 partitions"
seen "a line each" "${pool2##*/}"
seen "with all partitions" other
terminal resize-window -t top -x 160 -y 24
has_pools()
{
	screen | grep -qE "^other +${pool2##*/} "
}
await has_pools
result $? "and the names of their pools"
keys k
seen "sorted by them" "sorted by pool"
terminal resize-window -t top -x 80 -y 24
keys q
seen "q quits" "status 0"
umount $pool2
terminal resize-window -t top -x 120 -y 24

terminal respawn-pane -k -t top "tarnctl top -d 0.2 -n 3; echo status \$?; sleep 1000"
seen "it ends after a number of samples" "status 0"
terminal respawn-pane -k -t top "tarnctl top -d 0.2; echo status \$?; sleep 1000"
seen "it runs again" PARTITION
exec 7<&-
# It opens the pool for a moment each time, so this may have to be tried.
await umount $pool
seen "a pool that is unmounted ends it" "status 1"
seen "and it says why" "is not mounted any more"
mount_pool $pool size=32M,paging=none
terminal respawn-pane -k -t top "TERM=nosuch tarnctl top; echo status \$?; sleep 1000"
seen "an unknown terminal" "the terminal type 'nosuch' is unknown"
terminal respawn-pane -k -t top "NO_COLOR=1 tarnctl top -d 0.2; sleep 1000"
seen "without colours" PARTITION
! terminal capture-pane -p -e -t top | grep -q $'\e\\[3[0-7]m'
result $? "there are none"
terminal respawn-pane -k -t top "tarnctl top -d 0.2; sleep 1000"
seen "with colours" PARTITION
terminal capture-pane -p -e -t top | grep -q $'\e\\[3[0-7]m'
result $? "there are some"

# A terminal that goes away ends it: no process is left to spin.
pid=$(pgrep -x tarnctl)
terminal kill-session -t top
await_gone()
{
	! kill -0 "$pid"
}
await await_gone
result 0 "it ends with its terminal"

end
