# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests that save a guest add to lib.sh: the guest that checks what it holds.

# make_save_disk: set $disk to one that has the program of that guest.
make_save_disk()
{
	make_disk
	debugfs -w -R "write $here/save-guest save-guest" "$disk" >/dev/null 2>&1
	debugfs -w -R "sif save-guest mode 0100755" "$disk" >/dev/null 2>&1
}

# The guest has checked more than it had, and found nothing wrong.
goes_on()
{
	local count

	count=$(grep -ac "guest: checked" "$tmp/out")
	for _ in {1..300}; do
		pause 0.3
		said "guest: BAD" && return 1
		[ "$(grep -ac "guest: checked" "$tmp/out")" -gt $((count + 1)) ] && return
		runs || return 1
	done
	return 1
}
