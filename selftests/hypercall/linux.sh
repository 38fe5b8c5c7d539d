#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A Linux guest on tarn-vmm, with two processors, loads tarn_guest.ko: not without a
# Tarn, then with one. Seen from outside: its areas, its metrics, the memory that it
# says is free, and none of them once the module is unloaded. Then once more on a VMM
# that attaches by itself.
#
#   linux.sh 6.1-cloud|6.12-cloud|7.3-cloud

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
outside=$here/outside
kernel=${1:-6.12-cloud}
# shellcheck source=selftests/vmm/lib.sh
. "${TARN_TOP:-$here/../../..}/selftests/vmm/lib.sh"

release=$("$top/scripts/kernel" path "$kernel" release)
ko=$top/build/kmod/$release/tarn_guest.ko
[ -e "$ko" ] || skip_all "$ko is not built"
pool=$tmp/pool
part=$pool/guest

# shellcheck disable=SC2317 # called by the trap
clean()
{
	[ -z "${pid-}" ] || kill "$pid" 2>/dev/null
	wait
	umount "$pool"
	rm -rf "$tmp"
}

# What the guest does, a step whenever it is told to.
make_guest()
{
	mkdir -p "$tmp/more"
	cp "$ko" "$tmp/more/"
	cat > "$tmp/more/steps" <<-'STEPS'
		step() { echo "guest: at $1"; read -r go; }
		insmod /tarn_guest.ko && echo "guest: wrongly loaded"
		step unattached
		dd if=/dev/zero of=/tmp/file bs=1M count=64 2>/dev/null
		rm /tmp/file
		step filled
		insmod /tarn_guest.ko && echo "guest: loaded"
		dmesg | grep tarn_guest:
		step loaded
		echo 0 > /sys/devices/system/cpu/cpu1/online
		step one
		echo 1 > /sys/devices/system/cpu/cpu1/online
		step two
		rmmod tarn_guest && echo "guest: unloaded"
		step unloaded
		for bad in metrics_ms=49 metrics_ms=60001 metrics_ms=-1 areas=3 hints=2; do
			insmod /tarn_guest.ko $bad && echo "guest: wrongly took $bad"
		done
		insmod /tarn_guest.ko metrics_ms=0 areas=1 hints=0 && echo "guest: loaded again"
		step again
	STEPS
	(cd "$tmp/more" && printf '%s\n' tarn_guest.ko steps | cpio -o -H newc --quiet) \
		> "$tmp/more.cpio"
	cat "$initrd" "$tmp/more.cpio" > "$tmp/initrd"
	initrd=$tmp/initrd
}

boot()
{
	guest_input=$tmp/in
	mkfifo "$guest_input"
	guest_start "test=sh+/steps" -smp 2 -kernel "$elf" \
		-machine pc,memory-backend=ram0,tarn=off \
		-object "memory-backend-file,id=ram0,size=256M,share=on,mem-path=$part"
	exec 9> "$guest_input"
}

# go STEP: on to the next step.
go()
{
	echo go >&9
	await "guest: at $1"
}

show()
{
	"$outside" show "$part" > "$tmp/show"
}

value()
{
	sed -n "s/^$1 //p" "$tmp/show"
}

# areas TYPE: how many of that type the guest has registered.
areas()
{
	show
	grep -c "^area $1 1 " "$tmp/show"
}

# until_true COMMAND...: a guest's kernel takes its time; the test has a limit.
until_true()
{
	until "$@"; do
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.2
	done
}

updated()
{
	show
	[ "$(value updates)" -gt "$1" ] 2>/dev/null
}

resident_below()
{
	show
	[ "$(value resident)" -lt "$1" ]
}

plan 14
images "$kernel"
mkdir "$pool"
mount -t tarnfs -o size=320M,paging=none tarn "$pool" || skip_all "no tarnfs"
trap clean EXIT
make_guest
boot
await "guest: at unattached" && ! said "wrongly loaded"
ok "without a Tarn the module does not load"
go filled && "$outside" attach "$part" "$pid"
ok "the VM is attached from outside"
show
before=$(value resident)
go loaded && said "guest: loaded" && said "in use: areas metrics hints"
ok "then it does"
[ "$(areas 9)" = 6 ]
ok "descriptor tables of two processors"
[ "$(areas 1)" = 2 ]
ok "data of two processors"
updated 0 && first=$(value updates) && until_true updated $((first + 2)) &&
	[ "$(value total_pages)" -gt 40000 ] && [ "$(value total_pages)" -lt 65536 ] &&
	[ "$(value free_pages)" -gt 10000 ] && [ "$(value file_pages)" -gt 100 ]
ok "the page of metrics is written"
tarnctl partition metrics "$part" > "$tmp/metrics" &&
	grep -q "^  free  *[0-9.]*M" "$tmp/metrics" &&
	[ "$(tarnctl partition metrics --json "$part" | jq .total_pages)" = "$(value total_pages)" ]
ok "and shown by tarnctl"
until_true resident_below $((before - 12000))
ok "free memory is given up"
go one && [ "$(areas 9)" = 3 ] && [ "$(areas 1)" = 1 ]
ok "a processor that goes takes its areas along"
go two && [ "$(areas 9)" = 6 ] && [ "$(areas 1)" = 2 ]
ok "and brings them back"
go unloaded && said "guest: unloaded" && [ "$(areas '[0-9]*')" = 0 ]
ok "unloaded, nothing is registered"
go again && ! said "wrongly took" && said "guest: loaded again" &&
	[ "$(areas 9)" = 6 ] && [ "$(areas 1)" = 0 ] && [ "$(areas 8)" = 0 ]
ok "parameters"
echo go >&9
wait "$pid"
ok "the guest ends in order"
pid=
guest_input=/dev/null
guest "test=insmod+/tarn_guest.ko" -kernel "$elf" -machine pc,memory-backend=ram0 \
	-object "memory-backend-file,id=ram0,size=256M,share=on,mem-path=$part" &&
	said "guest: status 0"
ok "a VMM that attaches by itself"
finish
