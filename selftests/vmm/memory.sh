#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Where guest memory comes from.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"

plan 7
images 6.12-cloud
mkdir -p "$tmp/mem"
ram="-machine pc,memory-backend=ram0"

# Words are wanted.
# shellcheck disable=SC2086
{
	bare "" $ram -object memory-backend-memfd,id=ram0,size=256M &&
		said "guest: up"
	ok "memfd"

	bare "" $ram -object \
		"memory-backend-file,id=ram0,size=256M,mem-path=$tmp/mem,share=on" &&
		said "guest: up" && [ -z "$(ls -A "$tmp/mem")" ]
	ok "a file in a directory, which leaves no name"

	bare "" $ram -object \
		"memory-backend-file,id=ram0,size=256M,mem-path=$tmp/mem/a,share=on" &&
		said "guest: up" && [ ! -e "$tmp/mem/a" ]
	ok "a file that was made goes away"

	truncate -s 256M "$tmp/mem/b"
	bare "mark=by-the-guest" $ram -object \
		"memory-backend-file,id=ram0,size=256M,mem-path=$tmp/mem/b,share=on" &&
		grep -aq "marked by-the-guest" "$tmp/mem/b"
	ok "a file that was there holds the guest's memory"

	truncate -s 128M "$tmp/mem/c"
	bare "" $ram -object \
		"memory-backend-file,id=ram0,size=256M,mem-path=$tmp/mem/c,share=on"
	status 1 && said "smaller"
	ok "a file that is too small is refused"

	bare "" $ram -object memory-backend-memfd,id=ram0,size=200M
	status 1 && said "ram0"
	ok "a size that is not that of -m is refused"
}

guest "test=grep+MemTotal+/proc/meminfo;tail+-n+20+/proc/iomem" -kernel "$elf" \
	-m 3500 && said "100000000-11abfffff : System RAM"
ok "memory goes on above 4 GiB"
finish
