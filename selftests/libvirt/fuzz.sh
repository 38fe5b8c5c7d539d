#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A VMM with ASan and UBSan under fuzzers: command lines, and monitors with a
# machine (where /dev/kvm works) and without. The first argument is a number that
# repeats a run, the second how many times as long it takes.

set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd -P)
bin=$top/build/selftests/libvirt
vmm=$bin/asan/tarn-vmm
seed=${1:-$RANDOM}
times=${2:-1}
n=0
bad=0
sandbox=off

# Without an accelerator there is still all that comes before it.
kernel=
[ -w /dev/kvm ] && kernel=$("$top/scripts/kernel" path 6.12-cloud vmlinux)
dir=$(mktemp -d)
cd "$dir" || exit 2
trap 'rm -rf "$dir"' EXIT
export ASAN_OPTIONS=exitcode=98:detect_leaks=1

ok()
{
	local status=$?

	n=$((n + 1))
	[ $status = 0 ] && echo "ok $n $1" && return
	echo "not ok $n $1"
	bad=1
	grep -aE 'ERROR|runtime error|SUMMARY|^ +#[0-9]' messages | head -n 30 | sed 's/^/# /'
	tail -n 2 messages | sed 's/^/# /'
}

# monitor NAME OPTION...: fuzz the monitor of a VMM with these options.
monitor()
{
	local name=$1 pid status

	shift
	rm -f qmp
	truncate -s 1M image
	"$vmm" -sandbox $sandbox -S -no-shutdown -nodefaults -display none \
		-qmp unix:qmp,server=on,wait=off "$@" 2>messages &
	pid=$!
	for _ in {1..200}; do
		[ -S qmp ] && break
		sleep 0.1
	done
	timeout 600 "$bin/qmp_fuzz" qmp "$seed" $((150 * times)) | sed 's/^/# /' &&
		kill -TERM $pid
	status=$?
	wait $pid && [ $status = 0 ]
	ok "$name"
}

echo "TAP version 13"
echo "1..$((2 + ${kernel:+2}0 / 10))"
echo "# seed $seed"
"$bin/argv_fuzz" "$vmm" "$seed" $((300 * times)) ${kernel:+"$kernel"}
ok "command lines"
monitor "a monitor without a machine" -machine none
[ -n "$kernel" ] || exit $bad

# shellcheck disable=SC2054 # commas belong to the options
machine=(-m 128 -kernel "$kernel" -object iothread,id=iothread1
	-blockdev driver=file,filename=image,node-name=s1,cache.direct=on
	-blockdev driver=raw,node-name=f1,file=s1
	-device virtio-blk-pci,id=disk0,drive=f1,iothread=iothread1
	-device virtio-balloon-pci,id=balloon0 -device virtio-rng-pci,id=rng0
	-device pvpanic)
monitor "a monitor of a machine" "${machine[@]}"
# Without sanitizers, since their calls are none of those that the sandbox knows.
vmm=$top/build/bin/tarn-vmm
sandbox=on
monitor "a monitor of a machine in its sandbox" "${machine[@]}"
exit $bad
