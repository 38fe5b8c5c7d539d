# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the VMM's tests share: TAP output, the images of test guests, and running
# a guest to its end, a Linux or, where that is not the point, a bare one. Tests run
# as root where /dev/kvm works (in L1, or on a host that has it). Each is one process;
# make images with lib.sh's images first when several start at once.

set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
top=$(cd "$here/../.." && pwd -P)
export PATH=$top/build/bin:$PATH
cache=${TARN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tarn}
guest_limit=${TEST_GUEST_TIMEOUT:-300}
# shellcheck source=selftests/vmm/quick.sh
. "$top/selftests/vmm/quick.sh"
bare_kernel=$top/build/selftests/guest/bare
guest_input=/dev/null
guest_command=()
guest_tries=1
tap_n=0
tap_bad=0

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

plan()
{
	echo "TAP version 13"
	echo "1..$1"
}

# ok NAME: report the status of the command before as a test result.
ok()
{
	local status=$?

	tap_n=$((tap_n + 1))
	if [ $status = 0 ]; then
		echo "ok $tap_n $1"
	else
		echo "not ok $tap_n $1"
		tap_bad=$((tap_bad + 1))
		[ -e "$tmp/out" ] && sed 's/^/# /' "$tmp/out" | tail -n 25
	fi
	return 0
}

# skip RESULT REASON: one result that can't be had here.
skip()
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n $1 # SKIP $2"
}

finish()
{
	[ $tap_bad = 0 ]
	exit
}

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 4
}

[ -w /dev/kvm ] || skip_all "/dev/kvm is missing"
command -v tarn-vmm >/dev/null || skip_all "tarn-vmm is not built"
[ -e "$bare_kernel" ] || skip_all "the bare guest is not built"

# image WHAT... OUT: have mkguest make it where that stays, or in $tmp; sets $image.
image()
{
	image=$cache/initramfs/${!#}
	if ! "$here/mkguest" "${@:1:$#-1}" "$image" 2>/dev/null; then
		mkdir -p "$tmp/images"
		image=$tmp/images/${!#}
		"$here/mkguest" "${@:1:$#-1}" "$image"
	fi
}

# kernel_images KERNEL: set $elf, $bzimage for 6.1-cloud, 6.12-cloud or 7.3-cloud.
# shellcheck disable=SC2034 # for the tests
kernel_images()
{
	{ read -r elf; read -r bzimage; } < <("$top/scripts/kernel" path "$1" vmlinux vmlinuz)
	# Under KVM in an emulator it finds XSAVE inconsistent (832 bytes, not 576), with stock
	# QEMU, too, and falls over its own way to do without.
	[ "$1" != 7.3-cloud ] || quick+=" noxsave"
}

# images KERNEL: those, and $initrd.
images()
{
	kernel_images "$1"
	image initrd "$1" "guest-$1.cpio"
	initrd=$image
}

# disk: set $disk to a fresh ext4 image of a guest.
make_disk()
{
	disk=$tmp/disk.img
	image disk guest-disk.img
	cp --sparse=always "$image" "$disk"
}

# Seconds, without a program of its own: where programs are emulated, what begins one
# again and again takes from the guest what it waits for.
pause()
{
	read -r -t "$1" _ <>"$tmp/never" || true
}

mkfifo "$tmp/never"

# launch: run guest_command in the background; sets $pid. Through descriptor 9 a test
# writes to $guest_input, where that is a pipe.
launch()
{
	: >"$tmp/out"
	"${guest_command[@]}" <"$guest_input" >"$tmp/out" 2>&1 9>&- &
	pid=$!
}

# guest_start APPEND [OPTION...]: a Linux guest in the background; sets $pid. Its serial
# port and the VMM's messages are in $tmp/out. Wait with: wait "$pid". The guest says
# one line when it is up, so that the kernel's own messages need not be printed.
guest_start()
{
	guest_command=(tarn-vmm -m 256 -cpu host -display none -serial stdio
		-initrd "$initrd" -append "console=ttyS0 quiet $quick $1" "${@:2}")
	guest_tries=2
	launch
}

# guest APPEND [OPTION...]: the same to its end. Returns the VMM's status.
guest()
{
	guest_start "$@"
	await_end
}

# bare_start WORDS [OPTION...], bare WORDS [OPTION...]: the same with a guest that has no
# kernel, see selftests/guest/bare.c. It is up at once.
bare_start()
{
	guest_command=(tarn-vmm -m 256 -cpu host -display none -serial stdio
		-kernel "$bare_kernel" -append "$1" "${@:2}")
	guest_tries=1
	launch
}

bare()
{
	bare_start "$@"
	await_end
}

# Emulated processors now and then run code that a kernel changes as it boots while
# that is half changed; testbeds without Tarn in them die of it, too.
died_patching()
{
	said "RIP: .*text_poke\|RIP: .*static_key\|RIP: .*jump_label" && ! said "guest: up"
}

# Once, a guest that died so is begun again.
begin_again()
{
	[ "$guest_tries" -gt 1 ] && died_patching || return
	echo "# the guest died as it changed its own code: once more"
	guest_tries=1
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	launch
}

runs()
{
	kill -0 "$pid" 2>/dev/null
}

# await TEXT: until the guest has said it, or is gone.
await()
{
	local n

	for ((n = 1; ; n++)); do
		! said "$1" || return 0
		if ! runs; then
			begin_again || { said "$1"; return; }
		elif [ $((n % 10)) = 0 ]; then
			begin_again
		fi
		pause 0.3
	done
}

# await_end: until it has ended. Returns the VMM's status.
await_end()
{
	local n deadline=$((SECONDS + guest_limit))

	for ((n = 1; ; n++)); do
		if ! runs; then
			begin_again || break
		elif [ $((n % 30)) = 0 ]; then
			begin_again
		fi
		if [ $SECONDS -ge $deadline ]; then
			echo "# not ended after $guest_limit seconds"
			kill -KILL "$pid"
		fi
		pause 0.1
	done
	wait "$pid"
}

said()
{
	grep -aq -- "$1" "$tmp/out"
}

# status N: the command before ended with it.
status()
{
	local was=$?

	[ "$was" = "$1" ] || echo "# status $was, not $1"
	[ "$was" = "$1" ]
}
